"""Writes a table as a file of any of the formats."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from graphs.artifacts import Column
from graphs.errors import NodeError
from graphs.tables.formats import FileFormat
from graphs.tables.names import literal, quoted
from graphs.tables.values import is_nested
from graphs.tables.work import Work
from graphs.tables.workbook import MAX_ROWS, write_workbook

_BATCH_ROWS = 2000
_EXCEL_DIGITS = 15
_EXCEL_TEXT = 32_767
_COPY_OPTIONS = {
    FileFormat.CSV: "FORMAT csv, HEADER true",
    FileFormat.TSV: "FORMAT csv, HEADER true, DELIMITER '\t'",
    FileFormat.JSON: "FORMAT json, ARRAY true",
    FileFormat.JSON_LINES: "FORMAT json",
    FileFormat.PARQUET: "FORMAT parquet, COMPRESSION zstd",
}


def write_table(
    work: Work,
    connection: DuckDBPyConnection,
    scan: str,
    columns: Sequence[Column],
    path: Path,
    format: FileFormat,
    title: str = "",
) -> int:
    """Write the rows of `scan` to a path that the connection reaches; returns how many."""
    if format is FileFormat.EXCEL:
        return _write_sheet(work, connection, scan, columns, path, title)
    if not columns and format is FileFormat.PARQUET:
        raise NodeError(
            "Parquet needs a column, and an empty list has none; write JSON or CSV instead",
            code="table_expected",
            retryable=False,
        )
    if not columns:
        return _write_nothing(path, format)
    listed = ", ".join(_written(column, format) for column in columns)
    counted = connection.execute(
        f"COPY (SELECT {listed} FROM {scan}) TO {literal(str(path.absolute()))} "
        f"({_COPY_OPTIONS[format]}, USE_TMP_FILE false)"
    ).fetchone()
    return 0 if counted is None else int(counted[0])


def _write_nothing(path: Path, format: FileFormat) -> int:
    """A table without columns, as an empty list is one, has no rows either."""
    path.write_text("[]\n" if format is FileFormat.JSON else "", encoding="utf-8")
    return 0


def _written(column: Column, format: FileFormat) -> str:
    name = quoted(column.name)
    if format is FileFormat.PARQUET:
        return name
    made = name
    if column.type == "TIMESTAMP WITH TIME ZONE":
        made = f"strftime(timezone('UTC', {name}), '%Y-%m-%dT%H:%M:%S.%fZ')"
        made = f"replace({made}, '.000000Z', 'Z')"
    elif column.type == "BLOB":
        made = f"to_base64({name})"
    elif column.type in ("DOUBLE", "FLOAT"):
        # JSON has neither NaN nor infinity, and a table is read back from CSV without them
        made = f"CASE WHEN isfinite({name}) THEN {name} END"
    elif column.type in ("DOUBLE[]", "FLOAT[]"):
        made = f"to_json(list_transform({name}, lambda x: CASE WHEN isfinite(x) THEN x END))"
    elif is_nested(column.type) and format in (FileFormat.CSV, FileFormat.TSV):
        made = f"to_json({name})"
    return f"{made} AS {name}"


def _write_sheet(
    work: Work,
    connection: DuckDBPyConnection,
    scan: str,
    columns: Sequence[Column],
    path: Path,
    title: str,
) -> int:
    counted = connection.execute(f"SELECT count(*) FROM {scan}").fetchone()
    count = 0 if counted is None else int(counted[0])
    if count >= MAX_ROWS:
        raise NodeError(
            f"an Excel sheet holds {MAX_ROWS - 1:,} rows, and there are {count:,}; write CSV or "
            "Parquet instead, or filter the rows before",
            code="table_too_large",
            retryable=False,
        )
    _refuse_long_texts(connection, scan, columns)
    listed = ", ".join(_sheet_cell(column) for column in columns) or "NULL"
    connection.execute(f"SELECT {listed} FROM {scan}")

    def batches() -> Iterator[Sequence[Sequence[Any]]]:
        while batch := connection.fetchmany(_BATCH_ROWS):
            work.check()
            yield [[_in_sheet(cell) for cell in row] for row in batch]

    write_workbook(path, [column.name for column in columns], batches(), title)
    return count


def _sheet_cell(column: Column) -> str:
    name = quoted(column.name)
    if column.type.startswith("DECIMAL"):
        return name
    if column.type in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isfinite({name}) THEN {name} END"
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {name})"
    if is_nested(column.type):
        return f"CAST(to_json({name}) AS VARCHAR)"
    if column.type == "BLOB":
        return f"to_base64({name})"
    if column.type.startswith(("TIMESTAMP", "DATE", "TIME", "BOOLEAN")) or "INT" in column.type:
        return name
    return f"CAST({name} AS VARCHAR)"


def _in_sheet(cell: Any) -> Any:
    """A cell as Excel can hold it; a number of more digits than it keeps becomes a text."""
    if not isinstance(cell, Decimal):
        return cell
    number = cell.normalize()
    if len(number.as_tuple().digits) > _EXCEL_DIGITS:
        return f"{cell:f}"
    return int(number) if number == number.to_integral_value() else float(number)


def _refuse_long_texts(
    connection: DuckDBPyConnection, scan: str, columns: Sequence[Column]
) -> None:
    cells = [(column.name, _sheet_cell(column)) for column in columns]
    texts = [(name, cell) for name, cell in cells if cell.startswith(("CAST(", "to_base64("))]
    if not texts:
        return
    longest = ", ".join(f"max(length({cell}))" for _, cell in texts)
    found = connection.execute(f"SELECT {longest} FROM {scan}").fetchone() or ()
    for (name, cell), length in zip(texts, found, strict=True):
        if length is None or length <= _EXCEL_TEXT:
            continue
        row = connection.execute(
            f"SELECT n FROM (SELECT row_number() OVER () AS n, {cell} AS cell FROM {scan}) "
            f"WHERE length(cell) > {_EXCEL_TEXT} ORDER BY n LIMIT 1"
        ).fetchone()
        raise NodeError(
            f"a cell of an Excel sheet holds {_EXCEL_TEXT:,} characters, and {name!r} in row "
            f"{row[0] if row else 1:,} has more; write CSV or JSON instead, or shorten the texts",
            code="table_too_large",
            retryable=False,
        )
