"""What happens in a run, as one tagged union; the wire form of the API, SSE and WebSocket.

A stored event has a gap-free integer `seq` per run, given by the journal when it is appended;
`llm.token` has none and is never stored. `path` is the iteration path, such as `loop[3]`, of a
step inside a container; a step's identity within its run is `path` plus `node_id`.
"""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast, get_type_hints

import msgspec
from msgspec import UNSET, Struct, UnsetType, field


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class Failure(Struct, frozen=True, omit_defaults=True):
    """Why a step or a run failed, for people and programs."""

    code: str
    message: str
    node_id: str | None = None


class Usage(Struct, frozen=True):
    """What model calls consumed. `cost_usd` is a decimal string, or None without a price."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: str | None = None

    def __add__(self, other: "Usage") -> "Usage":
        costs = [Decimal(cost) for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            f"{sum(costs, Decimal()).normalize():f}" if costs else None,
        )


class Event(Struct, kw_only=True, omit_defaults=True, tag_field="kind"):
    """The envelope. `seq` is None until the journal has taken the event, and for tokens always."""

    run_id: str
    seq: int | None = None
    at: datetime = field(default_factory=now)


class StepEvent(Event, kw_only=True, omit_defaults=True):
    """An event of one node's execution."""

    node_id: str
    step_id: str
    path: str | None = None
    attempt: int = 1


class RunQueuedData(Struct, frozen=True, omit_defaults=True):
    """`parent_run_id` and `checkpoint` say what a fork or a run of a part took its data from."""

    trigger: str
    parent_run_id: str | None = None
    checkpoint: str | None = None


class RunQueued(Event, kw_only=True, tag="run.queued"):
    data: RunQueuedData


class RunStartedData(Struct, frozen=True, omit_defaults=True):
    """`recovered` is true when a new process goes on with a run another one left."""

    total: int
    recovered: bool = False


class RunStarted(Event, kw_only=True, tag="run.started"):
    data: RunStartedData


class PauseReason(StrEnum):
    """Why nothing of a run is executing."""

    PAUSE = "pause"
    """Somebody paused it."""
    BREAKPOINT = "breakpoint"
    """It stands before or after the nodes in `stops`: a breakpoint, a step, or debug mode."""
    WAITING = "waiting"
    """All that is left waits: for people's answers, or for `wake_at`."""


class Side(StrEnum):
    """Where a breakpoint stops: before its node runs, or after it."""

    BEFORE = "before"
    AFTER = "after"


class Stop(Struct, frozen=True, omit_defaults=True):
    """A place at which a run stands."""

    node_id: str
    path: str | None = None
    side: Side = Side.BEFORE


class RunPausedData(Struct, frozen=True, omit_defaults=True):
    """`active_ms`: how long the run has been executing since its start, pauses left out.

    `wake_at`: when the earliest of its waiting steps goes on by itself.
    """

    reason: PauseReason
    active_ms: int
    stops: tuple[Stop, ...] = ()
    wake_at: datetime | None = None
    by: str | None = None


class RunPaused(Event, kw_only=True, tag="run.paused"):
    data: RunPausedData


class ResumeReason(StrEnum):
    """Why a run goes on."""

    RESUME = "resume"
    STEP = "step"
    """One node, then it stops again."""
    ANSWER = "answer"
    TIMER = "timer"
    RETRY = "retry"
    """A failed or cancelled run: its failed steps, and those skipped because of them, run again."""


class RunResumedData(Struct, frozen=True, omit_defaults=True):
    reason: ResumeReason
    by: str | None = None


class RunResumed(Event, kw_only=True, tag="run.resumed"):
    data: RunResumedData


class RunCompletedData(Struct, frozen=True):
    outputs: Any
    duration_ms: int


class RunCompleted(Event, kw_only=True, tag="run.completed"):
    data: RunCompletedData


class RunFailedData(Struct, frozen=True):
    error: Failure
    duration_ms: int


class RunFailed(Event, kw_only=True, tag="run.failed"):
    data: RunFailedData


class RunCancelledData(Struct, frozen=True):
    reason: str
    duration_ms: int


class RunCancelled(Event, kw_only=True, tag="run.cancelled"):
    data: RunCancelledData


class StepStartedData(Struct, frozen=True, omit_defaults=True):
    """`node_type` and `name` are given for steps that the run's own drawing does not hold:
    those of a sub-workflow and of a library graph.
    """

    recovered: bool = False
    node_type: str | None = None
    name: str | None = None


class StepStarted(StepEvent, kw_only=True, tag="step.started"):
    data: StepStartedData = StepStartedData()


class StepRetryingData(Struct, frozen=True, omit_defaults=True):
    """`attempt` of the envelope failed with `error`; the next begins `delay_ms` later, at
    `next_at`, which older runs do not tell.
    """

    error: Failure
    delay_ms: int
    next_at: datetime | None = None


class StepRetrying(StepEvent, kw_only=True, tag="step.retrying"):
    data: StepRetryingData


class StepCompletedData(Struct, frozen=True, omit_defaults=True):
    """`ports` are the live output ports. `error` is set when `on_error` turned it into data.

    `output` over 64 KB is a reference to an artifact (`graphs.artifacts`). `pinned`: the drawing's
    pinned data stood in for the node. `reused_from`: the run in which the step really ran.
    """

    output: Any
    ports: tuple[str, ...]
    duration_ms: int
    size_bytes: int = 0
    usage: Usage | None = None
    error: Failure | None = None
    pinned: bool = False
    reused_from: str | None = None


