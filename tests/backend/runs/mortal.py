"""An executor in a process of its own that is killed for real, and started again in milliseconds.

Each life is forked from a server that has imported everything already. `die_at` names a point in
the product's code at which the process sends itself SIGKILL.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

from backend.actor import Actor
from backend.approvals import service as approvals
from backend.approvals.schemas import ApprovalStatus, Respond
from backend.database import close_database, open_database
from backend.errors import AppError
from backend.pagination import PageRequest
from backend.run_hooks import run_hooks
from backend.runs import journal_writer
from backend.runs.executor import close_executor, open_executor
from backend.runs.journal import RunJournal
from backend.settings import Settings
from graphs.compile import warm_up
from graphs.events import ApprovalRequested, RunEvent, StepStarted

AT_ONCE = 3
"""Runs that a life executes at once: few, so that there is something left for the next one."""

OPEN = approvals.ApprovalFilter(status=ApprovalStatus.OPEN)
Appended = Callable[[RunEvent], bool]

warm_up()  # each life begins with it already imported
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Life:
    """One process from its start to its death."""

    def __init__(self, settings: Settings, actor: Actor, die_at: str | None = None) -> None:
        self._process = _context.Process(target=_live, args=(settings, actor, die_at), daemon=True)
        self._process.start()

    def kill(self) -> None:
        """End it at once, wherever it is."""
        self._process.kill()
        self._process.join()

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code, or None when it is still alive after so long."""
        self._process.join(timeout_s)
        return self._process.exitcode


def _live(settings: Settings, actor: Actor, die_at: str | None) -> None:
    if die_at is not None:
        {**POINTS, KILLER: _soon_after(_starts("boom"), 0.05)}[die_at]()
    asyncio.run(_serve(settings, actor))


async def _serve(settings: Settings, actor: Actor) -> None:
    await open_database(settings)
    try:
        executor = await open_executor(settings, run_hooks())
        executor._concurrency = AT_ONCE
        try:
            await _answer_everything(actor)
        finally:
            await close_executor()
    finally:
        await close_database()


async def _answer_everything(actor: Actor) -> None:
    """Be the person who says yes, a moment after each question."""
    while True:
        await asyncio.sleep(0.05)
        page = await approvals.list_approvals(actor, OPEN, PageRequest())
        for question in page.items:
            try:
                await approvals.respond(actor, question.id, Respond(answer=True))
            except AppError:
                continue  # settled meanwhile


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _after_claim() -> None:
    claim = journal_writer.JournalWriter.claim

    async def claim_and_die(self: Any, *args: Any, **kwargs: Any) -> Any:
        journal = await claim(self, *args, **kwargs)
        if journal is not None:
            _die()
        return journal

    journal_writer.JournalWriter.claim = claim_and_die


def _around_write(*, before: bool) -> Callable[[], None]:
    """Die at the fifth commit: by then some steps have ended."""

    def patch() -> None:
        commit = journal_writer._commit
        commits = 0

        async def commit_and_die(entries: Any) -> Any:
            nonlocal commits
            commits += 1
            if before and commits == 5:
                _die()
            lost = await commit(entries)
            if commits == 5:
                _die()
            return lost

        journal_writer._commit = commit_and_die  # type: ignore[assignment]

    return patch


def _soon_after(wanted: Appended, delay_s: float) -> Callable[[], None]:
    """Die a little after an event was appended: on disk, and in the midst of what it began."""

    def patch() -> None:
        append = RunJournal.append

        def append_and_die(self: RunJournal, event: RunEvent) -> None:
            append(self, event)
            if wanted(event):
                asyncio.get_running_loop().call_later(delay_s, _die)

        RunJournal.append = append_and_die

    return patch


KILLER = "at the step boom"
"""Only some drawings have it."""


def _starts(*node_ids: str) -> Appended:
    return lambda event: isinstance(event, StepStarted) and event.node_id in node_ids


POINTS: dict[str, Callable[[], None]] = {
    "after the claim": _after_claim,
    "before a write": _around_write(before=True),
    "after a write": _around_write(before=False),
    "during the fan-out": _soon_after(_starts("fan2"), 0.01),
    "in a loop": _soon_after(_starts("each"), 0.03),
    "while waiting": _soon_after(_starts("pause"), 0.02),
    "while an approval is open": _soon_after(
        lambda event: isinstance(event, ApprovalRequested), 0.02
    ),
    "during a sub-workflow": _soon_after(_starts("inner1"), 0.01),
}
"""Where a process can be told to die; tests name each of them."""
