"""Claims runs and executes them: bounded, recoverable, and stopped without losing any.

A run that this process itself starts is claimed by its first row already, when there is room;
otherwise, and after a restart, it comes through the bus and is claimed by raising its epoch.
"""

import asyncio
import contextvars
import time
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import structlog
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from backend.errors import AppError
from backend.runs import controls, places, suspects
from backend.runs.bus import (
    Answer,
    Cancel,
    CancelStep,
    ChangeBreakpoints,
    LocalBus,
    PauseRun,
    RunBus,
    Signal,
)
from backend.runs.clock import Alarm, Clock
from backend.runs.compiled_graphs import CompiledGraphs
from backend.runs.hooks import NO_HOOKS, RunHooks
from backend.runs.journal import Fenced, RunJournal
from backend.runs.journal_writer import JournalWriter
from backend.runs.metrics import watch_active
from backend.runs.record import RunRecord
from backend.runs.revivals import Revivals, StorageError
from backend.runs.status import RunStatus
from backend.runs.surroundings import (
    close_surroundings,
    open_surroundings,
    options_for,
    services_for,
)
from backend.settings import Settings
from graphs.compile import CompiledGraph
from graphs.control import RunControl
from graphs.errors import GraphError
from graphs.events import (
    ApprovalAnswer,
    Failure,
    RunFailed,
    RunFailedData,
    RunQueued,
    RunQueuedData,
    StepCompleted,
    StepSkipped,
)
from graphs.execute import run
from graphs.node_type import Services

CONCURRENCY = 256
"""Runs executed at once by one process; most of them wait for something outside."""

DRAIN_S = 2.0
"""How long a shutdown waits for the runs that it stopped."""

log: Any = structlog.get_logger("heddle.runs")


