"""The one wrapper around every node, in this order: parents → dead path → journal → place → gate →
expressions → attempts → storing the output → journal.

A failing node becomes data: it never raises into LangGraph, which would cancel its siblings.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from graphs.definition import OnError, Pin
from graphs.errors import ExpressionError, NodeError, NodeTimeoutError, RunCancelled, RunSuspended
from graphs.events import (
    Failure,
    StepCancelled,
    StepCancelledData,
    StepCompleted,
    StepCompletedData,
    StepFailed,
    StepFailedData,
    StepRetrying,
    StepRetryingData,
    StepSkipped,
    StepSkippedData,
    now,
)
from graphs.nested_steps import ContainingStep
from graphs.node_type import Join, Output
from graphs.params import convert_params
from graphs.recorded import UPSTREAM_FAILED, Outcome
from graphs.scope import CURRENT, FAILED, SKIPPED, SUSPENDED, Scope, Settled
from graphs.stored import Stored, load

if TYPE_CHECKING:
    from graphs.compile import CompiledNode

ERROR_PORT = "error"

MAX_WAIT_MS = 300_000
"""The longest pause before another attempt that a server can ask for."""

_DISABLED = "disabled"
_DEAD_PATH = "dead_path"
_HELD = "held"


async def run_step(node: "CompiledNode") -> Any:
    """Execute a node within the current scope. Returns its output; raises only journal errors."""
    scope = CURRENT.get()
    for edge in node.in_edges:
        await scope.done[edge.source].wait()
    settled = await _settle(node, scope)
    scope.settle(node.id, settled)
    return settled.output


async def _settle(node: "CompiledNode", scope: Scope) -> Settled:
    journal = scope.run.journal
    recorded = journal.recorded.outcome(scope.path, node.id)
    reason, prev = _arrival(node, scope)
    if reason == _HELD:
        return SUSPENDED if recorded is None else await _replay(recorded, node, scope)
    if reason is not None:
        if recorded is None:
            journal.append(
                StepSkipped(
                    run_id=scope.run.run_id,
                    node_id=node.id,
                    step_id=str(uuid7()),
                    path=scope.path or None,
                    data=StepSkippedData(reason),
                )
            )
        if reason == _DISABLED:
            return Settled(prev, node.ports[:1])
        return FAILED if reason == UPSTREAM_FAILED else SKIPPED
    if recorded is not None:
        return await _replay(recorded, node, scope)
    return await _start(node, scope, prev)


async def _start(node: "CompiledNode", scope: Scope, prev: Any) -> Settled:
    control = scope.run.control
    places = None if node.type.waits or node.type.container else control.places
    if places is not None:
        await places.acquire()
    step = DrawnStep(node, scope, prev)
    step.has_place = places is not None
    try:
        if control.gated:
            begun = step.recovered
            if not control.admits(node.id, scope.path, own=scope.own, begun=begun):
                return scope.suspend()
        if scope.pins and node.node.pinned is not None:
            return await step.take_pin(node.node.pinned)
        return await step.execute()
    finally:
        if step.has_place and places is not None:
            places.release()


def _arrival(node: "CompiledNode", scope: Scope) -> tuple[str | None, Any]:
    """Why the node does not run (None: it does), and what arrives at it."""
    if scope.selected is not None and node.id not in scope.selected:
        return _HELD, None
    if not node.in_edges:
        return (_DISABLED if node.node.disabled else None), scope.arriving
    live: dict[str, Any] = {}
    dead = failed = False
    for edge in node.in_edges:
        outcome = scope.settled[edge.source]
        if edge.port in outcome.ports:
            live[edge.source] = outcome.output
        elif outcome is SUSPENDED:
            return _HELD, None
        else:
            dead = True
            failed = failed or outcome.failed
    if not live or (dead and node.join is Join.ALL):
        return (UPSTREAM_FAILED if failed else _DEAD_PATH), None
    prev = next(iter(live.values())) if len(live) == 1 else live
    return (_DISABLED if node.node.disabled else None), prev


async def _replay(recorded: Outcome, node: "CompiledNode", scope: Scope) -> Settled:
    match recorded:
        case StepCompleted(data=data):
            artifacts = scope.run.services.artifacts
            try:
                value = await load(data.output, data.size_bytes, artifacts)
            except NodeError as error:
                return _failed(scope, node.id, Failure(error.code, error.message))
            return Settled(value, data.ports)
        case StepFailed(data=data):
            return _failed(scope, node.id, data.error)
        case StepCancelled(data=data) if data.error is not None:
            return _failed(scope, node.id, data.error)
        case StepSkipped(data=data) if data.reason == UPSTREAM_FAILED:
            return FAILED
        case StepSkipped() | StepCancelled():
            return SKIPPED


def _failed(scope: Scope, node_id: str, error: Failure) -> Settled:
    if scope.failure is None:
        scope.failure = replace(error, node_id=node_id)
    return FAILED


class DrawnStep(ContainingStep):
    """One execution of a drawn node, all its attempts."""

    def __init__(self, node: "CompiledNode", scope: Scope, prev: Any) -> None:
        super().__init__(node, scope, scope.path, node.id, prev)

    async def execute(self) -> Settled:
        """Run the node until it succeeds or its attempts are used up, and record the outcome."""
        run = self.scope.run
        journal = run.journal
        pure = self.node.type.pure
        if not pure:
            # what led here must be on disk before anything happens outside
            await journal.flush()
        if self.resume_at is None:
            self._record_start()
        if journal.careful:
            await journal.flush()
        self.enter()
        try:
            event, settled = await self._outcome()
        except RunSuspended:
            return self.scope.suspend()
        except RunCancelled:
            self.record_cancelled()
            return self.scope.suspend()
        except asyncio.CancelledError:
            if run.control.cancelled is not None or self.scope.abandoned:
                self.record_cancelled()
            raise
        finally:
            self.leave()
        journal.append(event)
        if run.control.gated and self.scope.own:
            run.control.passed(self.node_id, self.path)
        if not pure:
            await journal.flush()
        return settled

    async def take_pin(self, pin: Pin) -> Settled:
        """Let pinned data stand in for the node."""
        stored = await self.stored(pin.output)
        ports = self.node.ports[:1] if pin.port is None else (pin.port,)
        data = StepCompletedData(stored.kept, ports, 0, stored.size_bytes, pinned=True)
        self.scope.run.journal.append(StepCompleted(**self.envelope(), data=data))
        return Settled(stored.value, ports)

    async def _outcome(self) -> tuple[StepCompleted | StepFailed | StepCancelled, Settled]:
        try:
            output = await self._until_cancelled()
            stored = await self.stored(output.value)
            ports = self.node.ports[:1] if output.ports is None else output.ports
            return self._completed(stored, ports)
        except NodeError as error:
            failure = self.failure(error)
            stored = await self._stored_failure(failure, error.data)
        match self.node.node.on_error:
            case OnError.FAIL:
                return self._fail(failure), _failed(self.scope, self.node_id, failure)
            case OnError.CONTINUE:
                ports = self.node.type.ports_after_error(self.node.node.params)
                return self._completed(stored, ports, failure)
            case OnError.ERROR:
                return self._completed(stored, (ERROR_PORT,), failure)

    async def _stored_failure(self, failure: Failure, data: Mapping[str, Any] | None) -> Stored:
        """What nodes after the error find: it, and beside it what its node knows of it."""
        value: dict[str, Any] = {"error": {"code": failure.code, "message": failure.message}}
        if data is not None and self.node.node.on_error is not OnError.FAIL:
            try:
                return await self.stored({**data, **value})
            except NodeError as error:
                self.log(f"what came with the error is not kept: {error.message}", "warning")
        return Stored(value, value, 0)

    def _fail(self, failure: Failure) -> StepFailed | StepCancelled:
        if self.cancelled_by is not None:
            data = StepCancelledData(self.elapsed_ms(), failure)
            return StepCancelled(**self.envelope(), data=data)
        return StepFailed(**self.envelope(), data=StepFailedData(failure, self.elapsed_ms()))

    def _completed(
        self, stored: Stored, ports: tuple[str, ...], error: Failure | None = None
    ) -> tuple[StepCompleted, Settled]:
        data = StepCompletedData(
            stored.kept, ports, self.elapsed_ms(), stored.size_bytes, self.usage, error
        )
        reference = None if stored.kept is stored.value else stored.kept
        settled = Settled(stored.value, ports, reference=reference)
        return StepCompleted(**self.envelope(), data=data), settled

    async def _until_cancelled(self) -> Output:
        doomed = self.scope.run.control.doomed
        if doomed and self.step_id in doomed:
            self.cancel(None)
        try:
            output = await self._attempts()
        except asyncio.CancelledError:
            error = self.cancellation()
            if error is None:
                raise
            raise error from None
        except NodeError as failure:
            if self.suspended:
                raise RunSuspended from None
            raise self.cancellation() or failure from None
        if self.suspended:
            raise RunSuspended
        error = self.cancellation()
        if error is not None:
            raise error
        return output

    def _record_start(self) -> None:
        self.record_start(None if self.scope.own else self.node.node.name or self.node_id)

    async def _attempts(self) -> Output:
        retry = self.node.node.retry
        if self.resume_at is not None:
            await self.back_off(self.resume_at)
            self._record_start()
        while True:
            try:
                return await self._attempt()
            except NodeError as error:
                tries = self.attempt - self.first_attempt + 1
                stop = self.suspended or self.scope.run.control.cancelled is not None
                if stop or not error.retryable or tries >= retry.max_attempts:
                    raise
                delay_ms = round(retry.delay_ms * retry.multiplier ** (tries - 1))
                delay_ms = max(delay_ms, min(error.retry_after_ms or 0, MAX_WAIT_MS))
                until = now() + timedelta(milliseconds=delay_ms)
                data = StepRetryingData(self.failure(error), delay_ms, until)
                self.scope.run.journal.append(StepRetrying(**self.envelope(), data=data))
            await self.back_off(until)
            self.attempt += 1

    async def _attempt(self) -> Output:
        params = self._params()
        timeout_ms = self.node.node.timeout_ms
        if timeout_ms is None and not (self.node.type.waits or self.node.type.container):
            timeout_ms = self.scope.run.options.config.step_timeout_ms
        if timeout_ms is None:
            return await self._call(params)
        self.limit = asyncio.timeout(timeout_ms / 1000)
        try:
            async with self.limit:
                return await self._call(params)
        except TimeoutError:
            if not self.limit.expired():
                raise
            raise NodeTimeoutError(f"took longer than its time limit of {timeout_ms} ms") from None
        finally:
            self.limit = None

    def _params(self) -> Any:
        try:
            raw = self.node.params.resolve(self.scope.expression_names(self.prev))
            return convert_params(self.node.type, raw)
        except ExpressionError as error:
            raise NodeError(error.message, code=error.code, retryable=False) from error
        except NodeError:
            raise
        except Exception as error:
            raise self.defect(error) from error

    async def _call(self, params: Any) -> Output:
        work = self.node.type.mock if self.mock else self.node.type.run
        try:
            return await work(params, self)
        except (NodeError, RunCancelled, RunSuspended):
            raise
        except ExpressionError as error:
            raise NodeError(error.message, code=error.code, retryable=False) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # some client libraries raise it when their own connection breaks
            raise NodeError("its connection was closed") from error
        except Exception as error:
            raise self.defect(error) from error
