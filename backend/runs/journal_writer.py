"""The only writer of runs and their events: many journals, one transaction after the other.

Whatever all journals of this process have is written in one commit, so that under load many runs
share it. Every write is conditional on the run's `epoch`: when another process has claimed the
run, nothing of this one's is written, and its journal raises `Fenced`.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Any

import structlog

from backend.database import Statement, fetch, write_batch
from backend.runs import event_log
from backend.runs.bus import Delivery, RunBus
from backend.runs.journal import Entry, Fenced, RunJournal
from backend.runs.metrics import observe_commit
from backend.runs.plan import RunPlan
from backend.runs.record import COLUMNS, RunRecord, from_row, text
from backend.runs.status import CLAIMABLE, RunStatus

LINGER_S = 0.01
"""How long events that nobody waits for may gather before they are written."""

RETRY_DELAYS_S = (0.05, 0.2, 1.0, 3.0)
"""The pauses between attempts to write one run's batch when the database refuses it."""

_INTO_EVENTS = (
    "INSERT INTO run_event (run_id, seq, at, kind, node_id, step_id, path, attempt, data)"
)
INSERT_FIRST_EVENT = f"{_INTO_EVENTS} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_EVENT = (
    f"{_INTO_EVENTS} SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"
    " WHERE EXISTS (SELECT 1 FROM run WHERE id = ? AND epoch = ?)"
)
CLAIM = "UPDATE run SET epoch = epoch + 1, owner = ? WHERE id = ? AND epoch = ? AND status = ?"
REPLAN = "UPDATE run SET plan = ? WHERE id = ? AND epoch = ? AND status = ?"
RELEASE = "UPDATE run SET held = 0 WHERE id = ? AND held = 1"

log: Any = structlog.get_logger("heddle.runs")


class JournalWriter:
    """Writes what all journals of this process have, one commit after the other."""

    def __init__(self, bus: RunBus) -> None:
        self.bus = bus
        self._queue: list[RunJournal] = []
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="journal writer")

    async def close(self) -> None:
        """Write what is queued, then stop."""
        task, self._task = self._task, None
        if task is not None:
            self._wake.set()
            await task

    def take(self, journal: RunJournal, *, urgent: bool) -> None:
        """Note that a journal has something to write: now, or when it has lingered a little."""
        if not journal.queued:
            journal.queued = True
            self._queue.append(journal)
        if urgent or self.bus.watched(journal.record.id):
            self._wake.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._ring)

    async def claim(
        self,
        run_id: str,
        owner: str,
        statuses: Collection[RunStatus] = CLAIMABLE,
        *,
        held: bool = False,
    ) -> RunJournal | None:
        """Take a run over from whoever had it; None when it is in another status or somebody was
        faster, and unless `held`, when it is held back.
        """
        before = await read_run(run_id)
        if before is None or before.status not in statuses or (before.held and not held):
            return None
        row = (owner, run_id, before.epoch, before.status.value)
        (claimed,) = await write_batch([Statement(CLAIM, [row])])
        # read again: until the claim, whoever had the run may have gone on writing
        record = await read_run(run_id) if claimed else None
        if record is None or record.epoch != before.epoch + 1:
            return None
        events = [event_log.engine_event(row) for row in await event_log.read_all(run_id)]
        return RunJournal(self, record, events)

    def _ring(self) -> None:
        self._timer = None
        self._wake.set()

    async def _run(self) -> None:
        while self._task is not None or self._queue:
            if not self._queue:
                await self._wake.wait()
            self._wake.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            journals, self._queue = self._queue, []
            if journals:
                await self._write([journal.hand_over() for journal in journals])

    async def _write(self, entries: list[Entry]) -> None:
        try:
            lost = await _commit(entries)
        except Exception as error:  # noqa: BLE001 the writer must outlive any refusal
            log.warning("run_batch_refused", runs=len(entries), error=repr(error))
            for entry in entries:
                await self._write_alone(entry)
            return
        for entry in entries:
            if entry in lost:
                entry.journal.failed(entry, Fenced(entry.journal.record.id))
            else:
                entry.journal.written(entry)

    async def _write_alone(self, entry: Entry) -> None:
        """Write one run's part again and again, so that it can neither block nor break others'."""
        failure: Exception | None = None
        for delay_s in (0.0, *RETRY_DELAYS_S):
            await asyncio.sleep(delay_s)
            try:
                # a commit whose answer was lost must not be written a second time
                if not await _missing([entry]):
                    entry.journal.written(entry)
                    return
                lost = await _commit([entry])
            except Exception as error:  # noqa: BLE001
                failure = error
                continue
            if lost:
                entry.journal.failed(entry, Fenced(entry.journal.record.id))
            else:
                entry.journal.written(entry)
            return
        assert failure is not None
        log.error("run_not_written", run_id=entry.journal.record.id, error=repr(failure))
        entry.journal.failed(entry, failure)


async def read_run(run_id: str) -> RunRecord | None:
    """A stored run, whoever it belongs to."""
    rows = await fetch(f"SELECT {', '.join(COLUMNS)} FROM run WHERE id = ?", run_id)
    return from_row(rows[0]) if rows else None


async def replan(record: RunRecord, plan: RunPlan) -> bool:
    """Change what an idle run is told; False when it has moved on since it was read."""
    row = (text(plan), record.id, record.epoch, record.status.value)
    (changed,) = await write_batch([Statement(REPLAN, [row])])
    return changed == 1


async def release(run_id: str) -> bool:
    """Let a run that was held back be claimed."""
    (changed,) = await write_batch([Statement(RELEASE, [(run_id,)])])
    return changed == 1


async def _commit(entries: list[Entry]) -> set[Entry]:
    """Write entries in one transaction. Returns those that were fenced and left no trace."""
    statements: dict[str, list[tuple[Any, ...]]] = {}
    first: list[tuple[Any, ...]] = []
    later: list[tuple[Any, ...]] = []
    for entry in entries:
        statements.setdefault(entry.sql, []).append(entry.row)
        rows = (item for item in entry.items if not isinstance(item, Delivery))
        if entry.new:
            first.extend(rows)
        else:
            guard = (entry.journal.record.id, entry.epoch)
            later.extend((*row, *guard) for row in rows)
    # after the runs' rows: on PostgreSQL their update locks the epoch until the commit
    if first:
        statements[INSERT_FIRST_EVENT] = first
    if later:
        statements[INSERT_EVENT] = later
    batch = [Statement(sql, rows) for sql, rows in statements.items()]
    for entry in entries:
        batch.extend(entry.projected)
    began = time.perf_counter()
    counts = await write_batch(batch)
    observe_commit(time.perf_counter() - began, len(first) + len(later))
    if counts[: len(statements)] == [len(rows) for rows in statements.values()]:
        return set()
    return await _missing(entries)


async def _missing(entries: list[Entry]) -> set[Entry]:
    """The entries that the table does not show as written; `last_seq` is the proof."""
    marks = ", ".join("?" * len(entries))
    rows = await fetch(
        f"SELECT id, epoch, last_seq FROM run WHERE id IN ({marks})",
        *(entry.journal.record.id for entry in entries),
    )
    found = {row["id"]: (row["epoch"], row["last_seq"]) for row in rows}
    return {
        entry
        for entry in entries
        if found.get(entry.journal.record.id) != (entry.epoch, entry.last_seq)
    }
