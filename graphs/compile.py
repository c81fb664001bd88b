"""Definition → compiled LangGraph graph: the only builder.

Every drawn node is a node of one StateGraph and scheduled from START; its wrapper
(`graphs.step`) awaits its parents' outcomes. So independent branches never wait for each other,
which LangGraph's lock-step supersteps would make them do, and every join is a barrier that fires
once. `get_graph()` of the result still shows the drawn topology.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Protocol, TypedDict, cast

from graphs.definition import Body, Definition, Node
from graphs.errors import DefinitionError
from graphs.expressions import Template
from graphs.node_type import Join, NodeType
from graphs.params import compile_lazy, compile_params
from graphs.registry import registry
from graphs.step import run_step
from graphs.validate import validate

COMPILER_VERSION = 1
"""Part of every cache key of compiled graphs; raise it when the same drawing compiles otherwise."""


def _merge(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    left.update(right)  # one owner per run, and copying would make long chains quadratic
    return left


class StateGraphRunnable(Protocol):
    """What is used of LangGraph's compiled graph, whose own types are too wide to check."""

    get_graph: Callable[..., Any]

    async def ainvoke(self, input: Any, config: Any = None) -> Any: ...


State = TypedDict("State", {"heddle.outputs": Annotated[dict[str, Any], _merge]})
"""The LangGraph state. The key has a dot so that no node id can collide with it."""


@dataclass(frozen=True, slots=True)
class InEdge:
    """An edge as its target sees it."""

    source: str
    port: str


@dataclass(frozen=True)
class CompiledNode:
    """A node with everything its wrapper needs, worked out once per definition."""

    node: Node
    type: NodeType[Any]
    in_edges: tuple[InEdge, ...]
    join: Join
    params: Template
    ports: tuple[str, ...]
    body: "CompiledGraph | None"
    lazy: Mapping[str, Template]
    """The params that are kept back for `ctx.evaluate`."""

    @property
    def id(self) -> str:
        return self.node.id


@dataclass(frozen=True)
class CompiledGraph:
    """A definition, or a container's body, ready to be executed any number of times at once.

    `leaves` are the nodes without out-edges, in drawing order; `variables` the definition's.
    """

    nodes: Mapping[str, CompiledNode]
    leaves: tuple[str, ...]
    variables: Mapping[str, Any]
    input_schema: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def total(self) -> int:
        """How many nodes are drawn at this level: the total of a run's progress."""
        return len(self.nodes)

    @cached_property
    def graph(self) -> StateGraphRunnable:
        """The LangGraph graph, built on first use."""
        builder, start, _ = _builder()
        for node in self.nodes.values():
            builder.add_node(node.id, _wrapper(node))
            builder.add_edge(start, node.id)
        compiled = cast("StateGraphRunnable", builder.compile(name="heddle"))
        compiled.get_graph = self._draw
        return compiled

    @cached_property
    def drawing(self) -> StateGraphRunnable:
        """The same nodes with the drawn edges as barriers: for pictures and for the export."""
        builder, start, end = _builder()
        for node in self.nodes.values():
            builder.add_node(node.id, _wrapper(node))
            sources = sorted({edge.source for edge in node.in_edges})
            builder.add_edge(sources or start, node.id)
        for leaf in self.leaves:
            builder.add_edge(leaf, end)
        return cast("StateGraphRunnable", builder.compile(name="heddle"))

    def _draw(self, *args: Any, **kwargs: Any) -> Any:
        return self.drawing.get_graph(*args, **kwargs)


def compile_definition(
    definition: Definition, types: Mapping[str, NodeType[Any]] | None = None
) -> CompiledGraph:
    """Compile a definition with the registered node types, or with `types` in their place.

    Raises DefinitionError with every problem when the drawing cannot run.
    """
    types = registry() if types is None else types
    problems = validate(definition, types)
    if problems:
        raise DefinitionError(problems)
    return _compile(definition, types, definition.variables, definition.inputs)


def _compile(
    graph: Definition | Body,
    types: Mapping[str, NodeType[Any]],
    variables: Mapping[str, Any],
    input_schema: Mapping[str, Any],
) -> CompiledGraph:
    in_edges: dict[str, list[InEdge]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        in_edges[edge.target].append(InEdge(edge.source, edge.source_port))
    sources = {edge.source for edge in graph.edges}
    nodes = {
        node.id: CompiledNode(
            node=node,
            type=(kind := types[node.type]),
            in_edges=tuple(in_edges[node.id]),
            join=kind.join(node.params),
            params=compile_params(kind, {} if node.disabled else node.params),
            ports=kind.ports(node.params),
            body=_compile(node.body, types, variables, input_schema) if node.body else None,
            lazy=compile_lazy(kind, {} if node.disabled else node.params),
        )
        for node in graph.nodes
    }
    leaves = tuple(node.id for node in graph.nodes if node.id not in sources)
    return CompiledGraph(nodes, leaves, variables, input_schema)


def _builder() -> tuple[Any, str, str]:
    """An empty StateGraph with its START and END, imported on first use: it takes half a second."""
    from langgraph.graph import (  # pyright: ignore[reportMissingTypeStubs]
        END,
        START,
        StateGraph,
    )

    return StateGraph(State), START, END


def warm_up() -> None:
    """Import LangGraph ahead of the first run; meant for a thread, after the server is ready."""
    _builder()


def _wrapper(node: CompiledNode) -> Callable[[Any], Awaitable[dict[str, Any]]]:
    async def step(_state: Any) -> dict[str, Any]:
        return {"heddle.outputs": {node.id: await run_step(node)}}

    step.__name__ = node.id
    return step
