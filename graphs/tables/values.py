"""Cells of a table as JSON has them.

No number is rounded on its way. A whole number of any size is a JSON integer; a number with a
fraction is a JSON number when reading it as a double gives the same decimal again (15 digits
always do), and otherwise a text with all its digits. NaN and infinities, which JSON does not
know, are null.
"""

import base64
import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast

from graphs.artifacts import Column
from graphs.tables.names import quoted

_LONGEST_INTEGER = sys.get_int_max_str_digits() or sys.maxsize
_AS_TEXT = ("INTERVAL", "UUID", "BIT", "GEOMETRY", "TIME WITH TIME ZONE", "ENUM")
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")


def fetchable(columns: Sequence[Column]) -> str:
    """The select list that fetches these columns in a form that `cells` understands."""
    listed = (f"{_fetchable(column)} AS {quoted(column.name)}" for column in columns)
    return ", ".join(listed) or "NULL"


def _fetchable(column: Column) -> str:
    name = quoted(column.name)
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {name})"
    if is_nested(column.type):
        return f"to_json({name})"
    if column.type.startswith(_AS_TEXT):
        return f"CAST({name} AS VARCHAR)"
    return name


def is_nested(type_name: str) -> bool:
    """Whether the cells of a column of that type hold several values."""
    return type_name.startswith(_NESTED) or type_name.endswith("]")


def rows_as_objects(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """Rows fetched by `fetchable` as objects by column name."""
    decoders = [
        (column.name, is_nested(column.type) or column.type == "JSON", column.type)
        for column in columns
    ]
    if not columns:
        return [{} for _ in rows]
    return [
        {
            name: _decoded(value) if nested else cell(value, type_name)
            for (name, nested, type_name), value in zip(decoders, row, strict=True)
        }
        for row in rows
    ]


def cell(value: Any, type_name: str = "") -> Any:
    """One value: moments become texts, bytes base64, NaN and infinities null."""
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return _number(value)
        case datetime():
            zone = "Z" if type_name == "TIMESTAMP WITH TIME ZONE" else ""
            return value.isoformat() + zone
        case date() | time():
            return value.isoformat()
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case Mapping():
            fields = cast("Mapping[Any, Any]", value)
            return {str(key): cell(part) for key, part in fields.items()}
        case list() | tuple():
            return [cell(part) for part in cast("Sequence[Any]", value)]
        case _:
            return str(value)


def _number(value: Decimal) -> int | float | str | None:
    if not value.is_finite():
        return None
    if value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else f"{value:f}"


def _fraction(text: str) -> int | float | str | None:
    """A JSON number with a point or an exponent."""
    near = float(text)
    same = math.isfinite(near) and Decimal(repr(near)) == Decimal(text)
    return near if same else text


def _whole(text: str) -> int | str:
    return int(text) if len(text) < _LONGEST_INTEGER else text


_DECODER = json.JSONDecoder(parse_float=_fraction, parse_int=_whole)


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return cell(value)
    try:
        return cell(_DECODER.decode(value))
    except (ValueError, RecursionError):
        return value
