"""What a run is told beyond its inputs: where to stop, which part to execute, what it calls."""

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from backend.runs.schemas import Only
from graphs.events import Side
from graphs.run_options import Breakpoint


class Binding(Struct, frozen=True, kw_only=True):
    """A workflow that a `workflow` node calls, fixed when the run began."""

    workflow_id: str
    name: str
    version: int | None
    definition_hash: str


class RunPlan(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`selected`: the top-level nodes that `only` stands for. `workflows`: by reference
    `<workflow id>@<version or active>`. `recorded_run_id`: the run whose data a mock run answers
    with. `pause_by`: who wants the run to pause; kept until it has, so that no restart forgets it.
    """

    breakpoints: tuple[str, ...] = ()
    only: Only | None = None
    selected: tuple[str, ...] | None = None
    workflows: dict[str, Binding] = field(default_factory=dict[str, Binding])
    recorded_run_id: str | None = None
    pause_by: str | None = None

    def with_breakpoints(self, breakpoints: tuple[str, ...]) -> "RunPlan":
        """The same plan with other breakpoints."""
        return replace(self, breakpoints=breakpoints)

    def stops(self) -> frozenset[Breakpoint]:
        """The breakpoints as the engine takes them."""
        return frozenset(parse_breakpoint(text) for text in self.breakpoints)


NO_PLAN = RunPlan()
"""That of most runs."""

_decode = msgspec.json.Decoder(RunPlan).decode


def parse_breakpoint(text: str) -> Breakpoint:
    """A breakpoint from `node`, `node:before` or `node:after`. Raises ValueError."""
    node_id, colon, side = text.rpartition(":")
    return Breakpoint(node_id, Side(side)) if colon else Breakpoint(text)


def plan_from(text: str) -> RunPlan:
    """A plan from its column."""
    return NO_PLAN if text == "{}" else _decode(text)
