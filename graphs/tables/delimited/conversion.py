"""Gives the columns of a table of texts their types, each after a look at all of its values."""

import re
from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection
from msgspec import Struct

from graphs.artifacts import Column
from graphs.tables.delimited.columns import Candidate, candidates, is_long_number, moments
from graphs.tables.names import find_column, quoted
from graphs.tables.reading_settings import ColumnKind, DecimalSign, Notice, Reading, unreadable

_COMMA = re.compile(r"-?(0|[1-9]\d*),\d+")
_POINT = re.compile(r"-?(0|[1-9]\d*)\.\d+")
_GROUPED = re.compile(r"-?[1-9]\d{0,2}([.,]\d{3})+")
_WHOLE_DIGITS = re.compile(r"-?[1-9]\d{15,}")
_SHOWN = {
    ColumnKind.WHOLE_NUMBER: "a whole number",
    ColumnKind.DECIMAL: "a number",
    ColumnKind.DATE: "a date",
    ColumnKind.TIMESTAMP: "a date with a time",
    ColumnKind.BOOLEAN: "true or false",
    None: "a time",
}


class Converted(Struct, frozen=True):
    """The select list that makes values of the texts, the rows counted, and what was odd."""

    selected: str
    rows: int
    notices: list[Notice]


class _Column(Struct):
    """A column while its type is being found; `x` is the SQL of its text."""

    name: str
    source: str
    x: str
    left: list[Candidate]
    forced: ColumnKind | None
    looked_typed: bool = False
    values: int | None = None
    failed: int = 0
    example: str = ""
    failed_kind: ColumnKind | None = None
    sql: str | None = None


def has_decimal_comma(sample: Sequence[Sequence[str]], wanted: DecimalSign) -> bool:
    """Whether the numbers have a decimal comma.

    Found out only when a column is all numbers with commas that can be no thousands separators,
    and no column has numbers with a point.
    """
    if wanted is not DecimalSign.AUTO:
        return wanted is DecimalSign.COMMA
    proof = False
    for column in _transposed(sample):
        values = [text.strip() for text in column if text.strip()]
        if any(_POINT.fullmatch(text) and not _GROUPED.fullmatch(text) for text in values):
            return False
        commas = [text for text in values if "," in text]
        fits = all(_COMMA.fullmatch(text) or text.lstrip("-").isdigit() for text in values)
        if commas and fits and any(not _GROUPED.fullmatch(text) for text in commas):
            proof = True
    return proof


def converted(
    connection: DuckDBPyConnection,
    scan: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    comma: bool,
    reading: Reading,
) -> Converted:
    """The types of the columns `c0`, `c1` … of a scan.

    Raises NodeError `column_unknown`, and `file_unreadable` for a type set that does not fit.
    """
    columns = _columns(names, sample, comma, reading)
    rows = _decide(connection, scan, columns)
    notices: list[Notice] = []
    selected: list[str] = []
    for column in columns:
        sql = column.sql
        if sql is None and column.values:
            if column.forced not in (None, ColumnKind.TEXT):
                raise unreadable(
                    reading.name,
                    f"{column.name!r} cannot be read as {_SHOWN[column.forced]}: {column.failed:,} "
                    f"of {column.values:,} values are not, such as {column.example[:100]!r}"
                    f"{_remedy(column.forced)}",
                )
            notices += _why_text(column)
        selected.append(f"{sql or column.source} AS {quoted(column.name)}")
    return Converted(", ".join(selected), rows, notices)


def with_moments(connection: DuckDBPyConnection, sql: str, columns: Sequence[Column]) -> str:
    """The query with those of its texts as dates and times that are such in ISO 8601 throughout."""
    listed = ", ".join(f"c{at}" for at in range(len(columns)))
    scan = f"({sql}) AS given({listed})"
    looked = [
        _Column(column.name, f"c{at}", f"c{at}", moments(), None)
        for at, column in enumerate(columns)
        if column.type == "VARCHAR"
    ]
    if looked:
        _decide(connection, scan, looked)
    found = {column.source: column.sql for column in looked}
    selected = ", ".join(
        f"{found.get(f'c{at}') or f'c{at}'} AS {quoted(column.name)}"
        for at, column in enumerate(columns)
    )
    return f"SELECT {selected} FROM {scan}"


