"""Which workflows a run calls, fixed when it begins: whatever is published later, it stays so."""

from collections import OrderedDict
from collections.abc import Iterator

from msgspec import Struct

from backend.actor import Actor
from backend.errors import AppError, FieldError, Invalid
from backend.runs.plan import Binding
from backend.runs.surroundings import LoadGraph
from backend.workflows import service as workflows
from graphs.compile import CompiledGraph

CACHED = 1024


class Call(Struct, frozen=True):
    """A `workflow` node. `reference` is the key of its binding."""

    node_id: str
    pointer: str
    workflow_id: str
    version: int | str

    @property
    def reference(self) -> str:
        return f"{self.workflow_id}@{self.version}"


_calls: OrderedDict[str, tuple[Call, ...]] = OrderedDict()


def calls_of(definition_hash: str, graph: CompiledGraph) -> tuple[Call, ...]:
    """The calls of a graph, bodies included; looked up once per definition."""
    known = _calls.get(definition_hash)
    if known is None:
        known = _calls[definition_hash] = tuple(_walk(graph, "/definition"))
        if len(_calls) > CACHED:
            _calls.popitem(last=False)
    return known


async def bind(
    actor: Actor, definition_hash: str, graph: CompiledGraph, load: LoadGraph
) -> dict[str, Binding]:
    """Every workflow that a run of the graph may call, however indirectly, by reference.

    Their graphs are compiled before the run starts. Raises Invalid with all that cannot be called.
    """
    found: dict[str, Binding] = {}
    refused: list[FieldError] = []
    waiting = [(call, call) for call in calls_of(definition_hash, graph)]
    while waiting:
        call, origin = waiting.pop()
        if call.reference in found:
            continue
        try:
            version = call.version if isinstance(call.version, int) else "active"
            target = await workflows.resolve(actor, call.workflow_id, version)
            inner = await load(actor.tenant_id, target.definition_hash)
        except AppError as error:
            detail = f"workflow {call.workflow_id!r} cannot be called: {error.detail}"
            refused.append(FieldError(origin.pointer, error.code, detail, origin.node_id))
            continue
        found[call.reference] = Binding(
            workflow_id=target.workflow_id,
            name=target.name,
            version=target.version,
            definition_hash=target.definition_hash,
        )
        inner_calls = calls_of(target.definition_hash, inner)
        waiting += [(inner_call, origin) for inner_call in inner_calls]
    if refused:
        refused.sort(key=lambda error: error.pointer)
        details = "; ".join(dict.fromkeys(error.detail for error in refused))
        raise Invalid(details, code="definition_invalid", errors=refused)
    return found


def _walk(graph: CompiledGraph, pointer: str) -> Iterator[Call]:
    for index, node in enumerate(graph.nodes.values()):
        here = f"{pointer}/nodes/{index}"
        if node.body is not None:
            yield from _walk(node.body, f"{here}/body")
        if node.type.name == "workflow" and not node.node.disabled:
            params = node.node.params
            workflow_id = str(params.get("workflow_id", ""))
            version = params.get("version", "active")
            yield Call(node.id, f"{here}/params/workflow_id", workflow_id, version)
