"""A sheet of a workbook as rows by column name, and what is odd about its cells."""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from graphs.tables.delimited.names_row import holds_names
from graphs.tables.names import unique
from graphs.tables.objects import records
from graphs.tables.reading_settings import Header, Notice, Reading
from graphs.tables.workbook import Oddities, open_sheet

_SAMPLE = 100
_MOST_TOLD = 5

Cells = tuple[Any, ...]


class SheetTable(Struct, frozen=True):
    """The rows of a sheet; its oddities are known after the last one."""

    title: str
    names: list[str]
    header: bool
    rows: Iterator[dict[str, Any]]
    oddities: Oddities

    odd: list[Notice]

    def notices(self) -> list[Notice]:
        """What was odd about the names, and about the cells that have been read."""
        return [*self.odd, *self.oddities.notices()]


def sheet_table(
    path: Path, reading: Reading, check: Callable[[], None], limit: int | None
) -> SheetTable:
    """The table in a sheet, at most `limit` rows of it. Raises NodeError `file_unreadable`."""
    sheet = open_sheet(path, reading.name, reading.sheet, check)
    below = islice(sheet.rows, reading.skip_rows, None)
    filled = (row for row in below if any(cell is not None for cell in row))
    first = next(filled, None)
    if first is None:
        sheet.rows.close()
        return SheetTable(sheet.title, [], False, iter(()), sheet.oddities, [])
    sample = list(islice(filled, _SAMPLE))
    rest = chain(sample, filled)
    named = reading.header is Header.YES or (
        reading.header is Header.AUTO and holds_names(first, sample)
    )
    if not named:
        names = unique("" for _ in first)
        rows = records(names, chain([first], rest))
        return SheetTable(sheet.title, names, False, iter(islice(rows, limit)), sheet.oddities, [])
    width = max(at for at, cell in enumerate(first, 1) if cell is not None)
    given = ["" if cell is None else str(cell).strip() for cell in first[:width]]
    names = unique(given)
    rows = records(names, (_cut(row, width) for row in rest))
    odd = _about_names(given, names, sample)
    return SheetTable(sheet.title, names, True, iter(islice(rows, limit)), sheet.oddities, odd)


def _about_names(given: list[str], names: list[str], sample: list[Cells]) -> list[Notice]:
    odd: list[Notice] = []
    renamed = [
        f"{old!r} is called {new!r}"
        for old, new in zip(given, names, strict=True)
        if old and old != new
    ]
    if renamed:
        odd.append(Notice(f"columns of the same name: {', '.join(renamed[:_MOST_TOLD])}"))
    wider = sum(any(cell is not None for cell in row[len(names) :]) for row in sample)
    if wider * 2 > len(sample):
        odd.append(
            Notice(
                "the row of the names has fewer cells than most rows; if it is a title, skip the "
                "rows above the names"
            )
        )
    return odd


def _cut(row: Cells, width: int) -> Cells:
    """The row without the empty cells that stand right of the named columns."""
    return row if any(cell is not None for cell in row[width:]) else row[:width]
