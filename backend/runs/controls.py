"""Changes runs from outside: pause, resume, cancel, retry, answer; executed or idle, all the same.

A run that an executor has is told through the bus; one that nobody has is claimed, gets its event
and is let go. Each change holds the run's lock, so that two callers never change it at once.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

import structlog

from backend.database import fetch
from backend.errors import AppError, Conflict, NotFound
from backend.runs.bus import Answer, Cancel, CancelStep, ChangeBreakpoints, PauseRun, Signal
from backend.runs.journal import RunJournal
from backend.runs.journal_writer import read_run, replan
from backend.runs.record import RunRecord
from backend.runs.status import CLAIMABLE, RETRYABLE, RunStatus
from graphs.events import (
    ApprovalAnswer,
    ApprovalAnswered,
    PauseReason,
    ResumeReason,
    RunCancelled,
    RunCancelledData,
    RunPaused,
    RunPausedData,
    RunResumed,
    RunResumedData,
    StepCancelled,
    StepCancelledData,
)

if TYPE_CHECKING:
    from backend.runs.executor import Executor

OPEN = CLAIMABLE | {RunStatus.PAUSED}

ATTEMPTS = 200
WAIT_S = 0.01
"""A run that is just being taken up or let go is asked again so often, after such a pause."""

DUE_AT_ONCE = 200

log = structlog.get_logger("heddle.runs")


async def pause(executor: "Executor", run_id: str, by: str) -> None:
    """Let the running nodes finish and start no other. Raises Conflict for a run that has ended."""
    async with executor.lock(run_id):
        for _ in range(ATTEMPTS):
            if await _told(executor, PauseRun(run_id, by)):
                return
            record = await _read(run_id)
            _refuse_ended(record)
            if record.status is RunStatus.CANCELLING:
                raise Conflict("The run is being cancelled.", code="run_ended")
            if record.pause is not None and record.pause.reason is not PauseReason.WAITING:
                return
            journal = await _claim(executor, record, OPEN)
            if journal is not None:
                journal.record.held = 0
                # a breakpoint that the run was just leaving is left all the same
                stops = journal.recorded.stops
                active_ms = journal.record.active_ms
                data = RunPausedData(PauseReason.PAUSE, active_ms, stops=stops, by=by)
                journal.append(RunPaused(run_id=run_id, data=data))
                await journal.flush()
                executor.places.left(journal.record)
                return
            await asyncio.sleep(WAIT_S)
        raise _busy()


async def resume(executor: "Executor", run_id: str, by: str, *, step: bool = False) -> None:
    """Let a paused run go on. Raises Conflict for a run that is not paused, or only waits."""
    async with executor.lock(run_id):
        for _ in range(ATTEMPTS):
            record = await _read(run_id)
            _refuse_ended(record)
            if record.pause is None:
                raise Conflict(f"The run is {record.status}, not paused.", code="run_not_paused")
            if record.pause.reason is PauseReason.WAITING:
                raise Conflict(
                    "The run waits by itself: for an answer, or for the moment `pause.wake_at`.",
                    code="run_waiting",
                )
            reason = ResumeReason.STEP if step else ResumeReason.RESUME
            if await _go_on(executor, record, reason, by):
                return
            await asyncio.sleep(WAIT_S)
        raise _busy()


async def cancel(executor: "Executor", run_id: str, reason: str, *, graceful: bool = False) -> None:
    """Stop a run, wherever it is. Raises Conflict once it has ended."""
    async with executor.lock(run_id):
        for _ in range(ATTEMPTS):
            if await _told(executor, Cancel(run_id, reason, graceful)):
                return
            record = await _read(run_id)
            _refuse_ended(record)
            journal = await _claim(executor, record, OPEN)
            if journal is not None:
                await _cancel_idle(journal, reason)
                executor.places.left(journal.record)
                return
            await asyncio.sleep(WAIT_S)
        raise _busy()


async def _cancel_idle(journal: RunJournal, reason: str) -> None:
    record = journal.record
    record.held = 0
    for (path, node_id), begun in list(journal.recorded.unfinished()):
        assert begun.step_id is not None, "it began"
        journal.append(
            StepCancelled(
                run_id=record.id,
                node_id=node_id,
                step_id=begun.step_id,
                path=path or None,
                attempt=begun.attempt,
                data=StepCancelledData(0),
            )
        )
    data = RunCancelledData(reason, record.active_ms)
    journal.append(RunCancelled(run_id=record.id, data=data))
    await journal.flush()


async def retry(executor: "Executor", run_id: str, by: str) -> None:
    """Queue a run that failed or was cancelled again. Raises Conflict for any other."""
    async with executor.lock(run_id):
        for _ in range(ATTEMPTS):
            record = await _read(run_id)
            if record.status is RunStatus.COMPLETED:
                raise Conflict(
                    "The run has completed: there is nothing to retry. Run it again instead.",
                    code="run_completed",
                )
            if record.status not in RETRYABLE:
                raise Conflict(
                    f"The run is {record.status}; only one that failed or was cancelled can be"
                    " retried.",
                    code="run_active",
                )
            if await _go_on(executor, record, ResumeReason.RETRY, by):
                return
            await asyncio.sleep(WAIT_S)
        raise _busy()


async def answer(
    executor: "Executor", run_id: str, approval_id: str, given: ApprovalAnswer
) -> None:
    """Settle a question. A run that only waited for it goes on; a paused one stays so."""
    async with executor.lock(run_id):
        for _ in range(ATTEMPTS):
            if await _told(executor, Answer(run_id, given)):
                return
            record = await _read(run_id)
            if record.status.ended:
                raise _closed(f"The run is {record.status}.")
            journal = await _claim(executor, record, OPEN)
            if journal is not None:
                await _answer_idle(executor, journal, approval_id, given)
                return
            await asyncio.sleep(WAIT_S)
        raise _busy()


async def _answer_idle(
    executor: "Executor", journal: RunJournal, approval_id: str, given: ApprovalAnswer
) -> None:
    record = journal.record
    question = journal.questions.get(approval_id)
    waiting = record.pause is not None and record.pause.reason is PauseReason.WAITING
    if question is not None:
        journal.append(
            ApprovalAnswered(
                run_id=record.id,
                node_id=question.node_id,
                step_id=question.step_id,
                path=question.path,
                attempt=question.attempt,
                data=given,
            )
        )
        if waiting:
            data = RunResumedData(ResumeReason.ANSWER, given.by)
            journal.append(RunResumed(run_id=record.id, data=data))
    if record.status in CLAIMABLE:
        await executor.release(journal)
    else:
        await journal.flush()
    if question is None:
        refuse_answer(journal, approval_id)


def refuse_answer(journal: RunJournal, approval_id: str) -> NoReturn:
    """Say why a question that is not open cannot be answered. Raises Conflict."""
    if approval_id in journal.answered:
        raise Conflict("Somebody has answered already.", code="approval_answered")
    raise _closed("The run does not ask this any more.")


async def cancel_step(executor: "Executor", run_id: str, step_id: str, by: str) -> bool:
    """Let a running step fail; False when no executor has it."""
    return await executor.bus.signal(CancelStep(run_id, step_id, by))


async def set_breakpoints(executor: "Executor", run_id: str, breakpoints: tuple[str, ...]) -> None:
    """Where the run stops from now on. Raises Conflict once it has ended."""
    async with executor.lock(run_id):
        for _ in range(ATTEMPTS):
            if await _told(executor, ChangeBreakpoints(run_id, breakpoints)):
                return
            record = await _read(run_id)
            _refuse_ended(record)
            # a run that is being taken up at this moment has another epoch already
            if await replan(record, record.plan.with_breakpoints(breakpoints)):
                return
            await asyncio.sleep(WAIT_S)
        raise _busy()


async def next_wake() -> datetime | None:
    """When the next paused run goes on by itself."""
    rows = await fetch("SELECT min(wake_at) AS at FROM run WHERE wake_at IS NOT NULL")
    at = rows[0]["at"]
    return datetime.fromisoformat(at) if isinstance(at, str) else at


async def wake_due(executor: "Executor", moment: datetime) -> None:
    """Let the paused runs go on whose moment has come."""
    while True:
        rows = await fetch(
            f"SELECT id FROM run WHERE wake_at <= ? ORDER BY wake_at LIMIT {DUE_AT_ONCE}", moment
        )
        woken = 0
        for row in rows:
            woken += await _wake(executor, row["id"], moment)
        if len(rows) < DUE_AT_ONCE or not woken:
            return


async def _wake(executor: "Executor", run_id: str, moment: datetime) -> bool:
    async with executor.lock(run_id):
        record = await read_run(run_id)
        if record is None or record.wake_at is None or record.wake_at > moment:
            return False
        try:
            return await _go_on(executor, record, ResumeReason.TIMER, None)
        except AppError as error:
            log.warning("run_not_woken", run_id=run_id, error=repr(error))
            return False


async def _go_on(
    executor: "Executor", record: RunRecord, reason: ResumeReason, by: str | None
) -> bool:
    journal = await _claim(executor, record, (record.status,))
    if journal is None:
        return False
    journal.append(RunResumed(run_id=record.id, data=RunResumedData(reason, by)))
    await executor.release(journal)
    return True


async def _told(executor: "Executor", signal: Signal) -> bool:
    """Tell whoever has the run. When it is just being let go, waits until it is."""
    if await executor.bus.signal(signal):
        return True
    active = executor.active.get(signal.run_id)
    if active is not None:
        await active.ended.wait()
    return False


async def _claim(
    executor: "Executor", record: RunRecord, statuses: Collection[RunStatus]
) -> RunJournal | None:
    if record.id in executor.active:
        return None
    return await executor.writer.claim(record.id, executor.owner, statuses, held=True)


async def _read(run_id: str) -> RunRecord:
    record = await read_run(run_id)
    if record is None:
        raise NotFound("There is no such run.", code="run_not_found")
    return record


def _refuse_ended(record: RunRecord) -> None:
    if record.status.ended:
        raise Conflict(f"The run has already ended: it is {record.status}.", code="run_ended")


def _closed(detail: str) -> Conflict:
    return Conflict(f"The question is closed. {detail}", code="approval_closed")


def _busy() -> Conflict:
    return Conflict("The run changes hands again and again; try once more.", code="conflict")
