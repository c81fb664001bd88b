"""The small pictures of graphs in lists, made when a drawing is saved."""

from msgspec import Struct

from backend.workflows.schemas import Preview, PreviewEdge, PreviewNode
from graphs.definition import Definition, Node, Size, walk

NODES_SHOWN = 150
"""More would not be told apart on a card, and lists stay small."""


NODES_INSIDE = 20
"""In the body of a container; what is inside those is too small to be seen."""

CONTAINER_SIZE = Size(544, 272)
"""As the canvas draws a container that nobody has given a size."""


class Sketch(Struct, frozen=True):
    """What a list tells of a drawing; stored beside it."""

    node_count: int
    preview: Preview


def sketch(definition: Definition) -> Sketch:
    """Count the nodes, bodies included, and reduce the drawing to places and lines."""
    shown = definition.nodes[:NODES_SHOWN]
    ids = {node.id for node in shown}
    return Sketch(
        node_count=sum(1 for _ in walk(definition)),
        preview=Preview(
            nodes=[_node(node) for node in shown],
            edges=[
                PreviewEdge(source=edge.source, target=edge.target)
                for edge in definition.edges
                if edge.source in ids and edge.target in ids
            ],
        ),
    )


def _node(node: Node, *, within: bool = False) -> PreviewNode:
    body = node.body
    return PreviewNode(
        id=node.id,
        type=node.type,
        x=node.position.x,
        y=node.position.y,
        size=None if body is None else node.size or CONTAINER_SIZE,
        inside=()
        if body is None or within
        else tuple(_node(inner, within=True) for inner in body.nodes[:NODES_INSIDE]),
    )
