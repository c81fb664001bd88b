"""Charts as pictures, made in this process from the chart's own data: nothing is fetched."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any, cast

from graphs.errors import NodeError

VEGA_LITE = "6.4"
WIDTH = 760
HEIGHT = 420
_INK = "#30353f"
_RULE = "#d9dde5"

# The renderer holds a JavaScript engine: one at a time keeps its memory in bounds.
_POOL = ThreadPoolExecutor(1, thread_name_prefix="heddle-pictures")


class PictureFormat(StrEnum):
    """What a picture can be."""

    SVG = "svg"
    PNG = "png"


MEDIA_TYPES = {PictureFormat.SVG: "image/svg+xml", PictureFormat.PNG: "image/png"}


def is_chart(value: Any) -> bool:
    """Whether the value is what a chart node puts out."""
    if not isinstance(value, dict):
        return False
    fields = cast("dict[str, Any]", value)
    return fields.get("$chart") == "vega-lite" and isinstance(fields.get("spec"), dict)


async def picture(spec: dict[str, Any], format: PictureFormat, title: str = "") -> bytes:
    """The chart on white paper. Raises NodeError `chart_invalid`."""
    if any(_fetched(spec)):
        raise NodeError(
            "a chart's data must be in it; it cannot be fetched from an address",
            code="chart_invalid",
            retryable=False,
        )
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_POOL, _render, _on_paper(spec, title), format)
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


def _on_paper(spec: dict[str, Any], title: str) -> dict[str, Any]:
    config = cast("dict[str, Any]", spec.get("config") or {})
    axis = {**cast("dict[str, Any]", config.get("axis") or {})}
    axis |= {"labelColor": _INK, "titleColor": _INK, "gridColor": _RULE, "domainColor": _RULE}
    return {
        **spec,
        "background": "white",
        "width": WIDTH,
        "height": HEIGHT,
        "padding": 16,
        "title": {"text": title, "anchor": "start", "fontSize": 16, "offset": 16},
        "config": {
            **config,
            "font": "DejaVu Sans, Liberation Sans, sans-serif",
            "axis": axis,
            "legend": {"labelColor": _INK, "titleColor": _INK},
            "title": {"color": _INK},
        },
    }


def _fetched(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, below in cast("dict[str, Any]", part).items():
            if key in ("url", "href") or (key == "type" and below == "image"):
                yield key
            # the rows of the data may have columns of any name
            if key != "values":
                yield from _fetched(below)
    elif isinstance(part, list):
        for below in cast("list[Any]", part):
            yield from _fetched(below)