class ActiveRun:
    """A run that this process has claimed. `ended` is set when it is let go, for any reason."""

    __slots__ = ("control", "ended", "journal", "task")

    def __init__(self, journal: RunJournal) -> None:
        self.journal = journal
        self.control = RunControl()
        self.ended = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Executor:
    """Executes the runs of this process."""

    def __init__(
        self,
        bus: RunBus,
        services: Services,
        hooks: RunHooks = NO_HOOKS,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self.bus = bus
        self.hooks = hooks
        self.owner = str(uuid7())
        self.writer = JournalWriter(bus, hooks)
        self.active: dict[str, ActiveRun] = {}
        self._services = services
        self._concurrency = concurrency
        self.graph = CompiledGraphs().get
        self._room = asyncio.Event()
        self._room.set()
        self._reserved = 0
        self._claiming: asyncio.Task[None] | None = None
        self._revivals = Revivals(lambda run_id: _spawn(self.bus.enqueue(run_id)))
        self._locks: dict[str, tuple[asyncio.Lock, list[None]]] = {}
        self.places = places.Places(self)
        self._suspects = suspects.Suspects(self)
        self._trials: list[asyncio.Task[None]] = []
        self.clock = Clock(Alarm(controls.next_wake, self._wake), self.places.alarm, *hooks.alarms)

    async def open(self) -> None:
        """Start to write, to claim and to listen; take up what a dead process left."""
        self.writer.open()
        await self.recover()
        await self.places.open()
        self.bus.on_signal(self.heed)
        self._claiming = _spawn(self._claim())
        self._trials = [_spawn(self._suspects.try_each()), _spawn(self._suspects.absolve())]
        self.clock.open()

    async def close(self) -> None:
        """Stop claiming and stop the runs where they are; the next start goes on with them."""
        await self.clock.close()
        await self.places.close()
        for task in (self._claiming, *self._trials):
            if task is not None:
                task.cancel()
        journals = [active.journal for active in self.active.values()]
        tasks = [active.task for active in self.active.values() if active.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_S)
        await self.writer.close()
        await self.writer.unclaim([found for found in journals if found.record.claims])

    async def recover(self) -> int:
        """Ring for every run that has not ended and that this process does not have."""
        left = [run_id for run_id in await self._suspects.harmless() if run_id not in self.active]
        for run_id in left:
            await self.bus.enqueue(run_id)
        if left:
            log.info("runs_recovered", count=len(left))
        return len(left)

    def launch(
        self,
        record: RunRecord,
        graph: CompiledGraph,
        seeds: Iterable[StepCompleted | StepSkipped] = (),
        checkpoint: str | None = None,
    ) -> tuple[RunJournal, ActiveRun | None]:
        """Take a new run: at once when there is room; otherwise ring for it when it is stored.

        `seeds` are the outcomes that it takes over from another run.
        """
        room = self._room.is_set() and not record.held
        if room:
            record.epoch, record.owner, record.claims = 1, self.owner, 1
        journal = RunJournal(self.writer, record)
        data = RunQueuedData(record.trigger, record.parent_run_id, checkpoint)
        journal.append(RunQueued(run_id=record.id, data=data))
        for seed in seeds:
            journal.seed(seed)
        return journal, self._begin(journal, graph) if room else None

    @asynccontextmanager
    async def lock(self, key: str) -> AsyncGenerator[None]:
        """Let one caller at a time change a run (or a workflow's places); by its id."""
        lock, users = self._locks.setdefault(key, (asyncio.Lock(), []))
        users.append(None)
        try:
            async with lock:
                yield
        finally:
            users.pop()
            if not users:
                self._locks.pop(key, None)

    def _begin(self, journal: RunJournal, graph: CompiledGraph | None) -> ActiveRun:
        active = ActiveRun(journal)
        record = journal.record
        if record.status is RunStatus.CANCELLING:
            active.control.cancel(record.cancel_reason or "")
        if record.plan.pause_by is not None:
            active.control.pause(record.plan.pause_by)
        self.active[record.id] = active
        self._count()
        active.task = _spawn(self._execute(active, graph))
        return active

    async def _execute(self, active: ActiveRun, graph: CompiledGraph | None) -> None:
        journal = active.journal
        record = journal.record
        try:
            if graph is None:
                graph = await self.graph(record.tenant_id, record.definition_hash)
            suspects.forgive(journal, graph)
            await run(
                graph,
                run_id=record.id,
                inputs=record.inputs,
                journal=journal,
                services=await services_for(self._services, record, self.graph),
                control=active.control,
                options=options_for(record),
            )
        except Fenced:
            log.warning("run_fenced", run_id=record.id)
        except Exception as error:  # noqa: BLE001 whatever it was, others must not suffer
            await self._broke(journal, error)
        finally:
            if record.status.ended and journal.error is None:
                self._revivals.forget(record.id)
            del self.active[record.id]
            self._count()
            active.ended.set()
            if journal.further is not None:
                journal.further.set()
            if record.wake_at is not None and record.status is RunStatus.PAUSED:
                self.clock.note(record.wake_at)
            self.places.left(record)

    async def _broke(self, journal: RunJournal, error: Exception) -> None:
        """End a run that cannot go on; one that cannot even be written is tried again later."""
        if journal.error is not None:
            self._revivals.revive(journal.record.id, blame=True)
            return
        if isinstance(error, GraphError | AppError):
            failure = Failure(error.code, str(error))
        else:
            log.error("run_broke", run_id=journal.record.id, exc_info=error)
            failure = Failure("internal_error", "Something went wrong inside the server.")
        try:
            await self._fail(journal, failure)
        except Exception as refusal:  # noqa: BLE001
            log.error("run_end_not_written", run_id=journal.record.id, error=repr(refusal))
            self._revivals.revive(journal.record.id, blame=True)

    async def _fail(self, journal: RunJournal, error: Failure) -> None:
        started = journal.record.started_at
        duration_ms = 0 if started is None else round((time.time() - started.timestamp()) * 1000)
        journal.append(RunFailed(run_id=journal.record.id, data=RunFailedData(error, duration_ms)))
        await journal.flush()

    async def _claim(self) -> None:
        async for run_id in self.bus.claims():
            # a new run may take the place between the event's setting and this task's waking
            while not self._room.is_set():
                await self._room.wait()
            if run_id in self.active:
                continue
            # a place is kept while the claim is being written, or a new run would take it
            self._reserved += 1
            self._count()
            try:
                await self.take_up(run_id)
            finally:
                self._reserved -= 1
                self._count()

    async def take_up(self, run_id: str) -> ActiveRun | None:
        """Claim a run and begin to execute it; None when it is not to be executed here."""
        try:
            journal = await self.writer.claim(run_id, self.owner, counted=True)
        except Exception as error:  # noqa: BLE001 the database may be back later
            log.warning("run_not_claimed", run_id=run_id, error=repr(error))
            self._revivals.revive(run_id, blame=False)
            return None
        if journal is None:
            self._revivals.forget(run_id)
        elif self._revivals.are_hopeless(journal.record):
            self._revivals.forget(run_id)
            message = "What the run produced could not be stored."
            await self._broke(journal, StorageError(message))
        elif self._suspects.convicts(journal.record):
            await self._convict(journal)
        else:
            return self._begin(journal, None)
        return None

    async def _convict(self, journal: RunJournal) -> None:
        try:
            await suspects.convict(journal)
        except Exception as refusal:  # noqa: BLE001
            log.error("run_end_not_written", run_id=journal.record.id, error=repr(refusal))
            self._revivals.revive(journal.record.id, blame=True)
        self.places.left(journal.record)

    def _count(self) -> None:
        if len(self.active) + self._reserved < self._concurrency:
            self._room.set()
        else:
            self._room.clear()

    async def heed(self, signal: Signal) -> bool:
        """Do what somebody wishes of a run that this process has; durable when this returns.

        False when it does not have it, or when it is too late: the run is just being let go.
        """
        active = self.active.get(signal.run_id)
        if active is None or active.journal.record.status.ended:
            return False
        journal, control = active.journal, active.control
        match signal:
            case Cancel(reason=reason, graceful=graceful):
                if journal.record.status is RunStatus.PAUSED:
                    return False
                journal.cancelling(reason)
                control.cancel(reason, graceful=graceful)
            case PauseRun(by=by):
                if journal.record.status is RunStatus.PAUSED:
                    return False
                journal.replan(replace(journal.record.plan, pause_by=by))
                control.pause(by)
            case CancelStep(step_id=step_id, by=by):
                return control.cancel_step(step_id, by)
            case Answer(answer=answer):
                if answer.approval_id not in journal.questions:
                    controls.refuse_answer(journal, answer.approval_id)
                if not control.answer(answer):
                    return False
            case ChangeBreakpoints(breakpoints=breakpoints):
                if journal.record.status is RunStatus.PAUSED:
                    return False
                journal.replan(replace(journal.record.plan, breakpoints=breakpoints))
                control.breakpoints = journal.record.plan.stops()
        await journal.flush()
        return True

    async def answer(self, run_id: str, approval_id: str, answer: ApprovalAnswer) -> None:
        """Settle a question of a run, wherever the run is; durable when this returns.

        Raises Conflict: `approval_answered`, or `approval_closed` when the run has ended or has
        withdrawn the question.
        """
        await controls.answer(self, run_id, approval_id, answer)

    async def release(self, journal: RunJournal) -> None:
        """Let a run that somebody changed go on when its turn comes; stored when this returns."""
        await self.places.queue(journal)
        if not journal.record.held:
            await self.bus.enqueue(journal.record.id)

    async def _wake(self, moment: datetime) -> None:
        await controls.wake_due(self, moment)


def _spawn(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task with a context of its own: it must not join its creator's transaction."""
    return asyncio.create_task(coroutine, context=contextvars.Context())


_current: list[Executor] = []


async def open_executor(settings: Settings, hooks: RunHooks, bus: RunBus | None = None) -> Executor:
    """Start this process's executor; the database is open."""
    executor = Executor(bus or LocalBus(), await open_surroundings(settings), hooks)
    await executor.open()
    _current.append(executor)
    watch_active(lambda: len(executor.active))
    return executor


async def close_executor() -> None:
    """Stop this process's executor."""
    await _current.pop().close()
    await close_surroundings()
    watch_active(lambda: 0)


def executor() -> Executor:
    """This process's executor. Raises RuntimeError before it is started."""
    if not _current:
        raise RuntimeError("the executor is not running")
    return _current[-1]
