"""Reads files of every format: tables into Parquet, texts and single JSON objects as values."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
from msgspec import structs

from graphs.json_numbers import TooHeavy, check_weight
from graphs.tables.delimited.conversion import with_moments
from graphs.tables.delimited.encoding import as_utf8, head_of, shown
from graphs.tables.delimited.reader import escaped, reached, read_delimited
from graphs.tables.formats import FileFormat
from graphs.tables.json_rows import line_rows, object_of, value_rows
from graphs.tables.names import find_column, literal, quoted
from graphs.tables.objects import write_objects
from graphs.tables.reading_settings import (
    Notice,
    Reading,
    ReadTable,
    Understood,
    unreadable,
)
from graphs.tables.results import columns_of, write_result
from graphs.tables.sheets import sheet_table
from graphs.tables.work import Work, message_of

VALUE_LIMIT_BYTES = 100 * 1024 * 1024
"""A text or a JSON object is read whole; tables may be as large as the disk."""

HEAD_BYTES = 1024 * 1024
"""How much of a text file a preview goes by."""

HEAD_ROWS = 1000
"""How many rows of a sheet, or values of a JSON file, a preview goes by."""


def read_text(path: Path, name: str, encoding: str = "") -> str:
    """A text in UTF-8, UTF-16 or UTF-32, or else Windows' western alphabet."""
    if path.stat().st_size > VALUE_LIMIT_BYTES:
        raise unreadable(name, f"it is larger than {VALUE_LIMIT_BYTES // 1024**2} MB")
    return _decoded(path.read_bytes(), encoding)


def json_object(path: Path, name: str, encoding: str = "") -> Any:
    """What a JSON file holds when it is no list; None when it is to be read as a table."""
    with path.open("rb") as file:
        start = _decoded(file.read(4096), encoding).lstrip()
    if not start:
        raise unreadable(name, "it is empty")
    if start.startswith("["):
        return None
    text = read_text(path, name, encoding)
    try:
        check_weight(text.encode())
        return object_of(text)
    except TooHeavy as error:
        raise unreadable(
            name, f"{error}; make it a list of objects, to read it as a table"
        ) from None
    except RecursionError:
        raise unreadable(name, "it is nested too deeply") from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and start.startswith("{"):
            return None
        raise unreadable(name, f"it is no JSON: {error}") from None


def read_table(
    work: Work, path: Path, reading: Reading, target: Path, *, head: bool = False
) -> ReadTable:
    """Read a file, or only its head, into a new Parquet file. Raises NodeError `file_unreadable`
    and, for columns named in the settings, `column_unknown`.
    """
    if path.stat().st_size == 0:
        return _nothing(work, reading, target)
    try:
        if reading.format in (FileFormat.CSV, FileFormat.TSV):
            head_bytes = HEAD_BYTES if head else None
            return read_delimited(work, path, reading, target, head_bytes=head_bytes)
        if reading.format is FileFormat.EXCEL:
            return _read_sheet(work, path, reading, target, HEAD_ROWS if head else None)
        if reading.format is FileFormat.PARQUET:
            source = f"read_parquet({literal(escaped(path))})"
            limit = f" LIMIT {HEAD_ROWS}" if head else ""
            made = _stored(work, f"SELECT * FROM {source}{limit}", path, reading, target)
            return _headed(made, head)
        return _read_json(work, path, reading, target, head)
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise unreadable(reading.name, _said(error)) from error


def _nothing(work: Work, reading: Reading, target: Path) -> ReadTable:
    """A table without rows and columns, which an empty list is written as in these formats."""
    if reading.format not in (FileFormat.CSV, FileFormat.TSV, FileFormat.JSON_LINES):
        raise unreadable(reading.name, "it is empty")
    lines = write_objects((), work.folder / "rows.jsonl", work.check)
    notice = Notice("the file is empty, and so is the table: it has no rows and no columns")
    plain = structs.replace(reading, text_columns=())
    return _stored(work, lines.sql, lines.path, plain, target, notices=[notice])


def _read_json(work: Work, path: Path, reading: Reading, target: Path, head: bool) -> ReadTable:
    partial = head and path.stat().st_size > HEAD_BYTES
    if partial and reading.format is FileFormat.JSON_LINES:
        path = head_of(path, HEAD_BYTES, work.folder)
    text = as_utf8(path, reading.name, reading.encoding, work.folder, work.check)
    by_line = reading.format is FileFormat.JSON_LINES
    notices = list(text.notices)
    rows_of = line_rows if by_line else value_rows
    rows = rows_of(text.path, reading.name, work.check, notices)
    lines = write_objects(
        _first(rows, HEAD_ROWS) if partial else rows, work.folder / "rows.jsonl", work.check
    )
    dialect = Understood(encoding=shown(text.encoding))
    made = _stored(work, lines.sql, lines.path, reading, target, dialect, notices)
    return structs.replace(made, partial=partial)


def _read_sheet(
    work: Work, path: Path, reading: Reading, target: Path, limit: int | None
) -> ReadTable:
    sheet = sheet_table(path, reading, work.check, limit)
    lines = write_objects(sheet.rows, work.folder / "sheet.jsonl", work.check, sheet.names)
    dialect = Understood(header=sheet.header, skip_rows=reading.skip_rows, sheet=sheet.title)
    made = _stored(work, lines.sql, lines.path, reading, target, dialect)
    return _headed(structs.replace(made, notices=sheet.notices()), limit is not None)


def _headed(made: ReadTable, head: bool) -> ReadTable:
    return structs.replace(made, partial=head and made.written.row_count >= HEAD_ROWS)


def _stored(
    work: Work,
    sql: str,
    source: Path,
    reading: Reading,
    target: Path,
    dialect: Understood | None = None,
    notices: list[Notice] | None = None,
) -> ReadTable:
    """The result of a query; JSON's dates are found, and columns turned to text as is set."""
    connection = work.connect([*reached(source), target])
    columns = columns_of(connection, sql)
    if reading.format in (FileFormat.JSON, FileFormat.JSON_LINES):
        sql = with_moments(connection, sql, columns)
    if reading.text_columns:
        texts = {find_column(columns, name).name for name in reading.text_columns}
        changed = ", ".join(
            f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in sorted(texts)
        )
        sql = f"SELECT * REPLACE ({changed}) FROM ({sql})"
    written = write_result(work, connection, sql, target)
    return ReadTable(written, dialect or Understood(), notices or [])


def _first(rows: Iterable[Any], count: int) -> Iterable[Any]:
    for number, row in enumerate(rows):
        if number == count:
            return
        yield row


def _decoded(raw: bytes, encoding: str) -> str:
    if encoding and encoding != "auto":
        return raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    for mark, known in (
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if raw.startswith(mark):
            return raw.decode(known, errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _said(error: Exception) -> str:
    lines = message_of(error).splitlines()[:4]
    return " ".join(line.split("Error: ", 1)[-1].strip() for line in lines)
