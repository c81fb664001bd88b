"""Writes what a query gives as a Parquet file, and says what is in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import duckdb
import msgspec
from duckdb import DuckDBPyConnection
from msgspec import Struct

from graphs.artifacts import Column
from graphs.tables.names import literal, quoted, unique
from graphs.tables.values import fetchable, rows_as_objects
from graphs.tables.work import Work

PREVIEW_ROWS = 20
PREVIEW_BYTES = 24 * 1024
"""Much less than what an event may hold: a preview comes with every reference."""

_LONGEST_TEXT = 300
_WHOLE_NUMBERS = ("HUGEINT", "UHUGEINT", "BIGNUM", "UBIGINT")
_AS_TEXT = ("INTERVAL", "BIT", "UNION", "VARIANT", "TIME WITH TIME ZONE", "GEOMETRY", '"NULL"')


class Written(Struct, frozen=True):
    """A Parquet file and what is in it."""

    path: Path
    columns: tuple[Column, ...]
    row_count: int
    preview: list[dict[str, Any]]


def columns_of(connection: DuckDBPyConnection, sql: str) -> list[Column]:
    """The columns of a query, without executing it."""
    described = connection.execute(f"DESCRIBE {sql}").fetchall()
    return [Column(str(row[0]), str(row[1])) for row in described]


def write_result(work: Work, connection: DuckDBPyConnection, sql: str, path: Path) -> Written:
    """Execute a query into a new Parquet file, its rows in their order."""
    columns = columns_of(connection, sql)
    names = unique(column.name for column in columns)
    try:
        row_count = _copy(connection, _storable(sql, columns, names, "BIGINT"), path)
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        if not any(column.type in _WHOLE_NUMBERS for column in columns):
            raise
        path.unlink(missing_ok=True)
        row_count = _copy(connection, _storable(sql, columns, names, "DOUBLE"), path)
    source = f"read_parquet({literal(str(path.absolute()))})"
    kept = columns_of(connection, f"SELECT * FROM {source}")
    return Written(path, tuple(kept), row_count, preview_of(connection, source, kept))


def preview_of(
    connection: DuckDBPyConnection, source: str, columns: Sequence[Column]
) -> list[dict[str, Any]]:
    """The first rows, fewer and shorter where they are large."""
    sql = f"SELECT {fetchable(columns)} FROM {source} LIMIT {PREVIEW_ROWS}"
    rows = rows_as_objects(columns, connection.execute(sql).fetchall())
    short = [{name: _short(value) for name, value in row.items()} for row in rows]
    size = 0
    for count, row in enumerate(short):
        size += len(msgspec.json.encode(row))
        if size > PREVIEW_BYTES:
            return short[:count]
    return short


def _short(value: Any) -> Any:
    if isinstance(value, dict | list):
        text = msgspec.json.encode(value).decode()
        return f"{text[:_LONGEST_TEXT]}…" if len(text) > _LONGEST_TEXT * 2 else cast(Any, value)
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}…"
    return value


def _storable(sql: str, columns: Sequence[Column], names: Sequence[str], whole: str) -> str:
    """The query with the types that Parquet keeps; it would turn a HUGEINT into a DOUBLE."""
    aliases = [f"c{at}" for at in range(len(columns))]
    listed: list[str] = []
    for alias, column, name in zip(aliases, columns, names, strict=True):
        kept = alias
        if column.type in _WHOLE_NUMBERS:
            kept = f"CAST({alias} AS {whole})"
        elif column.type.startswith(_AS_TEXT):
            kept = f"CAST({alias} AS VARCHAR)"
        listed.append(f"{kept} AS {quoted(name)}")
    return f"SELECT {', '.join(listed)} FROM ({sql}) AS result({', '.join(aliases)})"


def _copy(connection: DuckDBPyConnection, sql: str, path: Path) -> int:
    target = literal(str(path.absolute()))
    counted = connection.execute(
        f"COPY ({sql}) TO {target} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
    ).fetchone()
    return 0 if counted is None else int(counted[0])