class StepCompleted(StepEvent, kw_only=True, tag="step.completed"):
    data: StepCompletedData


class StepFailedData(Struct, frozen=True):
    error: Failure
    duration_ms: int


class StepFailed(StepEvent, kw_only=True, tag="step.failed"):
    data: StepFailedData


class StepSkippedData(Struct, frozen=True, omit_defaults=True):
    """`reason` is `dead_path` (no live input), `upstream_failed` or `disabled`."""

    reason: str
    reused_from: str | None = None


class StepSkipped(StepEvent, kw_only=True, tag="step.skipped"):
    data: StepSkippedData


class StepCancelledData(Struct, frozen=True, omit_defaults=True):
    """`error` is set when somebody cancelled this step alone: then it has failed for good."""

    duration_ms: int
    error: Failure | None = None


class StepCancelled(StepEvent, kw_only=True, tag="step.cancelled"):
    data: StepCancelledData


class LlmStartedData(Struct, frozen=True):
    model: str


class LlmStarted(StepEvent, kw_only=True, tag="llm.started"):
    data: LlmStartedData


class LlmTokenData(Struct, frozen=True):
    text: str


class LlmToken(StepEvent, kw_only=True, tag="llm.token"):
    data: LlmTokenData


class LlmCompletedData(Struct, frozen=True):
    model: str
    usage: Usage
    duration_ms: int


class LlmCompleted(StepEvent, kw_only=True, tag="llm.completed"):
    data: LlmCompletedData


class ApprovalKind(StrEnum):
    """What is asked of a person."""

    CONFIRMATION = "confirmation"
    CHOICE = "choice"
    TEXT = "text"
    FORM = "form"


class ApprovalRequest(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A question to a person.

    `answer_schema` is the JSON Schema (2020-12) of the answer: boolean, one of the options, text,
    or the form's. `assignee` is a user name; `role` the least role that may answer; without either
    every editor may. `context` is what the person sees beside the question. With a `deadline_at`
    and no `default_answer`, the step fails when the time is over.
    """

    approval_id: str
    kind: ApprovalKind
    message: str
    answer_schema: dict[str, Any]
    title: str = ""
    context: Any = None
    assignee: str | None = None
    role: str | None = None
    deadline_at: datetime | None = None
    remind_at: datetime | None = None
    default_answer: Any | UnsetType = UNSET


class ApprovalRequested(StepEvent, kw_only=True, tag="approval.requested"):
    data: ApprovalRequest


class AnswerSource(StrEnum):
    """Who or what settled a question."""

    PERSON = "person"
    DEADLINE = "deadline"
    """Its time was over: the default answer, or none."""
    MOCK = "mock"


class ApprovalAnswer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`answer` is unset when the deadline passed without a default."""

    approval_id: str
    source: AnswerSource
    answer: Any | UnsetType = UNSET
    by: str | None = None
    comment: str | None = None
    answered_at: datetime = field(default_factory=now)


class ApprovalAnswered(StepEvent, kw_only=True, tag="approval.answered"):
    data: ApprovalAnswer


class LogData(Struct, frozen=True):
    level: str
    message: str


class Log(StepEvent, kw_only=True, tag="log"):
    data: LogData


RunEvent = (
    RunQueued
    | RunStarted
    | RunCompleted
    | RunFailed
    | RunCancelled
    | StepStarted
    | StepRetrying
    | StepCompleted
    | StepFailed
    | StepSkipped
    | StepCancelled
    | LlmStarted
    | LlmToken
    | LlmCompleted
    | RunPaused
    | RunResumed
    | ApprovalRequested
    | ApprovalAnswered
    | Log
)

StepEnd = StepCompleted | StepFailed | StepSkipped | StepCancelled
"""The events that end a step; of these, a journal holds at most one a step."""

RunEnd = RunCompleted | RunFailed | RunCancelled

KINDS: dict[type[Event], str] = {cls: str(cls.__struct_config__.tag) for cls in RunEvent.__args__}
"""Each event class's `kind` on the wire."""


def kind_of(event: Event) -> str:
    """The event's `kind`, such as `step.completed`."""
    return KINDS[type(event)]


def decode(raw: bytes | str) -> RunEvent:
    """An event from its JSON. Raises msgspec.ValidationError for an unknown kind or shape."""
    return _decoder.decode(raw)


def assemble(
    kind: str,
    run_id: str,
    seq: int,
    at: datetime,
    data: str,
    node_id: str | None,
    step_id: str | None,
    path: str | None,
    attempt: int,
) -> RunEvent:
    """An event from its parts; `data` is JSON.

    Raises msgspec.ValidationError for data of another shape, and KeyError for an unknown kind.
    """
    cls, decoder = _parts[kind]
    envelope: dict[str, Any] = {
        "run_id": run_id,
        "seq": seq,
        "at": at,
        "data": decoder.decode(data),
    }
    if issubclass(cls, StepEvent):
        envelope |= {"node_id": node_id, "step_id": step_id, "path": path, "attempt": attempt}
    return cast("RunEvent", cls(**envelope))


_decoder = msgspec.json.Decoder(RunEvent)
_parts: dict[str, tuple[type[Event], msgspec.json.Decoder[Any]]] = {
    kind: (cls, msgspec.json.Decoder(get_type_hints(cls)["data"])) for cls, kind in KINDS.items()
}
