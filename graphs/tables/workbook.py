"""Sheets of Excel workbooks, row by row, read and written without holding them whole.

openpyxl is imported on first use: it takes a tenth of a second that a start can do without.
"""

# What openpyxl leaves untyped stays here.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingModuleSource=false
# pyright: reportPrivateUsage=false

import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from graphs.errors import NodeError
from graphs.tables.names import near
from graphs.tables.reading_settings import Notice, plural
from graphs.tables.workbook_check import refusal

MAX_ROWS = 1_048_576
"""What a sheet can hold, its header row included."""

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_CELL = 32_767
_MAX_EXACT = 10**15
_ERRORS = frozenset(
    ("#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!")
)
_UNCOUNTED = re.compile(rb"(?:<f[^>]*/>|</f>)(?:<v\s*/>|<v></v>)?</c>")
_ILLEGAL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML cannot hold or changes, and what would be taken for its stand-in."""

_STAND_IN = re.compile("_x((?!d[89a-f])[0-9a-f]{4})_", re.IGNORECASE)
"""How workbooks write such a character: a carriage return is `_x000D_`."""


class Oddities:
    """What is odd about a sheet's cells, counted while they are read."""

    def __init__(self) -> None:
        self.errors = 0
        self.first_error: tuple[int, str] | None = None
        self.durations = 0
        self.uncounted = 0
        self.merged = 0

    def notices(self) -> list[Notice]:
        """In words, with the row that is the first one."""
        said: list[Notice] = []
        if self.first_error is not None:
            row, shown = self.first_error
            count = plural(self.errors, "cell holds an error", "cells hold errors")
            said.append(Notice(f"{count} and was left empty, first {shown}", row))
        if self.uncounted:
            count = plural(self.uncounted, "formula has", "formulas have")
            said.append(
                Notice(f"{count} no stored result and is empty; open and save the file in Excel")
            )
        if self.durations:
            count = plural(self.durations, "duration is", "durations are")
            said.append(Notice(f"{count} given as a number of hours"))
        if self.merged:
            count = plural(self.merged, "area of cells is", "areas of cells are")
            said.append(Notice(f"{count} merged; the value stands in the first cell of each"))
        return said


_DAMAGED = (
    *(ValueError, LookupError, SyntaxError, EOFError, NotImplementedError),
    *(zlib.error, zipfile.BadZipFile),
)
"""What archives and XML that are not as they should be raise."""


class Sheet(Struct, frozen=True):
    """A sheet that is being read; closing the rows closes the file."""

    title: str
    rows: Generator[tuple[Any, ...], None, None]
    oddities: Oddities


def open_sheet(path: Path, name: str, sheet: str, check: Callable[[], None]) -> Sheet:
    """A sheet, the first one if none is named. Raises NodeError `file_unreadable`."""
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
    except (zipfile.BadZipFile, InvalidFileException) as error:
        raise _unreadable(name, _no_workbook(path)) from error
    except (*_DAMAGED, OSError, AttributeError, TypeError) as error:
        why = "a part of the workbook is not as it should be; save it anew in Excel"
        raise _unreadable(name, why) from error
    titles = [each.title for each in book.worksheets]
    if sheet and sheet not in titles:
        book.close()
        raise _unreadable(name, f"it has no sheet {sheet!r}; {near(sheet, titles)}")
    if not titles:
        book.close()
        raise _unreadable(name, "it has no sheet with cells")
    shown = [each for each in book.worksheets if each.sheet_state == "visible"]
    chosen = book[sheet] if sheet else (shown or book.worksheets)[0]
    oddities = Oddities()
    return Sheet(str(chosen.title), _rows(book, chosen, name, oddities, check), oddities)


def _no_workbook(path: Path) -> str:
    with path.open("rb") as file:
        old = file.read(len(_OLD_OFFICE)) == _OLD_OFFICE
    if not old:
        return "it is no Excel workbook (.xlsx)"
    return "it is an old Excel file (.xls) or has a password; save it as .xlsx without one"


def _rows(
    book: Any, chosen: Any, name: str, oddities: Oddities, check: Callable[[], None]
) -> Generator[tuple[Any, ...], None, None]:
    try:
        # what a sheet says about its own size is often wrong
        chosen.reset_dimensions()
        rows = chosen.iter_rows(values_only=True)
        for number in range(1, MAX_ROWS + 1):
            if number % 1000 == 0:
                check()
            row = _next_row(rows, name, chosen.title, number)
            if row is None:
                break
            yield tuple(_read_cell(cell, number, oddities) for cell in row)
        else:
            if _next_row(rows, name, chosen.title, MAX_ROWS + 1) is not None:
                raise _unreadable(name, f"the sheet {chosen.title!r} has rows beyond {MAX_ROWS:,}")
        _look_at_source(book, chosen, oddities, check)
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
    except _DAMAGED as error:
        raise _unreadable(name, f"{where}, is damaged") from error


def _look_at_source(book: Any, chosen: Any, oddities: Oddities, check: Callable[[], None]) -> None:
    """Count what the cells' values do not tell: formulas never computed, and merged areas."""
    tail = b""
    with book._archive.open(chosen._worksheet_path) as source:
        while piece := source.read(1024 * 1024):
            check()
            near = tail + piece
            cut = near.rfind(b"</c>") + 4
            whole, tail = (near[:cut], near[cut:]) if cut > 3 else (b"", near)
            if b"<f" in whole:
                oddities.uncounted += len(_UNCOUNTED.findall(whole))
            tail = tail[-_MAX_CELL * 8 :]
    oddities.merged = tail.count(b"<mergeCell ")


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


def _read_cell(value: Any, row: int, oddities: Oddities) -> Any:
    if isinstance(value, str):
        if value in _ERRORS:
            oddities.errors += 1
            oddities.first_error = oddities.first_error or (row, value)
            return None
        if "_x" in value:
            value = _STAND_IN.sub(lambda found: chr(int(found[1], 16)), value)
        return value if value.strip() else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _MAX_EXACT else value
    if isinstance(value, datetime) and value.time() == time() and value.year > 1900:
        return value.date()
    if isinstance(value, timedelta):
        oddities.durations += 1
        return value / timedelta(hours=1)
    return value


def _written_cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, float) and float(f"{value:.16g}") != value:
        return _all_digits(sheet, value)
    if value is None or isinstance(value, bool | float | date | time):
        return value
    if isinstance(value, int):
        return value if abs(value) < _MAX_EXACT else _as_text(sheet, str(value))
    if isinstance(value, str) and not value.startswith("="):
        return _text(value)
    return _as_text(sheet, str(value))


def _all_digits(sheet: Any, value: float) -> Any:
    """A number with all its digits: openpyxl writes 16, and a float may have 17."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=0.0)
    cell._value = repr(value)
    return cell


def _as_text(sheet: Any, value: str) -> Any:
    """A cell that Excel does not take for a formula or round."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=_text(value))
    cell.data_type = "s"
    return cell


def _text(value: str) -> str:
    return _ILLEGAL.sub(lambda found: f"_x{ord(found[0]):04X}_", value[:_MAX_CELL])


def _unreadable(name: str, why: str) -> NodeError:
    return NodeError(f"{name!r} cannot be read: {why}", code="file_unreadable", retryable=False)
