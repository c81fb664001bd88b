"""Charts can be seen on both themes, and are drawn as pictures without fetching anything."""

import re

import pytest

from graphs.errors import NodeError
from graphs.tables.picture import Paper, PictureFormat, picture
from graphs.tables.plot import PALETTE, TEXT
from tests.graphs.conftest import FakeContext, execute

CARDS = {"light": "#ffffff", "dark": "#1b1e25"}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", CARDS)
@pytest.mark.parametrize("colour", [*PALETTE, TEXT])
def test_every_colour_is_seen_on_both_themes(colour: str, theme: str) -> None:
    light, dark = sorted((luminance(colour), luminance(CARDS[theme])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


@pytest.mark.parametrize("kind", ["bar", "line", "area", "scatter", "pie", "histogram"])
async def test_every_kind_is_drawn(table_ctx: FakeContext, kind: str) -> None:
    table_ctx.prev = [{"x": n, "y": n * n, "s": "ab"[n % 2]} for n in range(20)]
    params = {"kind": kind, "x": "x", "y": "y", "series": "s", "title": "Squares"}
    chart = (await execute("chart", params, table_ctx)).value
    svg = (await picture(chart["spec"], PictureFormat.SVG, chart["title"])).decode()
    assert ">Squares</text>" in svg
    assert svg.startswith("<svg")
    assert ">x</text>" in svg
    assert (await picture(chart["spec"], PictureFormat.PNG)).startswith(b"\x89PNG")


async def test_a_chart_lies_on_light_or_dark_paper(table_ctx: FakeContext) -> None:
    table_ctx.prev = [{"x": n, "y": n} for n in range(3)]
    chart = (await execute("chart", {"kind": "bar", "x": "x", "y": "y"}, table_ctx)).value
    light, dark = [
        (await picture(chart["spec"], PictureFormat.SVG, "Sums", paper=paper)).decode()
        for paper in (Paper.LIGHT, Paper.DARK)
    ]
    assert 'fill="#ffffff"' in light
    assert 'fill="#1b1e25"' in dark
    ink = re.search(r'fill="(#\w+)"[^>]*>Sums<', dark)
    assert ink is not None
    assert ink[1] == "#eceff4"


@pytest.mark.parametrize(
    "spec",
    [
        {"data": {"url": "http://127.0.0.1:1/x.csv"}, "mark": "bar"},
        {"data": {"values": []}, "layer": [{"mark": {"type": "image"}}]},
        {"data": {"values": []}, "mark": "bar", "encoding": {"href": {"field": "a"}}},
    ],
)
async def test_nothing_is_fetched(spec: dict[str, object]) -> None:
    with pytest.raises(NodeError) as caught:
        await picture(spec, PictureFormat.SVG)
    assert caught.value.code == "chart_invalid"
