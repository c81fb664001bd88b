"""Node types for tests of the engine, and the shortest way to run a definition with them."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from graphs.compile import compile_definition
from graphs.definition import Definition, Edge, Node
from graphs.errors import NodeError
from graphs.events import RunEnd, RunEvent
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Category, NodeContext, NodeType, Output, Params, Services
from graphs.registry import registry
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
    ) -> None:
        self.seen: list[RunEvent] = []
        self.journal = MemoryJournal(earlier or (), watch=self.seen.append)
        self.control = RunControl()
        types = {**registry(), **{kind.name: kind for kind in scripted}}
        self._run = run(
            compile_definition(definition, types),
            run_id="run",
            inputs=inputs or {},
            journal=self.journal,
            services=services or Services(),
            control=self.control,
        )

    async def finish(self) -> RunEnd:
        self.end = await self._run
        return self.end

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
