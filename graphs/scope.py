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

from graphs.control import RunControl
from graphs.events import Failure, RunEvent
from graphs.masking import Masker, RunSecrets
from graphs.node_type import Services
from graphs.recorded import Recorded
from graphs.run_options import RunOptions

if TYPE_CHECKING:
    from graphs.compile import CompiledGraph


class Journal(Protocol):
    """Where a run's events go, and where the outcomes of an earlier process come from.

    A step is identified by its iteration `path` ("" at the top level) and its node's id.
    """

    recorded: Recorded
    """What was recorded before this process took the run up, or before the last `reload`."""

    @property
    def careful(self) -> bool:
        """Whether a step's start must be durable before the step does anything."""
        ...

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


@dataclass(frozen=True, slots=True)
class Settled:
    """A step's outcome as its children see it. No port is live after a skip or a failure.

    `reference`: what the journal holds in place of an output that is too large for it.
    """

    output: Any = None
    ports: tuple[str, ...] = ()
    ran: bool = True
    failed: bool = False
    reference: Any = None


SKIPPED = Settled(ran=False)
FAILED = Settled(ran=False, failed=True)
SUSPENDED = Settled(ran=False)
"""Neither begun nor skipped: the run is being put aside, or is not meant to get here."""


@dataclass(frozen=True, slots=True)
class RunEnvironment:
    """What is the same for every scope of a run."""

    run_id: str
    journal: Journal
    services: Services
    control: RunControl
    options: RunOptions
    secrets: RunSecrets
    invoke: "Callable[[Scope], Awaitable[None]]"
    """Executes a scope's graph; containers call it for their bodies."""

    @property
    def masker(self) -> Masker:
        """What takes secrets out of what is recorded, as far as they are known by now."""
        return self.secrets.masker


@dataclass(slots=True)
class Scope:
    """One execution of a compiled graph."""

    graph: "CompiledGraph"
    run: RunEnvironment
    inputs: Mapping[str, Any]
    path: str = ""
    arriving: Any = None
    """What nodes without in-edges get as `prev`: the inputs, or a body's item."""
    names: dict[str, Any] = field(default_factory=dict[str, Any])
    """`item` and `index`; empty at the top level."""
    outer: "Scope | None" = None
    """The scope whose steps and names this one sees too; None for a whole workflow."""
    owner: "Owner | None" = None
    """The step that executes this scope; None for the run's own graph."""
    own: bool = True
    """Whether it belongs to the run's own drawing, not to another workflow's."""
    depth: int = 0
    """In how many workflows it lies that called one another."""
    selected: frozenset[str] | None = None
    """The nodes that may run; None for all."""
    pins: bool = False
    """Whether pinned data stands in for its nodes."""
    failure: Failure | None = None
    """The first failure that no `on_error` turned into data."""
    held: bool = False
    """Whether one of its steps was suspended, so that it has no outcome yet."""
    settled: dict[str, Settled] = field(default_factory=dict[str, Settled])
    done: dict[str, asyncio.Event] = field(init=False)

    def __post_init__(self) -> None:
        self.done = {node_id: asyncio.Event() for node_id in self.graph.nodes}

    def settle(self, node_id: str, outcome: Settled) -> None:
        """Record a step's outcome and wake the steps that wait for it."""
        self.settled[node_id] = outcome
        self.done[node_id].set()

    def suspend(self) -> Settled:
        """The outcome of a step that has none yet."""
        self.held = True
        return SUSPENDED

    def body(
        self, graph: "CompiledGraph", owner: "Owner", path: str, item: Any, index: int
    ) -> "Scope":
        """The scope of one execution of a container's body."""
        return Scope(
            graph,
            self.run,
            self.inputs,
            path,
            arriving=item,
            names={**self.names, "item": item, "index": index},
            outer=self,
            owner=owner,
            own=self.own,
            depth=self.depth,
            pins=self.pins,
        )

    def workflow(
        self, graph: "CompiledGraph", owner: "Owner", path: str, inputs: Mapping[str, Any]
    ) -> "Scope":
        """The scope of another workflow that a step of this one calls."""
        return Scope(
            graph,
            self.run,
            inputs,
            path,
            arriving=inputs,
            owner=owner,
            own=False,
            depth=self.depth + 1,
        )

    @property
    def abandoned(self) -> bool:
        """Whether a step that executes this scope, directly or not, has been stopped for good."""
        owner = self.owner
        return owner is not None and (owner.stopped or owner.scope.abandoned)

    def expression_names(self, prev: Any) -> dict[str, Any]:
        """Everything an expression of a step in this scope can name."""
        return {
            "input": self.inputs,
            "steps": StepOutputs(self),
            "vars": self.graph.variables,
            "secrets": self.run.secrets,
            "prev": prev,
            **self.names,
        }

    def sinks(self) -> list[str]:
        """The nodes whose outputs the graph puts out: those that nothing selected follows."""
        if self.selected is None:
            return list(self.graph.leaves)
        followed = {
            edge.source
            for node in self.graph.nodes.values()
            if node.id in self.selected
            for edge in node.in_edges
        }
        return [name for name in self.graph.nodes if name in self.selected and name not in followed]

    def outputs(self) -> dict[str, Settled]:
        """The outcomes of the sinks that ran and did not fail, by node id."""
        return {
            sink: outcome
            for sink in self.sinks()
            if (outcome := self.settled.get(sink)) is not None and outcome.ran
        }

    def result(self) -> Settled:
        """What a whole workflow puts out.

        The output of the `end` node that was reached, of several by id, or of the live sinks.
        """
        outcomes = self.outputs()
        ends = {sink for sink in self.sinks() if self.graph.nodes[sink].type.name == "end"}
        if ends:
            outcomes = {sink: outcome for sink, outcome in outcomes.items() if sink in ends}
            if len(outcomes) == 1:
                return next(iter(outcomes.values()))
        return Settled({sink: outcome.output for sink, outcome in outcomes.items()})


class Owner(Protocol):
    """A step that executes a scope."""

    scope: Scope

    @property
    def stopped(self) -> bool:
        """Whether it was cancelled alone, or its time is over."""
        ...


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
