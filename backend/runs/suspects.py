"""Finds out which run the server dies of, so that it does not take it down again at every start.

A run counts how many processes in a row have taken it up without any step of it ending. Two that
died make it a suspect: alone, it fails at its third claim. Of several at most one is guilty, so
that each is tried without the others; the one during whose trial the process dies is it.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from backend.database import Statement, fetch, write_batch
from backend.errors import AppError
from backend.runs import event_log
from backend.runs.journal import RunJournal
from backend.runs.journal_writer import read_run
from backend.runs.record import RunRecord
from backend.runs.status import CLAIMABLE, RunStatus
from graphs.compile import CompiledGraph
from graphs.errors import GraphError
from graphs.events import Failure, RunFailed, RunFailedData, StepFailed, StepFailedData
from graphs.recorded import Recorded

if TYPE_CHECKING:
    from backend.runs.executor import Executor

DEATHS = 2
"""Processes that died with a run before it is suspected."""

TRIAL_S = 10.0
"""How long a suspect is watched before the next one is let go on; most kill at once."""

ABSOLVE = "UPDATE run SET claims = 0 WHERE id = ? AND epoch = ?"

log: Any = structlog.get_logger("heddle.runs")


class Suspects:
    """The runs that an executor does not take up like all others."""

    def __init__(self, executor: "Executor") -> None:
        self._executor = executor
        self._tried: set[str] = set()

    async def harmless(self) -> list[str]:
        """The runs to take up, without those that are tried first. They come from `tried`."""
        marks = ", ".join("?" * len(CLAIMABLE))
        rows = await fetch(
            f"SELECT id, claims FROM run WHERE status IN ({marks}) AND held = 0 ORDER BY id",
            *sorted(CLAIMABLE),
        )
        suspects = [row["id"] for row in rows if row["claims"] == DEATHS]
        guilty = any(row["claims"] > DEATHS for row in rows)
        if guilty or len(suspects) > 1:
            suspects = await self._without_waiting(suspects, absolve_all=guilty)
        self._tried = set(suspects) if len(suspects) > 1 else set()
        return [row["id"] for row in rows if row["id"] not in self._tried]

    async def try_each(self) -> None:
        """Let the suspects go on, one after the other."""
        for run_id in sorted(self._tried):
            active = await self._executor.take_up(run_id)
            if active is not None:
                log.warning("run_on_trial", run_id=run_id)
                try:
                    async with asyncio.timeout(TRIAL_S):
                        await active.ended.wait()
                except TimeoutError:
                    active.journal.absolve()
            self._tried.discard(run_id)

    def convicts(self, record: RunRecord) -> bool:
        """Whether a run that was just claimed must not be executed again."""
        return (
            record.claims > DEATHS
            and record.id not in self._tried
            and record.status is not RunStatus.CANCELLING
        )

    async def _without_waiting(self, run_ids: Sequence[str], *, absolve_all: bool) -> list[str]:
        """The suspects without those of which it is known that they did nothing."""
        left: list[str] = []
        absolved: list[tuple[Any, ...]] = []
        for run_id in run_ids:
            record = await read_run(run_id)
            if record is None:
                continue
            if absolve_all or await self._only_waits(record):
                absolved.append((record.id, record.epoch))
            else:
                left.append(run_id)
        if absolved:
            await write_batch([Statement(ABSOLVE, absolved)])
        return left

    async def _only_waits(self, record: RunRecord) -> bool:
        begun = list(Recorded(await event_log.history(record.id)).unfinished())
        try:
            graph = await self._executor.graph(record.tenant_id, record.definition_hash)
        except (GraphError, AppError):
            return False
        return bool(begun) and all(_waits(graph, path, node_id) for (path, node_id), _ in begun)


def _waits(graph: CompiledGraph, path: str, node_id: str) -> bool:
    here: CompiledGraph | None = graph
    for part in path.split("/") if path else ():
        owner = here.nodes.get(part.partition("[")[0].partition("@")[0]) if here else None
        here = None if owner is None else owner.body
    node = None if here is None else here.nodes.get(node_id)
    return node is not None and (node.type.waits or node.type.container)


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
