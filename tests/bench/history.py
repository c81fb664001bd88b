"""The newest runs of a long history: 10,000 and 1,000,000 rows put into the database file."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench import drawings
from tests.bench.area import Area, say
from tests.bench.load import Connection, percentile
from tests.bench.server import Server, ServerError, running_server, succeeded

SMALL = 10_000
LARGE = 1_000_000
LARGE_IN_A_HURRY = 50_000
REQUESTS = 300
WARM_UP = 20
NEWEST = 20
BETWEEN_RUNS = timedelta(seconds=1)
TOOK = timedelta(milliseconds=20)


async def measure(area: Area) -> None:
    """Fills the rows of its area, like every module's `measure`."""
    data_dir = area.place("data")
    async with running_server(data_dir) as server:
        workflow_id = await server.publish("history", drawings.chain(1))
        path = f"/workflows/{workflow_id}/runs"
        await server.call("POST", path, {"inputs": {}}, {"Prefer": "wait=30"})
    small = await _with_runs(area, data_dir, SMALL)
    p50, p95 = percentile(small, 0.5), percentile(small, 0.95)
    area.found("small.p50", p50, f"p95 {p95:.1f}")
    large_count = LARGE_IN_A_HURRY if area.quick else LARGE
    large = await _with_runs(area, data_dir, large_count)
    large_p50, large_p95 = percentile(large, 0.5), percentile(large, 0.95)
    area.found(
        "ratio",
        large_p95 / p95,
        f"{large_p95:.1f} ÷ {p95:.1f} ms; p50 {large_p50:.1f} ms of {large_count:,}",
    )


async def _with_runs(area: Area, data_dir: Path, count: int) -> list[float]:
    """The ms that a request for the newest runs takes when so many are stored."""
    began = time.perf_counter()
    await asyncio.to_thread(fill, data_dir / "heddle.db", count)
    say(f"  {count:,} runs put into the database in {time.perf_counter() - began:.0f} s")
    async with running_server(data_dir) as server:
        return await _ask(server, area.times(REQUESTS, at_least=30), count)


async def _ask(server: Server, requests: int, count: int) -> list[float]:
    request = server.request("GET", f"/runs?limit={NEWEST}")
    connection = await Connection.open(server.port)
    delays: list[float] = []
    try:
        for _ in range(WARM_UP + requests):
            began = time.perf_counter()
            response = succeeded(await connection.send(request))
            delays.append((time.perf_counter() - began) * 1000)
            page = response.json()
            created = [item["created_at"] for item in page["items"]]
            if len(created) != NEWEST or created != sorted(created, reverse=True):
                raise ServerError(f"not the newest {NEWEST} of {count}: {created}")
    finally:
        await connection.close()
    return delays[WARM_UP:]


def fill(database: Path, count: int) -> None:
    """Bring the stored runs up to `count`, each one like the oldest but newer."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        connection.row_factory = sqlite3.Row
        (before,) = connection.execute("SELECT count(*) FROM run").fetchone()
        pattern = connection.execute("SELECT * FROM run ORDER BY created_at LIMIT 1").fetchone()
        columns = pattern.keys()
        connection.executemany(
            f"INSERT INTO run ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            _copies(dict(pattern), range(before, count)),
        )


def _copies(pattern: dict[str, Any], numbers: range) -> Iterator[tuple[Any, ...]]:
    first = datetime.fromisoformat(pattern["created_at"])
    separator = pattern["created_at"][10]
    for number in numbers:
        created = first + number * BETWEEN_RUNS
        finished = (created + TOOK).isoformat(separator, "microseconds")
        began = created.isoformat(separator, "microseconds")
        milliseconds = int(created.timestamp() * 1000)
        yield tuple(
            {
                **pattern,
                "id": _uuid7(milliseconds, number),
                "created_at": began,
                "started_at": began,
                "finished_at": finished,
            }.values()
        )


def _uuid7(milliseconds: int, number: int) -> str:
    digits = f"{milliseconds:012x}7{number % 4096:03x}8{number:015x}"
    lengths = (8, 4, 4, 4, 12)
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return "-".join(digits[end - length : end] for length, end in zip(lengths, ends, strict=True))
