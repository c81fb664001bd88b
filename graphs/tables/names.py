"""Names and values within SQL text, and columns by the names that people give."""

import difflib
import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from graphs.artifacts import Column
from graphs.errors import NodeError

UNKNOWN_COLUMNS = "__columns_unknown__"
"""The empty column by which a table's Parquet file says that it may have further ones: an empty
list has shown none of its own. Analysts are not shown it.
"""


def quoted(name: str) -> str:
    """The name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """The value as SQL has it; what is no scalar becomes its text."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"'{value}'::DOUBLE"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date | time):
        value = value.isoformat()
    return "'" + str(value).replace("'", "''") + "'"


def unique(names: Iterable[str]) -> list[str]:
    """The names, none empty and none twice, capitals or not: `_2`, `_3` … is added."""
    taken: set[str] = set()
    result: list[str] = []
    for position, name in enumerate(names, 1):
        base = name if name.strip() else f"column_{position}"
        given, number = base, 1
        while given.lower() in taken:
            number += 1
            given = f"{base}_{number}"
        taken.add(given.lower())
        result.append(given)
    return result


def find_column(columns: Sequence[Column], name: str, table: str = "The table") -> Column:
    """The column of that name; capitals count only where two differ in nothing else.

    Raises NodeError `column_unknown`, which names what comes near.
    """
    for column in columns:
        if column.name == name:
            return column
    same = [column for column in columns if column.name.lower() == name.strip().lower()]
    if len(same) == 1:
        return same[0]
    raise NodeError(
        f"{table} has no column {name!r}; {near(name, [each.name for each in columns])}",
        code="column_unknown",
        retryable=False,
    )


def near(name: str, among: Sequence[str]) -> str:
    """Which of the names was perhaps meant, or else what there is."""
    by_lower = {each.lower(): each for each in among}
    close = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(by_lower[each]) for each in close)}?"
    if not among:
        return "there is none"
    more = f" and {len(among) - 20} more" if len(among) > 20 else ""
    return f"there is: {', '.join(among[:20])}{more}"
