"""What a new run takes over from another: the outcomes that a fork or a part begins with."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeGuard

from msgspec.structs import replace
from uuid_utils.compat import uuid7

from backend.runs import event_log
from graphs.compile import CompiledGraph
from graphs.events import RunEvent, StepCompleted, StepCompletedData, StepSkipped, now
from graphs.recorded import UPSTREAM_FAILED, Recorded

Seed = StepCompleted | StepSkipped

KINDS = ("step.completed", "step.skipped", "step.failed", "step.cancelled", "run.resumed")
"""What tells the outcomes that a run stands on."""

_OUTERMOST = re.compile(r"[^/@\[]+")


def top_node(event: Seed) -> str:
    """The node of the run's own drawing that a step belongs to."""
    if event.path is None:
        return event.node_id
    found = _OUTERMOST.match(event.path)
    return event.node_id if found is None else found[0]


async def outcomes(run_id: str, up_to: int | None = None) -> list[Seed]:
    """The finished and the skipped steps of a run, in their order, until an event's `seq`."""
    rows = await event_log.read_kinds([run_id], KINDS)
    events = [event_log.engine_event(row) for row in rows if up_to is None or row[1] <= up_to]
    recorded = Recorded(events)
    return [
        event
        for event in events
        if _stands(event) and recorded.outcome(event.path or "", event.node_id) is event
    ]


def reuse(run_id: str, found: Iterable[Seed], wanted: Callable[[Seed], bool]) -> list[Seed]:
    """Outcomes of another run as those of a new one: with ids of their own, and without cost."""
    return [_reused(run_id, event) for event in found if wanted(event)]


def override(
    run_id: str, graph: CompiledGraph, found: Iterable[Seed], overrides: Mapping[str, Any]
) -> list[Seed]:
    """Steps that put out what somebody wrote instead of what their nodes would."""
    ports = {
        event.node_id: event.data.ports
        for event in found
        if isinstance(event, StepCompleted) and event.path is None
    }
    return [
        StepCompleted(
            run_id=run_id,
            node_id=node_id,
            step_id=str(uuid7()),
            data=StepCompletedData(output, ports.get(node_id) or graph.nodes[node_id].ports[:1], 0),
        )
        for node_id, output in overrides.items()
    ]


def descendants(graph: CompiledGraph, node_ids: Collection[str]) -> set[str]:
    """The nodes that edges lead to from any of these, however indirectly."""
    found: set[str] = set()
    below: dict[str, set[str]] = {}
    for node in graph.nodes.values():
        for edge in node.in_edges:
            below.setdefault(edge.source, set()).add(node.id)
    waiting = list(node_ids)
    while waiting:
        for child in below.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def ancestors(graph: CompiledGraph, node_ids: Collection[str]) -> set[str]:
    """The nodes from which edges lead to any of these, however indirectly."""
    found: set[str] = set()
    waiting = list(node_ids)
    while waiting:
        for edge in graph.nodes[waiting.pop()].in_edges:
            if edge.source not in found:
                found.add(edge.source)
                waiting.append(edge.source)
    return found


def _stands(event: RunEvent) -> TypeGuard[Seed]:
    """Whether a step need not be executed again; what a failure held up may go on this time."""
    match event:
        case StepCompleted():
            return True
        case StepSkipped(data=data):
            return data.reason != UPSTREAM_FAILED
        case _:
            return False


def _reused(run_id: str, event: Seed) -> Seed:
    source = event.data.reused_from or event.run_id
    again: dict[str, Any] = {
        "run_id": run_id,
        "seq": None,
        "at": now(),
        "step_id": str(uuid7()),
        "attempt": 1,
    }
    match event:
        case StepCompleted(data=data):
            return replace(event, **again, data=replace(data, usage=None, reused_from=source))
        case StepSkipped(data=data):
            return replace(event, **again, data=replace(data, reused_from=source))
