"""What the run endpoints take and give, as msgspec structs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Raw, Struct, field

from backend.runs.status import RunStatus, StepStatus
from graphs.events import Failure, PauseReason, Stop, Usage
from graphs.run_options import RunConfig, RunMode

Breakpoints = Annotated[
    list[Annotated[str, Meta(max_length=120, pattern=r"^[^\x00]*$")]], Meta(max_length=1000)
]
Reason = Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*$")]


class Trigger(StrEnum):
    """Why a run began."""

    MANUAL = "manual"
    API = "api"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    WORKFLOW = "workflow"
    REPLAY = "replay"
    TEST = "test"
    DIALECT = "dialect"


class Only(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the graph to execute: exactly one of `node`, `from` and `until`, a node's id.

    `node` and `from` take what they need of the nodes before from the run `run_id`, or from the
    workflow's last run that has it.
    """

    until: str | None = None
    from_node: str | None = field(default=None, name="from")
    node: str | None = None
    run_id: str | None = None


class StartRun(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a version the active one is run, or the draft while there is none.

    `metadata` is kept with the run and returned. What `config` leaves out, the workflow's
    `run_settings` say. `breakpoints` are written `node`, `node:before` or `node:after`.
    """

    example: ClassVar[dict[str, Any]] = {"inputs": {"city": "Bergen"}}
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    version: Annotated[int, Meta(ge=1, le=2_147_483_647)] | Literal["active", "draft"] | None = None
    mode: RunMode = RunMode.FULL
    config: RunConfig = RunConfig()
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    breakpoints: Breakpoints = field(default_factory=list[str])
    only: Only | None = None


class ResumeRun(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`step`: execute one node, then stop again."""

    example: ClassVar[dict[str, Any]] = {"step": False}
    step: bool = False


class ForkRun(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`overrides`: outputs by node id that stand in for what the nodes put out; what depends on
    them is executed again. Without `inputs` the run's own are used.
    """

    example: ClassVar[dict[str, Any]] = {
        "checkpoint": "01a1f8e9-528d-7318-83b8-3a638a6befcf",
        "overrides": {"greet": {"text": "Hello Bergen"}},
    }
    checkpoint: str
    overrides: dict[str, Any] = field(default_factory=dict[str, Any])
    inputs: dict[str, Any] | None = None


class RerunRun(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without `inputs` the run's own are used."""

    example: ClassVar[dict[str, Any]] = {"inputs": {"city": "Bergen"}}
    inputs: dict[str, Any] | None = None


class SetBreakpoints(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of them: those that are not listed are removed."""

    example: ClassVar[dict[str, Any]] = {"breakpoints": ["greet", "greet:after"]}
    breakpoints: Breakpoints


class CancelRun(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`graceful` lets the running steps finish; otherwise they are stopped at once."""

    example: ClassVar[dict[str, Any]] = {"reason": "not needed any more", "graceful": True}
    reason: Reason = ""
    graceful: bool = False


class CleanupRuns(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Runs that ended at least so many hours ago are deleted with their events."""

    example: ClassVar[dict[str, Any]] = {"older_than_hours": 720}
    older_than_hours: Annotated[float, Meta(ge=0, le=1_000_000)]


class CleanedUp(Struct, frozen=True, kw_only=True):
    deleted: int


class Progress(Struct, frozen=True, kw_only=True):
    """Nodes at the top level that ended, skipped ones included. `percent` is 0 to 100."""

    completed: int
    total: int
    percent: int


class Pause(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a paused run stands. `stops`: the breakpoints it stands at. `wake_at`: when it goes on
    by itself. `approvals_open`: questions that wait for people.
    """

    reason: PauseReason
    stops: tuple[Stop, ...] = ()
    wake_at: datetime | None = None
    by: str | None = None
    approvals_open: int = 0


class RunView(Struct, frozen=True, kw_only=True):
    """One execution of a workflow. `version` null is a frozen draft.

    `duration_ms` counts from the first start to the end; it is null until the run has ended.
    `parent_run_id`: the run that it was forked from or took its data from. `pause` is set while
    the run is paused.

    `duration_ms`: from its first start to its end, pauses included. `active_ms`: how long it was
    executed until it was last paused, or until its end; the rest of `duration_ms` it waited.
    """

    id: str
    workflow_id: str
    workflow_name: str
    version: int | None
    definition_hash: str
    status: RunStatus
    mode: RunMode
    trigger: Trigger
    inputs: dict[str, Any]
    outputs: Any
    error: Failure | None
    progress: Progress
    usage: Usage
    metadata: dict[str, Any]
    config: RunConfig
    parent_run_id: str | None
    pause: Pause | None
    breakpoints: list[str]
    only: Only | None
    cancel_reason: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    active_ms: int


class StepFilter(Struct, frozen=True, kw_only=True):
    """Which of a run's steps; None does not filter, and the path "" is the drawing itself."""

    node: str | None = None
    status: StepStatus | None = None
    path: str | None = None


class StepView(Struct, kw_only=True):
    """One node's execution within a run, inside a container once per `path`.

    `input` is what arrived: the one live upstream's output, or `{node id: output}` of several;
    the run's inputs for a node without in-edges. `pinned`: the drawing's pinned data stood in for
    the node. `reused_from`: the run in which the step really ran.
    """

    id: str
    run_id: str
    node_id: str
    path: str | None = None
    node_type: str | None = None
    name: str | None = None
    status: StepStatus = StepStatus.PENDING
    attempt: int = 1
    input: Any = None
    output: Any = None
    ports: list[str] = field(default_factory=list[str])
    error: Failure | None = None
    skip_reason: str | None = None
    usage: Usage | None = None
    size_bytes: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int | None = None
    pinned: bool = False
    reused_from: str | None = None


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A position after a finished step, to fork from; `id` is the step's."""

    id: str
    seq: int
    node_id: str
    step_id: str
    path: str | None
    created_at: datetime


class BrokenNode(Struct, frozen=True, kw_only=True):
    """A node of a waiting run that the draft would break: `removed`, `type_changed` or
    `port_removed`.
    """

    node_id: str
    reason: str


class WaitingRun(Struct, frozen=True, kw_only=True):
    """A paused run, and what it has done or waits for that the draft does not know any more.

    It stays on its own version in any case.
    """

    run_id: str
    version: int | None
    status: RunStatus
    reason: PauseReason
    stops: tuple[Stop, ...]
    broken: list[BrokenNode]


class PublishCheck(Struct, frozen=True, kw_only=True):
    waiting_runs: list[WaitingRun]


class EventView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as `graphs.events` describes it, with its `data` left as it was stored."""

    seq: int
    run_id: str
    at: datetime
    kind: str
    data: Raw
    node_id: str | None = None
    step_id: str | None = None
    path: str | None = None
    attempt: int = 1


class LogLine(Struct, frozen=True, kw_only=True):
    """A line that a node wrote, or the failure of an attempt, a step or the run."""

    seq: int
    at: datetime
    level: str
    message: str
    node_id: str | None = None
    step_id: str | None = None
    path: str | None = None
    attempt: int = 1


class RunStats(Struct, frozen=True, kw_only=True):
    """How many runs there are by status, and how many of them have not ended."""

    total: int
    active: int
    by_status: dict[RunStatus, int]
    by_trigger: dict[Trigger, int]
