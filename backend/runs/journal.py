"""The only writer of runs, their statuses and their events.

Every run in this process has a `RunJournal`, which is the engine's memory; all journals share one
`JournalWriter`, which takes whatever they have and writes it in one transaction, so that under
load many runs share a commit. Every write is conditional on the run's `epoch`: when another
process has claimed the run, nothing is written and `Fenced` is raised.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import structlog

from backend.database import Statement, fetch, write_batch
from backend.runs import event_log
from backend.runs.bus import Delivery, RunBus
from backend.runs.event_log import EventRow
from backend.runs.record import COLUMNS, RunRecord, from_row
from backend.runs.status import CLAIMABLE, RunStatus, may_move
from graphs.events import (
    LlmCompleted,
    RunCancelled,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunStarted,
    StepCompleted,
    StepFailed,
    StepSkipped,
    StepStarted,
)

LINGER_S = 0.001
"""How long events that nobody waits for may gather before they are written."""

RETRY_DELAYS_S = (0.05, 0.2, 1.0, 3.0)
"""The pauses between attempts to write one run's batch when the database refuses it."""

INSERT_RUN = f"INSERT INTO run ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_PROGRESS = "last_seq = ?, completed_steps = ?, input_tokens = ?, output_tokens = ?, cost_usd = ?"
UPDATE_PROGRESS = f"UPDATE run SET {_PROGRESS} WHERE id = ? AND epoch = ? AND status = ?"
UPDATE_STATUS = (
    f"UPDATE run SET {_PROGRESS}, status = ?, outputs = ?, error = ?, total_steps = ?,"
    " cancel_reason = ?, started_at = ?, finished_at = ? WHERE id = ? AND epoch = ? AND status = ?"
)
_INTO_EVENTS = (
    "INSERT INTO run_event (run_id, seq, at, kind, node_id, step_id, path, attempt, data)"
)
INSERT_FIRST_EVENT = f"{_INTO_EVENTS} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_EVENT = (
    f"{_INTO_EVENTS} SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"
    " WHERE EXISTS (SELECT 1 FROM run WHERE id = ? AND epoch = ?)"
)
CLAIM = (
    "UPDATE run SET epoch = epoch + 1, owner = ? WHERE id = ? AND epoch = ?"
    f" AND status IN ({', '.join(repr(status.value) for status in sorted(CLAIMABLE))})"
)

log: Any = structlog.get_logger("heddle.runs")


class Fenced(Exception):
    """Another process has claimed this run, or it was deleted: this one must let go of it."""


class Entry:
    """What one journal hands to the writer: a part of one commit."""

    __slots__ = ("epoch", "items", "journal", "last_seq", "new", "row", "sql", "waiters")

    def __init__(self, journal: "RunJournal") -> None:
        record = journal.record
        self.journal = journal
        self.items = journal.items
        self.waiters = journal.waiters
        self.new = not journal.stored
        self.epoch = record.epoch
        self.last_seq = record.last_seq
        self.sql: str
        self.row: tuple[Any, ...]
        guard = (record.id, record.epoch, journal.stored_status)
        progress = (
            record.last_seq,
            record.completed_steps,
            record.input_tokens,
            record.output_tokens,
            record.cost_usd,
        )
        if self.new:
            self.sql, self.row = INSERT_RUN, record.values()
        elif record.status is journal.stored_status:
            self.sql, self.row = UPDATE_PROGRESS, (*progress, *guard)
        else:
            self.sql = UPDATE_STATUS
            self.row = (
                *progress,
                record.status.value,
                record.outputs_text(),
                record.error_text(),
                record.total_steps,
                record.cancel_reason,
                record.started_at,
                record.finished_at,
                *guard,
            )

    def settle(self, error: Exception | None) -> None:
        """Wake those who wait for this part to be durable."""
        for waiter in self.waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


