"""Storage acts alike on SQLite and PostgreSQL: transactions, batches, migrations, concurrency."""

import asyncio
import contextvars
import multiprocessing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from backend import database
from backend.database import (
    TABLES,
    UNIQUE_VIOLATIONS,
    Statement,
    close_database,
    execute,
    fetch,
    numbered,
    open_database,
    transaction,
    write_batch,
)
from backend.errors import Unavailable
from backend.settings import Settings
from backend.tenants.tables import Tenant
from tests.conftest import SECRET_KEY

INSERT = "INSERT INTO tenant (id, name, slug, created_at) VALUES (?, ?, ?, ?)"
EVENT = "INSERT INTO run_event (run_id, seq, at, kind, data) VALUES (?, ?, ?, ?, ?)"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(number: int) -> tuple[Any, ...]:
    return (f"id-{number}", f"Name {number}", f"slug-{number}", NOW)


async def count() -> int:
    return (await fetch("SELECT count(*) AS n FROM tenant"))[0]["n"]


@pytest.mark.usefixtures("database")
class TestBatches:
    async def test_counts_of_every_statement(self) -> None:
        counts = await write_batch(
            [
                Statement(INSERT, [row(1), row(2), row(3)]),
                Statement("UPDATE tenant SET name = ? WHERE id <> ?", [("x", "id-1")]),
                Statement("UPDATE tenant SET name = ? WHERE id = ?", [("y", "id-1"), ("z", "no")]),
                Statement("DELETE FROM tenant WHERE id = ?", [("no",)]),
            ]
        )
        assert counts == [3, 2, 1, 0]
        assert {found["name"] for found in await fetch("SELECT name FROM tenant")} == {"x", "y"}

    async def test_all_or_nothing(self) -> None:
        with pytest.raises(UNIQUE_VIOLATIONS):
            await write_batch([Statement(INSERT, [row(1)]), Statement(INSERT, [row(2), row(1)])])
        assert await count() == 0
        await execute(INSERT, *row(1))
        assert await count() == 1

    async def test_an_event_has_its_number_once(self) -> None:
        await execute(EVENT, "r", 1, 1, "log", "{}")
        with pytest.raises(UNIQUE_VIOLATIONS):
            await execute(EVENT, "r", 1, 2, "log", "{}")

    async def test_many_at_once(self) -> None:
        await asyncio.gather(*(execute(INSERT, *row(number)) for number in range(200)))
        assert await count() == 200

    async def test_a_cancelled_writer_harms_nobody(self) -> None:
        tasks = [asyncio.create_task(execute(INSERT, *row(number))) for number in range(40)]
        await asyncio.sleep(0.002)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await execute(INSERT, *row(1000)) == 1
        assert 21 <= await count() <= 41


@pytest.mark.usefixtures("database")
class TestTransactions:
    async def test_everything_joins_and_nothing_stays_of_a_failed_one(self) -> None:
        with pytest.raises(RuntimeError):
            await self._fail()
        assert await count() == 0

    async def _fail(self) -> None:
        async with transaction():
            await Tenant.insert(Tenant(id="id-1", name="a", slug="a"))
            await write_batch([Statement(INSERT, [row(2)])])
            assert await count() == 2
            raise RuntimeError

    async def test_nobody_sees_it_before_its_end(self) -> None:
        async with transaction():
            await execute(INSERT, *row(1))
            alone = asyncio.create_task(count(), context=contextvars.Context())
            assert await alone == 0
        assert await count() == 1

    async def test_reading_and_then_writing_at_once_loses_nothing(self) -> None:
        await execute(INSERT, "counter", "0", "counter", NOW)

        async def increment() -> None:
            async with transaction():
                lock = "" if database.engine().engine_type == "sqlite" else " FOR UPDATE"
                found = await fetch(f"SELECT name FROM tenant WHERE id = ?{lock}", "counter")
                await execute(
                    "UPDATE tenant SET name = ? WHERE id = ?",
                    str(int(found[0]["name"]) + 1),
                    "counter",
                )

        await asyncio.gather(*(increment() for _ in range(60)))
        assert (await fetch("SELECT name FROM tenant"))[0]["name"] == "60"


