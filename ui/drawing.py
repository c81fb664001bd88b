"""A workflow's graph as a small SVG picture, for cards and templates."""

from collections.abc import Mapping
from functools import cache

from markupsafe import Markup, escape

from backend.workflows.schemas import Preview
from graphs.registry import registry

WIDTH, HEIGHT, MARGIN = 320.0, 132.0, 16.0
NODE_WIDTH, NODE_HEIGHT = 240.0, 88.0
LARGEST = 0.3
"""A drawing of one node must not fill its card."""


@cache
def _categories() -> Mapping[str, str]:
    return {name: node_type.category.value for name, node_type in registry().items()}


def thumbnail(preview: Preview, label: str) -> Markup:
    """The picture. Nodes have their category's colour; edges run left to right."""
    if not preview.nodes:
        return Markup("")
    left = min(node.x for node in preview.nodes)
    top = min(node.y for node in preview.nodes)
    wide = max(node.x for node in preview.nodes) - left + NODE_WIDTH
    high = max(node.y for node in preview.nodes) - top + NODE_HEIGHT
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high, LARGEST)
    dx = (WIDTH - wide * scale) / 2 - left * scale
    dy = (HEIGHT - high * scale) / 2 - top * scale
    width, height = max(NODE_WIDTH * scale, 9), max(NODE_HEIGHT * scale, 5)
    places = {node.id: (node.x * scale + dx, node.y * scale + dy) for node in preview.nodes}
    parts: list[str] = []
    for edge in preview.edges:
        if edge.source in places and edge.target in places:
            parts.append(_edge(places[edge.source], places[edge.target], width, height))
    for node in preview.nodes:
        x, y = places[node.id]
        parts.append(
            f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="{min(height / 4, 4):.1f}"/>'
            f'<rect class="tile {_categories().get(node.type, "unknown")}" x="{x:.1f}" '
            f'y="{y:.1f}" width="{max(width * 0.16, 3):.1f}" height="{height:.1f}" '
            f'rx="{min(height / 4, 2):.1f}"/>'
        )
    return Markup(
        f'<svg class="drawing" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" '
        f'aria-label="Drawing of {escape(label)}">{"".join(parts)}</svg>'
    )


def _edge(
    source: tuple[float, float], target: tuple[float, float], width: float, height: float
) -> str:
    x1, y1 = source[0] + width, source[1] + height / 2
    x2, y2 = target[0], target[1] + height / 2
    bend = max(abs(x2 - x1) / 2, 8)
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} '
        f'{x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"/>'
    )
