"""How one run is executed: its mode, limits, breakpoints, and the part of the graph it is for."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from graphs.events import Side

DAY_MS = 86_400_000


class RunMode(StrEnum):
    """What a run does."""

    FULL = "full"
    MOCK = "mock"
    """Nothing happens outside: nodes answer with recorded data, or with data made from schemas."""
    DEBUG = "debug"
    """The run stops before each node."""


class RunConfig(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A run's limits. Pauses do not count towards `timeout_ms`.

    `step_timeout_ms` holds for nodes that have no time limit of their own; `max_concurrency` is
    the number of nodes that may work at once, inside containers too.
    """

    timeout_ms: Annotated[int, Meta(ge=1, le=30 * DAY_MS)] | None = None
    step_timeout_ms: Annotated[int, Meta(ge=1, le=DAY_MS)] | None = None
    max_concurrency: Annotated[int, Meta(ge=1, le=1000)] | None = None


class Breakpoint(Struct, frozen=True):
    """A place to stop at, in the API written `node`, `node:before` or `node:after`."""

    node_id: str
    side: Side = Side.BEFORE


class RunOptions(Struct, frozen=True, kw_only=True):
    """`selected`: the top-level nodes that may run, None for all; the others stay untouched.

    `use_pins`: pinned data stands in for its nodes, which only drafts' runs do. `active_ms` is how
    long earlier processes executed the run already.
    """

    mode: RunMode = RunMode.FULL
    config: RunConfig = RunConfig()
    breakpoints: frozenset[Breakpoint] = frozenset()
    selected: frozenset[str] | None = None
    use_pins: bool = False
    active_ms: int = 0
