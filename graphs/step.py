"""The one wrapper around every node, in this order: parents → dead path → journal → gates →
expressions → attempts → size check → journal.

A failing node becomes data: it never raises into LangGraph, which would cancel its siblings.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from uuid_utils.compat import uuid7

from graphs.definition import OnError
from graphs.errors import ExpressionError, NodeError, NodeTimeoutError, OutputError, RunCancelled
from graphs.events import (
    ApprovalAnswer,
    ApprovalRequest,
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
    StepRetrying,
    StepRetryingData,
    StepSkipped,
    StepSkippedData,
    StepStarted,
    StepStartedData,
    Usage,
    now,
)
from graphs.expressions import compile_value
from graphs.node_type import MASK, Join, NodeContext, Output, Services
from graphs.params import convert_params
from graphs.recorded import UPSTREAM_FAILED, Outcome
from graphs.scope import CURRENT, FAILED, SKIPPED, Scope, Settled, StepOutputs

if TYPE_CHECKING:
    from graphs.compile import CompiledNode

OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024
"""A larger output fails its step: it would sit in memory, in the log and on the wire."""

ERROR_PORT = "error"


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
        return Settled(prev, node.ports[:1]) if reason == "disabled" else SKIPPED
    if recorded is not None:
        return _replay(recorded, node, scope)
    if scope.run.control.cancelled is not None:
        return SKIPPED
    return await Step(node, scope, prev).execute()


def _arrival(node: "CompiledNode", scope: Scope) -> tuple[str | None, Any]:
    """Why the node is skipped (None: it runs), and what arrives at it."""
    if not node.in_edges:
        return ("disabled" if node.node.disabled else None), scope.arriving
    live: dict[str, Any] = {}
    dead = failed = False
    for edge in node.in_edges:
        outcome = scope.settled[edge.source]
        if edge.port in outcome.ports:
            live[edge.source] = outcome.output
        else:
            dead = True
            failed = failed or outcome.failed
    if not live or (dead and node.join is Join.ALL):
        return (UPSTREAM_FAILED if failed else "dead_path"), None
    prev = next(iter(live.values())) if len(live) == 1 else live
    return ("disabled" if node.node.disabled else None), prev


def _replay(recorded: Outcome, node: "CompiledNode", scope: Scope) -> Settled:
    match recorded:
        case StepCompleted(data=data):
            return Settled(data.output, data.ports)
        case StepFailed(data=data):
            return _failed(scope, node.id, data.error)
        case StepCancelled(data=data) if data.error is not None:
            return _failed(scope, node.id, data.error)
        case StepSkipped() | StepCancelled():
            return SKIPPED


def _failed(scope: Scope, node_id: str, error: Failure) -> Settled:
    if scope.failure is None:
        scope.failure = msgspec.structs.replace(error, node_id=node_id)
    return FAILED


class Step:
    """One execution of a node, all its attempts; to the node it is the NodeContext."""

    def __init__(self, node: "CompiledNode", scope: Scope, prev: Any) -> None:
        begun = scope.run.journal.recorded.begun(scope.path, node.id)
        self.node = node
        self.scope = scope
        self.prev = prev
        self.run_id = scope.run.run_id
        self.node_id = node.id
        self.step_id = (begun and begun.step_id) or str(uuid7())
        self.started_at = (begun and begun.at) or now()
        self.recovered = begun is not None and begun.step_id is not None
        self.attempt = 1 if begun is None else begun.attempt
        self.first_attempt = 1 if begun is None else begun.first
        self.mock = False
        self.usage: Usage | None = None
        self._began = time.perf_counter()

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.scope.run.inputs

    @property
    def steps(self) -> Mapping[str, Any]:
        return StepOutputs(self.scope)

    @property
    def services(self) -> Services:
        return self.scope.run.services

    @property
    def idempotency_key(self) -> str:
        path = f"{self.scope.path}/" if self.scope.path else ""
        return f"{self.run_id}:{path}{self.node_id}"

    def log(self, message: str, level: str = "info") -> None:
        data = LogData(level, self._mask(message))
        self.scope.run.journal.append(Log(**self._envelope(), data=data))

    def llm_started(self, model: str) -> None:
        self.scope.run.journal.append(LlmStarted(**self._envelope(), data=LlmStartedData(model)))

    def token(self, text: str) -> None:
        self.scope.run.journal.live(LlmToken(**self._envelope(), data=LlmTokenData(text)))

    def llm_completed(self, model: str, usage: Usage, duration_ms: int) -> None:
        self.usage = usage if self.usage is None else self.usage + usage
        data = LlmCompletedData(model, usage, duration_ms)
        self.scope.run.journal.append(LlmCompleted(**self._envelope(), data=data))

    async def run_body(self, item: Any, index: int) -> Any:
        body = self.node.body
        assert body is not None, "only containers have a body"
        again = f"@{self.attempt}" if self.attempt > 1 else ""
        child = self.scope.child(body, f"{self.node_id}{again}[{index}]", item, index)
        await self.scope.run.invoke(child)
        cancelled = self.scope.run.control.cancelled
        if cancelled is not None:
            raise RunCancelled(cancelled)
        if child.failure is not None:
            error = child.failure
            raise NodeError(
                f"item {index}, node '{error.node_id}': {error.message}", code=error.code
            )
        outputs = child.outputs()
        return next(iter(outputs.values()), None) if len(body.leaves) == 1 else outputs

    def evaluate(self, field: str, item: Any, index: int) -> Any:
        names = {**self.scope.expression_names(self.prev), "item": item, "index": index}
        return compile_value(self.node.node.params.get(field)).resolve(names)

    async def run_workflow(self, reference: str, inputs: Mapping[str, Any]) -> Any:
        raise NodeError(f"there is no workflow {reference!r}", code="workflow_unknown")

    async def inner_step(
        self,
        name: str,
        visit: int,
        arrived: Any,
        run: Callable[[NodeContext], Awaitable[Any]],
    ) -> Any:
        return await run(self)

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        raise NodeError("nobody can be asked in this run", code="approval_unavailable")

    async def wait_until(self, moment: datetime) -> None:
        await asyncio.sleep((moment - now()).total_seconds())

    async def execute(self) -> Settled:
        """Run the node until it succeeds or its attempts are used up, and record the outcome."""
        journal = self.scope.run.journal
        pure = self.node.type.pure
        if not pure:
            # what led here must be on disk before anything happens outside
            await journal.flush()
        journal.append(StepStarted(**self._envelope(), data=StepStartedData(self.recovered)))
        try:
            event, settled = await self._outcome()
        except RunCancelled:
            self._record_cancelled()
            return SKIPPED
        except asyncio.CancelledError:
            if self.scope.run.control.cancelled is not None:
                self._record_cancelled()
            raise
        journal.append(event)
        if not pure:
            await journal.flush()
        return settled

    def _record_cancelled(self) -> None:
        data = StepCancelledData(self._elapsed_ms())
        self.scope.run.journal.append(StepCancelled(**self._envelope(), data=data))

    async def _outcome(self) -> tuple[StepCompleted | StepFailed, Settled]:
        try:
            output = await self._attempts()
            value, size = self._stored(output.value)
            ports = self.node.ports[:1] if output.ports is None else output.ports
            return self._completed(value, ports, size)
        except NodeError as error:
            failure = Failure(error.code, self._mask(error.message))
        value = {"error": {"code": failure.code, "message": failure.message}}
        match self.node.node.on_error:
            case OnError.FAIL:
                data = StepFailedData(failure, self._elapsed_ms())
                return StepFailed(**self._envelope(), data=data), _failed(
                    self.scope, self.node_id, failure
                )
            case OnError.CONTINUE:
                return self._completed(value, self.node.ports[:1], error=failure)
            case OnError.ERROR:
                return self._completed(value, (ERROR_PORT,), error=failure)

    def _completed(
        self, value: Any, ports: tuple[str, ...], size: int = 0, error: Failure | None = None
    ) -> tuple[StepCompleted, Settled]:
        data = StepCompletedData(value, ports, self._elapsed_ms(), size, self.usage, error)
        return StepCompleted(**self._envelope(), data=data), Settled(value, ports)

    async def _attempts(self) -> Output:
        retry = self.node.node.retry
        while True:
            try:
                return await self._attempt()
            except NodeError as error:
                stop = self.scope.run.control.cancelled is not None
                if stop or not error.retryable or self._tries >= retry.max_attempts:
                    raise
                delay_ms = round(retry.delay_ms * retry.multiplier ** (self._tries - 1))
                failure = Failure(error.code, self._mask(error.message))
                data = StepRetryingData(failure, delay_ms)
                self.scope.run.journal.append(StepRetrying(**self._envelope(), data=data))
            await asyncio.sleep(delay_ms / 1000)
            self.attempt += 1

    async def _attempt(self) -> Output:
        params = self._params()
        timeout_ms = self.node.node.timeout_ms
        if timeout_ms is None:
            return await self._call(params)
        limit = asyncio.timeout(timeout_ms / 1000)
        try:
            async with limit:
                return await self._call(params)
        except TimeoutError:
            if not limit.expired():
                raise
            raise NodeTimeoutError(f"took longer than its time limit of {timeout_ms} ms") from None

    def _params(self) -> Any:
        try:
            raw = self.node.params.resolve(self.scope.expression_names(self.prev))
            return convert_params(self.node.type, raw)
        except ExpressionError as error:
            raise NodeError(error.message, code=error.code, retryable=False) from error

    async def _call(self, params: Any) -> Output:
        try:
            return await self.node.type.run(params, self)
        except (NodeError, RunCancelled):
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
            raise NodeError(f"{type(error).__name__}: {error}") from error

    def _stored(self, value: Any) -> tuple[Any, int]:
        """The value as a later process would read it from the journal, and its size in bytes."""
        try:
            encoded = msgspec.json.encode(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise OutputError(
                f"returned something that cannot be stored as JSON: {error}", retryable=False
            ) from error
        if len(encoded) > OUTPUT_LIMIT_BYTES:
            raise OutputError(
                f"returned {len(encoded):,} bytes; at most {OUTPUT_LIMIT_BYTES:,} can be stored: "
                "select the fields or rows that later nodes need",
                code="output_too_large",
                retryable=False,
            )
        if not self.node.type.pure:
            encoded = self._mask(encoded.decode()).encode()
        return msgspec.json.decode(encoded), len(encoded)

    def _mask(self, text: str) -> str:
        for secret in self.services.secrets.values():
            if len(secret) >= 4:
                text = text.replace(secret, MASK)
                text = text.replace(msgspec.json.encode(secret).decode()[1:-1], MASK)
        return text

    @property
    def _tries(self) -> int:
        return self.attempt - self.first_attempt + 1

    def _elapsed_ms(self) -> int:
        return round((time.perf_counter() - self._began) * 1000)

    def _envelope(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "node_id": self.node_id,
            "step_id": self.step_id,
            "path": self.scope.path or None,
            "attempt": self.attempt,
        }
