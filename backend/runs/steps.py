"""Steps, folded from a run's events: there is no table of them to disagree with the journal."""

from collections.abc import Iterable

from backend.runs.event_log import EventRow, engine_event
from backend.runs.schemas import LogLine, StepView
from backend.runs.status import StepStatus
from graphs.events import (
    LlmCompleted,
    Log,
    RunEvent,
    RunFailed,
    StepCancelled,
    StepCompleted,
    StepEvent,
    StepFailed,
    StepRetrying,
    StepRetryingData,
    StepSkipped,
    StepStarted,
)

STEP_KINDS = (
    "step.started",
    "step.retrying",
    "step.completed",
    "step.failed",
    "step.skipped",
    "step.cancelled",
)

SHOWN_KINDS = (*STEP_KINDS, "llm.completed")
"""What a step's view is folded from."""


def fold(rows: Iterable[EventRow]) -> list[StepView]:
    """The steps in the order in which they began, with everything but their inputs."""
    steps: dict[str, StepView] = {}
    for row in rows:
        if row[5] is None:
            continue
        event = engine_event(row)
        if not isinstance(event, StepEvent):
            continue
        step = steps.get(event.step_id)
        if step is None:
            step = steps[event.step_id] = StepView(
                id=event.step_id, run_id=event.run_id, node_id=event.node_id, path=event.path
            )
        _take(step, event)
    return list(steps.values())


def _take(step: StepView, event: RunEvent) -> None:
    match event:
        case StepStarted(data=data):
            step.status = StepStatus.RUNNING
            step.started_at = step.started_at or event.at
            step.attempt = event.attempt
            step.node_type, step.name = data.node_type, data.name
        case StepRetrying(data=data):
            step.status = StepStatus.RETRYING
            step.error = data.error
            step.attempt = event.attempt + 1
        case StepCompleted(data=data):
            step.status = StepStatus.COMPLETED
            step.output, step.ports, step.error = data.output, list(data.ports), data.error
            step.size_bytes, step.duration_ms = data.size_bytes, data.duration_ms
            step.usage = data.usage or step.usage
            step.attempt, step.finished_at = event.attempt, event.at
            step.started_at = step.started_at or event.at
            step.pinned, step.reused_from = data.pinned, data.reused_from
        case StepFailed(data=data):
            step.status = StepStatus.FAILED
            step.error, step.duration_ms = data.error, data.duration_ms
            step.attempt, step.finished_at = event.attempt, event.at
        case StepSkipped(data=data):
            step.status, step.skip_reason = StepStatus.SKIPPED, data.reason
            step.finished_at, step.reused_from = event.at, data.reused_from
        case StepCancelled(data=data):
            step.status, step.duration_ms = StepStatus.CANCELLED, data.duration_ms
            step.error, step.finished_at = data.error, event.at
        case LlmCompleted(data=data):
            step.usage = data.usage if step.usage is None else step.usage + data.usage
        case _:
            pass


def log_line(row: EventRow) -> LogLine:
    """A line that a node wrote, or the failure of an attempt, a step or the run."""
    event = engine_event(row)
    match event:
        case Log(data=data):
            level, message = data.level, data.message
        case StepRetrying(data=data):
            level, message = "warning", _retrying(event.attempt, data)
        case StepFailed(data=data) | RunFailed(data=data):
            level, message = "error", data.error.message
        case _:
            raise ValueError(f"{row[3]} is no line of a log")
    return LogLine(
        seq=row[1],
        at=event.at,
        level=level,
        message=message,
        node_id=row[4],
        step_id=row[5],
        path=row[6],
        attempt=row[7],
    )


def _retrying(attempt: int, data: StepRetryingData) -> str:
    again = f"the next one begins after {data.delay_ms / 1000:g} s"
    return f"Attempt {attempt} failed, {again}: {data.error.message}"
