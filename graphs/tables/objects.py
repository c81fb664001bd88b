"""Python's rows as typed JSON Lines, which DuckDB reads as a table."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from graphs.tables.names import literal, quoted, unique

Shape = str | dict[str, Any] | list[Any] | None
"""A DuckDB type: its name, a STRUCT as an object, a LIST as a list of one; None is unknown yet."""

_MAX_FIELDS = 200
_DEFAULT_LINE_BYTES = 16 * 1024 * 1024
_NUMBERS = {"BIGINT", "DOUBLE"}


class Lines(Struct, frozen=True):
    """A file of JSON Lines with the query that reads it."""

    path: Path
    sql: str


def write_objects(rows: Iterable[Any], path: Path, check: Callable[[], None]) -> Lines:
    """Write objects by column name; other values become rows of the one column `value`."""
    positions: dict[str, int] = {}
    shapes: list[Shape] = []
    longest = 0
    encode = msgspec.json.Encoder().encode
    with path.open("wb", buffering=1024 * 1024) as file:
        for number, row in enumerate(rows):
            if number % 1000 == 0:
                check()
            line: dict[str, Any] = {}
            fields = cast("Mapping[str, Any]", row) if isinstance(row, Mapping) else {"value": row}
            for name, value in fields.items():
                position = positions.get(name)
                if position is None:
                    position = positions[name] = len(positions)
                    shapes.append(None)
                if value is not None:
                    shapes[position] = _merged(shapes[position], _shape(value))
                    line[f"c{position}"] = value
            raw = encode(line)
            longest = max(longest, len(raw))
            file.write(raw + b"\n")
    return Lines(path, _reading(path, list(positions), shapes, longest))


def records(names: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Rows of cells as objects; a row longer than the names is given further names."""
    known = unique("" if name is None else str(name) for name in names)
    for row in rows:
        if len(row) > len(known):
            known = unique([*known, *itertools.repeat("", len(row) - len(known))])
        yield dict(zip(known, row, strict=False))


def _reading(path: Path, names: list[str], shapes: list[Shape], longest: int) -> str:
    if not names:
        return "SELECT NULL::VARCHAR AS empty WHERE false"
    types = ", ".join(f"c{at}: {literal(_sql(shape))}" for at, shape in enumerate(shapes))
    listed = ", ".join(f"c{at} AS {quoted(name)}" for at, name in enumerate(unique(names)))
    # DuckDB takes several buffers of this size
    limit = f", maximum_object_size={longest * 2}" if longest > _DEFAULT_LINE_BYTES else ""
    return (
        f"SELECT {listed} FROM read_json({literal(str(path.absolute()))}, "
        f"format='newline_delimited', columns={{{types}}}{limit})"
    )


def _shape(value: Any) -> Shape:
    match value:
        case None:
            return None
        case bool():
            return "BOOLEAN"
        case int():
            return "BIGINT" if -(2**63) <= value < 2**63 else "DOUBLE"
        case float():
            return "DOUBLE"
        case datetime():
            return "TIMESTAMP" if value.tzinfo is None else "TIMESTAMP WITH TIME ZONE"
        case date():
            return "DATE"
        case time():
            return "TIME"
        case Mapping():
            fields = cast("Mapping[str, Any]", value)
            lower = {name.lower() for name in fields}
            if not fields or "" in lower or len(lower) < len(fields) or len(fields) > _MAX_FIELDS:
                return "JSON"
            return {name: _shape(part) for name, part in fields.items()}
        case list() | tuple():
            inner: Shape = None
            for part in cast("Sequence[Any]", value):
                inner = _merged(inner, _shape(part))
            return [inner]
        case _:
            return "VARCHAR"


def _merged(one: Shape, other: Shape) -> Shape:
    if one == other or other is None:
        return one
    if one is None:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        merged: dict[str, Any] = dict(one)
        for name, shape in other.items():
            merged[name] = _merged(merged.get(name), shape)
        lower = {name.lower() for name in merged}
        return "JSON" if len(lower) < len(merged) or len(merged) > _MAX_FIELDS else merged
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(one[0], other[0])]
    if isinstance(one, str) and isinstance(other, str) and "JSON" not in (one, other):
        both = {one, other}
        if both <= _NUMBERS:
            return "DOUBLE"
        return "TIMESTAMP" if both == {"DATE", "TIMESTAMP"} else "VARCHAR"
    return "JSON"


def _sql(shape: Shape) -> str:
    if shape is None:
        return "VARCHAR"
    if isinstance(shape, dict):
        fields = ", ".join(f"{quoted(name)} {_sql(part)}" for name, part in shape.items())
        return f"STRUCT({fields})"
    if isinstance(shape, list):
        return f"{_sql(shape[0])}[]"
    return shape
