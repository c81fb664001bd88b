"""Runs: start, wait for, cancel and delete them; `start` is the only entrance to execution.

What only reads is in `backend.runs.history` and offered here as well.
"""

import asyncio
from datetime import timedelta

from uuid_utils.compat import uuid7

from backend.actor import Actor, Role
from backend.database import fetch
from backend.errors import Conflict, FieldError, Invalid
from backend.runs.bus import Signal
from backend.runs.executor import ActiveRun, executor
from backend.runs.history import (
    RunFilter,
    definition,
    events,
    find,
    get,
    latest_by_workflow,
    list_runs,
    logs,
    running_steps,
    stats,
    step,
    steps,
)
from backend.runs.journal import Fenced, RunJournal
from backend.runs.journal_writer import delete_runs, read_run
from backend.runs.record import RunRecord
from backend.runs.run_ids import made_at
from backend.runs.schemas import CleanupRuns, RunMode, RunView, StartRun, Trigger
from backend.runs.status import ENDED, RunStatus
from backend.workflows import service as workflows
from graphs.compile import CompiledGraph
from graphs.errors import DefinitionError
from graphs.events import now
from graphs.validate import check_inputs

__all__ = [
    "RunFilter",
    "cancel",
    "cleanup",
    "definition",
    "delete",
    "events",
    "get",
    "latest_by_workflow",
    "list_runs",
    "logs",
    "running_steps",
    "start",
    "start_and_wait",
    "stats",
    "step",
    "steps",
    "wait",
]

CLEANUP_BATCH = 200
"""Runs deleted in one transaction, so that others can write in between."""

CANCEL_PATIENCE_S = 2.0
"""How long the answer to a cancel waits for the run's end."""


async def start(
    actor: Actor,
    workflow_id: str,
    request: StartRun,
    trigger: Trigger = Trigger.API,
    *,
    run_id: str | None = None,
) -> RunView:
    """Begin a run; when this returns, the run is stored and will be executed whatever happens.

    With a `run_id` of the caller's choice, a second call returns the first one's run. Raises
    NotFound, Invalid for wrong inputs or a drawing that cannot run, and Conflict for a workflow
    that is not in use or has no such version.
    """
    if run_id is not None and await read_run(run_id) is not None:
        return await get(actor, run_id)
    journal, _ = await _launch(actor, workflow_id, request, trigger, run_id)
    view = journal.record.view()
    await _store(journal)
    return view


async def start_and_wait(
    actor: Actor,
    workflow_id: str,
    request: StartRun,
    timeout_s: float,
    trigger: Trigger = Trigger.API,
    *,
    run_id: str | None = None,
) -> RunView:
    """Like `start`, but returns the run as it is when it has ended, or after `timeout_s`."""
    if run_id is not None and await read_run(run_id) is not None:
        return await wait(actor, run_id, timeout_s)
    journal, active = await _launch(actor, workflow_id, request, trigger, run_id)
    if active is None:
        await _store(journal)
        return await wait(actor, journal.record.id, timeout_s)
    # nothing with an outside effect happens before the run is stored, and the end is stored last
    try:
        async with asyncio.timeout(timeout_s):
            await active.ended.wait()
    except TimeoutError:
        await journal.flush()
    if isinstance(journal.error, Fenced):
        return await wait(actor, journal.record.id, timeout_s)
    if journal.error is not None:
        raise journal.error
    return journal.record.view()


async def wait(actor: Actor, run_id: str, timeout_s: float) -> RunView:
    """The run as it is when it has ended, or after `timeout_s`. Raises NotFound."""
    with executor().bus.subscribe(run_id) as subscription:
        view = await get(actor, run_id)
        if view.status.ended:
            return view
        try:
            async with asyncio.timeout(timeout_s):
                while (delivery := await subscription.next()) is None or not delivery.ends:
                    if delivery is None and (await get(actor, run_id)).status.ended:
                        break
        except TimeoutError:
            pass
    return await get(actor, run_id)


