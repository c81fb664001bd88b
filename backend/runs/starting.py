"""Makes new runs: of a workflow or a part of it, from another run's checkpoint, or once more."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from uuid_utils.compat import uuid7

from backend.actor import Actor, Role
from backend.artifacts import service as artifacts
from backend.database import fetch
from backend.errors import FieldError, Invalid, NotFound, StorageUnavailable
from backend.patience import patience
from backend.runs import event_log, history, seeds
from backend.runs.bindings import bind, calls_of
from backend.runs.executor import ActiveRun, executor
from backend.runs.journal import RunJournal
from backend.runs.journal_writer import read_run
from backend.runs.plan import NO_PLAN, RunPlan, parse_breakpoint
from backend.runs.record import NO_CONFIG, RunRecord
from backend.runs.run_ids import made_at
from backend.runs.schemas import ForkRun, Only, StartRun, Trigger
from backend.runs.seeds import Seed
from backend.runs.status import RunStatus
from backend.runs.surroundings import last_real_run
from backend.system.storage import storage
from backend.workflows import service as workflows
from backend.workflows.run_settings import RunSettings
from graphs.compile import CompiledGraph
from graphs.definition import walk
from graphs.errors import DefinitionError
from graphs.events import now
from graphs.run_options import RunMode
from graphs.validate import check_inputs

STORED_WITHIN_S = 4.0
"""How long a start waits for the database, which other programs may hold."""

NOT_TAKEN = "The database did not take the run in time."

EARLIER_RUNS = 20
"""How many of a workflow's newest runs are looked through for a part's data."""


class NewRun(Struct, frozen=True, kw_only=True):
    """All that a run begins with."""

    record: RunRecord
    graph: CompiledGraph
    settings: RunSettings
    seeds: Sequence[Seed] = ()
    checkpoint: str | None = None


class Part(Struct, frozen=True, kw_only=True):
    """The nodes that a run is for, and what it takes from an earlier one."""

    selected: tuple[str, ...]
    source: RunRecord | None = None
    seeds: Sequence[Seed] = ()


async def of_workflow(
    actor: Actor, workflow_id: str, request: StartRun, trigger: Trigger, run_id: str | None
) -> NewRun:
    """A run of a workflow, or of a part of it. Raises what `backend.runs.service.start` does."""
    actor.require(Role.EDITOR)
    await artifacts.refuse_edited(actor, request.inputs, "/inputs")
    part_of = None if request.only is None else _chosen(request.only)
    target = await workflows.resolve(actor, workflow_id, request.version, part_of)
    graph = await _graph(actor, target.definition_hash)
    if target.version is None:
        await _refuse_edited_pins(actor, target.definition_hash)
    new_id = run_id or str(uuid7())
    part = None
    given = request.inputs
    if request.only is not None:
        part = await _part(actor, target.workflow_id, graph, request.only, new_id)
        if part.source is not None:
            given = {**part.source.inputs, **given}
    inputs = _inputs(graph, given)
    plan = NO_PLAN
    mock = request.mode is RunMode.MOCK
    if request.breakpoints or part or mock or calls_of(target.definition_hash, graph):
        plan = RunPlan(
            breakpoints=checked_breakpoints(graph, request.breakpoints),
            only=request.only,
            selected=None if part is None else part.selected,
            workflows=await bind(actor, target.definition_hash, graph, executor().graph),
            recorded_run_id=(
                await last_real_run(actor.tenant_id, target.workflow_id) if mock else None
            ),
        )
    config = target.run_settings.config(request.config)
    record = RunRecord(
        id=new_id,
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
        config=NO_CONFIG if config == NO_CONFIG else config,
        total_steps=graph.total if part is None else len(part.selected),
        # lists are sorted by id, and a reserved id may be older than its run
        created_at=now() if run_id is None else made_at(run_id),
        parent_run_id=None if part is None or part.source is None else part.source.id,
        plan=plan,
    )
    return NewRun(
        record=record,
        graph=graph,
        settings=target.run_settings,
        seeds=() if part is None else part.seeds,
    )


async def of_run(
    actor: Actor, parent_id: str, given: dict[str, Any] | None, run_id: str | None
) -> NewRun:
    """A run of the same definition as another. Raises NotFound, and Invalid for wrong inputs."""
    actor.require(Role.EDITOR)
    parent = await history.find(actor, parent_id)
    if given is not None:
        await artifacts.refuse_edited(actor, given, "/inputs")
    graph = await _graph(actor, parent.definition_hash)
    inputs = parent.inputs if given is None else _inputs(graph, given)
    plan = parent.plan
    if plan is not NO_PLAN:
        plan = RunPlan(
            only=plan.only,
            selected=plan.selected,
            workflows=plan.workflows,
            recorded_run_id=plan.recorded_run_id,
        )
    record = RunRecord(
        id=run_id or str(uuid7()),
        tenant_id=parent.tenant_id,
        workflow_id=parent.workflow_id,
        workflow_name=parent.workflow_name,
        version=parent.version,
        definition_hash=parent.definition_hash,
        status=RunStatus.QUEUED,
        mode=parent.mode,
        trigger=Trigger.REPLAY,
        inputs=inputs,
        metadata=parent.metadata,
        config=parent.config,
        total_steps=graph.total if plan.selected is None else len(plan.selected),
        created_at=now() if run_id is None else made_at(run_id),
        parent_run_id=parent.id,
        plan=plan,
    )
    settings = await workflows.run_settings(parent.tenant_id, parent.workflow_id)
    found: Sequence[Seed] = ()
    if plan.selected is not None:
        # a part stands on what another run did
        selected = frozenset(plan.selected)
        found = seeds.reuse(
            record.id,
            await seeds.outcomes(parent.id),
            lambda event: seeds.top_node(event) not in selected,
        )
    return NewRun(record=record, graph=graph, settings=settings, seeds=found)


async def of_checkpoint(
    actor: Actor, parent_id: str, request: ForkRun, run_id: str | None
) -> NewRun:
    """A run that begins where another was after a step. Raises NotFound, and Invalid for overrides
    of nodes that there are not.
    """
    new = await of_run(actor, parent_id, request.inputs, run_id)
    seq = await event_log.finished_at(parent_id, request.checkpoint)
    if seq is None:
        raise NotFound("The run has no such checkpoint.", code="checkpoint_not_found")
    unknown = [
        FieldError(f"/overrides/{_escaped(node_id)}", "node_unknown", f"There is no {node_id!r}.")
        for node_id in request.overrides
        if node_id not in new.graph.nodes
    ]
    if unknown:
        raise _refusal(unknown, code="node_unknown")
    await artifacts.refuse_edited(actor, request.overrides, "/overrides")
    found = await seeds.outcomes(parent_id, seq)
    blocked = seeds.descendants(new.graph, request.overrides) | request.overrides.keys()
    taken = seeds.reuse(new.record.id, found, lambda event: seeds.top_node(event) not in blocked)
    taken += seeds.override(new.record.id, new.graph, found, request.overrides)
    return NewRun(
        record=new.record,
        graph=new.graph,
        settings=new.settings,
        seeds=taken,
        checkpoint=request.checkpoint,
    )


async def launch(new: NewRun) -> tuple[RunJournal, ActiveRun | None]:
    """Hand a run to the executor. With a concurrency limit it is stored when this returns, and
    else the caller stores it. Raises Conflict `workflow_busy`.
    """
    chosen = executor()
    storage().require_room()
    await storage().require_writable()
    if new.settings.concurrency_limit is None:
        return chosen.launch(new.record, new.graph, new.seeds, new.checkpoint)
    async with chosen.lock(new.record.workflow_id):
        replaced = await chosen.places.request(new.record, new.settings)
        launched = chosen.launch(new.record, new.graph, new.seeds, new.checkpoint)
        await store(launched[0])
    await chosen.places.replace(replaced, new.record.id)
    return launched


async def store(journal: RunJournal, within_s: float = STORED_WITHIN_S) -> None:
    """Return when a run is stored and, unless it is being executed or held back, rung for.

    Raises StorageUnavailable when the database has taken nothing for so long; then there is no run,
    and nothing was done outside.
    """
    writer = executor().writer
    try:
        async with patience(lambda: writer.commits, within_s):
            await journal.flush()
    except TimeoutError:
        if journal.withdraw():
            active = executor().active.get(journal.record.id)
            if active is not None:
                active.control.cancel(NOT_TAKEN)
            raise StorageUnavailable(NOT_TAKEN) from None
        # the run itself is on disk; what it has done since comes there as well
    if journal.record.epoch == 0 and not journal.record.held:
        await executor().bus.enqueue(journal.record.id)


async def earlier(run_id: str) -> bool:
    """Whether a run with a reserved id was started before. Raises StorageUnavailable while one that
    was refused is being taken back.
    """
    if executor().writer.is_withdrawing(run_id):
        raise StorageUnavailable(NOT_TAKEN)
    return await read_run(run_id) is not None


def checked_breakpoints(graph: CompiledGraph, wanted: Sequence[str]) -> tuple[str, ...]:
    """Breakpoints of nodes that there are. Raises Invalid with all others."""
    refused: list[FieldError] = []
    known = set(_node_ids(graph)) if wanted else set[str]()
    for index, text in enumerate(wanted):
        try:
            node_id = parse_breakpoint(text).node_id
        except ValueError:
            detail = f"{text!r} is no breakpoint: write 'node', 'node:before' or 'node:after'."
        else:
            detail = f"There is no node {node_id!r} to stop at."
            if node_id in known:
                continue
        refused.append(FieldError(f"/breakpoints/{index}", "breakpoint_unknown", detail))
    if refused:
        raise _refusal(refused, code="breakpoint_unknown")
    return tuple(dict.fromkeys(wanted))


def _chosen(only: Only) -> tuple[str, str]:
    """`node`, `from` or `until`, and the node that is meant. Raises Invalid."""
    given = {"node": only.node, "from": only.from_node, "until": only.until}
    chosen = [(name, node_id) for name, node_id in given.items() if node_id is not None]
    if len(chosen) != 1:
        raise Invalid.field("/only", "invalid", "Give exactly one of node, from and until.")
    return chosen[0]


async def _refuse_edited_pins(actor: Actor, definition_hash: str) -> None:
    definition = await workflows.definition_by_hash(actor.tenant_id, definition_hash)
    for node, place in walk(definition):
        if node.pinned is not None:
            where = f"/definition{place}/pinned/output"
            await artifacts.refuse_edited(actor, node.pinned.output, where)


async def _part(
    actor: Actor, workflow_id: str, graph: CompiledGraph, only: Only, run_id: str
) -> Part:
    name, node_id = _chosen(only)
    if node_id not in graph.nodes:
        detail = f"There is no node {node_id!r} at the top level of the drawing."
        raise _refusal([FieldError(f"/only/{name}", "node_unknown", detail)], code="node_unknown")
    picked = {node_id}
    if name == "until":
        picked |= seeds.ancestors(graph, picked)
    elif name == "from":
        picked |= seeds.descendants(graph, picked)
    selected = tuple(found for found in graph.nodes if found in picked)
    before = seeds.ancestors(graph, picked) - picked
    needed = {edge.source for found in picked for edge in graph.nodes[found].in_edges} - picked
    if not needed:
        return Part(selected=selected)
    source, found, missing = await _earlier(actor, workflow_id, needed, only.run_id)
    if source is None:
        names = ", ".join(repr(each) for each in sorted(missing))
        detail = f"No earlier run has data of {names}: run the workflow up to there first."
        raise _refusal(
            [FieldError(f"/only/{name}", "no_earlier_data", detail)], code="no_earlier_data"
        )
    taken = seeds.reuse(run_id, found, lambda event: event.path is None and event.node_id in before)
    return Part(selected=selected, source=source, seeds=taken)


async def _earlier(
    actor: Actor, workflow_id: str, needed: set[str], run_id: str | None
) -> tuple[RunRecord | None, list[Seed], set[str]]:
    """The run to take data from with its outcomes, or else what is missing."""
    if run_id is not None:
        run_ids = [(await history.find(actor, run_id)).id]
    else:
        rows = await fetch(
            "SELECT id FROM run WHERE tenant_id = ? AND workflow_id = ?"
            f" ORDER BY id DESC LIMIT {EARLIER_RUNS}",
            actor.tenant_id,
            workflow_id,
        )
        run_ids = [row["id"] for row in rows]
    missing = needed
    for number, candidate in enumerate(run_ids):
        found = await seeds.outcomes(candidate)
        lacking = needed - {event.node_id for event in found if event.path is None}
        if not lacking:
            return await history.find(actor, candidate), found, set()
        if number == 0:
            missing = lacking
    return None, [], missing


def _inputs(graph: CompiledGraph, given: Mapping[str, Any]) -> dict[str, Any]:
    inputs, problems = check_inputs(graph.input_schema, given)
    if problems:
        raise Invalid(
            "; ".join(problem.detail for problem in problems),
            code="inputs_invalid",
            errors=[FieldError(f"/inputs{p.pointer}", p.code, p.detail) for p in problems],
        )
    return inputs


async def _graph(actor: Actor, definition_hash: str) -> CompiledGraph:
    try:
        return await executor().graph(actor.tenant_id, definition_hash)
    except DefinitionError as error:
        raise Invalid.definition(error) from error


def _node_ids(graph: CompiledGraph) -> list[str]:
    found: list[str] = []
    for node in graph.nodes.values():
        found.append(node.id)
        if node.body is not None:
            found += _node_ids(node.body)
    return found


def _refusal(errors: Sequence[FieldError], *, code: str) -> Invalid:
    return Invalid("; ".join(found.detail for found in errors), code=code, errors=errors)


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")
