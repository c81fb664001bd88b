"""Runs: start, wait for, control and delete them; the only entrance to execution.

What only reads is in `backend.runs.history` and offered here as well.
"""

import asyncio
import time
from datetime import datetime, timedelta

from backend.actor import Actor, Role
from backend.database import fetch
from backend.errors import Conflict
from backend.runs import controls, history, starting
from backend.runs.deletion import delete_runs
from backend.runs.executor import executor
from backend.runs.history import (
    RunFilter,
    checkpoints,
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
    steps_before,
)
from backend.runs.journal import Fenced
from backend.runs.publish_check import publish_check
from backend.runs.record import RunRecord
from backend.runs.schemas import (
    CleanupRuns,
    ForkRun,
    RerunRun,
    RunView,
    StartRun,
    StepView,
    Trigger,
)
from backend.runs.starting import NewRun
from backend.runs.status import ENDED, RunStatus
from graphs.events import now

__all__ = [
    "RunFilter",
    "admit",
    "cancel",
    "cancel_step",
    "checkpoints",
    "cleanup",
    "definition",
    "delete",
    "events",
    "fork",
    "get",
    "latest_by_workflow",
    "list_runs",
    "logs",
    "pause",
    "publish_check",
    "rerun",
    "resume",
    "retry",
    "running_steps",
    "set_breakpoints",
    "start",
    "start_and_wait",
    "stats",
    "step",
    "steps",
    "steps_before",
    "wait",
]

CLEANUP_BATCH = 200
"""Runs deleted in one transaction, so that others can write in between."""

PATIENCE_S = 2.0
"""How long the answer to a cancel or a pause waits for what it asked for."""

PAUSED = "run.paused"


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
    if run_id is not None and await starting.earlier(run_id):
        return await get(actor, run_id)
    return await _begin(await starting.of_workflow(actor, workflow_id, request, trigger, run_id))


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
    if run_id is not None and await starting.earlier(run_id):
        return await wait(actor, run_id, timeout_s)
    new = await starting.of_workflow(actor, workflow_id, request, trigger, run_id)
    journal, active = await starting.launch(new)
    if active is None:
        await starting.store(journal)
        return await wait(actor, journal.record.id, timeout_s)
    # nothing with an outside effect happens before the run is stored, and the end is stored last
    began = time.monotonic()
    try:
        async with asyncio.timeout(min(timeout_s, starting.STORED_WITHIN_S)):
            await active.ended.wait()
    except TimeoutError:
        await starting.store(journal, within_s=0.5 if timeout_s > 1 else starting.STORED_WITHIN_S)
        left_s = timeout_s - (time.monotonic() - began)
        try:
            async with asyncio.timeout(max(left_s, 0.0)):
                await active.ended.wait()
        except TimeoutError:
            await journal.flush()
    if isinstance(journal.error, Fenced) or journal.record.status is RunStatus.PAUSED:
        left_s = timeout_s - (time.monotonic() - began)
        return await wait(actor, journal.record.id, max(left_s, 0.0))
    if journal.error is not None:
        raise journal.error
    return journal.record.view()


async def wait(actor: Actor, run_id: str, timeout_s: float) -> RunView:
    """The run as it is when it has ended or waits for a person, or after `timeout_s`.

    Raises NotFound.
    """
    until = now() + timedelta(seconds=timeout_s)
    with executor().bus.subscribe(run_id) as subscription:
        view = await get(actor, run_id)
        if _rests(view, until):
            return view
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    delivery = await subscription.next()
                    if delivery is None or delivery.ends or delivery.kind == PAUSED:
                        view = await get(actor, run_id)
                        if _rests(view, until):
                            return view
        except TimeoutError:
            pass
    return await get(actor, run_id)


def _rests(view: RunView, until: datetime) -> bool:
    """Whether nothing will come of a run by itself until a moment."""
    if view.pause is not None:
        return view.pause.wake_at is None or view.pause.wake_at > until
    return view.status.ended


async def fork(
    actor: Actor, run_id: str, request: ForkRun, *, new_id: str | None = None
) -> RunView:
    """Begin a run from a checkpoint of another, which stays as it is; stored when this returns.

    Raises NotFound for a step that did not finish in that run, and Invalid for overrides of nodes
    that there are not.
    """
    if new_id is not None and await starting.earlier(new_id):
        return await get(actor, new_id)
    return await _begin(await starting.of_checkpoint(actor, run_id, request, new_id))


async def rerun(
    actor: Actor, run_id: str, request: RerunRun, *, new_id: str | None = None
) -> RunView:
    """Begin a run of the same definition as another; stored when this returns."""
    if new_id is not None and await starting.earlier(new_id):
        return await get(actor, new_id)
    return await _begin(await starting.of_run(actor, run_id, request.inputs, new_id))


