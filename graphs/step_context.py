"""What a node sees of its run while it works: the NodeContext, for drawn and for inner steps."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from graphs.control import Parked
from graphs.errors import ExpressionError, NodeError, RunCancelled, RunSuspended
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
    StepCompleted,
    StepCompletedData,
    StepFailed,
    StepFailedData,
    StepStarted,
    StepStartedData,
    Usage,
    now,
)
from graphs.node_type import MASK, NodeContext, Services
from graphs.recorded import Begun, Outcome
from graphs.run_options import RunMode
from graphs.scope import Scope, StepOutputs
from graphs.stored import Stored, load, store
from graphs.validate import check_inputs

if TYPE_CHECKING:
    from graphs.compile import CompiledNode

PUT_ASIDE_S = 30
"""For a longer wait, a run in which nothing else works is put aside."""

MAX_DEPTH = 16
"""How many workflows may call one another, each from within the one before."""

MILLION = 1_000_000


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
        self._last_body: Scope | None = None
        self._inside = 0
        self._began = time.perf_counter()

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

    async def run_body(self, item: Any, index: int) -> Any:
        body = self.node.body
        assert body is not None, "only containers have a body"
        child = self.scope.body(body, self, self._path_within(index), item, index)
        if self.node.lazy:
            self._last_body = child
        await self._execute(child, f"item {index}, ")
        outputs = {sink: outcome.output for sink, outcome in child.outputs().items()}
        return next(iter(outputs.values()), None) if len(body.leaves) == 1 else outputs

    def evaluate(self, field: str, item: Any, index: int) -> Any:
        scope = self._last_body or self.scope
        names = {**scope.expression_names(item), "item": item, "index": index}
        try:
            return self.node.lazy[field].resolve(names)
        except ExpressionError as error:
            raise NodeError(error.message, code=error.code, retryable=False) from error

    async def run_workflow(self, reference: str, inputs: Mapping[str, Any]) -> Any:
        bound = self.services.workflows.get(reference)
        if bound is None:
            raise NodeError(
                f"the workflow {reference} was not bound to this run",
                code="workflow_not_bound",
                retryable=False,
            )
        if self.scope.depth >= MAX_DEPTH:
            raise NodeError(
                f"more than {MAX_DEPTH} workflows call one another; '{bound.name}' is not called",
                code="recursion_limit",
                retryable=False,
            )
        filled, problems = check_inputs(bound.graph.input_schema, inputs)
        if problems:
            words = "; ".join(problem.detail for problem in problems)
            raise NodeError(f"'{bound.name}': {words}", code=problems[0].code, retryable=False)
        child = self.scope.workflow(bound.graph, self, self._path_within(0), filled)
        await self._execute(child, f"workflow '{bound.name}', ")
        return child.result().output

    async def _execute(self, child: Scope, where: str) -> None:
        """Execute a scope within this step. Raises NodeError when it fails."""
        async with self._nested():
            await self.scope.run.invoke(child)
        cancelled = self.scope.run.control.cancelled
        if cancelled is not None:
            raise RunCancelled(cancelled)
        if child.held:
            self.suspended = True
            raise RunSuspended
        error = child.failure
        if error is not None:
            raise NodeError(f"{where}node '{error.node_id}': {error.message}", code=error.code)

    async def inner_step(
        self,
        name: str,
        visit: int,
        arrived: Any,
        run: Callable[[NodeContext], Awaitable[Any]],
    ) -> Any:
        inner = InnerStep(self, name, self._path_within(visit), arrived)
        control = self.scope.run.control
        recorded = self.scope.run.journal.recorded.outcome(inner.path, name)
        if recorded is not None:
            return await inner.replay(recorded)
        if control.cancelled is not None:
            raise RunCancelled(control.cancelled)
        # a pause lets what runs beside it finish, as the step is only suspended as a whole
        if control.pausing is not None and not self._inside:
            self.suspended = True
            raise RunSuspended
        try:
            async with self._nested():
                return await inner.execute(run)
        except RunSuspended:
            self.suspended = True
            raise

    def _path_within(self, index: int) -> str:
        again = f"@{self.attempt}" if self.attempt > 1 else ""
        within = f"{self.node_id}{again}[{index}]"
        return f"{self.path}/{within}" if self.path else within

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

    @asynccontextmanager
    async def _nested(self) -> AsyncGenerator[None, None]:
        """Count the step as one that waits, while steps inside it work."""
        control = self.scope.run.control
        self._inside += 1
        if self._inside == 1:
            control.idle()
        try:
            yield
        finally:
            self._inside -= 1
            if self._inside == 0:
                control.busy()

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
        mask = None if self.node.type.pure or not self.services.secrets else self.mask
        return await store(value, self.services.artifacts, mask, self.node_id)

    def mask(self, text: str) -> str:
        """The text without the secrets in it."""
        for secret in self.services.secrets.values():
            if len(secret) >= 4:
                text = text.replace(secret, MASK)
                text = text.replace(msgspec.json.encode(secret).decode()[1:-1], MASK)
        return text

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


class InnerStep(StepContext):
    """A part of a node that is recorded as a step of its own."""

    def __init__(self, owner: StepContext, name: str, path: str, arrived: Any) -> None:
        super().__init__(owner.node, owner.scope, path, name, arrived)
        self.owner = owner

    @property
    def stopped(self) -> bool:
        return super().stopped or self.owner.stopped

    async def replay(self, recorded: Outcome) -> Any:
        """What an earlier process recorded of it. Raises NodeError when it failed."""
        match recorded:
            case StepCompleted(data=data):
                self._pass_on(data.usage)
                return await load(data.output, data.size_bytes, self.services.artifacts)
            case StepFailed(data=data):
                raise NodeError(data.error.message, code=data.error.code)
            case StepCancelled(data=data) if data.error is not None:
                raise NodeError(data.error.message, code=data.error.code, retryable=False)
            case _:
                return None

    async def execute(self, run: Callable[[NodeContext], Awaitable[Any]]) -> Any:
        """Run the part and record what came of it. Raises NodeError when it fails."""
        journal = self.scope.run.journal
        self.record_start(self.node_id)
        self.enter()
        try:
            try:
                stored = await self.stored(await run(self))
                if self.suspended:
                    raise RunSuspended
            except asyncio.CancelledError:
                error = self.cancellation()
                if error is None:
                    raise
                raise error from None
        except NodeError as error:
            if self.suspended:
                raise RunSuspended from None
            self._record_failure(error)
            raise
        except (asyncio.CancelledError, RunCancelled):
            if self.scope.run.control.cancelled is not None or self.owner.stopped:
                self.record_cancelled()
            raise
        except RunSuspended:
            raise
        except Exception as error:
            self._record_failure(NodeError(f"{type(error).__name__}: {error}"))
            raise
        finally:
            self.leave()
        self._pass_on(self.usage)
        size = stored.size_bytes
        data = StepCompletedData(stored.kept, ("out",), self.elapsed_ms(), size, self.usage)
        journal.append(StepCompleted(**self.envelope(), data=data))
        await journal.flush()
        return stored.value

    def _pass_on(self, usage: Usage | None) -> None:
        if usage is not None:
            self.owner.usage = usage if self.owner.usage is None else self.owner.usage + usage

    def _record_failure(self, error: NodeError) -> None:
        failure = self.failure(error)
        event: StepFailed | StepCancelled
        if self.cancelled_by is not None:
            data = StepCancelledData(self.elapsed_ms(), failure)
            event = StepCancelled(**self.envelope(), data=data)
        else:
            event = StepFailed(**self.envelope(), data=StepFailedData(failure, self.elapsed_ms()))
        self.scope.run.journal.append(event)


_NEW = Begun(None, None, 1, 1)


def _plain(cost: Decimal) -> str:
    return f"{cost.normalize():f}"
