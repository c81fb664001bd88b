"""Writes a table anew with cells that people edited; what they left alone stays bit by bit."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

import msgspec
from duckdb import DuckDBPyConnection
from msgspec import Struct

from graphs.artifacts import Column
from graphs.tables.names import quoted
from graphs.tables.results import Written, write_result
from graphs.tables.sources import Given, open_tables
from graphs.tables.values import fetchable, is_nested, rows_as_objects
from graphs.tables.work import Work

_NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL\(.*\))")
_DATE = re.compile(r"[+-]?\d{4,}-\d{2}-\d{2}")


class RowEdit(Struct, frozen=True):
    """A row of the new table: that of the old one at `source` (from 0), or a new one, with other
    `cells` by the names of their columns. A text is read as the column's type has it.
    """

    source: int | None
    cells: Mapping[str, Any]


class Misfit(Struct, frozen=True):
    """A cell that cannot be what was written, and why. `row` counts the edits from 0."""

    row: int
    column: str
    detail: str


def write_edited(
    work: Work, table: Path, edits: Sequence[RowEdit], path: Path
) -> Written | list[Misfit]:
    """The table with these rows in their order, in a new Parquet file; or all that does not fit."""
    connection, relations = open_tables(work, {"input": Given(table)}, [path])
    relation = relations["input"]
    columns = relation.columns
    (count,) = connection.execute(f"SELECT count(*) FROM {relation.scan}").fetchone() or (0,)
    misfits = list(_unknown(edits, columns, int(count)))
    if misfits:
        return misfits
    listed = "".join(f", s{at} BOOLEAN, c{at} VARCHAR" for at in range(len(columns)))
    connection.execute(f"CREATE TEMP TABLE edits (place INTEGER, source BIGINT{listed})")
    if edits:
        marks = ", ".join("?" * (2 + 2 * len(columns)))
        rows = [_stored(place, edit, columns) for place, edit in enumerate(edits)]
        connection.executemany(f"INSERT INTO edits VALUES ({marks})", rows)
    misfits = [
        misfit
        for at, column in enumerate(columns)
        for misfit in _misfits(connection, at, column, edits)
    ]
    if misfits:
        return sorted(misfits, key=lambda misfit: misfit.row)
    made = ", ".join(
        f"CASE WHEN e.s{at} THEN {_read(f'e.c{at}', column.type)} ELSE t.{quoted(column.name)} END "
        f"AS {quoted(column.name)}"
        for at, column in enumerate(columns)
    )
    numbered = f"(SELECT *, {relation.order} AS place_before FROM {relation.scan})"
    sql = (
        f"SELECT {made} FROM edits e LEFT JOIN {numbered} t ON t.place_before = e.source "
        "ORDER BY e.place"
    )
    return write_result(work, connection, sql, path)


def _unknown(edits: Sequence[RowEdit], columns: Sequence[Column], count: int) -> Iterator[Misfit]:
    known = [column.name for column in columns]
    for place, edit in enumerate(edits):
        if edit.source is not None and not 0 <= edit.source < count:
            yield Misfit(place, "", f"The table has no row {edit.source}; it has {count:,}.")
        for name in edit.cells:
            if name not in known:
                listed = ", ".join(known[:20])
                yield Misfit(place, name, f"The table has no column {name!r}; it has: {listed}.")


def _stored(place: int, edit: RowEdit, columns: Sequence[Column]) -> list[Any]:
    row: list[Any] = [place, edit.source]
    for column in columns:
        # a new row has nothing to fall back on: what is not written is empty
        row += [column.name in edit.cells, _text(edit.cells.get(column.name))]
    return row


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _read(text: str, type_name: str) -> str:
    if type_name == "VARCHAR":
        return text
    if type_name == "BLOB":
        return f"from_base64({text})"
    if is_nested(type_name):
        return f"TRY_CAST(TRY_CAST({text} AS JSON) AS {type_name})"
    return f"TRY_CAST(trim({text}) AS {type_name})"


def _misfits(
    connection: DuckDBPyConnection, at: int, column: Column, edits: Sequence[RowEdit]
) -> Iterator[Misfit]:
    if column.type == "VARCHAR":
        return
    written = f"FROM edits WHERE s{at} AND c{at} IS NOT NULL ORDER BY place"
    texts = connection.execute(f"SELECT place, c{at} {written}").fetchall()
    if column.type == "BLOB":
        for place, text in texts:
            if not _is_base64(text):
                yield Misfit(place, column.name, "Write the bytes in base64.")
        return
    made = f"SELECT {_read(f'c{at}', column.type)} AS {quoted(column.name)} {written}"
    connection.execute(f"SELECT {fetchable([column])} FROM ({made})")
    kept = rows_as_objects([column], connection.fetchall())
    for (place, text), row in zip(texts, kept, strict=True):
        detail = _refusal(str(text).strip(), row[column.name], column.type)
        if detail is not None:
            yield Misfit(place, column.name, detail)


def _refusal(text: str, kept: Any, type_name: str) -> str | None:
    """Why the column would not hold what was written; None when it does."""
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    if kept is None:
        if is_nested(type_name) and text == "null":
            return None
        return f"{shown!r} is not {_expected(type_name)}."
    if _NUMBER.fullmatch(type_name):
        try:
            same = Decimal(text) == Decimal(str(kept))
        except InvalidOperation:
            return f"{shown!r} is not {_expected(type_name)}."
        return None if same else f"The column holds {_expected(type_name)}: {shown} would change."
    if type_name == "DATE" and not _DATE.fullmatch(text):
        return f"{shown!r} is not {_expected(type_name)}."
    if is_nested(type_name) and not _holds(kept, msgspec.json.decode(text)):
        return f"The column holds {type_name}, and a part of {shown!r} would be lost."
    return None


def _holds(kept: Any, given: Any) -> bool:
    """Whether nothing that was given is missing or another."""
    if given == kept or str(given) == str(kept):
        return True
    if isinstance(given, dict) and isinstance(kept, dict):
        members, held = cast("dict[str, Any]", given), cast("dict[str, Any]", kept)
        return all(name in held and _holds(held[name], part) for name, part in members.items())
    if isinstance(given, list) and isinstance(kept, list):
        items, there = cast("list[Any]", given), cast("list[Any]", kept)
        return len(items) == len(there) and all(map(_holds, there, items))
    return False


def _expected(type_name: str) -> str:
    if type_name.startswith("DECIMAL"):
        digits, places = (int(part) for part in re.findall(r"\d+", type_name))
        return f"a number of at most {digits - places} digits before the point and {places} after"
    if type_name in ("DOUBLE", "FLOAT"):
        return f"a number of at most {17 if type_name == 'DOUBLE' else 9} digits"
    if "INT" in type_name and not is_nested(type_name) and type_name != "INTERVAL":
        return "a whole number that fits the column"
    told = {
        "BOOLEAN": "true or false",
        "DATE": "a date such as 2026-01-31",
        "TIME": "a time such as 10:30:00",
        "TIMESTAMP": "a moment such as 2026-01-31 10:30:00",
        "TIMESTAMP WITH TIME ZONE": "a moment such as 2026-01-31T10:30:00Z",
        "JSON": "JSON",
    }
    other = "JSON" if is_nested(type_name) else "a value"
    return told.get(type_name, f"{other} of the type {type_name}")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
