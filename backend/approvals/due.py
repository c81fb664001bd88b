"""What becomes due of questions: reminders and deadlines, whether their runs execute, wait or are
paused. The moments are in the table, so that a restart loses none.
"""

import asyncio
import contextvars
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from backend.database import execute, fetch
from backend.errors import Conflict
from backend.runs.clock import Alarm
from backend.runs.executor import executor
from backend.runs.status import RunStatus
from graphs.events import AnswerSource, ApprovalAnswer, ApprovalRequest, Log, LogData, now

SOON = timedelta(seconds=1)
"""A moment is looked at no earlier: by then the question that it is of has been stored."""

AT_ONCE = 200

WITHDRAW = (
    "UPDATE approval SET status = 'cancelled', answered_at = ? WHERE id = ? AND status = 'open'"
)

log = structlog.get_logger("heddle.approvals")

_settling: dict[str, asyncio.Task[None]] = {}


def expect(*moments: datetime | None) -> None:
    """Say when a question becomes due that is just being stored."""
    for moment in moments:
        # without an executor here there is nothing to do: one that opens looks at all of them
        with suppress(RuntimeError):
            if moment is not None:
                executor().clock.note(max(moment, now() + SOON))


async def earliest() -> datetime | None:
    """The next moment at which a reminder or a deadline is due."""
    rows = await fetch(
        "SELECT min(remind_at) AS remind_at FROM approval"
        " WHERE status = 'open' AND reminded_at IS NULL AND remind_at IS NOT NULL"
    )
    reminder = _moment(rows[0]["remind_at"])
    rows = await fetch(
        "SELECT min(deadline_at) AS deadline_at FROM approval"
        " WHERE status = 'open' AND deadline_at IS NOT NULL"
    )
    deadline = _moment(rows[0]["deadline_at"])
    return min((moment for moment in (reminder, deadline) if moment is not None), default=None)


async def ring(moment: datetime) -> None:
    """Remind of what was to be reminded of, and settle what nobody answered in time."""
    rows = await fetch(
        "SELECT id, run_id, node_id, path, request FROM approval WHERE status = 'open'"
        f" AND reminded_at IS NULL AND remind_at <= ? ORDER BY remind_at LIMIT {AT_ONCE}",
        moment,
    )
    for row in rows:
        await _remind(row, moment)
    rows = await fetch(
        "SELECT id, run_id, request FROM approval WHERE status = 'open' AND deadline_at <= ?"
        f" ORDER BY deadline_at LIMIT {AT_ONCE}",
        moment,
    )
    _settle(rows)


async def _remind(row: dict[str, Any], moment: datetime) -> None:
    changed = await execute(
        "UPDATE approval SET reminded_at = ?"
        " WHERE id = ? AND status = 'open' AND reminded_at IS NULL",
        moment,
        row["id"],
    )
    if not changed:
        return  # answered meanwhile, or another process was faster
    request = msgspec.json.decode(row["request"], type=ApprovalRequest)
    asked = request.assignee or (f"the role {request.role}" if request.role else "an editor")
    line = Log(
        run_id=row["run_id"],
        node_id=row["node_id"],
        step_id=row["id"],
        path=row["path"],
        data=LogData("warning", f"Reminder: the question still waits for {asked}."),
    )
    await _write(line)


async def _write(line: Log) -> None:
    """Add a line to the log of a run that stands still or that this process executes."""
    running = executor()
    async with running.lock(line.run_id):
        active = running.active.get(line.run_id)
        if active is not None and not active.journal.record.status.ended:
            active.journal.append(line)
            return
        journal = await running.writer.claim(line.run_id, running.owner, {RunStatus.PAUSED})
        if journal is not None:
            journal.append(line)
            await journal.flush()


def _settle(rows: Sequence[dict[str, Any]]) -> None:
    """In tasks of their own: a run that is just being let go must not hold up the clock."""
    for row in rows:
        if row["id"] not in _settling:
            task = asyncio.create_task(_expire(row), context=contextvars.Context())
            _settling[row["id"]] = task
            task.add_done_callback(lambda _, done=row["id"]: _settling.pop(done, None))


async def _expire(row: dict[str, Any]) -> None:
    request = msgspec.json.decode(row["request"], type=ApprovalRequest)
    given = ApprovalAnswer(
        approval_id=request.approval_id,
        source=AnswerSource.DEADLINE,
        answer=request.default_answer,
    )
    try:
        await executor().answer(row["run_id"], row["id"], given)
    except Conflict as error:
        log.info("approval_settled_meanwhile", approval_id=row["id"], reason=error.code)
        if error.code == "approval_closed":
            # the run does not ask this any more: it must not become due again and again
            await execute(WITHDRAW, now(), row["id"])


def _moment(value: Any) -> datetime | None:
    """SQLite tells no type of what an aggregate gives."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


ALARM = Alarm(earliest, ring)
"""For the executor's clock."""
