"""Charts as pictures, made in a worker process from the chart's own data: nothing is fetched."""

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any, cast

from graphs.errors import NodeError
from graphs.tables.chart_spec import check_spec
from graphs.workers.limits import MB, Limits
from graphs.workers.pool import WorkerPool
from graphs.workers.worker import Interruption

VEGA_LITE = "6.4"
WIDTH = 760
HEIGHT = 420

# The renderer is a JavaScript engine, which reserves far more addresses than it uses.
LIMITS = Limits(
    data_bytes=1024 * MB,
    wall_s=30,
    cpu_s=30,
    file_bytes=64 * MB,
    answer_bytes=32 * MB,
)
POOL = WorkerPool(2, LIMITS, "draw charts")


class PictureFormat(StrEnum):
    """What a picture can be."""

    SVG = "svg"
    PNG = "png"


class Paper(StrEnum):
    """What a picture lies on."""

    LIGHT = "light"
    DARK = "dark"


_PAPERS = {
    Paper.LIGHT: {"background": "#ffffff", "ink": "#30353f", "rule": "#d9dde5"},
    Paper.DARK: {"background": "#1b1e25", "ink": "#eceff4", "rule": "#30353f"},
}
"""The colours of the pages' cards, so that a chart in one has no edge."""

MEDIA_TYPES = {PictureFormat.SVG: "image/svg+xml", PictureFormat.PNG: "image/png"}


def is_chart(value: Any) -> bool:
    """Whether the value is what a chart node puts out."""
    if not isinstance(value, dict):
        return False
    fields = cast("dict[str, Any]", value)
    return fields.get("$chart") == "vega-lite" and isinstance(fields.get("spec"), dict)


async def picture(
    spec: dict[str, Any],
    format: PictureFormat,
    title: str = "",
    owner: str = "",
    paper: Paper = Paper.LIGHT,
    say: Callable[[str], None] | None = None,
) -> bytes:
    """The chart on light or dark paper; `owner` is whose turn it counts as, `say` told of waits.

    Raises NodeError `chart_invalid`, or `memory_limit` and `time_limit` for too large a one.
    """
    check_spec(spec)
    draw = partial(_draw, _on_paper(spec, title, paper), format)
    return await POOL.run(draw, bytes, owner=owner, say=say)


def _draw(spec: dict[str, Any], format: PictureFormat, _: Interruption) -> bytes:
    try:
        return _render(spec, format)
    except ValueError as error:
        said = str(error).strip().splitlines()
        raise NodeError(
            f"the chart cannot be drawn: {said[0] if said else 'its specification is not valid'}",
            code="chart_invalid",
            retryable=False,
        ) from error


def _render(spec: dict[str, Any], format: PictureFormat) -> bytes:
    # 60 MB of native code, which most processes never need
    import vl_convert  # pyright: ignore[reportMissingTypeStubs]

    convert: Any = vl_convert
    given: dict[str, Any] = {"vl_spec": spec, "vl_version": VEGA_LITE, "allowed_base_urls": []}
    if format is PictureFormat.PNG:
        return bytes(convert.vegalite_to_png(**given, scale=2))
    return str(convert.vegalite_to_svg(**given)).encode()


def _on_paper(spec: dict[str, Any], title: str, paper: Paper) -> dict[str, Any]:
    background, ink, rule = _PAPERS[paper].values()
    config = cast("dict[str, Any]", spec.get("config") or {})
    axis = {**cast("dict[str, Any]", config.get("axis") or {})}
    axis |= {"labelColor": ink, "titleColor": ink, "gridColor": rule, "domainColor": rule}
    axis |= {"tickColor": rule}
    return {
        **spec,
        "background": background,
        "width": WIDTH,
        "height": HEIGHT,
        "padding": 16,
        "title": {"text": title, "anchor": "start", "fontSize": 16, "offset": 16},
        "config": {
            **config,
            "font": "DejaVu Sans, Liberation Sans, sans-serif",
            "axis": axis,
            "legend": {"labelColor": ink, "titleColor": ink},
            "title": {"color": ink},
            "view": {"stroke": rule},
        },
    }
