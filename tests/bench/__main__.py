"""`make bench`: measures every area, or those asked for, and prints one Markdown table."""

import argparse
import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.bench import editor, engine, footprint, history, http_runs, latency, tables, waiting
from tests.bench.area import Area, say
from tests.bench.table import ROWS, Figure, machine, render

Measure = Callable[[Area], Awaitable[None]]

AREAS: dict[str, Measure] = {
    "http_runs": http_runs.measure,
    "engine": engine.measure,
    "latency": latency.measure,
    "waiting": waiting.measure,
    "tables": tables.measure,
    "history": history.measure,
    "footprint": footprint.measure,
    "editor": editor.measure,
}
AREA_WITHIN_S = 200
ALL_WITHIN_S = 690


def main() -> int:
    """Returns 1 when something could not be measured; a missed bar is no error."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=AREAS, help="this area (repeatable)")
    parser.add_argument("--quick", action="store_true", help="few repetitions: does it all work?")
    options = parser.parse_args()
    on = machine()
    measured: dict[tuple[str, str], Figure] = {}
    failed: dict[str, str] = {}
    began = time.monotonic()
    for name in options.only or AREAS:
        left = min(AREA_WITHIN_S, ALL_WITHIN_S - (time.monotonic() - began))
        say(f"{name} …")
        figures, error = uvloop.run(_area(name, options.quick, left))
        measured.update({(name, key): figure for key, figure in figures.items()})
        if error is not None:
            say("".join(traceback.format_exception(error)))
            failed[name] = _in_a_cell(error)
    rows = [row for row in ROWS if row.area in (options.only or AREAS)]
    took = time.monotonic() - began
    effort = " Quick: too few repetitions for figures to rely on." if options.quick else ""
    sys.stdout.write(
        f"Measured on {datetime.now(UTC):%d %B %Y} in {took:.0f} s on {on}{effort}\n\n"
        f"{render(rows, measured, failed)}\n"
    )
    return 1 if failed else 0


def _in_a_cell(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text.splitlines()[0].replace("|", "/")


async def _area(
    name: str, quick: bool, within_s: float
) -> tuple[dict[str, Figure], BaseException | None]:
    """Measure one area. Returns what it found, and the error that ended it if any."""
    with tempfile.TemporaryDirectory(prefix=f"heddle-bench-{name}-") as directory:
        area = Area(Path(directory), quick)
        limited = asyncio.wait_for(AREAS[name](area), max(within_s, 1))
        (error,) = await asyncio.gather(limited, return_exceptions=True)
    return area.figures, error


if __name__ == "__main__":
    sys.exit(main())
