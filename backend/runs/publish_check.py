"""Tells before publishing which paused runs the draft would break, if they were to go on with it.

They go on with the definition that they began with; the check is for whoever edits.
"""

from backend.actor import Actor
from backend.database import fetch
from backend.runs import event_log
from backend.runs.record import COLUMNS, RunRecord, from_row
from backend.runs.schemas import BrokenNode, PublishCheck, WaitingRun
from backend.runs.steps import STEP_KINDS, fold
from backend.workflows import service as workflows
from graphs.definition import Definition, Node, walk
from graphs.registry import registry
from graphs.topology import ERROR_PORT

RUNS_AT_MOST = 200
"""Of the newest runs that wait."""


async def publish_check(actor: Actor, workflow_id: str) -> PublishCheck:
    """The workflow's paused runs, and what of each the draft does not know any more."""
    view = await workflows.get(actor, workflow_id)
    rows = await fetch(
        f"SELECT {', '.join(COLUMNS)} FROM run WHERE tenant_id = ? AND workflow_id = ?"
        f" AND status = 'paused' ORDER BY id DESC LIMIT {RUNS_AT_MOST}",
        actor.tenant_id,
        view.id,
    )
    drawn = _nodes(view.definition)
    return PublishCheck(waiting_runs=[await _check(from_row(row), drawn) for row in rows])


async def _check(record: RunRecord, drawn: dict[str, Node]) -> WaitingRun:
    definition = await workflows.definition_by_hash(record.tenant_id, record.definition_hash)
    own = _nodes(definition)
    broken: dict[str, str] = {}
    for step in fold(await event_log.read_kinds([record.id], STEP_KINDS)):
        before, after = own.get(step.node_id), drawn.get(step.node_id)
        if before is None:
            continue
        if after is None:
            broken[step.node_id] = "removed"
        elif after.type != before.type:
            broken[step.node_id] = "type_changed"
        elif not set(step.ports) <= _ports(after):
            broken[step.node_id] = "port_removed"
    assert record.pause is not None, "a paused run knows why"
    for stop in record.pause.stops:
        if stop.node_id in own and stop.node_id not in drawn:
            broken[stop.node_id] = "removed"
    return WaitingRun(
        run_id=record.id,
        version=record.version,
        status=record.status,
        reason=record.pause.reason,
        stops=record.pause.stops,
        broken=[BrokenNode(node_id=node_id, reason=why) for node_id, why in broken.items()],
    )


def _ports(node: Node) -> set[str]:
    kind = registry().get(node.type)
    return {ERROR_PORT, *(kind.ports(node.params) if kind is not None else ())}


def _nodes(definition: Definition) -> dict[str, Node]:
    return {node.id: node for node, _ in walk(definition)}
