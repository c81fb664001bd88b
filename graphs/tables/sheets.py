"""A sheet of a workbook as rows by column name, and what is odd about its cells."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from msgspec import Struct

from graphs.tables.delimited.names_row import holds_names
from graphs.tables.objects import records
from graphs.tables.reading_settings import Header, Notice, Reading
from graphs.tables.workbook import Oddities, open_sheet

_SAMPLE = 100

Cells = tuple[Any, ...]


class SheetTable(Struct, frozen=True):
    """The rows of a sheet; its oddities are known after the last one."""

    title: str
    header: bool
    rows: Iterator[dict[str, Any]]
    oddities: Oddities

    def notices(self) -> list[Notice]:
        """What was odd about the cells that have been read."""
        return self.oddities.notices()


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
        return SheetTable(sheet.title, False, iter(()), sheet.oddities)
    sample = list(islice(filled, _SAMPLE))
    rest = chain(sample, filled)
    named = reading.header is Header.YES or (
        reading.header is Header.AUTO and holds_names(first, sample)
    )
    rows = _named(first, rest) if named else records([None] * len(first), chain([first], rest))
    return SheetTable(sheet.title, named, iter(islice(rows, limit)), sheet.oddities)


def _named(first: Cells, rows: Iterable[Cells]) -> Iterator[dict[str, Any]]:
    width = max(at for at, cell in enumerate(first, 1) if cell is not None)
    return records(first[:width], (_cut(row, width) for row in rows))


def _cut(row: Cells, width: int) -> Cells:
    """The row without the empty cells that stand right of the named columns."""
    return row if any(cell is not None for cell in row[width:]) else row[:width]
