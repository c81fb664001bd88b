"""Reads delimited text into a table: fast where the file is plain, record by record where not.

The fast scan is DuckDB's with everything said to it: it finds out nothing by itself, stops at any
row that is shorter or longer, and its rows are compared with the lines that were counted apart.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from msgspec import Struct, structs

from graphs.tables.delimited.conversion import converted, has_decimal_comma
from graphs.tables.delimited.dialect import TextLayout, layout_of
from graphs.tables.delimited.encoding import as_utf8, head_of, shown
from graphs.tables.delimited.facts import facts_of
from graphs.tables.delimited.records import Dialect, Malformed
from graphs.tables.delimited.rewriting import (
    MAX_COLUMNS,
    ONE_COLUMN,
    Rewritten,
    rewritten,
)
from graphs.tables.names import literal, unique
from graphs.tables.reading_settings import (
    Notice,
    Reading,
    ReadTable,
    Understood,
    unreadable,
)
from graphs.tables.results import write_result
from graphs.tables.work import Work

_FAST_LINE_BYTES = 2 * 1024 * 1024
_MOST_TOLD = 5
_SEPARATORS = {"\t": "tab", "": "none"}


class _Scan(Struct, frozen=True):
    """How DuckDB is to read the rows: the file, the lines before them, and their form."""

    path: Path
    separator: str
    quote: str
    skip: int
    returns: bool = False
    longest: int = 0

    def sql(self, width: int, null_texts: Sequence[str]) -> str:
        """What stands after FROM: the columns `c0`, `c1` … as texts."""
        columns = ", ".join(f"c{at}: 'VARCHAR'" for at in range(width))
        nulls = ", ".join(literal(text) for text in dict.fromkeys(("", *null_texts)))
        # told nothing, DuckDB finds CRLF; told LF, it takes CR in quotes for what it is
        ending = "" if self.returns else r"new_line='\n', "
        limit = max(_FAST_LINE_BYTES, self.longest * 4 + 16)
        return (
            f"read_csv({literal(escaped(self.path))}, auto_detect=false, header=false, "
            f"columns={{{columns}}}, delim={literal(self.separator or ONE_COLUMN)}, "
            f"quote={literal(self.quote)}, escape={literal(self.quote)}, skip={self.skip}, "
            f"nullstr=[{nulls}], {ending}null_padding=false, strict_mode=true, "
            f"ignore_errors=false, max_line_size={limit})"
        )


def escaped(path: Path) -> str:
    """The path with its brackets, stars and question marks as themselves and not as patterns."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path.absolute()))


def reached(path: Path) -> list[Path]:
    """What a connection must be allowed so that it reaches the escaped path."""
    return list(dict.fromkeys((path, Path(escaped(path)))))


def read_delimited(
    work: Work, path: Path, reading: Reading, target: Path, *, head_bytes: int | None = None
) -> ReadTable:
    """Read the file, or only the rows in its first bytes, into a new Parquet file.

    Raises NodeError `file_unreadable`.
    """
    partial = head_bytes is not None and path.stat().st_size > head_bytes
    if partial:
        path = head_of(path, head_bytes or 0, work.folder)
    text = as_utf8(path, reading.name, reading.encoding, work.folder, work.check)
    layout = layout_of(text.path, reading)
    width = _width(layout)
    if width > MAX_COLUMNS:
        raise unreadable(
            reading.name, f"it has {width:,} cells; {MAX_COLUMNS:,} is the most", layout.first.line
        )
    comma = has_decimal_comma(layout.sample, reading.decimal)
    about = _About(layout, reading, target, comma)
    made = _fast(work, text.path, about, width) or _exact(work, text.path, about, width, partial)
    written = write_result(work, made.connection, made.sql, target)
    return ReadTable(
        written,
        _understood(layout, reading, text.encoding, comma),
        [*text.notices, *layout.notices, *made.notices],
        partial,
    )


class _About(Struct, frozen=True):
    """What both ways of reading go by."""

    layout: TextLayout
    reading: Reading
    target: Path
    comma: bool

    @property
    def first_row(self) -> int:
        """The line of the first row that is no row of names."""
        first = self.layout.first
        return first.last_line + 1 if self.layout.header else first.line


class _Made(Struct, frozen=True):
    """The query for the table, the connection to execute it on, and what was odd."""

    connection: DuckDBPyConnection
    sql: str
    rows: int
    notices: list[Notice]


