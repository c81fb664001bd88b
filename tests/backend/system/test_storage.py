"""A locked or full database: answers in time, says so, loses nothing, and goes on by itself."""

import asyncio
import contextvars
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from backend import sqlite
from backend.app import create_app
from backend.database import close_database, execute, fetch, open_database, transaction
from backend.errors import StorageUnavailable
from backend.runs import journal_writer, starting
from backend.runs.executor import executor
from backend.settings import Settings
from backend.storage_errors import storage_refusal
from tests.conftest import PASSWORD, client_of, running, sign_in
from tests.live_server import LiveServer

DRAWING = {
    "name": "One step",
    "definition": {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "greet", "type": "set_fields", "params": {"fields": {"text": "hello"}}},
        ],
        "edges": [{"id": "e", "source": "start", "target": "greet"}],
    },
}
ACTING = {
    "name": "Acts outside",
    "definition": {
        "nodes": [
            {"id": "start", "type": "start"},
            {
                "id": "write",
                "type": "write_file",
                "params": {"name": "a.txt", "content": "hello"},
            },
        ],
        "edges": [{"id": "e", "source": "start", "target": "write"}],
    },
}
WAIT = {"Prefer": "wait=5"}
AT_MOST_S = 5.0
"""What the product promises, not a measure of this machine."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program has the database for itself."""
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        other.close()


def refused(answer: httpx.Response) -> dict[str, Any]:
    told = answer.json()
    assert (answer.status_code, told["code"]) == (503, "storage_unavailable"), answer.text
    assert int(answer.headers["retry-after"]) > 0
    return told


async def workflow(client: httpx.AsyncClient, drawing: dict[str, Any] = DRAWING) -> str:
    made = await client.post("/api/v1/workflows", json=drawing)
    assert made.status_code == 201, made.text
    return f"/api/v1/workflows/{made.json()['id']}"


class TestALockedDatabase:
    async def test_starts_and_writes_say_so_in_time_and_go_on(
        self, client: httpx.AsyncClient, settings: Settings
    ) -> None:
        at = await workflow(client)
        kept = (await client.post(f"{at}/runs", json={}, headers=WAIT)).json()
        with held(settings.sqlite_path):
            for address, body, headers in (
                (f"{at}/runs", {}, {}),
                (f"{at}/runs", {}, WAIT),
                ("/api/v1/workflows", DRAWING, {}),
            ):
                began = time.monotonic()
                refused(await client.post(address, json=body, headers=headers))
                assert time.monotonic() - began < AT_MOST_S
            report = (await client.get("/health/ready")).json()
            assert report["status"] == "down"
            down = {check["name"]: check["detail"] for check in report["checks"] if check["detail"]}
            # which of the two depends on who else waits for it at that moment
            assert down["writes"] in {
                "Another program holds the database.",
                "It does not answer in time.",
            }
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get(f"/api/v1/runs/{kept['id']}")).status_code == 200
        began = time.monotonic()
        while (again := await client.post(f"{at}/runs", json={}, headers=WAIT)).status_code == 503:
            assert time.monotonic() - began < AT_MOST_S
        assert again.json()["status"] == "completed"
        assert (await client.get("/health/ready")).status_code == 200

    async def test_a_start_that_was_refused_is_one_run_when_it_is_tried_again(
        self, client: httpx.AsyncClient, settings: Settings
    ) -> None:
        at = await workflow(client, ACTING)
        # the drawing is frozen, and writes are known to work: the start goes ahead
        first = await client.post(f"{at}/runs", json={}, headers=WAIT)
        await client.delete(f"/api/v1/runs/{first.json()['id']}")
        with held(settings.sqlite_path):
            refused(await client.post(f"{at}/runs", json={}))
        began = time.monotonic()
        while (await client.post(f"{at}/runs", json={}, headers=WAIT)).status_code == 503:
            assert time.monotonic() - began < AT_MOST_S
        await only_one_run_is_left(client)

    async def test_a_refused_start_whose_commit_came_late_leaves_no_run(
        self, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at = await workflow(client)
        first = await client.post(f"{at}/runs", json={}, headers=WAIT)
        assert first.status_code == 200, first.text
        await client.delete(f"/api/v1/runs/{first.json()['id']}")
        commit = journal_writer._commit
        slow = asyncio.Event()

        async def late(entries: list[Any]) -> Any:
            await slow.wait()
            return await commit(entries)

        monkeypatch.setattr(journal_writer, "_commit", late)
        monkeypatch.setattr(starting, "STORED_WITHIN_S", 0.2)
        monkeypatch.setattr(starting.store, "__defaults__", (0.2,))
        key = {"Idempotency-Key": "once"}
        for headers in ({}, WAIT, key):
            refused(await client.post(f"{at}/runs", json={}, headers=headers))
        slow.set()
        began = time.monotonic()
        while (again := await client.post(f"{at}/runs", json={}, headers={**WAIT, **key})).is_error:
            assert again.status_code == 503
            assert time.monotonic() - began < AT_MOST_S
        await only_one_run_is_left(client)
        assert (await client.get(f"/api/v1/runs/{again.json()['id']}")).status_code == 200


async def only_one_run_is_left(client: httpx.AsyncClient) -> None:
    """What was refused is nowhere once the writer is done, whatever became of its commit."""
    writer = executor().writer
    async with asyncio.timeout(AT_MOST_S * 4):
        while writer.is_busy():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    listed = (await client.get("/api/v1/runs")).json()["items"]
    assert [run["status"] for run in listed] == ["completed"]
    assert len(await fetch("SELECT id FROM run")) == 1
    assert len(await fetch("SELECT DISTINCT run_id FROM run_event")) == 1


def test_a_full_disk_is_told_and_survived(live_server: LiveServer) -> None:
    process = live_server.process
    assert process is not None
    with live_server.client() as client:
        made = client.post("/api/v1/workflows", json=DRAWING).json()
        at = f"/api/v1/workflows/{made['id']}/runs"
        kept = client.post(at, json={}, headers=WAIT).json()
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, hard))
        for _ in range(3):
            refused(client.post(at, json={}))
            refused(client.post("/api/v1/workflows", json=DRAWING))
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert client.get(f"/api/v1/runs/{kept['id']}").json()["status"] == "completed"
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        began = time.monotonic()
        while (again := client.post(at, json={}, headers=WAIT)).status_code == 503:
            assert time.monotonic() - began < AT_MOST_S
        assert again.json()["status"] == "completed"


