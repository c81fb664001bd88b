"""The hand-written LangGraph graphs that are installed here."""

import asyncio

from backend.actor import Actor
from backend.errors import NotFound
from backend.graphs.schemas import GraphView
from backend.pagination import Page
from graphs.library.catalog import catalog
from graphs.library.drawing import drawing


async def list_graphs(actor: Actor) -> Page[GraphView]:
    """Every installed graph, by title; the same for every tenant."""
    # the first time, LangGraph is imported: others must not wait for it
    found = await asyncio.to_thread(_views)
    return Page(found, None, len(found))


async def get_graph(actor: Actor, name: str) -> GraphView:
    """A graph by name. Raises NotFound."""
    for view in (await list_graphs(actor)).items:
        if view.name == name:
            return view
    raise NotFound("There is no graph of this name.", code="graph_not_found")


def _views() -> list[GraphView]:
    return [
        GraphView(
            name=graph.name,
            title=graph.title,
            description=graph.description,
            input_schema=graph.input_schema,
            output_schema=graph.output_schema,
            drawing=drawing(graph.name),
        )
        for graph in catalog().values()
    ]