async def pause(actor: Actor, run_id: str) -> RunView:
    """Let the running nodes finish and start no other; waits a little for that.

    Raises Conflict for a run that has ended. A paused run stays as it is.
    """
    await _change(actor, run_id)
    await controls.pause(executor(), run_id, actor.username)
    return await _settled(actor, run_id)


async def resume(actor: Actor, run_id: str, *, step: bool = False) -> RunView:
    """Let a paused run go on, with `step` for one node. Raises Conflict when it is not paused."""
    await _change(actor, run_id)
    await controls.resume(executor(), run_id, actor.username, step=step)
    return await get(actor, run_id)


async def retry(actor: Actor, run_id: str) -> RunView:
    """Go on with a run that failed or was cancelled: what finished is not executed again.

    Raises Conflict for a run that has completed or has not ended.
    """
    await _change(actor, run_id)
    await controls.retry(executor(), run_id, actor.username)
    return await get(actor, run_id)


async def cancel(actor: Actor, run_id: str, reason: str = "", *, graceful: bool = False) -> RunView:
    """Ask a run to stop, and wait a little for its end. Raises NotFound, and Conflict once ended.

    A run that is `cancelling` may be cancelled again, for instance no longer gracefully.
    """
    await _change(actor, run_id)
    reason = reason or f"cancelled by {actor.username}"
    await controls.cancel(executor(), run_id, reason, graceful=graceful)
    return await wait(actor, run_id, 0.0 if graceful else PATIENCE_S)


async def set_breakpoints(actor: Actor, run_id: str, breakpoints: list[str]) -> RunView:
    """Where the run stops from now on. Raises Invalid for nodes that there are not."""
    record = await _change(actor, run_id)
    graph = await executor().graph(actor.tenant_id, record.definition_hash)
    checked = starting.checked_breakpoints(graph, breakpoints)
    await controls.set_breakpoints(executor(), run_id, checked)
    return await get(actor, run_id)


async def cancel_step(actor: Actor, step_id: str) -> StepView:
    """Let one running step fail, and wait a little for that; the run goes on as `on_error` says.

    Raises NotFound, and Conflict for a step that has ended or whose run is paused.
    """
    actor.require(Role.EDITOR)
    found = await history.find_step(actor, step_id)
    with executor().bus.subscribe(found.run_id) as subscription:
        if found.status.ended or not await controls.cancel_step(
            executor(), found.run_id, step_id, actor.username
        ):
            found = await history.step(actor, found.run_id, step_id)
            raise _not_running(await find(actor, found.run_id), found)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not found.status.ended:
                    await subscription.next()
                    found = await history.step(actor, found.run_id, step_id)
        except TimeoutError:
            pass
    return found


def _not_running(record: RunRecord, step: StepView) -> Conflict:
    if not step.status.ended and record.status is RunStatus.PAUSED:
        detail = "The run is paused: resume it first, or cancel all of it."
        return Conflict(detail, code="run_paused")
    return Conflict(f"The step has ended: it is {step.status}.", code="step_ended")


async def admit(workflow_id: str) -> None:
    """Let held runs of a workflow go on whose limit may have been raised."""
    await executor().places.admit(workflow_id)


async def delete(actor: Actor, run_id: str) -> None:
    """Delete a run that has ended, with its events. Raises NotFound, and Conflict before."""
    actor.require(Role.EDITOR)
    record = await find(actor, run_id)
    if not record.status.ended:
        raise Conflict(
            f"The run is {record.status}; cancel it before you delete it.", code="run_active"
        )
    async with executor().lock(run_id):
        # a retry may have been faster
        if not (await find(actor, run_id)).status.ended:
            raise Conflict("The run is being retried.", code="run_active")
        await delete_runs([run_id], executor().hooks)


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
        await delete_runs([row["id"] for row in rows], executor().hooks)
        deleted += len(rows)
        if len(rows) < CLEANUP_BATCH:
            return deleted


async def _begin(new: NewRun) -> RunView:
    journal, _ = await starting.launch(new)
    view = journal.record.view()
    await starting.store(journal)
    return view


async def _change(actor: Actor, run_id: str) -> RunRecord:
    actor.require(Role.EDITOR)
    return await find(actor, run_id)


async def _settled(actor: Actor, run_id: str) -> RunView:
    """The run as it is when this process has let it go, or after a little while."""
    active = executor().active.get(run_id)
    if active is not None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await active.ended.wait()
        except TimeoutError:
            pass
    return await get(actor, run_id)
