"""What a run may use of the world outside, put together in one place for each run."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http.cookiejar import CookieJar
from typing import Any

import structlog
from msgspec.structs import replace

from backend.artifacts import service as artifacts
from backend.database import fetch
from backend.models import service as models
from backend.runs import event_log
from backend.runs.record import RunRecord
from backend.settings import Secrets, Settings
from backend.tenants import service as tenants
from backend.workspaces import service as workspaces
from graphs.artifacts import ArtifactStore
from graphs.compile import CompiledGraph
from graphs.errors import NodeError
from graphs.events import StepCompleted
from graphs.node_type import BoundWorkflow, Defect, Services
from graphs.run_options import RunMode, RunOptions
from graphs.stored import load
from graphs.workers.pool import close_pools

LoadGraph = Callable[[str, str], Awaitable[CompiledGraph]]
"""A compiled graph by tenant id and definition hash."""

PLAIN = RunOptions()

log: Any = structlog.get_logger("heddle.runs")


def options_for(record: RunRecord) -> RunOptions:
    """How the engine executes the run."""
    plan = record.plan
    draft = record.version is None
    if (
        not draft
        and record.mode is RunMode.FULL
        and not record.active_ms
        and not plan.breakpoints
        and plan.selected is None
        and record.config == PLAIN.config
    ):
        return PLAIN
    return RunOptions(
        mode=record.mode,
        config=record.config,
        breakpoints=plan.stops(),
        selected=None if plan.selected is None else frozenset(plan.selected),
        use_pins=draft,
        active_ms=record.active_ms,
    )


async def open_surroundings(settings: Settings) -> Services:
    """Open what runs use beside the database; returns what is the same for all of them."""
    tenants.open_tenants(settings)
    models.open_prices()
    await artifacts.open_artifacts(settings)
    await workspaces.open_workspaces(settings)
    return Services(
        allow_hosts=settings.allow_hosts, secrets=settings.secrets, on_defect=_log_defect
    )


def _log_defect(defect: Defect) -> None:
    log.error(
        "node_defect",
        reference=defect.reference,
        node_type=defect.node_type,
        run_id=defect.run_id,
        node_id=defect.node_id,
        step_id=defect.step_id,
        exception=defect.trace,
    )


async def close_surroundings() -> None:
    """Return when nothing of it is at work any more."""
    await artifacts.close_artifacts()
    await asyncio.to_thread(close_pools)


async def services_for(base: Services, record: RunRecord, load: LoadGraph) -> Services:
    """The services of a run; `base` has what is the same for all. Raises what `load` does."""
    workflows: Mapping[str, BoundWorkflow] = base.workflows
    if record.plan.workflows:
        workflows = {
            reference: BoundWorkflow(
                workflow_id=bound.workflow_id,
                name=bound.name,
                version=bound.version,
                graph=await load(record.tenant_id, bound.definition_hash),
            )
            for reference, bound in record.plan.workflows.items()
        }
    recorded = base.recorded
    if record.plan.recorded_run_id is not None:
        store = artifacts.store_for(record.tenant_id, record.id)
        recorded = await outputs_of(record.plan.recorded_run_id, store)
    return replace(
        base,
        workflows=workflows,
        recorded=recorded,
        secrets=await _secrets_of(record.tenant_id, base.secrets),
        prices=await models.prices_for(record.tenant_id),
        python_enabled=await tenants.python_enabled(record.tenant_id),
        artifacts=artifacts.store_for(record.tenant_id, record.id),
        files=workspaces.files_for(record.tenant_id),
        # what servers gave one run to keep is no other run's, and above all no other tenant's
        cookies=CookieJar(),
        owner=record.tenant_id,
    )


async def _secrets_of(tenant_id: str, all_secrets: Mapping[str, str]) -> Mapping[str, str]:
    """Those that the operator gave to the tenant; a run of one tenant finds no other's."""
    if isinstance(all_secrets, Secrets):
        return all_secrets.for_tenant(await tenants.slug_of(tenant_id) or "")
    return all_secrets


async def outputs_of(run_id: str, store: ArtifactStore) -> dict[str, object]:
    """The outputs of a run's steps at the top level, by node id, large ones loaded."""
    outputs: dict[str, object] = {}
    for row in await event_log.read_kinds([run_id], ("step.completed",)):
        event = event_log.engine_event(row)
        if isinstance(event, StepCompleted) and event.path is None and event.data.error is None:
            with suppress(NodeError):  # its artifact is gone: then it was not recorded
                outputs[event.node_id] = await load(event.data.output, event.data.size_bytes, store)
    return outputs


async def last_real_run(tenant_id: str, workflow_id: str) -> str | None:
    """The workflow's newest completed run that really called what is outside."""
    rows = await fetch(
        "SELECT id FROM run WHERE tenant_id = ? AND workflow_id = ?"
        " AND status = 'completed' AND mode = 'full' ORDER BY id DESC LIMIT 1",
        tenant_id,
        workflow_id,
    )
    return rows[0]["id"] if rows else None
