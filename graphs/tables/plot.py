"""The Vega-Lite specification of a chart: drawn by the browser and, as a picture, by the server."""

from typing import Any

import msgspec

from graphs.tables.conditions import Kind
from graphs.tables.points import ChartKind, Points

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SPEC_BYTES = 60 * 1024
"""A larger one would no longer fit into an event."""

LONGEST_TITLE = 200

PALETTE = (
    "#3b7dd8",
    "#d2622a",
    "#2b9468",
    "#a35fd0",
    "#c74f6e",
    "#857a1d",
    "#2a8fa3",
    "#7d7f85",
    "#b0557f",
    "#5f8f2f",
    "#8b6fd6",
    "#b3761c",
)
"""Each has a contrast of at least 3 to the light and to the dark theme's cards (tested)."""

TEXT = "#737b8a"
_LINES = "rgba(128, 134, 148, 0.28)"
_MARKS: dict[ChartKind, dict[str, Any]] = {
    ChartKind.BAR: {"type": "bar", "cornerRadiusEnd": 2},
    ChartKind.LINE: {"type": "line", "strokeWidth": 2, "point": {"size": 28}},
    ChartKind.AREA: {"type": "area", "opacity": 0.7, "line": True},
    ChartKind.SCATTER: {"type": "point", "filled": True, "opacity": 0.75, "size": 45},
    ChartKind.PIE: {"type": "arc", "innerRadius": 0, "padAngle": 0.01},
    ChartKind.HISTOGRAM: {"type": "bar", "binSpacing": 1},
}
_MANY_POINTS = 60


def chart_value(points: Points, kind: ChartKind, title: str) -> dict[str, Any]:
    """What a chart node puts out: `{"$chart": "vega-lite", "title", "spec"}`."""
    points.x_title, points.y_title, points.series_title = (
        name if len(name) <= LONGEST_TITLE else f"{name[:LONGEST_TITLE]}…"
        for name in (points.x_title, points.y_title, points.series_title)
    )
    title = title or _title(points, kind)
    spec = _spec(points, kind, title)
    size = len(msgspec.json.encode(spec))
    while size > SPEC_BYTES and len(points.rows) > 100:
        step = -(-size // SPEC_BYTES)
        points.notes.append(f"{len(points.rows):,} points: every {step}th is shown")
        points.rows = points.rows[:: max(step, 2)]
        spec = _spec(points, kind, title)
        size = len(msgspec.json.encode(spec))
    return {"$chart": "vega-lite", "title": title, "spec": spec}


def _title(points: Points, kind: ChartKind) -> str:
    if kind is ChartKind.HISTOGRAM:
        return f"Distribution of {points.x_title}"
    return f"{points.y_title} by {points.x_title}"


def _spec(points: Points, kind: ChartKind, title: str) -> dict[str, Any]:
    encoding = _pie(points) if kind is ChartKind.PIE else _axes(points, kind)
    encoding["tooltip"] = _tooltip(points, kind)
    mark = dict(_MARKS[kind])
    if kind is ChartKind.LINE and len(points.rows) > _MANY_POINTS:
        del mark["point"]
    if kind is ChartKind.AREA and points.series_title:
        mark["opacity"] = 0.85
    return {
        "$schema": SCHEMA,
        "description": f"{title}: {kind} chart with {len(points.rows)} points",
        "background": "transparent",
        "width": "container",
        "height": 320,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": points.rows},
        "mark": mark,
        "encoding": encoding,
        "config": {
            "range": {"category": list(PALETTE)},
            "mark": {"color": PALETTE[0]},
            "view": {"stroke": "transparent"},
            "axis": {
                "labelColor": TEXT,
                "titleColor": TEXT,
                "titleFontWeight": "normal",
                "gridColor": _LINES,
                "domainColor": _LINES,
                "tickColor": _LINES,
                "labelFontSize": 12,
                "titleFontSize": 12,
                "labelLimit": 160,
                "labelOverlap": True,
            },
            "legend": {"labelColor": TEXT, "titleColor": TEXT, "labelFontSize": 12},
            "title": {"color": TEXT},
        },
    }


def _axes(points: Points, kind: ChartKind) -> dict[str, Any]:
    x: dict[str, Any] = {"field": "x", "title": points.x_title}
    if kind is ChartKind.HISTOGRAM:
        x |= {"type": "quantitative", "bin": {"binned": True}}
        y = {"field": "y", "type": "quantitative", "title": points.y_title}
        return {"x": x, "x2": {"field": "x2"}, "y": y}
    if kind is ChartKind.BAR or points.x_kind in (Kind.TEXT, Kind.TRUTH, Kind.OTHER):
        # the rows stand in the order that is wanted
        x |= {"type": "nominal", "sort": None, "axis": {"labelAngle": _angle(points)}}
    elif points.x_kind is Kind.MOMENT:
        x |= {"type": "temporal", "scale": {"type": "utc"}}
    else:
        x |= {"type": "quantitative", "scale": {"zero": False, "nice": True}}
    y: dict[str, Any] = {"field": "y", "type": "quantitative", "title": points.y_title}
    if kind is ChartKind.SCATTER:
        y["scale"] = {"zero": False}
    encoding = {"x": x, "y": y}
    if points.series_title:
        encoding["color"] = _colour("s", points.series_title)
    return encoding


def _pie(points: Points) -> dict[str, Any]:
    return {
        "theta": {"field": "y", "type": "quantitative", "stack": True, "title": points.y_title},
        "order": {"field": "y", "type": "quantitative", "sort": "descending"},
        "color": _colour("x", points.x_title),
    }


def _colour(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "nominal", "title": title, "sort": None}


def _angle(points: Points) -> int:
    labels = [str(row["x"]) for row in points.rows[:200]]
    long = any(len(label) > 12 for label in labels)
    return 0 if len(set(labels)) <= (6 if long else 12) else -40


def _tooltip(points: Points, kind: ChartKind) -> list[dict[str, Any]]:
    # moments as their text: formatted, they would be in the viewer's time zone
    kinds = "quantitative" if points.x_kind is Kind.NUMBER else "nominal"
    shown: list[dict[str, Any]] = [{"field": "x", "type": kinds, "title": points.x_title}]
    if kind is ChartKind.HISTOGRAM:
        shown = [
            {"field": "x", "type": "quantitative", "title": "From"},
            {"field": "x2", "type": "quantitative", "title": "To"},
        ]
    if points.series_title:
        shown.append({"field": "s", "type": "nominal", "title": points.series_title})
    shown.append({"field": "y", "type": "quantitative", "title": points.y_title})
    return shown
