"""Sheets of Excel workbooks, row by row, read and written without holding them whole.

openpyxl is imported on first use: it takes a tenth of a second that a start can do without.
"""

# What openpyxl leaves untyped stays here.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingModuleSource=false

import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from graphs.errors import NodeError
from graphs.tables.names import near
from graphs.tables.workbook_check import refusal

MAX_ROWS = 1_048_576
"""What a sheet can hold, its header row included."""

_MAX_CELL = 32_767
_MAX_EXACT = 10**15
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What XML, and so a workbook, cannot hold."""


def sheet_rows(
    path: Path, name: str, sheet: str, check: Callable[[], None]
) -> Iterator[tuple[Any, ...]]:
    """The rows of a sheet, the first one if none is named. Raises NodeError `file_unreadable`."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as packed:
            why = refusal(packed, check)
            if why is not None:
                raise _unreadable(name, why)
        with warnings.catch_warnings():
            # about styles and extensions, which do not matter here
            warnings.simplefilter("ignore")
            book = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise _unreadable(name, "it is no Excel workbook (.xlsx)") from error
    try:
        if sheet and sheet not in book.sheetnames:
            hint = near(sheet, book.sheetnames)
            raise _unreadable(name, f"it has no sheet {sheet!r}; {hint}")
        chosen = book[sheet] if sheet else book.worksheets[0]
        rows = chosen.iter_rows(values_only=True)
        for number in range(MAX_ROWS):
            if number % 1000 == 0:
                check()
            row = _next_row(rows, name, chosen.title, number + 1)
            if row is None:
                return
            yield tuple(_read_cell(cell) for cell in row)
        if _next_row(rows, name, chosen.title, MAX_ROWS + 1) is not None:
            raise _unreadable(name, f"the sheet {chosen.title!r} has rows beyond {MAX_ROWS:,}")
    finally:
        book.close()


def _next_row(rows: Iterator[Any], name: str, sheet: str, number: int) -> Any:
    """The next row, None after the last. Raises NodeError, which names the place."""
    where = f"the sheet {sheet!r}, at row {number:,}"
    try:
        return next(rows, None)
    except MemoryError:
        raise NodeError(
            f"{name!r} needs more memory than a node may use, in {where}; split it, or make its "
            "cells smaller",
            code="memory_limit",
            retryable=False,
        ) from None
    except (ValueError, KeyError, IndexError, SyntaxError, zlib.error, zipfile.BadZipFile) as error:
        raise _unreadable(name, f"{where}, is damaged") from error


def write_workbook(
    path: Path, names: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]], title: str
) -> None:
    """Write one sheet with a header row."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31] or "Table")
    sheet.freeze_panes = "A2"
    header: list[Any] = []
    for name in names:
        cell = WriteOnlyCell(sheet, value=_text(name))
        cell.font = Font(bold=True)
        cell.data_type = "s"
        header.append(cell)
    sheet.append(header)
    for batch in batches:
        for row in batch:
            sheet.append([_written_cell(sheet, value) for value in row])
    book.save(path)


def _read_cell(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, datetime) and value.time() == time() and value.year > 1900:
        return value.date()
    if isinstance(value, timedelta):
        return str(value)
    return value


def _written_cell(sheet: Any, value: Any) -> Any:
    if value is None or isinstance(value, bool | float | date | time):
        return value
    if isinstance(value, int):
        return value if abs(value) < _MAX_EXACT else _as_text(sheet, str(value))
    if isinstance(value, str) and not value.startswith("="):
        return _text(value)
    return _as_text(sheet, str(value))


def _as_text(sheet: Any, value: str) -> Any:
    """A cell that Excel does not take for a formula or round."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=_text(value))
    cell.data_type = "s"
    return cell


def _text(value: str) -> str:
    return _ILLEGAL.sub("", value)[:_MAX_CELL]


def _unreadable(name: str, why: str) -> NodeError:
    return NodeError(f"{name!r} cannot be read: {why}", code="file_unreadable", retryable=False)
