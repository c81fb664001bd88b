"""What a node sees of its run while it works: the NodeContext, for drawn and for inner steps."""

import asyncio
import time
import traceback
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from graphs.control import Parked
from graphs.errors import NodeError, RunSuspended
from graphs.events import (
    AnswerSource,
    ApprovalAnswer,
    ApprovalAnswered,
    ApprovalRequest,
    ApprovalRequested,
    Failure,
    LlmCompleted,
    LlmCompletedData,
    LlmStarted,
    LlmStartedData,
    LlmToken,
    LlmTokenData,
    Log,
    LogData,
    StepCancelled,
    StepCancelledData,
    StepStarted,
    StepStartedData,
    Usage,
    now,
)
from graphs.node_type import Defect, Services
from graphs.recorded import Begun
from graphs.run_options import RunMode
from graphs.scope import Scope, StepOutputs
from graphs.stored import Stored, store

if TYPE_CHECKING:
    from graphs.compile import CompiledNode

PUT_ASIDE_S = 30
"""For a longer wait, a run in which nothing else works is put aside."""

MILLION = 1_000_000

MAX_LINES = 1000
"""Lines that one step may write to the log; the journal is no place for more."""

MAX_LINE_CHARACTERS = 10_000


class StepContext:
    """One execution of a node, or of a part of it: all its attempts."""

    def __init__(
        self, node: "CompiledNode", scope: Scope, path: str, node_id: str, prev: Any
    ) -> None:
        begun = scope.run.journal.recorded.begun(path, node_id) or _NEW
        self.node = node
        self.scope = scope
        self.path = path
        self.prev = prev
        self.run_id = scope.run.run_id
        self.node_id = node_id
        self.recovered = begun.step_id is not None
        self.step_id = begun.step_id or str(uuid7())
        self.started_at = begun.at or now()
        self.attempt = begun.attempt
        self.first_attempt = begun.first
        self.mock = scope.run.options.mode is RunMode.MOCK
        self.usage: Usage | None = None
        self.suspended = False
        """Whether something in it was suspended: whatever the node makes of that, it has no end."""
        self.limit: asyncio.Timeout | None = None
        """The time limit of its present attempt."""
        self.has_place = False
        self.cancelled_by: str | None = None
        self._task: asyncio.Task[Any] | None = None
        self._answer: ApprovalAnswer | None = None
        self._began = time.perf_counter()
        self._lines = 0
        self.resume_at = begun.resume_at
        """When its next attempt begins, of a step that was put aside between two."""

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.scope.inputs

    @property
    def steps(self) -> Mapping[str, Any]:
        return StepOutputs(self.scope)

    @property
    def services(self) -> Services:
        services = self.scope.run.services
        # what was recorded is the run's own nodes', and another workflow's may have the same ids
        return services if self.scope.own or not self.mock else replace(services, recorded={})

    @property
    def idempotency_key(self) -> str:
        path = f"{self.path}/" if self.path else ""
        return f"{self.run_id}:{path}{self.node_id}"

    def log(self, message: str, level: str = "info") -> None:
        self._lines += 1
        if self._lines > MAX_LINES + 1:
            return
        if self._lines > MAX_LINES:
            level, message = "warning", f"Only the first {MAX_LINES:,} lines of a step are kept."
        if len(message) > MAX_LINE_CHARACTERS:
            message = f"{message[:MAX_LINE_CHARACTERS]}…"
        data = LogData(level, self.mask(message))
        self.scope.run.journal.append(Log(**self.envelope(), data=data))

    def llm_started(self, model: str) -> None:
        self.scope.run.journal.append(LlmStarted(**self.envelope(), data=LlmStartedData(model)))

    def token(self, text: str) -> None:
        self.scope.run.journal.live(LlmToken(**self.envelope(), data=LlmTokenData(text)))

    def llm_completed(self, model: str, usage: Usage, duration_ms: int) -> None:
        price = self.services.prices.get(model)
        if usage.cost_usd is None and price is not None:
            cost = usage.input_tokens * price.input_usd + usage.output_tokens * price.output_usd
            usage = replace(usage, cost_usd=_plain(cost / MILLION))
        self.usage = usage if self.usage is None else self.usage + usage
        data = LlmCompletedData(model, usage, duration_ms)
        self.scope.run.journal.append(LlmCompleted(**self.envelope(), data=data))

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        journal, control = self.scope.run.journal, self.scope.run.control
        self._answer = (
            self._answer
            or journal.recorded.answer(self.step_id)
            or control.early_answer(self.step_id)
        )
        if self._answer is not None:
            return self._answer
        if journal.recorded.asked(self.step_id) is None:
            question = replace(request, approval_id=self.step_id)
            journal.append(ApprovalRequested(**self.envelope(), data=question))
        if self.mock:
            self._answer = ApprovalAnswer(
                approval_id=self.step_id, source=AnswerSource.MOCK, answer=request.default_answer
            )
            journal.append(self.answered(self._answer))
            return self._answer
        async with self._waiting(None, long=True) as parked:
            await journal.flush()
            self._answer = await parked.future
        assert self._answer is not None, "only an answer ends the waiting for one"
        return self._answer

    def answered(self, answer: ApprovalAnswer) -> ApprovalAnswered:
        return ApprovalAnswered(**self.envelope(), data=answer)

    async def wait_until(self, moment: datetime) -> None:
        loop = asyncio.get_running_loop()
        while (left_s := (moment - now()).total_seconds()) > 0:
            async with self._waiting(moment, long=left_s > PUT_ASIDE_S) as parked:
                timer = loop.call_later(left_s, parked.wake)
                try:
                    await parked.future
                finally:
                    timer.cancel()

    async def back_off(self, until: datetime) -> None:
        """Wait for the moment of the next attempt, without a place; a pause does not wait for it.

        Raises RunSuspended or RunCancelled, also when the run is stopped only afterwards.
        """
        await self.wait_until(until)
        control = self.scope.run.control
        if control.cancelled is not None or control.pausing is not None:
            async with self._waiting(until, long=False):
                raise AssertionError("nothing waits any more in a run that is being stopped")

    @asynccontextmanager
    async def _waiting(self, until: datetime | None, *, long: bool) -> AsyncGenerator[Parked, None]:
        """Count the step as one that waits: without a place, and with its time limit stopped."""
        control = self.scope.run.control
        try:
            parked = control.park(self, wake_at=until, long=long)
        except RunSuspended:
            self.suspended = True
            raise
        left_s = self._stop_clock()
        had_place, self.has_place = self.has_place, False
        if had_place and control.places is not None:
            control.places.release()
        try:
            yield parked
        except RunSuspended:
            self.suspended = True
            raise
        finally:
            control.unpark(parked)
        if had_place and control.places is not None:
            await control.places.acquire()
            self.has_place = True
        if left_s is not None and self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + left_s)

    def _stop_clock(self) -> float | None:
        if self.limit is None or self.limit.expired():
            return None
        until = self.limit.when()
        self.limit.reschedule(None)
        return None if until is None else until - asyncio.get_running_loop().time()

    def cancel(self, by: str | None) -> None:
        if self.cancelled_by is None and self._task is not None:
            self.cancelled_by = by or ""
            self._task.cancel()

    @property
    def stopped(self) -> bool:
        return self.cancelled_by is not None or (self.limit is not None and self.limit.expired())

    def enter(self) -> None:
        """Count the step as one that works, and may be cancelled."""
        self._task = asyncio.current_task()
        self.scope.run.control.enter(self)

    def leave(self) -> None:
        """Count the step as one that does not work any more."""
        self._task = None
        self.scope.run.control.leave(self)

    def cancellation(self) -> NodeError | None:
        """The failure of a step that was cancelled alone, taking the cancelling back."""
        if self.cancelled_by is None:
            return None
        task = asyncio.current_task()
        if task is not None and task.cancelling() and task.uncancel():
            return None
        who = f" by {self.cancelled_by}" if self.cancelled_by else ""
        return NodeError(f"the step was cancelled{who}", code="step_cancelled", retryable=False)

    def record_start(self, name: str | None) -> None:
        """Append the start; `name` is given for steps that are not in the run's own drawing."""
        if name is None:
            data = StepStartedData(self.recovered)
        else:
            data = StepStartedData(self.recovered, self.node.type.name, name)
        self.scope.run.journal.append(StepStarted(**self.envelope(), data=data))

    def record_cancelled(self) -> None:
        """Append that the step was stopped together with what it is a part of."""
        data = StepCancelledData(self.elapsed_ms())
        self.scope.run.journal.append(StepCancelled(**self.envelope(), data=data))

    async def stored(self, value: Any) -> Stored:
        """The value as it goes on and as it is recorded, without secrets."""
        pure = self.node.type.pure
        masker = None if pure or not self.services.secrets else self.scope.run.masker
        return await store(value, self.services.artifacts, masker, self.node_id)

    def mask(self, text: str) -> str:
        """The text without the run's secrets and what was made of them."""
        return self.scope.run.masker.text(text)

    def defect(self, error: Exception) -> NodeError:
        """What a step fails with whose node type has a bug: it tells no more than a reference."""
        reference = uuid7().hex[-8:]
        self.services.on_defect(
            Defect(
                trace=self.mask("".join(traceback.format_exception(error))),
                reference=reference,
                node_type=self.node.type.name,
                run_id=self.run_id,
                node_id=self.node_id,
                step_id=self.step_id,
            )
        )
        return NodeError(
            f"defect in node type '{self.node.type.name}', reference {reference}: the server's log"
            " has the details under it",
            code="node_defect",
            retryable=False,
        )

    def failure(self, error: NodeError) -> Failure:
        """An error as events tell it."""
        return Failure(error.code, self.mask(error.message))

    def elapsed_ms(self) -> int:
        """How long this process has executed the step."""
        return round((time.perf_counter() - self._began) * 1000)

    def envelope(self) -> dict[str, Any]:
        """What all events of the step have in common."""
        return {
            "run_id": self.run_id,
            "node_id": self.node_id,
            "step_id": self.step_id,
            "path": self.path or None,
            "attempt": self.attempt,
        }


_NEW = Begun(None, None, 1, 1)


def _plain(cost: Decimal) -> str:
    return f"{cost.normalize():f}"
