"""Looking back: the newest of 10,000 and 1,000,000 stored runs, and the steps of one long run."""

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
STEPS = 20_000
STEPS_A_PAGE = 100
OPENED = 200
RUN_WITHIN_S = 120
POLL_S = 0.1
BETWEEN_RUNS = timedelta(seconds=1)
TOOK = timedelta(milliseconds=20)


async def measure(area: Area) -> None:
    """Fills the rows of its area, like every module's `measure`."""
    async with running_server(area.place("steps")) as server:
        await _long_run(area, server)
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


async def _long_run(area: Area, server: Server) -> None:
    """Run one loop to its end, then page through its steps and open some of them."""
    count = area.times(STEPS)
    workflow_id = await server.publish("steps", drawings.loop())
    # the start and the loop are steps as well
    items = list(range(count - 2))
    run = await server.call("POST", f"/workflows/{workflow_id}/runs", {"inputs": {"items": items}})
    path = f"/runs/{run['id']}"
    until = time.monotonic() + RUN_WITHIN_S
    while (run := await server.call("GET", path))["status"] in ("queued", "running"):
        if time.monotonic() > until:
            raise ServerError(f"the long run has not ended within {RUN_WITHIN_S} s")
        await asyncio.sleep(POLL_S)
    if run["status"] != "completed":
        raise ServerError(f"the long run has ended as {run['status']}: {run['error']}")
    connection = await Connection.open(server.port)
    try:
        ids, pages = await _page_through(server, connection, path)
        if len(set(ids)) != len(ids) or len(ids) != count:
            raise ServerError(f"{len(set(ids))} of {count} steps were listed")
        opened = [
            await _took(connection, server.request("GET", f"{path}/steps/{step_id}"))
            for step_id in ids[:: max(1, count // area.times(OPENED, at_least=30))]
        ]
    finally:
        await connection.close()
    area.found("step", percentile(opened, 0.5), f"p95 {percentile(opened, 0.95):.1f}; of {count:,}")
    about = f"p95 {percentile(pages, 0.95):.1f}, the first {pages[0]:.1f}"
    area.found("steps", percentile(pages, 0.5), about)


async def _page_through(
    server: Server, connection: Connection, path: str
) -> tuple[list[str], list[float]]:
    """The ids of all steps, and the ms that each page of them took."""
    ids: list[str] = []
    delays: list[float] = []
    cursor: str | None = ""
    while cursor is not None:
        after = f"&cursor={cursor}" if cursor else ""
        request = server.request("GET", f"{path}/steps?limit={STEPS_A_PAGE}{after}")
        began = time.perf_counter()
        page = succeeded(await connection.send(request)).json()
        delays.append((time.perf_counter() - began) * 1000)
        ids += [step["id"] for step in page["items"]]
        cursor = page["next_cursor"]
    return ids, delays


async def _took(connection: Connection, request: bytes) -> float:
    began = time.perf_counter()
    succeeded(await connection.send(request))
    return (time.perf_counter() - began) * 1000


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