async def cancel(actor: Actor, run_id: str, reason: str = "", *, graceful: bool = False) -> RunView:
    """Ask a run to stop, and wait a little for its end. Raises NotFound, and Conflict once ended.

    A run that is `cancelling` may be cancelled again, for instance no longer gracefully.
    """
    actor.require(Role.EDITOR)
    record = await find(actor, run_id)
    if record.status.ended:
        raise Conflict(f"The run has already ended: it is {record.status}.", code="run_ended")
    reason = reason or f"cancelled by {actor.username}"
    if not await executor().bus.signal(Signal(run_id, reason, graceful)):
        await executor().cancel_idle(run_id, reason)
    return await wait(actor, run_id, 0.0 if graceful else CANCEL_PATIENCE_S)


async def delete(actor: Actor, run_id: str) -> None:
    """Delete a run that has ended, with its events. Raises NotFound, and Conflict before."""
    actor.require(Role.EDITOR)
    record = await find(actor, run_id)
    if not record.status.ended:
        raise Conflict(
            f"The run is {record.status}; cancel it before you delete it.", code="run_active"
        )
    await delete_runs([run_id])


async def cleanup(actor: Actor, request: CleanupRuns) -> int:
    """Delete the tenant's runs that ended long enough ago; returns how many."""
    actor.require(Role.ADMIN)
    before = now() - timedelta(hours=request.older_than_hours)
    statuses = sorted(ENDED)
    marks = ", ".join("?" * len(statuses))
    deleted = 0
    while True:
        rows = await fetch(
            f"SELECT id FROM run WHERE tenant_id = ? AND status IN ({marks}) AND finished_at <= ?"
            f" ORDER BY id LIMIT {CLEANUP_BATCH}",
            actor.tenant_id,
            *statuses,
            before,
        )
        await delete_runs([row["id"] for row in rows])
        deleted += len(rows)
        if len(rows) < CLEANUP_BATCH:
            return deleted


async def _launch(
    actor: Actor, workflow_id: str, request: StartRun, trigger: Trigger, run_id: str | None
) -> tuple[RunJournal, ActiveRun | None]:
    actor.require(Role.EDITOR)
    _refuse_unknown(request)
    target = await workflows.resolve(actor, workflow_id, request.version)
    graph = await _graph(actor, target.definition_hash)
    inputs, problems = check_inputs(graph.input_schema, request.inputs)
    if problems:
        raise Invalid(
            "; ".join(problem.detail for problem in problems),
            code="inputs_invalid",
            errors=[FieldError(f"/inputs{p.pointer}", p.code, p.detail) for p in problems],
        )
    record = RunRecord(
        id=run_id or str(uuid7()),
        tenant_id=actor.tenant_id,
        workflow_id=target.workflow_id,
        workflow_name=target.name,
        version=target.version,
        definition_hash=target.definition_hash,
        status=RunStatus.QUEUED,
        mode=request.mode,
        trigger=trigger,
        inputs=inputs,
        metadata=request.metadata,
        config=request.config,
        total_steps=graph.total,
        # lists are sorted by id, and a reserved id may be older than its run
        created_at=now() if run_id is None else made_at(run_id),
    )
    return executor().launch(record, graph)


async def _graph(actor: Actor, definition_hash: str) -> CompiledGraph:
    try:
        return await executor().graph(actor.tenant_id, definition_hash)
    except DefinitionError as error:
        raise Invalid.definition(error) from error


async def _store(journal: RunJournal) -> None:
    await journal.flush()
    if journal.record.epoch == 0:
        await executor().bus.enqueue(journal.record.id)


def _refuse_unknown(request: StartRun) -> None:
    refused: list[FieldError] = []
    if request.mode is not RunMode.FULL:
        refused.append(FieldError("/mode", "unsupported", f"No mode {request.mode} yet: use full."))
    if request.breakpoints:
        refused.append(FieldError("/breakpoints", "unsupported", "There are no breakpoints yet."))
    if request.only is not None:
        refused.append(FieldError("/only", "unsupported", "Runs of a part are not possible yet."))
    if refused:
        raise Invalid("; ".join(found.detail for found in refused), errors=refused)
