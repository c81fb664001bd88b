"""What happens in a run, as one tagged union; the wire form of the API, SSE and WebSocket.

A stored event has a gap-free integer `seq` per run, given by the journal when it is appended;
`llm.token` has none and is never stored. `path` is the iteration path, such as `loop[3]`, of a
step inside a container; a step's identity within its run is `path` plus `node_id`.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, field


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
            str(sum(costs)) if costs else None,
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


class RunQueuedData(Struct, frozen=True):
    trigger: str


class RunQueued(Event, kw_only=True, tag="run.queued"):
    data: RunQueuedData


class RunStartedData(Struct, frozen=True, omit_defaults=True):
    """`recovered` is true when a new process goes on with a run another one left."""

    total: int
    recovered: bool = False


class RunStarted(Event, kw_only=True, tag="run.started"):
    data: RunStartedData


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
    recovered: bool = False


class StepStarted(StepEvent, kw_only=True, tag="step.started"):
    data: StepStartedData = StepStartedData()


class StepRetryingData(Struct, frozen=True):
    """`attempt` of the envelope failed with `error`; the next begins after `delay_ms`."""

    error: Failure
    delay_ms: int


class StepRetrying(StepEvent, kw_only=True, tag="step.retrying"):
    data: StepRetryingData


class StepCompletedData(Struct, frozen=True, omit_defaults=True):
    """`ports` are the live output ports. `error` is set when `on_error` turned it into data."""

    output: Any
    ports: tuple[str, ...]
    duration_ms: int
    size_bytes: int = 0
    usage: Usage | None = None
    error: Failure | None = None


class StepCompleted(StepEvent, kw_only=True, tag="step.completed"):
    data: StepCompletedData


class StepFailedData(Struct, frozen=True):
    error: Failure
    duration_ms: int


class StepFailed(StepEvent, kw_only=True, tag="step.failed"):
    data: StepFailedData


class StepSkippedData(Struct, frozen=True):
    """`reason` is `dead_path` (no live input), `upstream_failed` or `disabled`."""

    reason: str


class StepSkipped(StepEvent, kw_only=True, tag="step.skipped"):
    data: StepSkippedData


class StepCancelledData(Struct, frozen=True):
    duration_ms: int


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


_decoder = msgspec.json.Decoder(RunEvent)
