"""Writes a table as a file of any of the formats."""

from collections.abc import Iterator, Sequence
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
    listed = ", ".join(_written(column, format) for column in columns)
    counted = connection.execute(
        f"COPY (SELECT {listed} FROM {scan}) TO {literal(str(path.absolute()))} "
        f"({_COPY_OPTIONS[format]}, USE_TMP_FILE false)"
    ).fetchone()
    return 0 if counted is None else int(counted[0])


def _written(column: Column, format: FileFormat) -> str:
    name = quoted(column.name)
    if format in (FileFormat.PARQUET,):
        return name
    made = name
    if column.type == "TIMESTAMP WITH TIME ZONE":
        made = f"strftime(timezone('UTC', {name}), '%Y-%m-%dT%H:%M:%SZ')"
    elif column.type == "BLOB":
        made = f"to_base64({name})"
    elif column.type in ("DOUBLE", "FLOAT") and format in (FileFormat.JSON, FileFormat.JSON_LINES):
        # JSON has neither NaN nor infinity
        made = f"CASE WHEN isfinite({name}) THEN {name} END"
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
    listed = ", ".join(_sheet_cell(column) for column in columns)
    connection.execute(f"SELECT {listed} FROM {scan}")

    def batches() -> Iterator[Sequence[Sequence[Any]]]:
        while batch := connection.fetchmany(_BATCH_ROWS):
            work.check()
            yield batch

    write_workbook(path, [column.name for column in columns], batches(), title)
    return count


def _sheet_cell(column: Column) -> str:
    name = quoted(column.name)
    if column.type.startswith("DECIMAL"):
        return f"CAST({name} AS DOUBLE)"
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
