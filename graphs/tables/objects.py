"""Python's rows as typed JSON Lines, which DuckDB reads as a table."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from graphs.tables.names import UNKNOWN_COLUMNS, literal, quoted, unique

Shape = str | dict[str, Any] | list[Any] | None
"""A DuckDB type or a kind of numbers: its name, a STRUCT as an object, a LIST as a list of one;
None is unknown yet.
"""

_MAX_FIELDS = 200
_MAX_DIGITS = 38
_DEFAULT_LINE_BYTES = 16 * 1024 * 1024
_EXACT_IN_DOUBLE = 2**53
_INTEGER, _LONG, _HUGE, _FLOAT, _EXACT = "INTEGER", "BIGINT", "HUGE", "DOUBLE", "EXACT"
_NUMBERS = {_INTEGER, _LONG, _HUGE, _FLOAT, _EXACT}
"""Whole numbers that a DOUBLE holds, of 64 bits, larger ones; floats; what no one type holds."""


class Lines(Struct, frozen=True):
    """A file of JSON Lines with the query that reads it."""

    path: Path
    sql: str


def write_objects(
    rows: Iterable[Any], path: Path, check: Callable[[], None], known: Sequence[str] = ()
) -> Lines:
    """Write objects by column name; other values become rows of the one column `value`.

    Columns come in the order in which they are first seen, after those that are `known` before;
    of a list without any row, no others are known. Numbers keep their value: whole numbers with
    fractions among them become a DECIMAL or texts where a DOUBLE would round one.
    """
    positions = {name: at for at, name in enumerate(known)}
    shapes: list[Shape] = [None] * len(positions)
    longest = count = 0
    encode = msgspec.json.Encoder().encode
    with path.open("wb", buffering=1024 * 1024) as file:
        for count, row in enumerate(rows, 1):
            if count % 1000 == 1:
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
    names = list(positions) or (["value"] if count else [])
    shapes = shapes or [None] * len(names)
    digits = _digits(path, [at for at, shape in enumerate(shapes) if shape in (_HUGE, _EXACT)])
    return Lines(path, _reading(path, names, shapes, digits, longest))


def records(names: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Rows of cells as objects; a row longer than the names is given further names."""
    known = unique("" if name is None else str(name) for name in names)
    for row in rows:
        if len(row) > len(known):
            known = unique([*known, *itertools.repeat("", len(row) - len(known))])
        yield dict(zip(known, row, strict=False))


def _reading(
    path: Path, names: list[str], shapes: list[Shape], digits: Mapping[int, str], longest: int
) -> str:
    if not names:
        return f"SELECT NULL::VARCHAR AS {quoted(UNKNOWN_COLUMNS)} WHERE false"
    read_as = ["VARCHAR" if at in digits else _sql(shape) for at, shape in enumerate(shapes)]
    types = ", ".join(f"c{at}: {literal(name)}" for at, name in enumerate(read_as))
    listed = ", ".join(
        f"{f'CAST(c{at} AS {digits[at]})' if at in digits else f'c{at}'} AS {quoted(name)}"
        for at, name in enumerate(unique(names))
    )
    # DuckDB takes several buffers of this size
    limit = f", maximum_object_size={longest * 2}" if longest > _DEFAULT_LINE_BYTES else ""
    return (
        f"SELECT {listed} FROM read_json({literal(str(path.absolute()))}, records=true, "
        f"format='newline_delimited', columns={{{types}}}{limit})"
    )


def _digits(path: Path, positions: Sequence[int]) -> dict[int, str]:
    """The type that holds every number of these columns: a DECIMAL, or else texts."""
    if not positions:
        return {}
    whole = dict.fromkeys(positions, 0)
    fraction = dict.fromkeys(positions, 0)
    with path.open("rb") as file:
        for line in file:
            fields = msgspec.json.decode(line)
            for at in positions:
                value = fields.get(f"c{at}")
                if value is not None:
                    before, after = _places(value)
                    whole[at] = max(whole[at], before)
                    fraction[at] = max(fraction[at], after)
    return {
        at: f"DECIMAL({_MAX_DIGITS},{fraction[at]})"
        if whole[at] + fraction[at] <= _MAX_DIGITS
        else "VARCHAR"
        for at in positions
    }


def _places(value: Any) -> tuple[int, int]:
    """How many digits a number has before and after its point; a DECIMAL is written as a text."""
    number = Decimal(repr(value) if isinstance(value, float) else value)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        return _MAX_DIGITS + 1, 0
    return max(number.adjusted() + 1, 0), max(-exponent, 0)


def _shape(value: Any) -> Shape:
    match value:
        case None:
            return None
        case bool():
            return "BOOLEAN"
        case int():
            if -_EXACT_IN_DOUBLE <= value <= _EXACT_IN_DOUBLE:
                return _INTEGER
            return _LONG if -(2**63) <= value < 2**63 else _HUGE
        case float():
            # JSON has neither NaN nor infinity: they are written as null
            return _FLOAT if math.isfinite(value) else None
        case Decimal():
            return _EXACT
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
            return _numbers(both)
        return "TIMESTAMP" if both == {"DATE", "TIMESTAMP"} else "VARCHAR"
    return "JSON"


def _numbers(both: set[str]) -> str:
    for kind in (_EXACT, _HUGE):
        if kind in both:
            return _EXACT if _FLOAT in both else kind
    if both == {_LONG, _FLOAT}:
        return _EXACT
    return _LONG if _LONG in both else _FLOAT


def _sql(shape: Shape) -> str:
    """The type of a column or of what is in one; there, JSON holds what no one type does."""
    if shape is None:
        return "VARCHAR"
    if shape in (_HUGE, _EXACT):
        return "JSON"
    if shape == _INTEGER:
        return "BIGINT"
    if isinstance(shape, dict):
        fields = ", ".join(f"{quoted(name)} {_sql(part)}" for name, part in shape.items())
        return f"STRUCT({fields})"
    if isinstance(shape, list):
        return f"{_sql(shape[0])}[]"
    return shape
