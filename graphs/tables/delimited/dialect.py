"""Finds out how delimited text is built: from the line of the names first, then from most rows."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from graphs.tables.delimited.names_row import Kind, holds_names, kind_of
from graphs.tables.delimited.records import Dialect, Malformed, Record, Source, records_of
from graphs.tables.formats import FileFormat
from graphs.tables.reading_settings import Header, Notice, Quote, Reading, unreadable

_HEAD_CHARACTERS = 512 * 1024
_HEAD_RECORDS = 1000
_CANDIDATES = ("\t", ";", "|", ",")
"""The less a character occurs within texts, the earlier."""

_QUOTES = {Quote.DOUBLE: '"', Quote.SINGLE: "'", Quote.NONE: ""}
_SEPARATOR_LINE = re.compile(r"sep=(.{1,4})", re.IGNORECASE)
_WRITTEN = {"\\t": "\t", "tab": "\t"}


class TextLayout(Struct, frozen=True):
    """What the head of a file tells: its dialect, the row of the names, and rows to go by."""

    dialect: Dialect
    header: bool
    first: Record
    """The first record that is not blank, be it the names or not."""

    sample: list[list[str]]
    notices: list[Notice]


def layout_of(path: Path, reading: Reading) -> TextLayout:
    """How the file is built. Raises NodeError `file_unreadable` when nothing is in it."""
    with path.open(encoding="utf-8", newline="") as file:
        head = file.read(_HEAD_CHARACTERS)
        cut = bool(file.read(1))
    start = reading.skip_rows + 1
    told = _separator_line(head)
    if told is not None:
        start = max(start, 2)
    separator = _WRITTEN.get(reading.delimiter.lower(), reading.delimiter) or told or ""
    if any(sign in separator for sign in ('"', "\n", "\r")):
        raise unreadable(reading.name, f"{separator!r} cannot be a separator")
    if not separator and reading.format is FileFormat.TSV and "\t" in head:
        separator = "\t"
    notices: list[Notice] = []
    if separator:
        dialect = _with_quotes(head, cut, separator, start, reading.quote)
    else:
        tried = [
            _with_quotes(head, cut, each, start, reading.quote)
            for each in _CANDIDATES
            if each in head
        ]
        one = _with_quotes(head, cut, "", start, reading.quote)
        fits = [(_score(head, cut, dialect), dialect) for dialect in tried]
        best = max(fits, key=lambda fit: fit[0], default=((0.0, 0), one))
        dialect = best[1] if best[0][0] > 0 else one
    records = [record for record in _head_records(head, cut, dialect) if record.cells]
    if not records:
        raise unreadable(reading.name, "there is no row in it" if start == 1 else "no row is left")
    first, rest = records[0], [record.cells for record in records[1:]]
    if not dialect.separator:
        notices += _one_column(rest, reading)
    return TextLayout(dialect, _has_names(first, rest, reading), first, rest, notices)


def _separator_line(head: str) -> str | None:
    """What a first line such as `sep=;` says, which Excel writes and reads."""
    line = head.split("\n", 1)[0].rstrip("\r").strip('"')
    found = _SEPARATOR_LINE.fullmatch(line)
    return found.group(1) if found else None


def _with_quotes(head: str, cut: bool, separator: str, start: int, wanted: Quote) -> Dialect:
    if wanted is not Quote.AUTO:
        dialect = Dialect(separator=separator, quote=_QUOTES[wanted], start=start)
    else:
        single = '"' not in head and _is_wrapped(head, cut, separator, start)
        dialect = Dialect(separator=separator, quote="'" if single else '"', start=start)
    if '\\"' in head and dialect.quote and not _is_sound(head, cut, dialect):
        escaped = Dialect(separator=separator, quote=dialect.quote, backslash=True, start=start)
        if _is_sound(head, cut, escaped):
            return escaped
    return dialect


def _is_wrapped(head: str, cut: bool, separator: str, start: int) -> bool:
    """Whether every name of the first row stands between apostrophes, and all is sound so."""
    plain = Dialect(separator=separator, quote="", start=start)
    rows = [each.cells for each in _head_records(head, cut, plain) if each.cells]
    first = rows[0] if rows else []
    if not first or any(len(cell) < 2 or not cell[0] == cell[-1] == "'" for cell in first):
        return False
    return _is_sound(head, cut, Dialect(separator=separator, quote="'", start=start))


def _is_sound(head: str, cut: bool, dialect: Dialect) -> bool:
    source = Source(io.StringIO(head, newline=""), _nothing)
    try:
        for _ in records_of(source, dialect):
            pass
    except Malformed:
        return cut and source.next() is None
    return True


def _head_records(head: str, cut: bool, dialect: Dialect) -> list[Record]:
    """The first records; what is malformed ends them, and the last one of a cut head is none."""
    records: list[Record] = []
    try:
        for record in records_of(Source(io.StringIO(head, newline=""), _nothing), dialect):
            records.append(record)
            if len(records) > _HEAD_RECORDS:
                return records
    except Malformed:
        return records
    return records[:-1] if cut else records


def _score(head: str, cut: bool, dialect: Dialect) -> tuple[float, int]:
    """How well a separator fits, 0 if the line of the names does not have it; how many it has."""
    records = [record.cells for record in _head_records(head, cut, dialect) if record.cells]
    if not records or len(records[0]) < 2:
        return 0.0, 0
    width = len(records[0])
    while width > 1 and not records[0][width - 1].strip():
        width -= 1
    rest = records[1:] or records
    wide = (width, len(records[0]))
    agreeing = sum(len(cells) in wide or _width(cells) in wide for cells in rest) / len(rest)
    cells = [cell for record in rest for cell in record if cell.strip()]
    typed = sum(kind_of(cell) not in (Kind.TEXT, Kind.EMPTY) for cell in cells)
    clean = sum(_is_clean(cell, dialect.quote) for cell in records[0]) / len(records[0])
    return 0.01 + agreeing + 0.5 * typed / max(len(cells), 1) + 0.2 * clean, width


def _is_clean(name: str, quote: str) -> bool:
    """Whether it looks like a whole name: a wrong separator cuts quoted ones to pieces."""
    return name == name.strip() and not (quote and quote in name)


def _width(cells: Sequence[str]) -> int:
    """How many cells a row has, empty ones at its end aside."""
    width = len(cells)
    while width > 1 and not cells[width - 1]:
        width -= 1
    return width


def _one_column(rest: list[list[str]], reading: Reading) -> list[Notice]:
    """Says so when rows look as though they had several columns, and the first line does not."""
    counts = Counter(sign for cells in rest for sign in _CANDIDATES if cells and sign in cells[0])
    common = counts.most_common(1)
    if reading.delimiter or not common or common[0][1] * 2 < len(rest):
        return []
    sign = "a tab" if common[0][0] == "\t" else repr(common[0][0])
    return [
        Notice(
            f"the file is read as one column: its first line has no separator, and {sign} occurs "
            "in later ones; if that is the separator, set it, or skip the lines above the names"
        )
    ]


def _has_names(first: Record, rest: list[list[str]], reading: Reading) -> bool:
    if reading.header is not Header.AUTO:
        return reading.header is Header.YES
    nulls = set(reading.null_texts)
    sample = [[None if cell in nulls else cell for cell in cells] for cells in rest[:200]]
    return holds_names(first.cells, sample)


def _nothing() -> None:
    return
