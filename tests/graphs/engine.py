"""Node types for tests of the engine, and the shortest way to run a definition with them."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from graphs.compile import compile_definition
from graphs.definition import Definition, Edge, Node
from graphs.errors import NodeError
from graphs.events import (
    AnswerSource,
    ApprovalAnswer,
    ApprovalAnswered,
    ApprovalKind,
    ApprovalRequest,
    ApprovalRequested,
    ResumeReason,
    RunEnd,
    RunEvent,
    RunPaused,
    RunResumed,
    RunResumedData,
    StepStarted,
)
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Category, NodeContext, NodeType, Output, Params, Services
from graphs.registry import registry
from graphs.run_options import RunOptions
from graphs.scope import RunControl


class Scripted(NodeType[Params]):
    """Calls a function of the test; not pure, as most nodes of the world."""

    title, category, icon = "Scripted", Category.FLOW, "code"

    def __init__(self, name: str, script: Callable[[NodeContext], Any]) -> None:
        self.name = name  # type: ignore[misc]
        self._script = script

    async def run(self, params: Params, ctx: NodeContext) -> Output:
        result = self._script(ctx)
        return Output(await result if asyncio.iscoroutine(result) else result)


def failing(times: int, message: str = "no luck", retryable: bool = True) -> Callable[..., Any]:
    """A script that raises for the first `times` attempts."""

    def script(ctx: NodeContext) -> Any:
        if ctx.attempt <= times:
            raise NodeError(message, retryable=retryable)
        return {"attempt": ctx.attempt}

    return script


def chain(*nodes: Node) -> Definition:
    """start → nodes[0] → nodes[1] → …"""
    every = [Node(id="start", type="start"), *nodes]
    edges = [
        Edge(id=f"e{index}", source=left.id, target=right.id)
        for index, (left, right) in enumerate(pairwise(every))
    ]
    return Definition(nodes=every, edges=edges)


class Execution:
    """A run of a definition in memory: `end` and `events` after `finish`."""

    def __init__(
        self,
        definition: Definition,
        *scripted: Scripted,
        inputs: dict[str, Any] | None = None,
        services: Services | None = None,
        earlier: list[RunEvent] | None = None,
        options: RunOptions | None = None,
    ) -> None:
        self._again = (definition, scripted, inputs, services)
        self.seen: list[RunEvent] = []
        self.journal = MemoryJournal(earlier or (), watch=self.seen.append)
        self.control = RunControl()
        types = {**registry(), **{kind.name: kind for kind in scripted}}
        self._run = partial(
            run,
            compile_definition(definition, types),
            run_id="run",
            inputs=inputs or {},
            journal=self.journal,
            services=services or Services(),
            control=self.control,
            options=options or RunOptions(),
        )

    async def finish(self) -> RunEnd | RunPaused:
        """Execute it until it ends or is put aside."""
        self.end = await asyncio.wait_for(self._run(), 20)
        return self.end

    async def begin(self) -> None:
        """Execute it in the background; `ended` waits for its end."""
        self._task = asyncio.create_task(self.finish())

    async def ended(self) -> RunEnd | RunPaused:
        return await self._task

    def next(
        self,
        reason: ResumeReason | None = ResumeReason.RESUME,
        options: RunOptions | None = None,
        extra: Sequence[RunEvent] = (),
    ) -> "Execution":
        """The same run in another process: resumed, or taken up after a crash for None."""
        definition, scripted, inputs, services = self._again
        earlier = [*self.events, *extra]
        if reason is not None:
            earlier.append(RunResumed(run_id="run", data=RunResumedData(reason)))
        for seq, event in enumerate(earlier, 1):
            event.seq = seq
        return Execution(
            definition,
            *scripted,
            inputs=inputs,
            services=services,
            earlier=earlier,
            options=options,
        )

    def executed(self) -> list[str]:
        """The nodes that started, in order, with their paths; those of earlier processes too."""
        return [f"{e.path or ''}/{e.node_id}".lstrip("/") for e in self.of(StepStarted)]

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until the condition holds, and return what it returned."""
        async with asyncio.timeout(20):
            while not (found := condition()):  # noqa: ASYNC110 whatever it is, it has no event
                await asyncio.sleep(0.001)
        return found

    @property
    def events(self) -> list[RunEvent]:
        return self.journal.events

    def of(self, *kinds: type[RunEvent]) -> list[Any]:
        """The events of these kinds, in order."""
        return [event for event in self.events if isinstance(event, kinds)]

    def finished(self) -> list[str]:
        """`node:kind` of every step event that is not a start, in order."""
        return [
            f"{event.node_id}:{type(event).__name__.removeprefix('Step').lower()}"
            for event in self.events
            if type(event).__name__
            in {"StepCompleted", "StepFailed", "StepSkipped", "StepCancelled"}
        ]


async def ask(ctx: NodeContext) -> Any:
    """A script that asks a person and puts out the answer."""
    request = ApprovalRequest(
        approval_id=ctx.step_id, kind=ApprovalKind.TEXT, message="?", answer_schema={}
    )
    return (await ctx.ask(request)).answer


def answer(step_id: str, value: Any = "yes") -> ApprovalAnswer:
    """A person's answer."""
    return ApprovalAnswer(approval_id=step_id, source=AnswerSource.PERSON, answer=value, by="ada")


def answered(question: ApprovalRequested, value: Any = "yes") -> ApprovalAnswered:
    """The event of an answer that came while nothing executed the run."""
    return ApprovalAnswered(
        run_id=question.run_id,
        node_id=question.node_id,
        step_id=question.step_id,
        path=question.path,
        attempt=question.attempt,
        data=answer(question.step_id, value),
    )
