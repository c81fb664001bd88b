"""The small pictures of graphs in lists, made when a drawing is saved."""

from msgspec import Struct

from backend.workflows.schemas import Preview, PreviewEdge, PreviewNode
from graphs.definition import Definition, walk

NODES_SHOWN = 150
"""More would not be told apart on a card, and lists stay small."""


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
            nodes=[
                PreviewNode(id=node.id, type=node.type, x=node.position.x, y=node.position.y)
                for node in shown
            ],
            edges=[
                PreviewEdge(source=edge.source, target=edge.target)
                for edge in definition.edges
                if edge.source in ids and edge.target in ids
            ],
        ),
    )