async def test_too_little_room_is_refused_before_it_hurts(
    make_settings: Callable[..., Settings],
) -> None:
    app = create_app(make_settings(min_free_bytes=2**62))
    async with running(app), client_of(app) as client:
        await sign_in(client, "admin", PASSWORD)
        at = await workflow(client)
        assert "HEDDLE_MIN_FREE_MB" in refused(await client.post(f"{at}/runs", json={}))["detail"]
        report = (await client.get("/health/ready")).json()
        assert [check["status"] for check in report["checks"]] == ["ok", "ok", "down"]


async def test_a_long_queue_that_moves_is_no_locked_database(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "ACQUIRE_TIMEOUT_S", 0.5)
    await open_database(settings)
    try:

        async def write(number: int) -> int:
            async with transaction():
                await asyncio.sleep(0.1)
                return await execute("DELETE FROM run WHERE id = ?", str(number))

        tasks = [
            asyncio.create_task(write(number), context=contextvars.Context())
            for number in range(20)
        ]
        assert await asyncio.gather(*tasks) == [0] * 20
    finally:
        await close_database()


async def test_a_queue_that_stands_still_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "ACQUIRE_TIMEOUT_S", 0.3)
    await open_database(settings)
    holds, lets_go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with transaction():
            holds.set()
            await lets_go.wait()

    holder = asyncio.create_task(hold(), context=contextvars.Context())
    try:
        await holds.wait()
        with pytest.raises(StorageUnavailable):
            await execute("DELETE FROM run")
        lets_go.set()
        await holder
        assert await execute("DELETE FROM run") == 0
    finally:
        await close_database()


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database is locked"),
        sqlite3.OperationalError("database table is locked"),
        sqlite3.OperationalError("database or disk is full"),
        sqlite3.OperationalError("disk I/O error"),
        sqlite3.OperationalError("attempt to write a readonly database"),
        sqlite3.OperationalError("unable to open database file"),
        asyncpg.DiskFullError("no space left on device"),
        asyncpg.TooManyConnectionsError("sorry"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.AdminShutdownError("terminating"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.LockNotAvailableError("lock timeout"),
    ],
)
def test_what_passes_by_itself(error: Exception) -> None:
    assert isinstance(storage_refusal(error), StorageUnavailable)


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("no such table: run"),
        sqlite3.IntegrityError("UNIQUE constraint failed"),
        asyncpg.UniqueViolationError("duplicate"),
        asyncpg.UndefinedTableError("run"),
        ValueError("database is locked"),
    ],
)
def test_what_does_not(error: Exception) -> None:
    assert storage_refusal(error) is None
