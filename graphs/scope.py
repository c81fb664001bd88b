"""What the steps of one running graph share: outcomes, names for expressions, the way outwards.

A run has one scope for its drawn graph and one for every execution of a container's body; an
inner scope sees the outer ones. The scope of the task at hand is found through a ContextVar,
because compiled graphs are shared by all runs and must not hold any run's data.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from graphs.events import Failure, RunEvent
from graphs.node_type import Services
from graphs.recorded import Recorded

if TYPE_CHECKING:
    from graphs.compile import CompiledGraph


class Journal(Protocol):
    """Where a run's events go, and where the outcomes of an earlier process come from.

    A step is identified by its iteration `path` ("" at the top level) and its node's id.
    """

    recorded: Recorded
    """What was recorded before this process took the run up, or before the last `reload`."""

    def append(self, event: RunEvent) -> None:
        """Take an event; gives it the run's next `seq`. It is durable after `flush`."""
        ...

    def live(self, event: RunEvent) -> None:
        """Show an event to those who watch just now; it is not kept."""
        ...

    async def flush(self) -> None:
        """Return when everything appended so far is durable; raises if this run was taken over."""
        ...

    async def reload(self) -> None:
        """Bring `recorded` up to date with what this process itself has appended."""
        ...


class RunControl:
    """The handle by which a run in progress is stopped from outside."""

    def __init__(self) -> None:
        self.cancelled: str | None = None
        """The reason, once somebody has cancelled."""
        self._task: asyncio.Task[Any] | None = None

    def cancel(self, reason: str, *, graceful: bool = False) -> None:
        """Start no further step; unless `graceful`, also stop the running ones now."""
        self.cancelled = reason
        if self._task is not None and not graceful:
            self._task.cancel()

    def attach(self, task: "asyncio.Task[Any]") -> None:
        """Say which task executes the run."""
        self._task = task


@dataclass(frozen=True, slots=True)
class Settled:
    """A step's outcome as its children see it. No port is live after a skip or a failure."""

    output: Any = None
    ports: tuple[str, ...] = ()
    ran: bool = True
    failed: bool = False


SKIPPED = Settled(ran=False)
FAILED = Settled(ran=False, failed=True)


@dataclass(frozen=True, slots=True)
class RunEnvironment:
    """What is the same for every scope of a run."""

    run_id: str
    inputs: Mapping[str, Any]
    journal: Journal
    services: Services
    control: RunControl
    invoke: "Callable[[Scope], Awaitable[None]]"
    """Executes a scope's graph; containers call it for their bodies."""


@dataclass(slots=True)
class Scope:
    """One execution of a compiled graph."""

    graph: "CompiledGraph"
    run: RunEnvironment
    path: str = ""
    arriving: Any = None
    """What nodes without in-edges get as `prev`: the run's inputs, or a body's item."""
    names: dict[str, Any] = field(default_factory=dict[str, Any])
    """`item` and `index`; empty at the top level."""
    outer: "Scope | None" = None
    failure: Failure | None = None
    """The first failure that no `on_error` turned into data."""
    settled: dict[str, Settled] = field(default_factory=dict[str, Settled])
    done: dict[str, asyncio.Event] = field(init=False)

    def __post_init__(self) -> None:
        self.done = {node_id: asyncio.Event() for node_id in self.graph.nodes}

    def settle(self, node_id: str, outcome: Settled) -> None:
        """Record a step's outcome and wake the steps that wait for it."""
        self.settled[node_id] = outcome
        self.done[node_id].set()

    def child(self, graph: "CompiledGraph", path: str, item: Any, index: int) -> "Scope":
        """The scope of one execution of a container's body."""
        full = f"{self.path}/{path}" if self.path else path
        names = {**self.names, "item": item, "index": index}
        return Scope(graph, self.run, full, arriving=item, names=names, outer=self)

    def expression_names(self, prev: Any) -> dict[str, Any]:
        """Everything an expression of a step in this scope can name."""
        return {
            "input": self.run.inputs,
            "steps": StepOutputs(self),
            "vars": self.graph.variables,
            "secrets": self.run.services.secrets,
            "prev": prev,
            **self.names,
        }

    def outputs(self) -> dict[str, Any]:
        """The outputs of the leaves that ran and did not fail, by node id."""
        return {
            leaf: outcome.output
            for leaf in self.graph.leaves
            if (outcome := self.settled.get(leaf)) is not None and outcome.ran
        }


class StepOutputs(Mapping[str, Any]):
    """`steps` of an expression: outputs by node id, outer scopes included; skipped: None."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, node_id: str) -> Any:
        scope: Scope | None = self._scope
        while scope is not None:
            if node_id in scope.graph.nodes:
                outcome = scope.settled.get(node_id)
                return None if outcome is None else outcome.output
            scope = scope.outer
        raise KeyError(node_id)

    def __iter__(self) -> Iterator[str]:
        scope: Scope | None = self._scope
        while scope is not None:
            yield from scope.graph.nodes
            scope = scope.outer

    def __len__(self) -> int:
        return sum(1 for _ in self)


CURRENT: ContextVar[Scope] = ContextVar("heddle_scope")
"""The scope of the graph that the running task belongs to."""
