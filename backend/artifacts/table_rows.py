"""Pages through the rows of a table, however many it has."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from backend.artifacts.schemas import ArtifactView
from backend.errors import Invalid
from backend.offsets import decode_offset, encode_offset
from backend.pagination import Page, PageRequest
from graphs.artifacts import ArtifactStore, Column
from graphs.tables.names import literal, quoted
from graphs.tables.sources import Given, open_tables
from graphs.tables.values import fetchable, is_nested, rows_as_objects
from graphs.tables.work import LOOKING, Work, rows_of, run_work

_COUNTS_KEPT = 500
_PAGE_CHARACTERS = 8_000_000
_BATCH_ROWS = 10
_counts: OrderedDict[tuple[str, str], int] = OrderedDict()


async def read_rows(
    view: ArtifactView, path: Path, page: PageRequest, search: str, store: ArtifactStore
) -> Page[dict[str, Any]]:
    """One page. Raises Invalid for an unknown column to sort by, or a foreign cursor."""
    order = _order(view.columns, page.sort)
    listed = f"{page.sort or ''}\0{search}"
    offset = decode_offset(page.cursor, listed)
    where = f" WHERE {_matches(view.columns, search)}" if search else ""
    counted = view.row_count if not search else _counts.get((view.id, search))

    def job(work: Work) -> tuple[list[dict[str, Any]], int]:
        connection, relations = open_tables(work, {"input": Given(path)}, [])
        table = relations["input"]
        by = [*order, table.order] if order else []
        ordered = f" ORDER BY {', '.join(by)}" if by else ""
        total = counted
        if total is None:
            total = int(rows_of(connection, f"SELECT count(*) FROM {table.scan}{where}")[0][0])
        connection.execute(
            f"SELECT {fetchable(table.columns)} FROM {table.scan}{where}{ordered}"
            f" LIMIT {page.limit} OFFSET {offset}"
        )
        return rows_as_objects(table.columns, _until_full(connection)), total

    items, total = await run_work(store.new_path(".work"), job, LOOKING)
    if search:
        _remember((view.id, search), total)
    after = offset + len(items)
    more = bool(items) and after < total
    return Page(items, encode_offset(after, listed) if more else None, total)


def _until_full(connection: DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """The rows of the page, fewer where their texts are very long: the next page goes on."""
    found: list[tuple[Any, ...]] = []
    size = 0
    while size < _PAGE_CHARACTERS and (batch := connection.fetchmany(_BATCH_ROWS)):
        found += batch
        size += sum(len(cell) for row in batch for cell in row if isinstance(cell, str | bytes))
    return found


def _order(columns: list[Column], sort: str | None) -> list[str]:
    if sort is None:
        return []
    name = sort.removeprefix("-")
    # a column's own name may begin with a hyphen
    for given, way in ((sort, "ASC"), (name, "DESC" if sort.startswith("-") else "ASC")):
        if any(column.name == given for column in columns):
            return [f"{quoted(given)} {way} NULLS LAST"]
    known = ", ".join(column.name for column in columns[:20])
    raise Invalid.field("?sort", "unknown_sort", f"Sort by one of the columns: {known}.")


def _matches(columns: list[Column], search: str) -> str:
    wanted = literal(search.lower())
    parts = [
        f"contains(lower(CAST({_text(column)} AS VARCHAR)), {wanted})"
        for column in columns
        if column.type != "BLOB"
    ]
    return f"({' OR '.join(parts) or 'false'})"


def _text(column: Column) -> str:
    name = quoted(column.name)
    return f"to_json({name})" if is_nested(column.type) else name


def _remember(key: tuple[str, str], total: int) -> None:
    _counts[key] = total
    if len(_counts) > _COUNTS_KEPT:
        _counts.popitem(last=False)
