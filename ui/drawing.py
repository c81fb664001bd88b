"""A workflow's graph as a small SVG picture, for cards and templates."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from markupsafe import Markup, escape

from backend.workflows.schemas import Preview, PreviewNode
from graphs.definition import Size
from graphs.registry import registry

WIDTH, HEIGHT, MARGIN = 320.0, 132.0, 16.0
NODE_SIZE = Size(240, 88)
LARGEST = 0.3
"""A drawing of one node must not fill its card."""


@cache
def _categories() -> Mapping[str, str]:
    return {name: node_type.category.value for name, node_type in registry().items()}


def thumbnail(preview: Preview, label: str) -> Markup:
    """The picture. Nodes have their category's colour; edges run left to right."""
    if not preview.nodes:
        return Markup("")
    sizes = {node.id: node.size or NODE_SIZE for node in preview.nodes}
    left = min(node.x for node in preview.nodes)
    top = min(node.y for node in preview.nodes)
    wide = max(node.x + sizes[node.id].width for node in preview.nodes) - left
    high = max(node.y + sizes[node.id].height for node in preview.nodes) - top
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high, LARGEST)
    dx = (WIDTH - wide * scale) / 2 - left * scale
    dy = (HEIGHT - high * scale) / 2 - top * scale
    places = {
        node.id: _Place(
            node.x * scale + dx,
            node.y * scale + dy,
            max(sizes[node.id].width * scale, 9),
            max(sizes[node.id].height * scale, 5),
        )
        for node in preview.nodes
    }
    port = max(NODE_SIZE.height * scale, 5) / 2
    parts = [
        _edge(places[edge.source], places[edge.target], port)
        for edge in preview.edges
        if edge.source in places and edge.target in places
    ]
    for node in preview.nodes:
        place = places[node.id]
        parts.append(_box(node, place, scale))
        for inner in node.inside:
            size = inner.size or NODE_SIZE
            within = _Place(
                place.x + inner.x * scale,
                place.y + inner.y * scale,
                size.width * scale,
                size.height * scale,
            )
            if within.x + within.width <= place.x + place.width:
                parts.append(_box(inner, within, scale))
    return Markup(
        f'<svg class="drawing" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" '
        f'aria-label="Drawing of {escape(label)}">{"".join(parts)}</svg>'
    )


class _Place(NamedTuple):
    x: float
    y: float
    width: float
    height: float


def _box(node: PreviewNode, place: _Place, scale: float) -> str:
    """A node: its outline, and its category's colour at its left."""
    x, y, width, height = place
    round_by = min(NODE_SIZE.height * scale / 4, 4)
    tile = max(NODE_SIZE.width * scale * 0.16, 3)
    return (
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="{round_by:.1f}"/>'
        f'<rect class="tile {_categories().get(node.type, "unknown")}" x="{x:.1f}" '
        f'y="{y:.1f}" width="{tile:.1f}" height="{height:.1f}" rx="{min(round_by, 2):.1f}"/>'
    )


def _edge(source: _Place, target: _Place, port: float) -> str:
    x1, y1 = source.x + source.width, source.y + port
    x2, y2 = target.x, target.y + port
    bend = max(abs(x2 - x1) / 2, 8)
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} '
        f'{x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"/>'
    )
