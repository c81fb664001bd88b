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

from backend.database import Statement, fetch, is_postgres, write_batch
from backend.runs import event_log
from backend.runs.bus import Delivery, RunBus
from backend.runs.deletion import delete_runs
from backend.runs.hooks import NO_HOOKS, RunHooks
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
INSERT_EVENTS_AT_ONCE = (
    f"{_INTO_EVENTS} SELECT new.run_id, new.seq, new.at, new.kind, new.node_id, new.step_id,"
    " new.path, new.attempt, new.data FROM unnest(?::text[], ?::bigint[], ?::bigint[],"
    " ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::text[], ?::text[], ?::int[])"
    " AS new (run_id, seq, at, kind, node_id, step_id, path, attempt, data, owned_id, epoch)"
    " JOIN run ON run.id = new.owned_id AND run.epoch = new.epoch"
)
"""The same for all rows in one round trip; for PostgreSQL, with an array for each column."""
CLAIM = (
    "UPDATE run SET epoch = epoch + 1, owner = ?, claims = ?"
    " WHERE id = ? AND epoch = ? AND status = ?"
)
UNCLAIM = "UPDATE run SET claims = claims - 1 WHERE id = ? AND epoch = ? AND claims > 0"
REPLAN = "UPDATE run SET plan = ? WHERE id = ? AND epoch = ? AND status = ?"
RELEASE = "UPDATE run SET held = 0 WHERE id = ? AND held = 1"

log: Any = structlog.get_logger("heddle.runs")


