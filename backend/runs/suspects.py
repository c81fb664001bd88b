"""Finds out which run the server dies of, so that it does not take it down again at every start.

A run counts how many processes in a row have taken it up without any step of it ending. Of a death
it is to blame if it was the only run with a step at work, or of those the one that more processes
had died with than with any other. Blamed twice in a row, it fails at its next claim. One that two
have died with and that is not blamed for both is tried: without the others of its kind. All of
them wait until the new process has proven to live, for then nobody kills it from outside; and a
process that has lived a minute with a run has not died of it.
"""

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Any

import structlog
from msgspec import Struct

from backend.database import Statement, fetch, write_batch
from backend.errors import AppError
from backend.runs import event_log
from backend.runs.journal import RunJournal
from backend.runs.journal_writer import read_run
from backend.runs.record import RunRecord
from backend.runs.status import CLAIMABLE, RunStatus
from graphs.compile import CompiledGraph
from graphs.errors import GraphError
from graphs.events import (
    Failure,
    RunFailed,
    RunFailedData,
    StepFailed,
    StepFailedData,
    now,
)
from graphs.recorded import Recorded

if TYPE_CHECKING:
    from backend.runs.executor import ActiveRun, Executor

DEATHS = 2
"""Processes that died with a run before it is suspected, and those that it is blamed for when it
fails.
"""

QUIET_S = 2.0
"""How long a process lives without its suspects before it deals with them."""

TRIAL_S = 10.0
"""How long a suspect is watched before the next one is let go on; most kill at once."""

LIVED_S = 60.0
"""A process that has lived so long with a run did not die of it."""

ABSOLVE = "UPDATE run SET claims = 0 WHERE id = ?"
# without an owner its part in that process's death has been judged
BLAME = "UPDATE run SET blamed = ?, owner = NULL WHERE id = ? AND claims = ?"

log: Any = structlog.get_logger("heddle.runs")


class Work(Enum):
    """What a run was at when its process died."""

    STEP = "step"
    """A step was at work in the process."""
    UNKNOWN = "unknown"
    """None is known to have begun."""
    WAITED = "waited"
    """It waited: for a person, the clock, or its next attempt."""


class Claimed(Struct, frozen=True):
    """A run that is to go on: how many processes have taken it up, the last of them, and how many
    of their deaths it is to blame for.
    """

    id: str
    claims: int
    owner: str | None
    blamed: int


class Suspects:
    """The runs that an executor does not take up like all others."""

    def __init__(self, executor: "Executor") -> None:
        self._executor = executor
        self._tried: list[str] = []
        self._guilty: list[str] = []

    async def harmless(self) -> list[str]:
        """The runs to take up, without those that `try_each` deals with."""
        marks = ", ".join("?" * len(CLAIMABLE))
        rows = await fetch(
            "SELECT id, claims, owner, blamed FROM run"
            f" WHERE status IN ({marks}) AND held = 0 ORDER BY id",
            *sorted(CLAIMABLE),
        )
        runs = [Claimed(**row) for row in rows]
        blamed = await self._blame([run for run in runs if run.claims])
        suspects = await self._suspects([run.id for run in runs if run.claims >= DEATHS])
        self._guilty = [run_id for run_id in suspects if blamed.get(run_id, 0) >= DEATHS]
        # those first that were not tried yet
        self._tried = sorted(
            (run_id for run_id in suspects if run_id not in self._guilty),
            key=lambda run_id: blamed.get(run_id, 0),
        )
        kept_back = {*self._guilty, *self._tried}
        return [run.id for run in runs if run.id not in kept_back]

    async def _blame(self, runs: list[Claimed]) -> dict[str, int]:
        """Judge the last process's death, once; for how many deaths each run is to blame now."""
        # what was claimed once is told anew, whatever it was blamed for before
        blamed = {run.id: run.blamed if run.claims > 1 else 0 for run in runs}
        last = max((run.owner for run in runs if run.owner is not None), default=None)
        died_with = [run for run in runs if run.owner is not None and run.owner == last]
        at_work: list[Claimed] = []
        for work in (Work.STEP, Work.UNKNOWN):
            for run in sorted(died_with, key=lambda run: -run.claims):
                if len(at_work) > 1 or (at_work and run.claims < at_work[0].claims):
                    break
                if await self._work(run.id) is work:
                    at_work.append(run)
            if at_work:
                break
        if len(at_work) == 1:
            blamed[at_work[0].id] += 1
        if died_with:
            judged = [(blamed[run.id], run.id, run.claims) for run in died_with]
            await write_batch([Statement(BLAME, judged)])
        return blamed

    async def try_each(self) -> None:
        """Once the process has proven to live, end the guilty and let the other suspects go on,
        one after the other.
        """
        if self._guilty or self._tried:
            await asyncio.sleep(QUIET_S)
        for run_id in (*self._guilty, *self._tried):
            # somebody may have resumed or cancelled it meanwhile
            if run_id in self._executor.active:
                continue
            active = await self._executor.take_up(run_id)
            if active is not None:
                await self._watch(active)

    async def _watch(self, active: "ActiveRun") -> None:
        journal = active.journal
        log.warning("run_on_trial", run_id=journal.record.id)
        journal.further = asyncio.Event()
        if active.ended.is_set():
            return
        try:
            async with asyncio.timeout(TRIAL_S):
                await journal.further.wait()
        except TimeoutError:
            journal.absolve()

    async def absolve(self) -> None:
        """Note again and again which runs the process has lived with for long."""
        seen: dict[str, int] = {}
        while True:
            await asyncio.sleep(LIVED_S)
            active = self._executor.active
            for run_id, found in active.items():
                if seen.get(run_id) == found.journal.record.epoch:
                    found.journal.absolve()
            seen = {run_id: found.journal.record.epoch for run_id, found in active.items()}

    def convicts(self, record: RunRecord) -> bool:
        """Whether a run that was just claimed must not be executed again."""
        return record.id in self._guilty and record.status is not RunStatus.CANCELLING

    async def _suspects(self, run_ids: list[str]) -> list[str]:
        """Those that had a step at work when their process died; if none had, those of which it
        is not known. The others are absolved.
        """
        found: dict[Work, list[str]] = {work: [] for work in Work}
        for run_id in run_ids:
            found[await self._work(run_id)].append(run_id)
        suspects = found[Work.STEP] or found[Work.UNKNOWN]
        absolved = [(run_id,) for run_id in run_ids if run_id not in suspects]
        if absolved:
            await write_batch([Statement(ABSOLVE, absolved)])
        return suspects

    async def _work(self, run_id: str) -> Work:
        record = await read_run(run_id)
        if record is None:
            return Work.WAITED
        recorded = Recorded(await event_log.history(run_id))
        try:
            graph = await self._executor.graph(record.tenant_id, record.definition_hash)
        except (GraphError, AppError):
            return Work.UNKNOWN
        return work_of(recorded, graph)