def _fast(work: Work, path: Path, about: _About, width: int) -> _Made | None:
    """Read a plain file at once; None if it is not plain after all."""
    dialect = about.layout.dialect
    facts = facts_of(path, dialect.separator, dialect.quote, work.check)
    if not facts.plain or dialect.backslash:
        return None
    if dialect.quote and _quotes_before(path, about.first_row, dialect.quote):
        # a name with a line break in it would make DuckDB skip a row more
        return None
    quote = dialect.quote if facts.quoted else ""
    scan = _Scan(path, dialect.separator, quote, about.first_row - 1, facts.returns)
    try:
        made = _converted(work, scan, about, width, [])
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    return made if made.rows == facts.lines - scan.skip else None


def _quotes_before(path: Path, line: int, quote: str) -> bool:
    """Whether a cell goes on from one to another of the lines before this one."""
    with path.open(encoding="utf-8", newline="") as file:
        return any(file.readline().count(quote) % 2 for _ in range(line - 1))


def _exact(work: Work, path: Path, about: _About, width: int, partial: bool) -> _Made:
    """Read record by record. Raises NodeError `file_unreadable`, which names the line."""
    copy = work.folder / "rewritten.csv"
    dialect, layout = about.layout.dialect, about.layout

    def rewrite(dialect: Dialect, source: Path) -> Rewritten:
        ragged = about.reading.ragged
        return rewritten(source, dialect, width, about.first_row, copy, ragged, work.check)

    odd: list[Notice] = []
    try:
        plain = rewrite(dialect, path)
    except Malformed as error:
        try:
            if partial and error.quoting:
                plain = rewrite(dialect, _until(path, error.line, work.folder))
            elif error.quoting and not dialect.backslash:
                plain = rewrite(structs.replace(dialect, backslash=True), path)
                odd = [Notice("quotes within cells stand after a backslash", error.line)]
            else:
                raise
        except Malformed:
            raise unreadable(about.reading.name, error.why, error.line) from error
    scan = _Scan(plain.path, layout.dialect.separator, '"', 0, longest=plain.longest)
    made = _converted(work, scan, about, plain.width, [*odd, *plain.notices])
    if made.rows != plain.rows:
        raise unreadable(
            about.reading.name, f"of {plain.rows:,} rows only {made.rows:,} could be read"
        )
    return made


def _converted(work: Work, scan: _Scan, about: _About, width: int, notices: list[Notice]) -> _Made:
    connection = work.connect([*reached(scan.path), about.target])
    source = scan.sql(width, about.reading.null_texts)
    names, told = _names(about.layout, width)
    made = converted(connection, source, names, about.layout.sample, about.comma, about.reading)
    sql = f"SELECT {made.selected} FROM {source}"
    return _Made(connection, sql, made.rows, [*told, *notices, *made.notices])


def _width(layout: TextLayout) -> int:
    """How many columns there are: those named, or else as many as most rows have."""
    if layout.header:
        cells = layout.first.cells
        width = len(cells)
        while width > 1 and not cells[width - 1].strip():
            width -= 1
        return width
    counts = Counter(len(cells) for cells in (layout.first.cells, *layout.sample))
    return counts.most_common(1)[0][0]


def _names(layout: TextLayout, width: int) -> tuple[list[str], list[Notice]]:
    if not layout.header:
        return [f"column{at}" for at in range(width)], []
    given = [cell.strip() for cell in layout.first.cells[:width]]
    given += [""] * (width - len(given))
    names = unique(given)
    renamed = [
        f"{old!r} is called {new!r}"
        for old, new in zip(given, names, strict=True)
        if old and old != new
    ]
    if not renamed:
        return names, []
    more = "" if len(renamed) <= _MOST_TOLD else f" and {len(renamed) - _MOST_TOLD} more"
    told = f"columns of the same name: {', '.join(renamed[:_MOST_TOLD])}{more}"
    return names, [Notice(told, layout.first.line)]


def _until(path: Path, line: int, folder: Path) -> Path:
    """A copy of what stands before a line."""
    target = folder / "until.txt"
    with (
        path.open(encoding="utf-8", newline="") as file,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        for _ in range(line - 1):
            out.write(file.readline())
    return target


def _understood(layout: TextLayout, reading: Reading, encoding: str, comma: bool) -> Understood:
    separator = layout.dialect.separator
    return Understood(
        separator=_SEPARATORS.get(separator, separator),
        quote=layout.dialect.quote or "none",
        encoding=shown(encoding),
        header=layout.header,
        skip_rows=reading.skip_rows,
        decimal="," if comma else ".",
        date_order=reading.date_order.value,
    )