def _columns(
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    comma: bool,
    reading: Reading,
) -> list[_Column]:
    known = [Column(name, "VARCHAR") for name in names]
    forced = {find_column(known, name).name: ColumnKind.TEXT for name in reading.text_columns}
    for name, kind in reading.column_types.items():
        forced[find_column(known, name).name] = kind
    nulls = {"", *reading.null_texts}
    possible = candidates(comma, reading.date_order)
    transposed = _transposed(sample)
    columns: list[_Column] = []
    for at, name in enumerate(names):
        texts = transposed[at] if at < len(transposed) else []
        texts = list({text for text in texts if text not in nulls})
        padded = any(text != text.strip() for text in texts)
        wanted = forced.get(name)
        if wanted is None:
            left = [each for each in possible if all(each.fits(text.strip()) for text in texts)]
        else:
            left = [each for each in possible if each.kind is wanted]
        source = f"c{at}"
        columns.append(
            _Column(
                name,
                source,
                f"trim({source})" if padded or wanted else source,
                left,
                wanted,
                bool(texts) and bool(left),
            )
        )
    return columns


def _decide(connection: DuckDBPyConnection, scan: str, columns: list[_Column]) -> int:
    """Look at all values, once and then again for columns that are not what they seemed."""
    rows: int | None = None
    while True:
        open_columns = [
            column
            for column in columns
            if column.sql is None and column.left and column.values != 0
        ]
        if rows is not None and not open_columns:
            return rows
        asked = ["count(*)"]
        for column in columns if rows is None else open_columns:
            asked += _questions(column)
        found = connection.execute(f"SELECT {', '.join(asked)} FROM {scan}").fetchone()
        answers = iter(found or ())
        counted = int(next(answers))
        for column in columns if rows is None else open_columns:
            _answer(column, [next(answers) for _ in _questions(column)])
        rows = counted


def _questions(column: _Column) -> list[str]:
    if not column.left:
        return [f"count({column.source})"]
    candidate = column.left[0]
    misfit = f"FILTER (WHERE {column.source} IS NOT NULL AND NOT coalesce({candidate.test}, false))"
    asked = [f"count({column.source})", f"count(*) {misfit}", f"min({column.source}) {misfit}"]
    return [each.replace("{x}", column.x) for each in (*asked, *candidate.measures)]


def _answer(column: _Column, answers: list[Any]) -> None:
    column.values = int(answers[0])
    if not column.left or column.values == 0:
        return
    candidate = column.left.pop(0)
    if answers[1]:
        example = str(answers[2])
        if not column.failed or answers[1] <= column.failed:
            column.failed, column.example = int(answers[1]), example
            column.failed_kind = candidate.kind
        column.left = [each for each in column.left if each.fits(example.strip())]
        return
    made = candidate.cast(answers[3:])
    if made is not None:
        column.sql = made.replace("{x}", column.x)


def _remedy(kind: ColumnKind | None) -> str:
    if kind in (ColumnKind.DATE, ColumnKind.TIMESTAMP):
        return "; set Date order, or convert it with the node Select columns"
    if kind in (ColumnKind.DECIMAL, ColumnKind.WHOLE_NUMBER):
        return "; set Decimal sign, or convert it with the node Select columns"
    return "; convert it with the node Select columns"


def _why_text(column: _Column) -> list[Notice]:
    """Says so when a column that looked like numbers or dates has a few other values."""
    if column.forced is ColumnKind.TEXT or not column.looked_typed or not column.failed:
        return []
    if column.failed_kind is None and column.failed * 2 > (column.values or 0):
        return []
    example = column.example.strip()
    if is_long_number(example) or _WHOLE_DIGITS.fullmatch(example):
        return [
            Notice(
                f"{column.name!r} stays text: it has whole numbers of more digits than a number "
                f"keeps, such as {column.example[:60]}"
            )
        ]
    return [
        Notice(
            f"{column.name!r} stays text: {column.failed:,} of {column.values or 0:,} values are "
            f"not {_SHOWN[column.failed_kind]}, such as {column.example[:60]!r}"
        )
    ]


def _transposed(sample: Sequence[Sequence[str]]) -> list[list[str]]:
    width = max((len(row) for row in sample), default=0)
    return [[row[at] for row in sample if at < len(row)] for at in range(width)]