@pytest.mark.usefixtures("database")
class TestValues:
    async def test_moments_come_back_aware_in_utc(self) -> None:
        oslo = timezone(timedelta(hours=2))
        await execute(INSERT, "a", "a", "a", NOW.astimezone(oslo))
        await Tenant.insert(Tenant(id="b", name="b", slug="b", created_at=NOW))
        for found in [
            *await fetch("SELECT created_at FROM tenant"),
            *await Tenant.select(Tenant.created_at),
        ]:
            assert found["created_at"] == NOW
            assert found["created_at"].utcoffset() == timedelta()
        later = NOW + timedelta(microseconds=1)
        assert await fetch("SELECT id FROM tenant WHERE created_at >= ?", later) == []

    async def test_any_text_survives(self) -> None:
        text = 'tab\t quote\' "double" ? $1 %s 織機 🧵\n'
        await execute(INSERT, "a", text, "a", NOW)
        sql = "SELECT name, '? it''s' AS fixed FROM tenant WHERE name = ?"
        assert await fetch(sql, text) == [{"name": text, "fixed": "? it's"}]

    async def test_numbers_stay_numbers(self) -> None:
        await execute(EVENT, "r", 2**40, 2**53, "log", "{}")
        found = (await fetch("SELECT seq, at, attempt FROM run_event"))[0]
        assert found == {"seq": 2**40, "at": 2**53, "attempt": 1}

    async def test_a_slug_is_free_again_after_deletion(self) -> None:
        columns = "(id, tenant_id, slug, name, description, category, search_text, created_by)"
        sql = f"INSERT INTO workflow {columns} VALUES (?, 't', 's', '', '', '', '', '')"
        await execute(sql, "1")
        with pytest.raises(UNIQUE_VIOLATIONS):
            await execute(sql, "2")
        await execute("UPDATE workflow SET deleted_at = ?", NOW)
        assert await execute(sql, "2") == 1


def test_placeholders_are_numbered_outside_of_quotes() -> None:
    assert numbered("a = ? AND b = '?''?' AND c = ?") == "a = $1 AND b = '?''?' AND c = $2"


async def test_a_closed_database_says_so() -> None:
    with pytest.raises(Unavailable):
        await fetch("SELECT 1")


async def test_what_is_committed_is_there_after_opening_again(any_settings: Settings) -> None:
    for expected in (0, 1):
        await open_database(any_settings)
        assert await count() == expected
        await execute(INSERT, *row(expected))
        await close_database()


def _open_and_close(folder: str, url: str | None) -> None:
    async def work() -> None:
        await open_database(
            Settings(data_dir=Path(folder), secret_key=SECRET_KEY, database_url=url)
        )
        await close_database()

    asyncio.run(work())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_that_start_at_once_migrate_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("empty_postgres") if kind == "postgres" else None
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_open_and_close, args=(str(tmp_path), url)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]

    async def migrations() -> int:
        await open_database(Settings(data_dir=tmp_path, secret_key=SECRET_KEY, database_url=url))
        rows = await fetch("SELECT count(*) AS n, count(DISTINCT name) AS different FROM migration")
        await close_database()
        assert rows[0]["n"] == rows[0]["different"]
        return rows[0]["n"]

    versions = Path(database.__file__).parent.parent / "migrations" / "versions"
    assert asyncio.run(migrations()) == len(list(versions.glob("heddle_*.py")))


@pytest.mark.usefixtures("database")
async def test_the_tables_are_those_of_the_migrations() -> None:
    for table in TABLES:
        names = ", ".join(f'"{column._meta.db_column_name}"' for column in table._meta.columns)
        assert await fetch(f'SELECT {names} FROM "{table._meta.tablename}"') == []
