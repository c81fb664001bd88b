"""Makes every list alike: limit, opaque cursor and sort in; items, next_cursor and total out."""

import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter
from msgspec import Struct

from backend.database import BAD_VALUES, engine, fetch
from backend.errors import Invalid

MAX_LIMIT = 200
EXACT_UP_TO = 10_000
_TOTALS_KEPT_S = 30.0
_TOTALS_KEPT = 512

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """A piece of a list. `next_cursor` is None on the last one; `total` counts the whole list."""

    items: list[T]
    next_cursor: str | None
    total: int


class PageRequest(Struct, frozen=True):
    """Which piece is wanted; `sort` is a field's name, with `-` for descending."""

    limit: int = 50
    cursor: str | None = None
    sort: str | None = None


FIRST_PAGE = PageRequest()


def page_request(
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many at most")] = 50,
    cursor: Annotated[
        str | None,
        QueryParameter(
            min_length=1, max_length=1000, description="`next_cursor` of the page before"
        ),
    ] = None,
    sort: Annotated[
        str | None,
        QueryParameter(
            min_length=1, max_length=50, description="A field; `-` before it: descending"
        ),
    ] = None,
) -> PageRequest:
    """The dependency `page` of every list endpoint."""
    return PageRequest(limit, cursor, sort)


class Sort(Struct, frozen=True):
    """An allowed order: the SQL expression of a field."""

    field: str
    expression: str
    descending: bool


class Cursor(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page ended: the sort, its value there (a moment kept apart) and the row's id."""

    sort: str
    value: str | int | float | bool | None
    moment: datetime | None
    id: str


def parse_sort(sort: str | None, allowed: Mapping[str, str], default: str) -> Sort:
    """The order asked for. `allowed` maps fields to SQL expressions. Raises Invalid for others."""
    wanted = sort or default
    field = wanted.removeprefix("-")
    if field not in allowed:
        raise Invalid.field("?sort", "unknown_sort", f"Sort by one of: {', '.join(allowed)}.")
    return Sort(field, allowed[field], wanted.startswith("-"))


def encode_cursor(cursor: Cursor) -> str:
    """The opaque text of a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def decode_cursor(text: str, sort: Sort) -> Cursor:
    """The cursor of a text that `encode_cursor` made for the same sort. Raises Invalid."""
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        cursor = msgspec.json.decode(raw, type=Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _bad_cursor() from error
    if cursor.sort != _named(sort) or "\0" in f"{cursor.id}{cursor.value}":
        raise _bad_cursor()
    return cursor


async def paginate(
    page: PageRequest,
    *,
    source: str,
    columns: Sequence[str],
    where: Sequence[tuple[str, Sequence[Any]]],
    sorts: Mapping[str, str],
    default_sort: str,
    to: Callable[[dict[str, Any]], T],
    total: Callable[[], Awaitable[int]] | None = None,
) -> Page[T]:
    """Read one page of a table by its key, however deep it is.

    `where` is joined by AND and holds `?` placeholders; `sorts` maps the fields one may sort by
    to SQL expressions that are never NULL; the table's `id` breaks ties. `total` replaces the
    count, where something knows it better.
    """
    sort = parse_sort(page.sort, sorts, default_sort)
    conditions = [f"({sql})" for sql, _ in where]
    args = [arg for _, values in where for arg in values]
    counted = await (total() if total else _total(source, conditions, args))
    cursor = decode_cursor(page.cursor, sort) if page.cursor else None
    if not counted:
        return Page([], None, 0)
    if cursor:
        after = cursor.value if cursor.moment is None else cursor.moment
        sign = "<" if sort.descending else ">"
        if sort.expression == "id":
            conditions.append(f"id {sign} ?")
            args.append(cursor.id)
        else:
            conditions.append(f"({sort.expression}, id) {sign} (?, ?)")
            args += [after, cursor.id]
    way = "DESC" if sort.descending else "ASC"
    order = f"id {way}" if sort.expression == "id" else f"{sort.expression} {way}, id {way}"
    filters = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    listed = ", ".join(dict.fromkeys(["id", *columns]))
    sql = f"SELECT {listed}, {sort.expression} AS sort_key FROM {source}{filters}"
    try:
        rows = await fetch(f"{sql} ORDER BY {order} LIMIT {page.limit + 1}", *args)
    except BAD_VALUES as error:
        if page.cursor:
            raise _bad_cursor() from error
        raise
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    next_cursor = encode_cursor(_cursor_of(rows[-1], sort)) if more else None
    for row in rows:
        del row["sort_key"]
    return Page([to(row) for row in rows], next_cursor, counted)


def _cursor_of(row: Mapping[str, Any], sort: Sort) -> Cursor:
    value = row["sort_key"]
    if isinstance(value, datetime):
        return Cursor(_named(sort), None, value, row["id"])
    return Cursor(_named(sort), value, None, row["id"])


def _named(sort: Sort) -> str:
    return f"{'-' if sort.descending else ''}{sort.field}"


def _bad_cursor() -> Invalid:
    return Invalid.field(
        "?cursor", "invalid_cursor", "The cursor is not one of this list and this sort."
    )


_totals: dict[tuple[object, ...], tuple[float, int]] = {}


async def _total(source: str, conditions: Sequence[str], args: Sequence[Any]) -> int:
    """The exact count; of more than ten thousand rows it may be half a minute old."""
    filters = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    key = (id(engine()), source, filters, *map(repr, args))
    kept = _totals.get(key)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    few = f"SELECT 1 AS one FROM {source}{filters} LIMIT {EXACT_UP_TO}"
    total: int = (await fetch(f"SELECT count(*) AS n FROM ({few}) AS few", *args))[0]["n"]
    if total == EXACT_UP_TO:
        total = (await fetch(f"SELECT count(*) AS n FROM {source}{filters}", *args))[0]["n"]
        if len(_totals) >= _TOTALS_KEPT:
            _totals.clear()
        _totals[key] = (time.monotonic() + _TOTALS_KEPT_S, total)
    return total
