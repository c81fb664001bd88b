"""Reads files of every format: tables into Parquet, texts and single JSON objects as values."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection
from msgspec import Struct

from graphs.errors import NodeError
from graphs.tables.formats import FileFormat
from graphs.tables.line_check import MAX_LINE_BYTES, too_long_line
from graphs.tables.names import literal
from graphs.tables.objects import records, write_objects
from graphs.tables.results import Written, columns_of, write_result
from graphs.tables.work import Work, message_of
from graphs.tables.workbook import sheet_rows

VALUE_LIMIT_BYTES = 100 * 1024 * 1024
"""A text or a JSON object is read whole; tables may be as large as the disk."""

_TO_ALL = -1


class Header(StrEnum):
    """Whether the first row holds the columns' names."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"


class Reading(Struct, frozen=True, kw_only=True):
    """How a file is to be read; `name` is what the analyst calls it."""

    name: str
    format: FileFormat
    delimiter: str = ""
    header: Header = Header.AUTO
    sheet: str = ""
    skip_rows: int = 0


def read_text(path: Path, name: str) -> str:
    """A text in UTF-8, UTF-16 with its mark, or else Windows' western alphabet."""
    if path.stat().st_size > VALUE_LIMIT_BYTES:
        raise _unreadable(name, f"it is larger than {VALUE_LIMIT_BYTES // 1024**2} MB")
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def json_object(path: Path, name: str) -> Any:
    """What a JSON file holds when it is no list; None when it is to be read as a table."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise _unreadable(name, "it is empty")
    if start.startswith(b"["):
        return None
    try:
        return json.loads(read_text(path, name))
    except RecursionError:
        raise _unreadable(name, "it is nested too deeply") from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and start.startswith(b"{"):
            return None
        raise _unreadable(name, f"it is no JSON: {error}") from None


def read_table(work: Work, path: Path, reading: Reading, target: Path) -> Written:
    """Read a file into a new Parquet file. Raises NodeError `file_unreadable`."""
    if path.stat().st_size == 0:
        raise _unreadable(reading.name, "it is empty")
    try:
        if reading.format is FileFormat.EXCEL:
            return _read_sheet(work, path, reading, target)
        return _read(work, path, reading, target)
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise _unreadable(reading.name, _said(error)) from error


def _read(work: Work, path: Path, reading: Reading, target: Path) -> Written:
    connection = work.connect([path, target])
    if reading.format in (FileFormat.CSV, FileFormat.TSV):
        return _read_separated(work, connection, path, reading, target)
    source = literal(str(path.absolute()))
    if reading.format is FileFormat.PARQUET:
        return write_result(work, connection, f"SELECT * FROM read_parquet({source})", target)
    built = "newline_delimited" if reading.format is FileFormat.JSON_LINES else "auto"
    for sample in (20480, _TO_ALL):
        sql = f"SELECT * FROM read_json({source}, format='{built}', sample_size={sample})"
        try:
            columns = columns_of(connection, sql)
            if [column.name for column in columns] == ["json"] and columns[0].type == "JSON":
                sql = f"SELECT json AS value FROM ({sql})"
            return write_result(work, connection, sql, target)
        except (duckdb.ConversionException, duckdb.InvalidInputException):
            # beyond the sample there is a cell of another type
            target.unlink(missing_ok=True)
            if sample == _TO_ALL:
                raise
    raise AssertionError("the last sample returns or raises")


def _read_separated(
    work: Work, connection: DuckDBPyConnection, path: Path, reading: Reading, target: Path
) -> Written:
    number = too_long_line(path, work.check)
    if number is not None:
        raise _unreadable(
            reading.name, f"line {number:,} is longer than {MAX_LINE_BYTES // 1024**2} MB"
        )
    delimiter = "\t" if reading.format is FileFormat.TSV else reading.delimiter
    options = ["null_padding=true"] if reading.format is FileFormat.TSV else []
    if delimiter:
        options.append(f"delim={literal(delimiter)}")
    if reading.header is not Header.AUTO:
        options.append(f"header={'true' if reading.header is Header.YES else 'false'}")
    if reading.skip_rows:
        options.append(f"skip={reading.skip_rows}")
    encodings = _encodings(path)
    attempts = [
        [*options, f"encoding='{encoding}'", f"sample_size={sample}"]
        for encoding in encodings
        for sample in (20480, _TO_ALL)
    ]
    for number, attempt in enumerate(attempts, 1):
        listed = "".join(f", {option}" for option in attempt)
        sql = f"SELECT * FROM read_csv({literal(str(path.absolute()))}{listed})"
        try:
            return write_result(work, connection, sql, target)
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            target.unlink(missing_ok=True)
            if number == len(attempts) or (_is_unicode(error) and len(encodings) == 1):
                raise
    raise AssertionError("the last attempt returns or raises")


def _encodings(path: Path) -> list[str]:
    with path.open("rb") as file:
        mark = file.read(2)
    return ["utf-16"] if mark in (b"\xff\xfe", b"\xfe\xff") else ["utf-8", "latin-1"]


def _is_unicode(error: Exception) -> bool:
    return "nicode" in str(error)


def _read_sheet(work: Work, path: Path, reading: Reading, target: Path) -> Written:
    rows = _cells(sheet_rows(path, reading.name, reading.sheet, work.check), reading)
    lines = write_objects(rows, work.folder / "sheet.jsonl", work.check)
    connection = work.connect([lines.path, target])
    return write_result(work, connection, lines.sql, target)


def _cells(rows: Iterator[tuple[Any, ...]], reading: Reading) -> Iterator[dict[str, Any]]:
    filled = (row for row in rows if any(cell is not None for cell in row))
    for _ in range(reading.skip_rows):
        next(filled, None)
    first = next(filled, None)
    if first is None:
        return
    named = reading.header is Header.YES or (
        reading.header is Header.AUTO and all(isinstance(cell, str | None) for cell in first)
    )
    if named:
        width = max(at for at, cell in enumerate(first, 1) if cell is not None)
        yield from records(first[:width], (_cut(row, width) for row in filled))
    else:
        yield from records([None] * len(first), _with(first, filled))


def _cut(row: tuple[Any, ...], width: int) -> tuple[Any, ...]:
    """The row without the empty cells that stand right of the named columns."""
    return row if any(cell is not None for cell in row[width:]) else row[:width]


def _with(first: tuple[Any, ...], rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield first
    yield from rows


def _said(error: Exception) -> str:
    lines = message_of(error).splitlines()[:4]
    return " ".join(line.split("Error: ", 1)[-1].strip() for line in lines)


def _unreadable(name: str, why: str) -> NodeError:
    return NodeError(f"{name!r} cannot be read: {why}", code="file_unreadable", retryable=False)
