"""The node type `graph`."""

import asyncio
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Annotated, Any, cast

from msgspec import Meta, field

from graphs import mock_model
from graphs.chat_model import MOCK, ModelSettings
from graphs.errors import NodeError
from graphs.json_schema import violations, with_defaults
from graphs.library.catalog import catalog
from graphs.library.graph import LibraryGraph
from graphs.model_params import (
    DEFAULT_TIMEOUT_MS,
    Address,
    ApiKey,
    Model,
    Temperature,
    TimeLimit,
    settings_of,
)
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from graphs.problems import pointer


class GraphParams(Params, frozen=True, kw_only=True):
    name: Annotated[
        str,
        Meta(
            title="Graph",
            description="Which of the installed graphs is run.",
            min_length=1,
            examples=["plan_and_execute", "map_reduce_summary", "reflection", "reason_and_act"],
            extra_json_schema={"x-widget": "library_graph", "x-expression": False},
        ),
    ]
    input: Annotated[
        dict[str, Any],
        Meta(
            title="Input",
            description="What the graph gets; each graph says what it takes.",
            examples=[{"goal": "{{ input.question }}"}],
            extra_json_schema={"x-widget": "json"},
        ),
    ] = field(default_factory=dict[str, Any])
    model: Model = MOCK
    temperature: Temperature = None
    base_url: Address = ""
    api_key: ApiKey = ""
    timeout_ms: TimeLimit = DEFAULT_TIMEOUT_MS


class Graph(NodeType[GraphParams]):
    """Runs a hand-written LangGraph graph: planning, summarising, reflecting, or one of your own.

    Its output is the graph's. Every node inside is a step of its own, with its tokens, time and
    cost; after an interruption the finished ones are not run again.
    """

    name = "graph"
    title = "Agent graph"
    category = Category.AI
    icon = "hub"
    keywords = ("agent", "langgraph", "ai", "llm")
    params_type = GraphParams

    def check(self, params: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
        name = params.get("name")
        graph = catalog().get(name) if isinstance(name, str) else None
        if graph is None:
            if isinstance(name, str) and name:
                yield ("name",), _unknown(name)
            return
        given: Any = params.get("input", {})
        if not isinstance(given, dict):
            return
        fields = cast("dict[str, Any]", given)
        known: dict[str, Any] = graph.input_schema.get("properties", {})
        for required in graph.input_schema.get("required", ()):
            if required not in fields:
                yield ("input",), f"{graph.title} needs {required!r} in its input"
        if graph.input_schema.get("additionalProperties") is False:
            for extra in fields.keys() - known.keys():
                takes = ", ".join(known)
                yield ("input", extra), f"{graph.title} takes no {extra!r}, only: {takes}"

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: GraphParams, ctx: NodeContext) -> Output:
        graph, given = await _prepared(params)
        return Output(await _executed(graph, given, settings_of(params, ctx), ctx))

    async def mock(self, params: GraphParams, ctx: NodeContext) -> Output:
        graph, given = await _prepared(params)
        if not graph.pure:
            return Output(mock_model.example(graph.output_schema, graph.name))
        return Output(await _executed(graph, given, settings_of(params, ctx, model=MOCK), ctx))


async def _prepared(params: GraphParams) -> tuple[LibraryGraph, dict[str, Any]]:
    """The graph, and its input with defaults. Raises NodeError when either does not fit."""
    # the first time, LangGraph is imported: others must not wait for it
    graph = (await asyncio.to_thread(catalog)).get(params.name)
    if graph is None:
        raise NodeError(_unknown(params.name), code="graph_unknown", retryable=False)
    given = with_defaults(graph.input_schema, params.input)
    wrong = violations(graph.input_schema, given)
    if wrong:
        places = "; ".join(f"{pointer('/input', each.path)}: {each.message}" for each in wrong[:10])
        raise NodeError(
            f"{graph.title} cannot take its input: {places}", code="params_invalid", retryable=False
        )
    return graph, given


async def _executed(
    graph: LibraryGraph, given: dict[str, Any], settings: ModelSettings, ctx: NodeContext
) -> Any:
    engine: Any = await asyncio.to_thread(import_module, "graphs.library.execution")
    return await engine.execute(graph, given, settings, ctx)


def _unknown(name: str) -> str:
    return f"there is no graph {name!r}; choose from: {', '.join(sorted(catalog()))}"
