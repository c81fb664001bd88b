"""What a chart's specification may hold: what chart nodes make of it, and nothing that runs.

Anybody can put out `{"$chart": "vega-lite", "spec": …}`. Rows made up by the renderer, transforms,
expressions and addresses are refused by name. `ui/canvas/src/panels/data/chartSpec.ts` says the
same to browsers.
"""

import math
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct, field

from graphs.errors import NodeError

MAX_ROWS = 10_000
MAX_FIELDS = 20
MAX_TEXT = 1000

Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Name = Annotated[str, Meta(max_length=MAX_TEXT, min_length=1)]
Size = Annotated[float, Meta(ge=0, le=2000)]
Small = Annotated[float, Meta(ge=-360, le=360)]
Share = Annotated[float, Meta(ge=0, le=1)]
Pixels = Annotated[float, Meta(ge=1, le=2000)]
Type = Literal["nominal", "ordinal", "quantitative", "temporal"]


class _Part(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A part of a specification; what it does not name is refused."""


class Data(_Part, frozen=True, kw_only=True):
    """Rows, all of them given."""

    values: Annotated[list[dict[str, Any]], Meta(max_length=MAX_ROWS)]


class Point(_Part, frozen=True, kw_only=True):
    """The dots of a line."""

    size: Size = 30
    filled: bool = True


class Mark(_Part, frozen=True, kw_only=True):
    """What stands for a row."""

    type: Literal["bar", "line", "area", "point", "circle", "square", "arc", "tick", "rule"]
    corner_radius_end: Size = 0
    stroke_width: Size = 1
    point: Point | bool = False
    opacity: Share = 1
    line: bool = False
    filled: bool = False
    size: Size = 30
    inner_radius: Size = 0
    outer_radius: Size = 0
    pad_angle: Share = 0
    bin_spacing: Small = 1
    color: Text = ""
    tooltip: bool = False
    interpolate: Literal["linear", "monotone", "step", "step-after", "step-before"] = "linear"


class Bin(_Part, frozen=True, kw_only=True):
    """Bins that the rows are in already, or a few that are made of them."""

    binned: bool = False
    maxbins: Annotated[int, Meta(ge=1, le=100)] = 10


class Scale(_Part, frozen=True, kw_only=True):
    """How values become places."""

    type: Literal["linear", "utc", "time", "log", "sqrt", "band", "point", "ordinal"] = "linear"
    zero: bool = False
    nice: bool = True


class ChannelAxis(_Part, frozen=True, kw_only=True):
    """How an axis is labelled."""

    label_angle: Small = 0
    title: Text | None = None
    grid: bool = True


class Channel(_Part, frozen=True, kw_only=True):
    """Which field is shown as what."""

    field: Name | None = None
    type: Type | None = None
    title: Text | None = None
    bin: Bin | bool | None = None
    aggregate: (
        Literal["count", "sum", "mean", "average", "median", "min", "max", "distinct"] | None
    ) = None
    sort: Literal["ascending", "descending", "x", "y", "-x", "-y"] | None = None
    stack: Literal["zero", "normalize", "center"] | bool | None = None
    axis: ChannelAxis | None = None
    scale: Scale | None = None


Channels = Annotated[list[Channel], Meta(max_length=MAX_FIELDS)]


class Encoding(_Part, frozen=True, kw_only=True):
    """The channels of a chart."""

    x: Channel | None = None
    x2: Channel | None = None
    y: Channel | None = None
    y2: Channel | None = None
    theta: Channel | None = None
    color: Channel | None = None
    order: Channel | None = None
    size: Channel | None = None
    opacity: Channel | None = None
    shape: Channel | None = None
    tooltip: Channel | Channels | None = None


class Autosize(_Part, frozen=True, kw_only=True):
    """How the chart fills its place."""

    type: Literal["fit", "pad", "none", "fit-x", "fit-y"] = "fit"
    contains: Literal["padding", "content"] = "padding"


class Range(_Part, frozen=True, kw_only=True):
    """Colours."""

    category: Annotated[list[Text], Meta(max_length=100)]


class MarkStyle(_Part, frozen=True, kw_only=True):
    """The look of all marks."""

    color: Text = ""


class View(_Part, frozen=True, kw_only=True):
    """The frame."""

    stroke: Text | None = None


class Style(_Part, frozen=True, kw_only=True):
    """The look of axes, legends and titles."""

    label_color: Text = ""
    title_color: Text = ""
    title_font_weight: Literal["normal", "bold"] | Annotated[int, Meta(ge=100, le=900)] = "normal"
    grid_color: Text = ""
    domain_color: Text = ""
    tick_color: Text = ""
    color: Text = ""
    label_font_size: Annotated[float, Meta(ge=1, le=100)] = 12
    title_font_size: Annotated[float, Meta(ge=1, le=100)] = 12
    label_limit: Size = 160
    label_overlap: bool | Literal["greedy", "parity"] = True


class Config(_Part, frozen=True, kw_only=True):
    """The look."""

    range: Range | None = None
    mark: MarkStyle | None = None
    view: View | None = None
    axis: Style | None = None
    legend: Style | None = None
    title: Style | None = None


class Spec(_Part, frozen=True, kw_only=True):
    """A whole chart."""

    schema: Text = field(default="", name="$schema")
    title: Text | None = None
    description: Text = ""
    background: Text | None = None
    width: Pixels | Literal["container"] = 400
    height: Pixels | Literal["container"] = 300
    autosize: Autosize | None = None
    data: Data
    mark: Mark | Literal["bar", "line", "area", "point", "circle", "square", "arc", "tick", "rule"]
    encoding: Encoding = Encoding()
    config: Config | None = None


def check_spec(spec: dict[str, Any]) -> None:
    """Raises NodeError `chart_invalid`, which names the field that charts here do not have."""
    try:
        checked = msgspec.convert(spec, Spec)
        msgspec.json.encode(spec)
    except (msgspec.ValidationError, msgspec.MsgspecError, TypeError, RecursionError) as error:
        raise _refused(str(error)) from None
    for number, row in enumerate(checked.data.values):
        if len(row) > MAX_FIELDS:
            raise _refused(f"more than {MAX_FIELDS} fields in a row - at `$.data.values[{number}]`")
        for name, value in row.items():
            if not _is_cell(value):
                where = f"`$.data.values[{number}]`"
                raise _refused(f"{name[:50]!r} is no number, text or truth value - at {where}")


def _is_cell(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(cast("object", value), bool | int)


def _refused(why: str) -> NodeError:
    return NodeError(
        f"the chart's specification is refused: {why.replace('`$.', '`spec.')}. A chart holds its "
        "rows and plain marks, channels and looks, as the node Chart makes them",
        code="chart_invalid",
        retryable=False,
    )
