"""Keeps to workflows' concurrency limits: which runs have a place, and which are held back.

Queued and executed runs have a place, paused and held ones have none. Held runs are taken in their
order when a place becomes free.
"""

import asyncio
import contextvars
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from backend.database import fetch
from backend.errors import AppError, Conflict
from backend.runs import controls
from backend.runs.clock import Alarm
from backend.runs.journal import RunJournal
from backend.runs.journal_writer import release
from backend.runs.record import RunRecord
from backend.runs.status import RunStatus
from backend.workflows import service as workflows
from backend.workflows.run_settings import ConcurrencyPolicy, RunSettings
from graphs.events import now

if TYPE_CHECKING:
    from backend.runs.executor import Executor

# not by the index of workflows, which leads through all runs that there ever were
_UNFINISHED = (
    "FROM run WHERE tenant_id = ? AND status IN ('queued', 'running', 'cancelling')"
    " AND workflow_id || '' = ?"
)

RETRY_DELAYS_S = (0.05, 0.5, 2.0, 10.0)
"""The pauses before another look when the database has refused one; the sweep comes after."""

SWEEP_EVERY = timedelta(seconds=60)
"""How often workflows with held runs are looked at, whatever was heard of their places."""

log = structlog.get_logger("heddle.runs")


class Places:
    """The places of workflows that have a limit; others cost nothing."""

    def __init__(self, executor: "Executor") -> None:
        self._executor = executor
        self._tenants: dict[str, str] = {}
        """The tenants of the workflows that have held runs, by workflow id."""
        self._admitting: set[asyncio.Task[None]] = set()
        self.alarm = Alarm(self._next_sweep, self._sweep)

    async def open(self) -> None:
        """Find the runs that were held back when the last process ended."""
        rows = await fetch("SELECT DISTINCT tenant_id, workflow_id FROM run WHERE held = 1")
        for row in rows:
            self._tenants[row["workflow_id"]] = row["tenant_id"]
            self._admit_soon(row["workflow_id"])

    async def close(self) -> None:
        """Stop looking; the next start looks again."""
        for task in self._admitting:
            task.cancel()
        await asyncio.gather(*self._admitting, return_exceptions=True)

    async def request(self, record: RunRecord, settings: RunSettings) -> list[str]:
        """Give a new run a place or hold it back; the caller has the workflow's lock.

        Returns the runs to cancel for it. Raises Conflict `workflow_busy`.
        """
        limit = settings.concurrency_limit
        if limit is None:
            return []
        # before the look, so that whoever leaves from here on admits the next
        self._watch(record)
        rows = await fetch(
            f"SELECT id, held {_UNFINISHED} ORDER BY id", record.tenant_id, record.workflow_id
        )
        taken = sum(not row["held"] for row in rows)
        if taken < limit and not any(row["held"] for row in rows):
            return []
        if settings.concurrency_policy is ConcurrencyPolicy.REJECT:
            raise Conflict(
                f"The workflow runs as often at once as it may already: {taken} of {limit}.",
                code="workflow_busy",
                headers={"Retry-After": "1"},
            )
        record.held = 1
        if settings.concurrency_policy is ConcurrencyPolicy.QUEUE:
            return []
        surplus = len(rows) + 1 - limit
        return [row["id"] for row in rows[:surplus]]

    async def queue(self, journal: RunJournal) -> None:
        """Store a run that goes on after a pause; it is held back while there is no place."""
        record = journal.record
        if record.status is not RunStatus.QUEUED:
            await journal.flush()
            return
        settings = await workflows.run_settings(record.tenant_id, record.workflow_id)
        if settings.concurrency_limit is None:
            await journal.flush()
            return
        async with self._executor.lock(record.workflow_id):
            self._watch(record)
            taken = await self._taken(record.tenant_id, record.workflow_id)
            if taken >= settings.concurrency_limit:
                record.held = 1
            await journal.flush()

    def left(self, record: RunRecord) -> None:
        """Say that a run has ended or paused: another may have its place."""
        if record.workflow_id in self._tenants:
            self._admit_soon(record.workflow_id)

    async def admit(self, workflow_id: str) -> None:
        """Let held runs go on, as many as there are places."""
        tenant_id = self._tenants.get(workflow_id)
        if tenant_id is None:
            return
        async with self._executor.lock(workflow_id):
            settings = await workflows.run_settings(tenant_id, workflow_id)
            rows = await fetch(
                "SELECT id FROM run WHERE workflow_id = ? AND held = 1 ORDER BY id", workflow_id
            )
            free = len(rows)
            if settings.concurrency_limit is not None:
                free = settings.concurrency_limit - await self._taken(tenant_id, workflow_id)
            admitted = [row["id"] for row in rows[: max(free, 0)]]
            for run_id in admitted:
                if await release(run_id):
                    await self._executor.bus.enqueue(run_id)
            if len(admitted) == len(rows):
                self._tenants.pop(workflow_id, None)

    async def replace(self, run_ids: list[str], by: str) -> None:
        """Cancel the runs that a new one takes the places of."""
        for run_id in run_ids:
            try:
                await controls.cancel(self._executor, run_id, f"replaced by run {by}")
            except AppError as error:
                log.info("run_not_replaced", run_id=run_id, error=repr(error))

    async def _taken(self, tenant_id: str, workflow_id: str) -> int:
        rows = await fetch(
            f"SELECT count(*) AS n {_UNFINISHED} AND held = 0", tenant_id, workflow_id
        )
        return rows[0]["n"]

    def _watch(self, record: RunRecord) -> None:
        self._tenants[record.workflow_id] = record.tenant_id
        self._executor.clock.note(now() + SWEEP_EVERY)

    def _admit_soon(self, workflow_id: str) -> None:
        # a context of its own: it must not join the transaction of whoever is at work
        task = asyncio.create_task(self._admit(workflow_id), context=contextvars.Context())
        self._admitting.add(task)
        task.add_done_callback(self._admitting.discard)

    async def _admit(self, workflow_id: str) -> None:
        for delay_s in (0.0, *RETRY_DELAYS_S):
            await asyncio.sleep(delay_s)
            try:
                await self.admit(workflow_id)
            except Exception as error:  # noqa: BLE001 the database may be back later
                log.warning("runs_not_admitted", workflow_id=workflow_id, error=repr(error))
            else:
                return

    async def _next_sweep(self) -> datetime | None:
        return now() + SWEEP_EVERY if self._tenants else None

    async def _sweep(self, moment: datetime) -> None:
        for workflow_id in list(self._tenants):
            await self.admit(workflow_id)
