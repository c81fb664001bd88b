"""What it takes without doing anything: start, memory, disk."""

import asyncio
import re
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import cache_from_source
from pathlib import Path

from tests.bench import drawings
from tests.bench.area import Area
from tests.bench.http_runs import CLIENTS, run_many
from tests.bench.load import Connection, encode_request
from tests.bench.server import ROOT, Server, ServerError, running_server, start
from tests.bench.table import Figure

STARTS = 5
IDLE_FOR_S = 3
FOLDED_WITHIN_S = 10
RUNS = 500
WARM_UP = 100
OWN_PACKAGES = ("graphs", "backend", "ui", "migrations")
BLOCK_BYTES = 512
KB, MB = 1024, 1024 * 1024


async def measure(area: Area) -> None:
    """Fills the rows of its area, like every module's `measure`."""
    data_dir = area.place("data")
    area.found("installed", *await asyncio.to_thread(_installed))
    await _ready(area, data_dir)
    async with running_server(data_dir) as server:
        await _idle(area, server)
    async with running_server(data_dir) as server:
        await _bytes_a_run(area, server)


async def _ready(area: Area, data_dir: Path) -> None:
    found: list[float] = []
    for _ in range(1 + area.times(STARTS, at_least=2)):
        server = await start(data_dir)
        found.append(server.ready_s)
        await server.close()
    first, *others = found
    about = f"the first, with an empty database: {first:.1f}"
    area.found("ready", statistics.median(others), about)


async def _idle(area: Area, server: Server) -> None:
    """After a sign-in, a page and a run, so that what is imported late is there too."""
    as_started = server.memory_mb()
    connection = await Connection.open(server.port)
    await connection.send(encode_request("GET", "/login"))
    await connection.close()
    workflow_id = await server.publish("idle", drawings.chain(10))
    await run_many(server, workflow_id, 1, 10)
    await asyncio.sleep(IDLE_FOR_S)
    about = f"after sign-in, a page and ten runs; as started {as_started:.0f}"
    area.found("idle", server.memory_mb(), about)


async def _bytes_a_run(area: Area, server: Server) -> None:
    """How the database grows with ten-step runs, indexes and all, once its log is folded in."""
    runs = area.times(RUNS)
    workflow_id = await server.publish("stored", drawings.chain(10))
    await run_many(server, workflow_id, CLIENTS, WARM_UP)
    before = await asyncio.to_thread(_folded_size, server.database)
    await run_many(server, workflow_id, CLIENTS, runs)
    after = await asyncio.to_thread(_folded_size, server.database)
    area.found("run_bytes", (after - before) / runs / KB, f"over {runs} runs")


def _folded_size(database: Path) -> int:
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        until = time.monotonic() + FOLDED_WITHIN_S
        while not _folded(connection):
            if time.monotonic() > until:
                raise ServerError("the write-ahead log could not be folded in")
            time.sleep(0.1)
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size


def _folded(connection: sqlite3.Connection) -> bool:
    """False while a transaction of the server still reads what is before the end of the log."""
    busy, logged, folded = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return not busy and logged == folded


def _installed() -> Figure:
    """Disk blocks of every installed distribution in requirements.lock, and of our packages."""
    sizes: dict[str, int] = {}
    for name in _locked():
        try:
            files = distribution(name).files or ()
        except PackageNotFoundError:
            continue  # for another platform
        paths = {Path(str(file.locate())).resolve() for file in files}
        sizes[name] = _on_disk(paths)
    for name in OWN_PACKAGES:
        own = (ROOT / name).rglob("*")
        sizes[f"{name}/"] = _on_disk({path for path in own if "node_modules" not in path.parts})
    largest = sorted(sizes, key=lambda name: -sizes[name])[:4]
    about = ", ".join(f"{name} {sizes[name] / MB:.0f}" for name in largest)
    total = sum(sizes.values()) / MB
    return Figure(total, f"{len(sizes)} packages; {about} MB")


def _locked() -> Iterator[str]:
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)==", line):
            yield found[1]


def _on_disk(paths: set[Path]) -> int:
    compiled = {Path(cache_from_source(str(path))) for path in paths if path.suffix == ".py"}
    blocks: dict[tuple[int, int], int] = {}
    for path in paths | compiled:
        if path.is_file():
            stat = path.stat()
            blocks[stat.st_dev, stat.st_ino] = stat.st_blocks
    return sum(blocks.values()) * BLOCK_BYTES
