"""Keeps the table of questions beside the events that ask and settle them, in the same commit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from backend.approvals import due
from backend.approvals.schemas import ApprovalStatus
from backend.database import Statement
from backend.runs.hooks import OWNED
from backend.runs.record import RunRecord
from graphs.events import (
    ApprovalAnswer,
    ApprovalAnswered,
    ApprovalRequested,
    RunCancelled,
    RunCompleted,
    RunEvent,
    RunFailed,
    StepCancelled,
    StepFailed,
)

_COLUMNS = (
    "id",
    "tenant_id",
    "run_id",
    "workflow_id",
    "workflow_name",
    "node_id",
    "path",
    "status",
    "assignee",
    "role",
    "search_text",
    "request",
    "deadline_at",
    "remind_at",
    "created_at",
)
INSERT = (
    f"INSERT INTO approval ({', '.join(_COLUMNS)}) SELECT {', '.join('?' * len(_COLUMNS))}"
    f" WHERE {OWNED} ON CONFLICT DO NOTHING"
)
SETTLE = (
    "UPDATE approval SET status = ?, answer = ?, answered_by = ?, comment = ?, source = ?,"
    f" answered_at = ? WHERE id = ? AND status = 'open' AND {OWNED}"
)
_WITHDRAW = "UPDATE approval SET status = 'cancelled', answered_at = ?"
WITHDRAW_STEP = f"{_WITHDRAW} WHERE id = ? AND status = 'open' AND {OWNED}"
WITHDRAW_RUN = f"{_WITHDRAW} WHERE run_id = ? AND status = 'open' AND {OWNED}"
FORGET = "DELETE FROM approval WHERE run_id = ?"

_encode = msgspec.json.Encoder().encode


def statements(event: RunEvent, record: RunRecord) -> list[Statement]:
    """What an event of a run changes in the table."""
    guard = (record.id, record.epoch)
    match event:
        case ApprovalRequested(data=request):
            due.expect(request.deadline_at, request.remind_at)
            return [Statement(INSERT, [(*_row(event, record), *guard)])]
        case ApprovalAnswered(data=data):
            return [Statement(SETTLE, [(*_settled(data), data.approval_id, *guard)])]
        case StepFailed() | StepCancelled():
            return [Statement(WITHDRAW_STEP, [(event.at, event.step_id, *guard)])]
        case RunCompleted() | RunFailed() | RunCancelled():
            return [Statement(WITHDRAW_RUN, [(event.at, record.id, *guard)])]
        case _:
            return []


async def forget(run_ids: Sequence[str], heirs: Mapping[str, str]) -> list[Statement]:
    """What deletes the questions of runs that are deleted."""
    return [Statement(FORGET, [(run_id,) for run_id in run_ids])]


def _row(event: ApprovalRequested, record: RunRecord) -> tuple[Any, ...]:
    request = event.data
    words = " ".join((request.title, request.message, record.workflow_name))
    return (
        request.approval_id,
        record.tenant_id,
        record.id,
        record.workflow_id,
        record.workflow_name,
        event.node_id,
        event.path,
        ApprovalStatus.OPEN.value,
        _plain(request.assignee),
        _plain(request.role),
        _plain(words.lower()),
        _encode(request).decode(),
        request.deadline_at,
        request.remind_at,
        event.at,
    )


def _settled(given: ApprovalAnswer) -> tuple[Any, ...]:
    answered = given.answer is not UNSET
    at: datetime = given.answered_at
    return (
        (ApprovalStatus.ANSWERED if answered else ApprovalStatus.EXPIRED).value,
        _encode(given.answer).decode() if answered else None,
        given.by,
        given.comment,
        given.source.value,
        at,
    )


def _plain(text: str | None) -> str | None:
    """PostgreSQL stores no NUL; what people write in expressions may hold any."""
    return None if text is None else text.replace("\0", "")