class JournalWriter:
    """Writes what all journals of this process have, one commit after the other."""

    def __init__(self, bus: RunBus, hooks: RunHooks = NO_HOOKS) -> None:
        self.bus = bus
        self.hooks = hooks
        self._queue: list[RunJournal] = []
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._parked: dict[RunJournal, asyncio.Task[None]] = {}
        """Journals of which the database refused something, with what tries again."""
        self._writing: list[RunJournal] = []
        """Those whose part is just being written."""
        self.commits = 0
        """How often something was written: while this rises, whoever waits has patience."""
        self.taken_back: dict[str, asyncio.Task[None]] = {}
        """Runs that were written after they had been withdrawn, until they are deleted."""

    def open(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="journal writer")

    async def close(self) -> None:
        """Write what is queued, then stop."""
        task, self._task = self._task, None
        if task is not None:
            self._wake.set()
            await task
        while self._parked or self._queue:
            if self._parked:
                await asyncio.wait(self._parked.values())
            await self._write_queued()
        if self.taken_back:
            await asyncio.wait(self.taken_back.values())

    def take(self, journal: RunJournal, *, urgent: bool) -> None:
        """Note that a journal has something to write: now, or when it has lingered a little."""
        if journal in self._parked:
            return
        if not journal.queued:
            journal.queued = True
            self._queue.append(journal)
        if urgent or self.bus.watched(journal.record.id):
            self._wake.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_S, self._ring)

    def is_busy(self) -> bool:
        """Whether anything is still to be written or taken back."""
        return bool(self._queue or self._writing or self._parked or self.taken_back)

    def is_withdrawing(self, run_id: str) -> bool:
        """Whether a start of this run was refused and it is not settled yet that there is none."""
        return run_id in self.taken_back or any(
            journal.withdrawn and journal.record.id == run_id
            for journal in (*self._parked, *self._queue, *self._writing)
        )

    async def claim(
        self,
        run_id: str,
        owner: str,
        statuses: Collection[RunStatus] = CLAIMABLE,
        *,
        held: bool = False,
        counted: bool = False,
    ) -> RunJournal | None:
        """Take a run over from whoever had it; None when it is in another status or somebody was
        faster, and unless `held`, when it is held back. `counted`: to execute it.
        """
        before = await read_run(run_id)
        if before is None or before.status not in statuses or (before.held and not held):
            return None
        # a process that takes its own run up again has not died of it
        again = counted and (before.owner != owner or not before.claims)
        row = (owner, before.claims + again, run_id, before.epoch, before.status.value)
        (claimed,) = await write_batch([Statement(CLAIM, [row])])
        # read again: until the claim, whoever had the run may have gone on writing
        record = await read_run(run_id) if claimed else None
        if record is None or record.epoch != before.epoch + 1:
            return None
        return RunJournal(self, record, await event_log.history(run_id))

    async def unclaim(self, journals: Collection[RunJournal]) -> None:
        """Say that this process lets go of runs in good order, and did not die of them."""
        rows = [(journal.record.id, journal.record.epoch) for journal in journals]
        if rows:
            await write_batch([Statement(UNCLAIM, rows)])

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
            await self._write_queued()

    async def _write_queued(self) -> None:
        journals, self._queue = self._queue, []
        self._writing = journals
        try:
            await self._write(_handed_over(journals))
        except Exception as error:
            log.error("journal_writer_broke", exc_info=error)
        finally:
            self._writing = []

    async def _write(self, entries: list[Entry]) -> None:
        if not entries:
            return
        try:
            lost = await _commit(entries)
        except Exception as error:  # noqa: BLE001 the writer must outlive any refusal
            log.warning("run_batch_refused", runs=len(entries), error=repr(error))
            for entry in entries:
                self._parked[entry.journal] = asyncio.create_task(self._write_alone(entry))
            return
        self.commits += 1
        for entry in entries:
            self._settle_written(entry, lost=entry in lost)

    def _settle_written(self, entry: Entry, *, lost: bool) -> None:
        journal = entry.journal
        run_id = journal.record.id
        if not lost and entry.new and journal.withdrawn:
            self.taken_back[run_id] = asyncio.create_task(self._take_back(run_id))
            lost = True
        _settle(entry, Fenced(run_id) if lost else None)

    async def _take_back(self, run_id: str) -> None:
        """Delete a run of which it was said that it was not stored."""
        try:
            for delay_s in (0.0, *RETRY_DELAYS_S * 20):
                await asyncio.sleep(delay_s)
                try:
                    await delete_runs([run_id], self.hooks)
                except Exception as error:  # noqa: BLE001 the database may be back later
                    log.warning("run_not_taken_back", run_id=run_id, error=repr(error))
                else:
                    return
        finally:
            del self.taken_back[run_id]

    async def _write_alone(self, entry: Entry) -> None:
        """Write one run's part again and again, beside the writer: others do not wait for it."""
        try:
            refusal = await self._refusal(entry)
            if refusal is None:
                self.commits += 1
                self._settle_written(entry, lost=False)
            else:
                _settle(entry, refusal)
        finally:
            journal = entry.journal
            del self._parked[journal]
            if journal.error is None and (journal.items or journal.changed):
                self.take(journal, urgent=True)

    async def _refusal(self, entry: Entry) -> Exception | None:
        """None once the entry is written, or else why it never will be."""
        failure: Exception | None = None
        for delay_s in (0.0, *RETRY_DELAYS_S):
            await asyncio.sleep(delay_s)
            try:
                # a commit whose answer was lost must not be written a second time
                if not await _missing([entry]):
                    return None
                if entry.new and entry.journal.withdrawn:
                    return Fenced(entry.journal.record.id)
                lost = await _commit([entry])
            except Exception as error:  # noqa: BLE001
                failure = error
                continue
            return Fenced(entry.journal.record.id) if lost else None
        assert failure is not None
        log.error("run_not_written", run_id=entry.journal.record.id, error=repr(failure))
        return failure


def _handed_over(journals: list[RunJournal]) -> list[Entry]:
    """What journals have; one that cannot tell breaks alone."""
    entries: list[Entry] = []
    for journal in journals:
        if journal.withdrawn and not journal.stored:
            journal.failed(None, Fenced(journal.record.id))
            continue
        try:
            entries.append(journal.hand_over())
        except Exception as error:
            log.error("journal_broke", run_id=journal.record.id, exc_info=error)
            journal.failed(None, error)
    return entries


def _settle(entry: Entry, error: Exception | None) -> None:
    """Tell a journal what came of its part; what it makes of that cannot end the writer."""
    try:
        if error is None:
            entry.journal.written(entry)
        else:
            entry.journal.failed(entry, error)
    except Exception as broken:
        log.error("journal_broke", run_id=entry.journal.record.id, exc_info=broken)


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
    batch = [Statement(sql, rows) for sql, rows in statements.items()]
    expected = [len(rows) for rows in statements.values()]
    if later:
        expected.append(len(later))
        if len(later) > 1 and is_postgres():
            batch.append(Statement(INSERT_EVENTS_AT_ONCE, [tuple(zip(*later, strict=True))]))
        else:
            batch.append(Statement(INSERT_EVENT, later))
    for entry in entries:
        batch.extend(entry.projected)
    began = time.perf_counter()
    counts = await write_batch(batch)
    observe_commit(time.perf_counter() - began, len(first) + len(later))
    if counts[: len(expected)] == expected:
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
