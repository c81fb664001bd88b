"""Questions written by hand through a journal, without an engine."""

from typing import Any

from uuid_utils.compat import uuid7

from backend.runs.journal import RunJournal
from graphs.events import (
    AnswerSource,
    ApprovalAnswer,
    ApprovalAnswered,
    ApprovalKind,
    ApprovalRequest,
    ApprovalRequested,
    PauseReason,
    RunPaused,
    RunPausedData,
    StepStarted,
)


def ask(run: RunJournal, node_id: str = "ask", **changes: Any) -> str:
    """A step that asks; returns the question's id."""
    step_id = str(uuid7())
    names: dict[str, Any] = {"run_id": run.record.id, "node_id": node_id, "step_id": step_id}
    values: dict[str, Any] = {
        "approval_id": step_id,
        "kind": ApprovalKind.CONFIRMATION,
        "message": "Go on?",
        "answer_schema": {"type": "boolean"},
        **changes,
    }
    run.append(StepStarted(**names))
    run.append(ApprovalRequested(**names, data=ApprovalRequest(**values)))
    return step_id


def answer(run: RunJournal, approval_id: str, **given: Any) -> None:
    """The event that settles a question."""
    values: dict[str, Any] = {"source": AnswerSource.PERSON, **given}
    run.append(
        ApprovalAnswered(
            run_id=run.record.id,
            node_id="ask",
            step_id=approval_id,
            data=ApprovalAnswer(approval_id=approval_id, **values),
        )
    )


def put_aside(run: RunJournal, reason: PauseReason = PauseReason.WAITING) -> None:
    """The pause of a run that only waits."""
    run.append(RunPaused(run_id=run.record.id, data=RunPausedData(reason, 1)))
