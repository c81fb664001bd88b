"""Writes what a query gives as a Parquet file, and says what is in it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import duckdb
import msgspec
from duckdb import DuckDBPyConnection
from msgspec import Struct

from graphs.artifacts import Column
from graphs.tables.names import UNKNOWN_COLUMNS, literal, quoted, unique
from graphs.tables.values import fetchable, is_nested, rows_as_objects
from graphs.tables.work import Work

PREVIEW_ROWS = 20
PREVIEW_BYTES = 24 * 1024
"""Much less than what an event may hold: a preview comes with every reference."""

_LONGEST_TEXT = 300
_LARGEST_FOOTER = 16 * 1024 * 1024
_LARGEST = "DECIMAL(38,0)"
_WIDE = re.compile(r"(?<![A-Za-z\"'])(?:UHUGEINT|HUGEINT|BIGNUM|UBIGINT)(?=$|[,)\[])")
"""Types that Parquet would turn into a DOUBLE or that later nodes do not take for numbers."""
_AS_TEXT = ("INTERVAL", "BIT", "UNION", "VARIANT", "TIME WITH TIME ZONE", "GEOMETRY", '"NULL"')


class Written(Struct, frozen=True):
    """A Parquet file and what is in it; `notes` are for the log."""

    path: Path
    columns: tuple[Column, ...]
    row_count: int
    preview: list[dict[str, Any]]
    notes: tuple[str, ...] = ()


def columns_of(
    connection: DuckDBPyConnection, sql: str, values: Mapping[str, Any] | None = None
) -> list[Column]:
    """The columns of a query, without executing it."""
    described = connection.execute(f"DESCRIBE {sql}", values or None).fetchall()
    return [Column(str(row[0]), str(row[1])) for row in described]


def write_result(
    work: Work,
    connection: DuckDBPyConnection,
    sql: str,
    path: Path,
    values: Mapping[str, Any] | None = None,
) -> Written:
    """Execute a query, with the values of its parameters, into a new Parquet file in its order."""
    result = _Result(connection, sql, columns_of(connection, sql, values), values)
    try:
        row_count = _copy(connection, result.storable("BIGINT"), path, values)
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        if not any(_WIDE.search(column.type) for column in result.columns):
            raise
        path.unlink(missing_ok=True)
        row_count = _copy(connection, result.storable_exactly(), path)
    source = f"read_parquet({literal(str(path.absolute()))})"
    kept = shown(columns_of(connection, f"SELECT * FROM {source}"))
    return Written(path, tuple(kept), row_count, preview_of(connection, source, kept))


def shown(columns: Sequence[Column]) -> list[Column]:
    """The columns without the one that stands for those not known."""
    return [column for column in columns if not column.name.startswith(UNKNOWN_COLUMNS)]


def is_unsure(path: Path) -> bool:
    """Whether a Parquet file holds the column that stands for those not known.

    Its footer says so; what it says wrongly only costs somebody a copy.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(end - 8, 0))
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(end - 8 - min(length, _LARGEST_FOOTER), 0))
        return UNKNOWN_COLUMNS.encode() in file.read(_LARGEST_FOOTER)


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


class _Result:
    """A query with the types that Parquet keeps."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        sql: str,
        columns: Sequence[Column],
        values: Mapping[str, Any] | None,
    ) -> None:
        self.columns = columns
        self._connection = connection
        # a comment at the end of the query ends with its line
        aliases = ", ".join(f"c{at}" for at in range(len(columns)))
        self._source = f"(\n{sql}\n) AS result({aliases})"
        self._values = values

    def storable(self, whole: str) -> str:
        """The query, its wide whole numbers in the given type."""
        return self._listed([_kept(f"c{at}", each, whole) for at, each in self._known()])

    def storable_exactly(self) -> str:
        """The result, each column of wide whole numbers in the narrowest type that holds all."""
        texts = [
            f"CAST({f'to_json(c{at})' if is_nested(each.type) else f'c{at}'} AS VARCHAR) AS c{at}"
            if _WIDE.search(each.type)
            else f"c{at}"
            for at, each in enumerate(self.columns)
        ]
        self._connection.execute(
            f"CREATE TEMP TABLE exact AS SELECT {', '.join(texts)} FROM {self._source}",
            self._values or None,
        )
        self._source = "exact"
        listed: list[str] = []
        for at, column in self._known():
            alias = f"c{at}"
            if not _WIDE.search(column.type):
                listed.append(_kept(alias, column, ""))
            elif is_nested(column.type):
                listed.append(f"CAST({alias} AS JSON)")
            else:
                listed.append(f"CAST({alias} AS {self._narrowest(alias)})")
        return self._listed(listed)

    def _narrowest(self, alias: str) -> str:
        for type_name in ("BIGINT", _LARGEST):
            found = self._connection.execute(
                f"SELECT 1 FROM exact WHERE {alias} IS NOT NULL "
                f"AND TRY_CAST({alias} AS {type_name}) IS NULL LIMIT 1"
            ).fetchone()
            if found is None:
                return type_name
        return "VARCHAR"

    def _known(self) -> list[tuple[int, Column]]:
        """The columns by their positions, the one that stands for those not known only once."""
        numbered = list(enumerate(self.columns))
        doubled = [each for each in numbered if each[1].name.startswith(UNKNOWN_COLUMNS)][1:]
        return [each for each in numbered if each not in doubled]

    def _listed(self, kept: Sequence[str]) -> str:
        names = unique(column.name for _, column in self._known())
        listed = (f"{each} AS {quoted(name)}" for each, name in zip(kept, names, strict=True))
        return f"SELECT {', '.join(listed)} FROM {self._source}"


def _kept(alias: str, column: Column, whole: str) -> str:
    if column.type.startswith(_AS_TEXT):
        return f"CAST({alias} AS VARCHAR)"
    if _WIDE.search(column.type):
        to = _WIDE.sub(_LARGEST, column.type) if is_nested(column.type) else whole
        return f"CAST({alias} AS {to})"
    return alias


def _copy(
    connection: DuckDBPyConnection, sql: str, path: Path, values: Mapping[str, Any] | None = None
) -> int:
    target = literal(str(path.absolute()))
    counted = connection.execute(
        f"COPY ({sql}) TO {target} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)",
        values or None,
    ).fetchone()
    return 0 if counted is None else int(counted[0])
