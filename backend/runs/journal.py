"""A run's journal: the engine's memory, and the one place where its events and status change.

What a journal takes, the writer of `backend.runs.journal_writer` makes durable and shows.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol

from msgspec.structs import replace

from backend.database import Statement
from backend.runs import event_log
from backend.runs.bus import Delivery, RunBus
from backend.runs.event_log import EventRow
from backend.runs.hooks import RunHooks
from backend.runs.metrics import count_written
from backend.runs.plan import RunPlan
from backend.runs.record import COLUMNS, RunRecord
from backend.runs.schemas import Pause
from backend.runs.status import RunStatus, may_move
from graphs.events import (
    ApprovalAnswered,
    ApprovalRequested,
    LlmCompleted,
    PauseReason,
    ResumeReason,
    RunCancelled,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunPaused,
    RunPausedData,
    RunResumed,
    RunResumedData,
    RunStarted,
    StepCancelled,
    StepCompleted,
    StepEvent,
    StepFailed,
    StepSkipped,
)
from graphs.recorded import Recorded

INSERT_RUN = f"INSERT INTO run ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_PROGRESS = (
    "last_seq = ?, completed_steps = ?, input_tokens = ?, output_tokens = ?, cost_usd = ?,"
    " claims = ?"
)
UPDATE_PROGRESS = f"UPDATE run SET {_PROGRESS} WHERE id = ? AND epoch = ? AND status = ?"
UPDATE_STATUS = (
    f"UPDATE run SET {_PROGRESS}, status = ?, outputs = ?, error = ?, total_steps = ?,"
    " cancel_reason = ?, started_at = ?, finished_at = ?, plan = ?, pause = ?, wake_at = ?,"
    " active_ms = ?, held = ? WHERE id = ? AND epoch = ? AND status = ?"
)


class Writer(Protocol):
    """What a journal needs of whoever writes it."""

    bus: RunBus
    hooks: RunHooks

    def take(self, journal: "RunJournal", *, urgent: bool) -> None:
        """Note that a journal has something to write: now, or when it has lingered a little."""
        ...


class Fenced(Exception):
    """Another process has claimed this run, or it was deleted: this one must let go of it."""


class Entry:
    """What one journal hands to the writer: a part of one commit."""

    __slots__ = (
        "epoch",
        "items",
        "journal",
        "last_seq",
        "new",
        "projected",
        "row",
        "sql",
        "waiters",
    )

    def __init__(self, journal: "RunJournal") -> None:
        record = journal.record
        self.journal = journal
        self.items = journal.items
        self.waiters = journal.waiters
        self.projected = journal.projected
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
            record.claims,
        )
        if self.new:
            self.sql, self.row = INSERT_RUN, record.values()
        elif record.status is journal.stored_status and not journal.changed:
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
                record.plan_text(),
                record.pause_text(),
                record.wake_at,
                record.active_ms,
                record.held,
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
        self, writer: Writer, record: RunRecord, events: Iterable[RunEvent] | None = None
    ) -> None:
        """`events` are those stored already; None for a run that is not stored yet."""
        self.record = record
        self.stored = events is not None
        self.stored_status = record.status
        self.recorded = Recorded(events or ())
        self.items: list[EventRow | Delivery] = []
        self.waiters: list[asyncio.Future[None]] = []
        self.entry: Entry | None = None
        self.error: Exception | None = None
        self.kept = self.stored
        """Whether the run is known to be on disk."""
        self.withdrawn = False
        """Whether whoever started the run was told that it was not stored."""
        self.queued = False
        self.projected: list[Statement] = []
        self.changed = not self.stored
        """Whether a column has changed without an event."""
        self.questions: dict[str, ApprovalRequested] = {}
        """The open ones, by approval id."""
        self.answered: set[str] = set()
        self.further: asyncio.Event | None = None
        """Set when a step has ended, or the run was let go; for whoever waits for that."""
        self.careful = record.claims > 1
        """Whether steps are on disk before they begin: the run may be what the server dies of."""
        self._absolved = False
        self._writer = writer
        selected = record.plan.selected
        self._selected = None if selected is None else frozenset(selected)
        for event in events or ():
            self._remember(event)

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

    def seed(self, event: StepCompleted | StepSkipped) -> None:
        """Take the outcome of a step of another run: the step is then not executed in this one."""
        self.append(event)
        self.recorded.remember(event)

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
        self.changed = True
        self._writer.take(self, urgent=True)

    def replan(self, plan: RunPlan) -> None:
        """Note what the run is told from now on."""
        self.record.plan = plan
        self.changed = True
        self._writer.take(self, urgent=True)

    def absolve(self) -> None:
        """Note that the process lives on with what the run is at: no claim counts any more."""
        if self.record.claims and self.error is None:
            self.record.claims = 0
            self._absolved = True
            self.changed = True
            self._writer.take(self, urgent=True)

    async def flush(self) -> None:
        """Return when everything so far is durable. Raises Fenced, or what the database raised."""
        if self.error is not None:
            raise self.error
        if self.items or self.changed:
            waiters = self.waiters
            self._writer.take(self, urgent=True)
        elif self.entry is not None:
            waiters = self.entry.waiters
        else:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters.append(waiter)
        await waiter

    async def reload(self) -> None:
        """Know also what this process itself has recorded."""
        await self.flush()
        self.recorded = Recorded(await event_log.history(self.record.id))

    def withdraw(self) -> bool:
        """Let nothing of a new run be written any more; False when it is on disk already."""
        self.withdrawn = not self.kept
        return self.withdrawn

    def hand_over(self) -> Entry:
        """Give the writer what there is."""
        self.queued = False
        self.entry = Entry(self)
        self.items, self.waiters, self.projected = [], [], []
        self.changed = False
        self.stored = True
        self.stored_status = self.record.status
        return self.entry

    def written(self, entry: Entry) -> None:
        """The writer's answer that an entry is durable."""
        self.entry = None
        self.kept = True
        try:
            self._show(entry)
        finally:
            entry.settle(None)

    def _show(self, entry: Entry) -> None:
        count_written(entry.items, self.record.trigger if entry.new else None)
        bus = self._writer.bus
        if entry.items and bus.watched(self.record.id):
            bus.publish(
                self.record.id,
                [
                    item if isinstance(item, Delivery) else event_log.delivery(item)
                    for item in entry.items
                ],
            )

    def failed(self, entry: Entry | None, error: Exception) -> None:
        """The writer's answer that nothing of an entry was written, nor will be; None: of what
        could not even be handed over.
        """
        self.entry = None
        self.error = error
        if entry is not None:
            entry.settle(error)
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_exception(error)

    def _apply(self, event: RunEvent) -> None:
        record = self.record
        match event:
            case StepCompleted() | StepSkipped():
                self._got_further()
                self._count(event)
            case StepFailed():
                self._got_further()
                self._count(event)
                self._withdraw(event)
            case StepCancelled(data=data):
                self._got_further()
                if data.error is not None:
                    self._count(event)
                self._withdraw(event)
            case LlmCompleted(data=data):
                record.add_usage(data.usage)
            case RunStarted(data=data):
                if record.status is not RunStatus.CANCELLING:
                    self._move(RunStatus.RUNNING)
                record.started_at = record.started_at or event.at
                record.total_steps = data.total
            case RunPaused(data=data):
                self._pause(data)
            case RunResumed(data=data):
                self.recorded.remember(event)
                self._resume(data)
            case ApprovalRequested(data=data):
                self.questions[data.approval_id] = event
                self.projected += self._writer.hooks.statements(event, record)
            case ApprovalAnswered(data=data):
                self._answer(data.approval_id)
                self._tell_open_questions()
                self.projected += self._writer.hooks.statements(event, record)
            case RunCompleted(data=data):
                record.outputs = data.outputs
                self._end(RunStatus.COMPLETED, event)
            case RunFailed(data=data):
                record.error = data.error
                self._end(RunStatus.FAILED, event)
            case RunCancelled(data=data):
                record.cancel_reason = data.reason
                self._end(RunStatus.CANCELLED, event)
            case _:
                pass

    def _answer(self, approval_id: str) -> None:
        self.questions.pop(approval_id, None)
        self.answered.add(approval_id)

    def _tell_open_questions(self) -> None:
        record = self.record
        if record.pause is not None:
            record.pause = replace(record.pause, approvals_open=len(self.questions))
            self.changed = True

    def _withdraw(self, event: StepFailed | StepCancelled) -> None:
        """A step that asked somebody waits for the answer no longer."""
        if self.questions.pop(event.step_id, None) is not None:
            self.projected += self._writer.hooks.statements(event, self.record)

    def _got_further(self) -> None:
        """A step has ended: of the run's claims only the present one counts."""
        if self.record.claims > 1 or self._absolved:
            self.record.claims, self._absolved = 1, False
        self.careful = False
        if self.further is not None:
            self.further.set()

    def _count(self, event: StepEvent) -> None:
        if event.path is None and self._counts(event.node_id):
            self.record.completed_steps += 1

    def _counts(self, node_id: str) -> bool:
        """Whether a top-level step counts towards the run's progress."""
        return self._selected is None or node_id in self._selected

    def _pause(self, data: RunPausedData) -> None:
        record = self.record
        self._move(RunStatus.PAUSED)
        # one reason may follow another, with the same status
        self.changed = True
        record.claims = 0
        record.active_ms = data.active_ms
        # a person's pause lasts until a person ends it
        record.wake_at = data.wake_at if data.reason is PauseReason.WAITING else None
        record.pause = Pause(
            reason=data.reason,
            stops=data.stops,
            wake_at=record.wake_at,
            by=data.by,
            approvals_open=len(self.questions),
        )
        self._forget_pause()

    def _forget_pause(self) -> None:
        if self.record.plan.pause_by is not None:
            self.record.plan = replace(self.record.plan, pause_by=None)

    def _resume(self, data: RunResumedData) -> None:
        record = self.record
        retry = data.reason is ResumeReason.RETRY
        self._move(RunStatus.QUEUED, retry=retry)
        record.claims = 0
        record.pause = record.wake_at = None
        if retry:
            record.error = record.cancel_reason = record.finished_at = None
            record.active_ms = 0
            record.completed_steps = sum(map(self._counts, self.recorded.ended()))

    def _end(self, status: RunStatus, event: RunCompleted | RunFailed | RunCancelled) -> None:
        record = self.record
        self._move(status)
        record.finished_at = event.at
        record.active_ms = event.data.duration_ms
        record.pause = record.wake_at = None
        self._forget_pause()
        if self.questions:
            self.projected += self._writer.hooks.statements(event, record)

    def _move(self, status: RunStatus, *, retry: bool = False) -> None:
        before = self.record.status
        if not may_move(before, status, retry=retry):
            raise ValueError(f"a run cannot go from {before} to {status}")
        self.record.status = status

    def _remember(self, event: RunEvent) -> None:
        match event:
            case ApprovalRequested(data=data):
                self.questions[data.approval_id] = event
            case ApprovalAnswered(data=data):
                self._answer(data.approval_id)
            case StepFailed() | StepCancelled():
                self.questions.pop(event.step_id, None)
            case RunCompleted() | RunFailed() | RunCancelled():
                self.questions.clear()
            case _:
                pass
