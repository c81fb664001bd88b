"""The endpoints of hand-written graphs."""

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from backend.actor import Actor
from backend.graphs import service
from backend.graphs.schemas import GraphView
from backend.pagination import Page, PageRequest


@get("/graphs", operation_id="listGraphs", opt={"sorts": tuple(service.SORTS)})
async def list_graphs(
    actor: NamedDependency[Actor], page: NamedDependency[PageRequest]
) -> Page[GraphView]:
    """The installed LangGraph graphs with their inputs and drawings."""
    return await service.list_graphs(actor, page)


@get("/graphs/{name:str}", operation_id="getGraph")
async def get_graph(actor: NamedDependency[Actor], name: FromPath[str]) -> GraphView:
    """A LangGraph graph that the node `graph` can run."""
    return await service.get_graph(actor, name)


router = Router(path="/", tags=["Graphs"], route_handlers=[list_graphs, get_graph])
