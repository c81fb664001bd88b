"""Writes delimited text anew in its plainest form, where it is not so plain that a scan will do.

All rows get the same number of cells, lines end in LF, and quotes stand where they are needed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from graphs.tables.delimited.records import Dialect, Malformed, Record, Source, records_of
from graphs.tables.reading_settings import Notice, Ragged, plural

MAX_COLUMNS = 4000
ONE_COLUMN = "\x1f"
"""Stands as the separator of a text that has none."""


class Rewritten(Struct, frozen=True):
    """A text in its plainest form without the row of the names; `width` is that of all rows."""

    path: Path
    width: int
    rows: int
    longest: int
    notices: list[Notice]


class _Counts(Struct):
    rows: int = 0
    short: int = 0
    first_short: int | None = None
    long: int = 0
    first_long: int | None = None
    blank: int = 0
    first_blank: int | None = None
    longest: int = 0
    width: int = 0


def rewritten(
    path: Path,
    dialect: Dialect,
    width: int,
    first_row: int,
    target: Path,
    ragged: Ragged,
    check: Callable[[], None],
) -> Rewritten:
    """Write the records from the line `first_row` on; at least `width` cells a row.

    Raises Malformed, also for rows of another width when `ragged` refuses them.
    """
    counts, nul = _write(path, dialect, width, first_row, target, ragged, check)
    if counts.width > width:
        # an earlier row has been written without the cells that a later one turned out to have
        again, nul = _write(path, dialect, counts.width, first_row, target, ragged, check)
        counts.longest = again.longest
    return Rewritten(
        target, counts.width, counts.rows, counts.longest, _notices(counts, width, nul)
    )


def _write(
    path: Path,
    dialect: Dialect,
    width: int,
    first_row: int,
    target: Path,
    ragged: Ragged,
    check: Callable[[], None],
) -> tuple[_Counts, int | None]:
    counts = _Counts(width=width)
    separator = dialect.separator or ONE_COLUMN
    blanks: list[int] = []
    with (
        path.open(encoding="utf-8", newline="") as file,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        source = Source(file, check)
        for record in records_of(source, dialect):
            if record.line < first_row:
                continue
            if not record.cells:
                blanks.append(record.line)
                continue
            if blanks and not dialect.separator:
                # in a text of one column a blank line has a value that is missing
                out.write('""\n' * len(blanks))
                counts.rows += len(blanks)
                blanks.clear()
            _count_blanks(counts, blanks)
            size = _write_row(out, record, separator, dialect.quote, width, counts, ragged)
            counts.longest = max(counts.longest, size)
        _count_blanks(counts, blanks)
    return counts, source.nul_line


def _write_row(
    out: TextIO,
    record: Record,
    separator: str,
    quote: str,
    width: int,
    counts: _Counts,
    ragged: Ragged,
) -> int:
    cells = record.cells
    counts.rows += 1
    if len(cells) == width:
        if record.plain is not None and '"' not in record.plain and separator in record.plain:
            return out.write(record.plain + "\n")
    else:
        while len(cells) > width and not cells[-1]:
            cells.pop()
        if len(cells) > MAX_COLUMNS and len(cells) > width:
            raise Malformed(
                record.line, f"it has {len(cells):,} cells; {MAX_COLUMNS:,} is the most"
            )
        if len(cells) != width and ragged is Ragged.REFUSE:
            raise Malformed(
                record.line,
                f"it has {plural(len(cells), 'cell', 'cells')} where there are {width} columns",
            )
        if len(cells) < width:
            counts.short += 1
            counts.first_short = counts.first_short or record.line
            cells += [""] * (width - len(cells))
        elif len(cells) > width:
            counts.long += 1
            counts.first_long = counts.first_long or record.line
            counts.width = max(counts.width, len(cells))
    return out.write(separator.join(_cell(cell, separator) for cell in cells) + "\n")


def _cell(cell: str, separator: str) -> str:
    if '"' in cell or separator in cell or "\n" in cell or "\r" in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell or ('""' if separator == ONE_COLUMN else "")


def _count_blanks(counts: _Counts, blanks: list[int]) -> None:
    if blanks:
        counts.blank += len(blanks)
        counts.first_blank = counts.first_blank or blanks[0]
        blanks.clear()


def _notices(counts: _Counts, width: int, nul: int | None) -> list[Notice]:
    notices: list[Notice] = []
    if counts.short:
        said = plural(counts.short, "row was", "rows were")
        notices.append(
            Notice(
                f"{said} shorter than the others; their last cells are empty", counts.first_short
            )
        )
    if counts.long:
        said = plural(counts.long, "row was", "rows were")
        more = plural(counts.width - width, "column", "columns")
        notices.append(
            Notice(f"{said} longer than the others; {more} more were made", counts.first_long)
        )
    if counts.blank:
        said = plural(counts.blank, "blank line was", "blank lines were")
        notices.append(Notice(f"{said} left out", counts.first_blank))
    if nul is not None:
        notices.append(Notice("NUL characters were taken out", nul))
    return notices
