"""The hand-written LangGraph graphs that are installed here."""

import asyncio
from operator import attrgetter

from backend.actor import Actor
from backend.errors import NotFound
from backend.graphs.schemas import GraphView
from backend.offsets import page_of
from backend.pagination import Page, PageRequest
from graphs.library.catalog import catalog
from graphs.library.drawing import drawing

SORTS = {"name": attrgetter("name"), "title": attrgetter("title")}


async def list_graphs(actor: Actor, page: PageRequest) -> Page[GraphView]:
    """One page of the installed graphs, by title; the same for every tenant."""
    return page_of(await _views(), page, SORTS)


async def get_graph(actor: Actor, name: str) -> GraphView:
    """A graph by name. Raises NotFound."""
    for view in await _views():
        if view.name == name:
            return view
    raise NotFound("There is no graph of this name.", code="graph_not_found")


async def _views() -> list[GraphView]:
    # the first time, LangGraph is imported: others must not wait for it
    return await asyncio.to_thread(_installed)


def _installed() -> list[GraphView]:
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