def work_of(recorded: Recorded, graph: CompiledGraph) -> Work:
    """What a run was at by its events."""
    begun = dict(recorded.unfinished())
    moment = now()
    at_work = [
        key
        for key, step in begun.items()
        if not (
            (step.resume_at is not None and step.resume_at > moment)
            or _waits(graph, *key)
            or any(_holds(key, other) for other in begun)
        )
    ]
    if at_work:
        return Work.STEP
    return Work.WAITED if begun else Work.UNKNOWN


def forgive(journal: RunJournal, graph: CompiledGraph) -> None:
    """Of a run that only waited when its last process died, count the present claim alone."""
    if journal.careful and work_of(journal.recorded, graph) is Work.WAITED:
        journal.record.claims = 1


def _waits(graph: CompiledGraph, path: str, node_id: str) -> bool:
    here: CompiledGraph | None = graph
    for part in path.split("/") if path else ():
        owner = here.nodes.get(part.partition("[")[0].partition("@")[0]) if here else None
        here = None if owner is None else owner.body
    node = None if here is None else here.nodes.get(node_id)
    return node is not None and node.type.waits and not node.type.container


async def convict(journal: RunJournal) -> None:
    """End a run, and the steps that it was at, as what the server died of."""
    record = journal.record
    begun = list(journal.recorded.unfinished())
    # a container is at work because of what it holds
    inner = [key for key, _ in begun if not any(_holds(key, other) for other, _ in begun)]
    names = ", ".join(f"'{path}/{node_id}'" if path else f"'{node_id}'" for path, node_id in inner)
    where = f"while it executed the step {names}" if names else "before any of its steps began"
    failure = Failure(
        code="run_killed_server",
        message=f"The server stopped {record.claims - 1} times in a row with this run, {where}."
        " It is not executed again by itself: let the step work on less at once or change it,"
        " see the server's log, then use Retry.",
    )
    log.error(failure.code, run_id=record.id, steps=names)
    for (path, node_id), step in begun:
        assert step.step_id is not None, "it began"
        journal.append(
            StepFailed(
                run_id=record.id,
                node_id=node_id,
                step_id=step.step_id,
                path=path or None,
                attempt=step.attempt,
                data=StepFailedData(failure, 0),
            )
        )
    journal.append(RunFailed(run_id=record.id, data=RunFailedData(failure, record.active_ms)))
    await journal.flush()


def _holds(key: tuple[str, str], other: tuple[str, str]) -> bool:
    path, node_id = key
    inside = f"{path}/{node_id}" if path else node_id
    return other[0].startswith((f"{inside}[", f"{inside}@"))
