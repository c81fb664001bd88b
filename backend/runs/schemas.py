"""What the run endpoints take and give, as msgspec structs."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Raw, Struct, field

from backend.runs.status import RunStatus, StepStatus
from graphs.events import Failure, Usage

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


class RunMode(StrEnum):
    """How a run is executed; only `full` is known so far."""

    FULL = "full"
    MOCK = "mock"
    DEBUG = "debug"


class Only(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the graph to execute: exactly one of the three, a node's id."""

    until: str | None = None
    from_node: str | None = field(default=None, name="from")
    node: str | None = None


class StartRun(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a version the active one is run, or the draft while there is none.

    `metadata` is kept with the run and returned; `config` is kept, no setting is known yet.
    """

    example: ClassVar[dict[str, Any]] = {"inputs": {"city": "Bergen"}}
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    version: Annotated[int, Meta(ge=1, le=2_147_483_647)] | Literal["active", "draft"] | None = None
    mode: RunMode = RunMode.FULL
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    breakpoints: list[str] = field(default_factory=list[str])
    only: Only | None = None


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


class RunView(Struct, frozen=True, kw_only=True):
    """One execution of a workflow. `version` null is a frozen draft.

    `duration_ms` counts from the first start to the end; it is null until the run has ended.
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
    config: dict[str, Any]
    cancel_reason: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None


class StepView(Struct, kw_only=True):
    """One node's execution within a run, inside a container once per `path`.

    `input` is what arrived: the one live upstream's output, or `{node id: output}` of several;
    the run's inputs for a node without in-edges.
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
    """A line that a node wrote, or a step's failure."""

    seq: int
    at: datetime
    level: str
    message: str
    node_id: str | None = None
    step_id: str | None = None
    path: str | None = None


class RunStats(Struct, frozen=True, kw_only=True):
    """How many runs there are by status, and how many of them have not ended."""

    total: int
    active: int
    by_status: dict[RunStatus, int]
    by_trigger: dict[Trigger, int]
