"""Decides whether a table's first row holds the names of its columns."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any


class Kind(Enum):
    """What a cell looks like."""

    EMPTY = 0
    TEXT = 1
    NUMBER = 2
    MOMENT = 3
    TRUTH = 4


_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?%?")
_TIME = r"\d\d?:\d\d(:\d\d([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?"
_MOMENT = re.compile(
    rf"(\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}})"
    rf"((T|,? +){_TIME}( ?(Z|[A-Z]{{3,4}}|[+-]\d\d(:?\d\d)?))?)?"
    rf"|{_TIME}"
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_SHORTEST_RUN = 3


def kind_of(cell: Any) -> Kind:
    """What a cell looks like, be it a text or a value of a sheet."""
    if cell is None or cell == "":
        return Kind.EMPTY
    if isinstance(cell, bool):
        return Kind.TRUTH
    if isinstance(cell, int | float):
        return Kind.NUMBER
    if isinstance(cell, datetime | date | time | timedelta):
        return Kind.MOMENT
    text = str(cell).strip()
    if not text:
        return Kind.EMPTY
    if _NUMBER.fullmatch(text):
        return Kind.MOMENT if _MOMENT.fullmatch(text) else Kind.NUMBER
    if _MOMENT.fullmatch(text):
        return Kind.MOMENT
    return Kind.TRUTH if text.lower() in ("true", "false") else Kind.TEXT


def holds_names(first: Sequence[Any], rest: Sequence[Sequence[Any]]) -> bool:
    """Whether the first row names the columns of the rows that follow.

    Numbers and dates in it are names when they differ in kind from what is beneath them, are years
    over other numbers, or count up from 0 or 1 beside a text. A row of texts alone holds names.
    """
    names = values = 0
    run = _counted_up(first)
    for at, cell in enumerate(first):
        kind = kind_of(cell)
        below = [row[at] for row in rest if at < len(row) and kind_of(row[at]) is not Kind.EMPTY]
        kinds = {kind_of(each) for each in below}
        if kind in (Kind.EMPTY, Kind.TEXT):
            names += kind is Kind.TEXT and bool(kinds) and Kind.TEXT not in kinds
        elif (kinds and kind not in kinds and Kind.TEXT not in kinds) or (
            _is_year(cell) and below and not any(_is_year(each) for each in below)
        ):
            names += 1
        elif not (at in run and any(kind_of(each) is Kind.TEXT for each in first)):
            values += 1
    return names > values or values == 0


def _is_year(cell: Any) -> bool:
    text = str(cell).strip()
    return len(text) == 4 and text.isdecimal() and _FIRST_YEAR <= int(text) <= _LAST_YEAR


def _counted_up(first: Sequence[Any]) -> set[int]:
    """The places of the numbers, if they are 1, 2, 3 … or 0, 1, 2 …"""
    places = [at for at, cell in enumerate(first) if kind_of(cell) is Kind.NUMBER]
    texts = [str(first[at]).strip() for at in places]
    start = texts[0] if texts else ""
    if len(texts) < _SHORTEST_RUN or start not in ("0", "1"):
        return set()
    wanted = [str(int(start) + step) for step in range(len(texts))]
    return set(places) if texts == wanted else set()