class RunJournal:
    """One run's memory: gives events their `seq`, keeps its row up to date, knows what is done."""

    def __init__(
        self, writer: "JournalWriter", record: RunRecord, events: Iterable[RunEvent] | None = None
    ) -> None:
        """`events` are those stored already; None for a run that is not stored yet."""
        self.record = record
        self.stored = events is not None
        self.stored_status = record.status
        self.recovered = False
        self.items: list[EventRow | Delivery] = []
        self.waiters: list[asyncio.Future[None]] = []
        self.entry: Entry | None = None
        self.error: Exception | None = None
        self.queued = False
        self._changed = not self.stored
        self._writer = writer
        self._outcomes: dict[tuple[str, str], StepCompleted | StepFailed | StepSkipped] = {}
        self._started: dict[tuple[str, str], str] = {}
        for event in events or ():
            self._remember(event)

    def outcome(self, path: str, node_id: str) -> StepCompleted | StepFailed | StepSkipped | None:
        """The end of a step that an earlier process recorded."""
        return self._outcomes.get((path, node_id))

    def started(self, path: str, node_id: str) -> str | None:
        """The id of a step that an earlier process started and did not end."""
        return self._started.get((path, node_id))

    def append(self, event: RunEvent) -> None:
        """Take an event; it is durable after `flush`, and soon without."""
        if self.error is not None:
            raise self.error
        seq = self.record.last_seq + 1
        event.seq = seq
        row = event_log.row_of(event)
        self.record.last_seq = seq
        self.items.append(row)
        self._apply(event)
        self._writer.take(self, urgent=False)

    def live(self, event: RunEvent) -> None:
        """Show an event to those who watch, after everything that was appended before it."""
        run_id = self.record.id
        if not self._writer.bus.watched(run_id):
            return
        delivery = event_log.live_delivery(event)
        if self.items or self.entry is not None:
            self.items.append(delivery)
        else:
            self._writer.bus.publish(run_id, (delivery,))

    def cancelling(self, reason: str) -> None:
        """Note that somebody cancelled the run; the engine ends it with an event."""
        self._move(RunStatus.CANCELLING)
        self.record.cancel_reason = reason
        self._changed = True
        self._writer.take(self, urgent=True)

    async def flush(self) -> None:
        """Return when everything so far is durable. Raises Fenced, or what the database raised."""
        if self.error is not None:
            raise self.error
        if self.items or self._changed:
            waiters = self.waiters
            self._writer.take(self, urgent=True)
        elif self.entry is not None:
            waiters = self.entry.waiters
        else:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters.append(waiter)
        await waiter

    def hand_over(self) -> Entry:
        """Give the writer what there is."""
        self.queued = False
        self.entry = Entry(self)
        self.items, self.waiters = [], []
        self._changed = False
        self.stored = True
        self.stored_status = self.record.status
        return self.entry

    def written(self, entry: Entry) -> None:
        """The writer's answer that an entry is durable."""
        self.entry = None
        bus = self._writer.bus
        if entry.items and bus.watched(self.record.id):
            bus.publish(
                self.record.id,
                [
                    item if isinstance(item, Delivery) else event_log.delivery(item)
                    for item in entry.items
                ],
            )
        entry.settle(None)

    def failed(self, entry: Entry, error: Exception) -> None:
        """The writer's answer that nothing of an entry was written, nor will be."""
        self.entry = None
        self.error = error
        entry.settle(error)
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(error)

    def _apply(self, event: RunEvent) -> None:
        record = self.record
        match event:
            case StepCompleted() | StepFailed() | StepSkipped():
                if event.path is None:
                    record.completed_steps += 1
            case LlmCompleted(data=data):
                record.add_usage(data.usage)
            case RunStarted(data=data):
                if record.status is not RunStatus.CANCELLING:
                    self._move(RunStatus.RUNNING)
                record.started_at = record.started_at or event.at
                record.total_steps = data.total
            case RunCompleted(data=data):
                self._move(RunStatus.COMPLETED)
                record.outputs = data.outputs
                record.finished_at = event.at
            case RunFailed(data=data):
                self._move(RunStatus.FAILED)
                record.error = data.error
                record.finished_at = event.at
            case RunCancelled(data=data):
                self._move(RunStatus.CANCELLED)
                record.cancel_reason = data.reason
                record.finished_at = event.at
            case _:
                pass

    def _move(self, status: RunStatus) -> None:
        before = self.record.status
        if not may_move(before, status):
            raise ValueError(f"a run cannot go from {before} to {status}")
        self.record.status = status

    def _remember(self, event: RunEvent) -> None:
        match event:
            case StepStarted():
                self._started[(event.path or "", event.node_id)] = event.step_id
            case StepCompleted() | StepFailed() | StepSkipped():
                self._outcomes[(event.path or "", event.node_id)] = event
            case RunStarted():
                self.recovered = True
            case _:
                pass


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

    async def claim(self, run_id: str, owner: str) -> RunJournal | None:
        """Take a run over from whoever had it; None when it has ended or somebody was faster."""
        before = await read_run(run_id)
        if before is None or before.status not in CLAIMABLE:
            return None
        (claimed,) = await write_batch([Statement(CLAIM, [(owner, run_id, before.epoch)])])
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


async def delete_runs(run_ids: Sequence[str]) -> None:
    """Delete runs with their events; the caller knows that they have ended."""
    rows = [(run_id,) for run_id in run_ids]
    await write_batch(
        [
            Statement("DELETE FROM run_event WHERE run_id = ?", rows),
            Statement("DELETE FROM run WHERE id = ?", rows),
        ]
    )


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
    counts = await write_batch([Statement(sql, rows) for sql, rows in statements.items()])
    if counts == [len(rows) for rows in statements.values()]:
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
