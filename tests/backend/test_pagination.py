"""Lists are read page by page, without a gap or a repetition, in every allowed order."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import pagination
from backend.database import Statement, write_batch
from backend.errors import Invalid
from backend.pagination import Page, PageRequest, paginate
from backend.settings import Settings

pytestmark = pytest.mark.usefixtures("database")

SORTS = {"created_at": "created_at", "name": "lower(name)", "id": "id"}
START = datetime(2026, 1, 1, tzinfo=UTC)


async def add(count: int, tenant: str = "t") -> None:
    # Names repeat, and so do moments: only the id tells such rows apart.
    rows = [
        (f"{tenant}{number:05}", f"Name {number % 7}", f"{tenant}{number}", START + _step(number))
        for number in range(count)
    ]
    sql = "INSERT INTO tenant (id, name, slug, created_at) VALUES (?, ?, ?, ?)"
    await write_batch([Statement(sql, rows)])


def _step(number: int) -> timedelta:
    return timedelta(milliseconds=number // 3)


async def read(**request: Any) -> Page[dict[str, Any]]:
    return await paginate(
        PageRequest(**request),
        source="tenant",
        columns=["id", "name", "created_at"],
        where=[("id >= ?", ["t"]), ("name <> ?", ["none"])],
        sorts=SORTS,
        default_sort="-created_at",
        to=lambda row: row,
    )


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-name", "id", "-id"])
async def test_every_row_once_and_in_order(sort: str) -> None:
    await add(45)
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await read(limit=10, cursor=cursor, sort=sort)
        assert page.total == 45
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == 10
    field = sort.removeprefix("-")
    keys = [(row[field], row["id"]) for row in seen]
    assert len(set(keys)) == 45
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert all(row["created_at"].utcoffset() == timedelta() for row in seen)
    assert set(seen[0]) == {"id", "name", "created_at"}


async def test_the_default_order_and_an_exact_last_page() -> None:
    await add(20)
    first = await read(limit=10)
    assert first.items[0]["id"] == "t00019"
    last = await read(limit=10, cursor=first.next_cursor)
    assert last.items[-1]["id"] == "t00000"
    assert last.next_cursor is None


async def test_nothing_there() -> None:
    assert await read() == Page([], None, 0)


async def test_rows_that_come_while_reading_change_nothing() -> None:
    await add(20)
    first = await read(limit=10)
    await add(3, tenant="u")
    second = await read(limit=10, cursor=first.next_cursor)
    ids = [row["id"] for row in [*first.items, *second.items]]
    assert len(set(ids)) == 20


async def test_a_cursor_belongs_to_its_sort() -> None:
    await add(20)
    page = await read(limit=5, sort="name")
    with pytest.raises(Invalid):
        await read(limit=5, sort="-name", cursor=page.next_cursor)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b'["-created_at", null, null]',
        b'["-created_at", null, "yesterday", "id"]',
        b'["-created_at", "text", null, "id", 1]',
        b'["-created_at", {}, null, "id"]',
        b'["-created_at", "x\\u0000", null, "id"]',
        b"\xff\xfe",
    ],
)
async def test_a_made_up_cursor_is_refused(raw: bytes) -> None:
    await add(5)
    with pytest.raises(Invalid) as refused:
        await read(cursor=base64.urlsafe_b64encode(raw).decode() or "!")
    assert refused.value.errors[0].pointer == "?cursor"


async def test_a_cursor_of_another_type_shows_nothing_of_the_database(
    database: Settings,
) -> None:
    await add(5)
    cursor = base64.urlsafe_b64encode(b'["-created_at", 5, null, "id"]').decode()
    if database.postgres_url is None:
        assert (await read(cursor=cursor)).items == []
    else:
        with pytest.raises(Invalid):
            await read(cursor=cursor)


async def test_large_totals_are_counted_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "EXACT_UP_TO", 10)
    await add(25)
    assert (await read(limit=1)).total == 25
    await add(5, tenant="u")
    assert (await read(limit=1)).total == 25
    monkeypatch.setattr(pagination.time, "monotonic", lambda: 1e12)
    assert (await read(limit=1)).total == 30
