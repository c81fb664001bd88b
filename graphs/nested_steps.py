"""Steps within steps: executions of a body or of another workflow, and recorded parts of a node."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from graphs.errors import ExpressionError, NodeError, RunCancelled, RunSuspended
from graphs.events import (
    StepCancelled,
    StepCancelledData,
    StepCompleted,
    StepCompletedData,
    StepFailed,
    StepFailedData,
    Usage,
)
from graphs.node_type import NodeContext
from graphs.recorded import Outcome
from graphs.scope import Scope
from graphs.step_context import StepContext
from graphs.stored import load
from graphs.validate import check_inputs

if TYPE_CHECKING:
    from graphs.compile import CompiledNode

MAX_DEPTH = 16
"""How many workflows may call one another, each from within the one before."""


class ContainingStep(StepContext):
    """A step that may execute others within it."""

    def __init__(
        self, node: "CompiledNode", scope: Scope, path: str, node_id: str, prev: Any
    ) -> None:
        super().__init__(node, scope, path, node_id, prev)
        self._last_body: Scope | None = None
        self._inside = 0

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


class InnerStep(ContainingStep):
    """A part of a node that is recorded as a step of its own."""

    def __init__(self, owner: ContainingStep, name: str, path: str, arrived: Any) -> None:
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
        if journal.careful:
            await journal.flush()
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
            defect = self.defect(error)
            self._record_failure(defect)
            raise defect from error
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
