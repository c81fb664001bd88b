"""How long a million rows take from a CSV file to a chart, and how much memory that needs."""

import asyncio
import os
import random
import statistics
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
from graphs.tables.results import Written, write_result
from graphs.tables.sources import Given, open_tables
from graphs.tables.work import (
    MEMORY_LIMIT,
    TEMPORARY_LIMIT,
    THREADS,
    DatabaseLimits,
    Work,
    perform,
    run_work,
)
from graphs.workers.pool import close_pools
from graphs.workers.worker import Interruption
from tests.bench.area import Area
from tests.processes import Peak

ROWS = 1_000_000
RUNS = 3
SMALL_RUNS = 50
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
    seconds, cpu_seconds, megabytes, in_worker_ms, here_ms = map(float, said.split())
    size = (folder / "sales.csv").stat().st_size
    about = (
        f"{rows:,} rows, {size / 1024**2:.0f} MB of CSV; best of {RUNS}; {cpu_seconds:.1f} s CPU"
    )
    area.found("chart", seconds, about)
    area.found("memory", megabytes, "most that the engine and its workers ever had together")
    about = f"{in_worker_ms:.1f} ms and {here_ms:.1f} ms; medians of {SMALL_RUNS}"
    area.found("small", in_worker_ms - here_ms, about)


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


async def small(folder: Path) -> tuple[float, float]:
    """A query over ten rows, in a worker and in this process: medians in seconds."""
    rows = Given(None, [{"n": number} for number in range(10)])

    def job(work: Work) -> Written:
        target = work.folder / "made.parquet"
        connection, _ = open_tables(work, {"t": rows}, [target])
        return write_result(work, connection, "SELECT sum(n) AS n FROM t", target)

    limits = DatabaseLimits(threads=THREADS, memory=MEMORY_LIMIT, temporary=TEMPORARY_LIMIT)

    async def here() -> Written:
        return await asyncio.to_thread(perform, folder / "here", job, limits, Interruption())

    found: list[float] = []
    for once in (lambda: run_work(folder / "worker", job), here):
        await once()
        took: list[float] = []
        for _ in range(SMALL_RUNS):
            began = time.perf_counter()
            await once()
            took.append(time.perf_counter() - began)
        found.append(statistics.median(took))
    return found[0], found[1]


def main() -> None:
    """The process that is measured."""
    folder, rows = Path(sys.argv[1]), int(sys.argv[2])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    best = min(asyncio.run(once(folder, rows)) for _ in range(RUNS))
    with Peak(os.getpid()) as peak:
        asyncio.run(once(folder, rows))
    close_pools()
    times = os.times()
    cpu = (times.user + times.system + times.children_user + times.children_system) / (RUNS + 1)
    in_worker, here = asyncio.run(small(folder))
    said = (best, cpu, peak.megabytes, in_worker * 1000, here * 1000)
    sys.stdout.write(" ".join(map(str, said)) + "\n")


if __name__ == "__main__":
    main()
