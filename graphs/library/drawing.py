"""A hand-written graph as a picture: its nodes and the ways between them."""

from functools import cache
from typing import Any

from msgspec import Struct

from graphs.library.catalog import catalog


class DrawnNode(Struct, frozen=True):
    """A node; `start` and `end` are where it is entered and left."""

    id: str
    kind: str


class DrawnEdge(Struct, frozen=True):
    """A way from a node to another. `conditional`: taken or not, as the graph decides."""

    source: str
    target: str
    conditional: bool


class Drawing(Struct, frozen=True):
    nodes: list[DrawnNode]
    edges: list[DrawnEdge]


@cache
def drawing(name: str) -> Drawing:
    """The drawing of a graph of the catalog."""
    drawn: Any = catalog()[name].build().compile().get_graph()
    kinds = {"__start__": "start", "__end__": "end"}
    return Drawing(
        nodes=[DrawnNode(_name(node), kinds.get(node, "node")) for node in drawn.nodes],
        edges=[
            DrawnEdge(_name(edge.source), _name(edge.target), bool(edge.conditional))
            for edge in drawn.edges
        ],
    )


def _name(node_id: str) -> str:
    return node_id.removeprefix("__").removesuffix("__")
