"""The bench's own instruments: its client, its viewer, its made-up history and its table."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.bench.history import fill
from tests.bench.load import HOST, Connection, Viewer, encode_request, percentile, spread
from tests.bench.table import AtLeast, AtMost, Figure, Row, render

STREAM = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"c\r\nid: 1\nevent:\r\n10\r\n a\ndata: {}\n\n: \n\r\n",
    b"19\r\n\nid: 2\nevent: b\ndata: 1\n\n\r\n",
    b"0\r\n\r\n",
)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (head := await reader.read(65536)).startswith((b"GET", b"POST")):
        if b"/stream" in head:
            for part in STREAM:
                writer.write(part)
                await asyncio.sleep(0.01)
        elif b"/chunked" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(b"2\r\n[1\r\n2\r\n,2\r\n1\r\n]\r\n0\r\n\r\n")
        else:
            body = head.partition(b"\r\n\r\n")[2]
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    answering: list[asyncio.Task[None]] = []

    def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.append(asyncio.create_task(_answer(reader, writer)))

    server = await asyncio.start_server(answer, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*answering)


async def test_the_client_reads_bodies_with_and_without_a_length(port: int) -> None:
    connection = await Connection.open(port)
    echoed = await connection.send(encode_request("POST", "/echo", {}, {"a": 1}))
    chunked = await connection.send(encode_request("GET", "/chunked"))
    await connection.close()
    assert (echoed.status, echoed.json()) == (201, {"a": 1})
    assert (chunked.status, chunked.json()) == (200, [1, 2])


async def test_work_is_spread_over_the_connections(port: int) -> None:
    used: list[Connection] = []

    async def work(connection: Connection) -> None:
        await connection.send(encode_request("POST", "/echo", {}, 1))
        used.append(connection)

    assert await spread(port, 4, 21, work) > 0
    assert len(used) == 21
    assert len(set(used)) == 4


async def test_a_viewer_knows_when_each_message_was_complete(port: int) -> None:
    viewer = await Viewer.open(port, encode_request("GET", "/stream"))
    await viewer.closed
    first, second = viewer.sightings()
    assert (first.id, first.event, first.data) == ("1", "a", b"{}")
    assert (second.id, second.event, second.data) == ("2", "b", b"1")
    assert 5_000 < second.seen_us - first.seen_us < 1_000_000


def test_a_history_is_filled_up_to_a_count(tmp_path: Path) -> None:
    database = tmp_path / "runs.db"
    connection = sqlite3.connect(database)
    columns = "id, tenant_id, created_at, started_at, finished_at"
    at = "2026-01-01 00:00:00.000000+00:00"
    with connection:
        connection.execute(f"CREATE TABLE run ({columns})")
        connection.execute("INSERT INTO run VALUES ('a', 'mine', ?, ?, ?)", (at, at, at))
    fill(database, 5_000)
    fill(database, 9_000)
    rows = connection.execute(f"SELECT {columns} FROM run ORDER BY created_at").fetchall()
    connection.close()
    assert len({row[0] for row in rows}) == len(rows) == 9_000
    assert all(UUID(row[0]).version == 7 for row in rows[1:])
    assert {row[1] for row in rows} == {"mine"}
    assert rows[-1][2] == "2026-01-01 02:29:59.000000+00:00"


def test_the_table_judges_every_row() -> None:
    rows = [
        Row("a", "low", "Low", AtMost(2), "ms"),
        Row("a", "high", "High", AtLeast(0.7), "x"),
        Row("b", "none", "None", AtMost(1), "s"),
    ]
    figures = {("a", "low"): Figure(2, "p50 1"), ("a", "high"): Figure(0.69)}
    assert render(rows, figures, {"b": "it broke"}).splitlines()[2:] == [
        "| Low | ≤ 2 ms | 2 ms (p50 1) | ok |",
        "| High | ≥ 0.7 x | 0.69 x | **missed** |",
        "| None | ≤ 1 s | it broke | **failed** |",
    ]


def test_percentiles() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(range(101), 0.95) == 95
    assert percentile([7], 0.99) == 7
