"""The small pictures of workflows show loops as wide as the canvas does, with what is in them."""

import re

from backend.workflows.previews import CONTAINER_SIZE, NODES_INSIDE, sketch
from graphs.definition import Body, Definition, Edge, Node, Position, Size
from ui.drawing import thumbnail

BOX = re.compile(r'class="box" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"')
Box = tuple[float, ...]


def boxes(definition: Definition) -> list[Box]:
    """Left, top, width and height of every box in the picture."""
    picture = thumbnail(sketch(definition).preview, 'A "name" <b>')
    assert "<b>" not in picture
    return [tuple(map(float, found)) for found in BOX.findall(picture)]


def looping(*inside: Node, size: Size | None = None) -> Definition:
    loop = Node(
        id="loop",
        type="for_each",
        position=Position(300, 0),
        size=size,
        body=Body(nodes=list(inside)),
    )
    end = Node(id="end", type="end", position=Position(300 + (size or CONTAINER_SIZE).width, 0))
    start = Node(id="start", type="start", position=Position(0, 0))
    edges = [Edge(id="a", source="start", target="loop"), Edge(id="b", source="loop", target="end")]
    return Definition(nodes=[start, loop, end], edges=edges)


def inside(outer: Box, inner: Box) -> bool:
    return all(
        outer[at] <= inner[at] and inner[at] + inner[at + 2] <= outer[at] + outer[at + 2] + 0.2
        for at in (0, 1)
    )


def test_a_loop_reaches_to_what_comes_after_it() -> None:
    start, loop, end = boxes(looping())
    assert loop[2] > 2 * start[2]
    assert abs(loop[0] + loop[2] - end[0]) < 0.2


def test_a_loop_has_the_size_that_somebody_gave_it() -> None:
    start, loop, _ = boxes(looping(size=Size(2400, 880)))
    assert abs(loop[2] / start[2] - 10) < 0.1
    assert abs(loop[3] / start[3] - 10) < 0.1


def test_what_is_in_a_loop_stands_within_it() -> None:
    first = Node(id="x", type="template", position=Position(48, 96))
    outside = Node(id="y", type="template", position=Position(4000, 96))
    _, loop, inner, _ = boxes(looping(first, outside))
    assert inside(loop, inner)


def test_a_picture_stays_small_whatever_is_drawn() -> None:
    deep = Node(id="n", type="for_each", body=Body(nodes=[Node(id="deepest", type="template")]))
    many = [Node(id=f"n{n}", type="template", position=Position(n, 0)) for n in range(500)]
    preview = sketch(looping(deep, *many)).preview
    assert len(preview.nodes[1].inside) == NODES_INSIDE
    assert preview.nodes[1].inside[0].inside == ()
    assert thumbnail(sketch(Definition()).preview, "Empty") == ""
