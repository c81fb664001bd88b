"""How long a million rows take from a CSV file to a chart, and how much memory that needs."""

import asyncio
import os
import random
import resource
import sys
import time
from pathlib import Path

from graphs.artifacts import FolderArtifacts, FolderFiles, artifact_of
from graphs.compile import compile_definition
from graphs.control import RunControl
from graphs.definition import Definition, Edge, Node
from graphs.events import RunCompleted, StepCompleted
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Services
from tests.bench.area import Area

ROWS = 1_000_000
RUNS = 3
REGIONS = ("north", "south", "east", "west", "centre")
PARAMS = {
    "read_file": {"name": "sales.csv"},
    "filter_rows": {"conditions": [{"column": "amount", "operator": "greater", "value": "100"}]},
    "group_by": {
        "by": ["region", "month"],
        "aggregates": [{"column": "amount", "function": "sum", "as": "revenue"}],
    },
    "chart": {"kind": "line", "x": "month", "y": "revenue", "series": "region"},
}


async def measure(area: Area) -> None:
    """Fills the rows of its area; the work is done by a process of its own."""
    folder = area.place("files")
    rows = area.times(ROWS)
    await asyncio.to_thread(write_sales, folder / "sales.csv", rows)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.tables", str(folder), str(rows)),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the process that works on the tables failed")
    seconds, cpu_seconds, megabytes = map(float, said.split())
    size = (folder / "sales.csv").stat().st_size
    about = (
        f"{rows:,} rows, {size / 1024**2:.0f} MB of CSV; best of {RUNS}; {cpu_seconds:.1f} s CPU"
    )
    area.found("chart", seconds, about)
    area.found(
        "memory", megabytes, "most that the process ever had, Python and the engine included"
    )


def write_sales(path: Path, rows: int) -> None:
    """A CSV file of sales, the same one each time."""
    chance = random.Random(7)
    with path.open("w") as file:
        file.write("id,day,month,region,customer,amount\n")
        for number in range(rows):
            month = number % 12 + 1
            file.write(
                f"{number},2026-{month:02}-{number % 28 + 1:02},2026-{month:02}-01,"
                f"{REGIONS[number % 5]},customer {number % 5000},{chance.random() * 1000:.2f}\n"
            )


async def once(folder: Path, rows: int) -> float:
    """Read, filter, group and chart through the engine; how many seconds it took."""
    names = ("start", *PARAMS)
    nodes = tuple(Node(id=name, type=name, params=PARAMS.get(name, {})) for name in names)
    edges = tuple(
        Edge(id=f"e{at}", source=names[at], target=names[at + 1]) for at in range(len(PARAMS))
    )
    journal = MemoryJournal()
    graph = compile_definition(Definition(nodes=nodes, edges=edges))
    services = Services(artifacts=FolderArtifacts(), files=FolderFiles(folder))
    began = time.perf_counter()
    end = await run(
        graph,
        run_id="bench",
        inputs={},
        journal=journal,
        services=services,
        control=RunControl(),
    )
    seconds = time.perf_counter() - began
    assert isinstance(end, RunCompleted), end
    outputs = {
        event.node_id: event.data.output
        for event in journal.events
        if isinstance(event, StepCompleted)
    }
    read, grouped = artifact_of(outputs["read_file"]), artifact_of(outputs["group_by"])
    assert read is not None
    assert grouped is not None
    assert (read.row_count, grouped.row_count) == (rows, min(rows, 60))
    assert len(outputs["chart"]["spec"]["data"]["values"]) == min(rows, 60)
    return seconds


def main() -> None:
    """The process that is measured."""
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    best = min(asyncio.run(once(folder, rows)) for _ in range(RUNS))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(f"{best} {time.process_time() / RUNS} {peak_kib / 1024}\n")


if __name__ == "__main__":
    main()
