"""The records of delimited text with their line numbers, exactly as its dialect has them."""

from collections.abc import Callable, Iterator
from typing import TextIO

from msgspec import Struct

MAX_LINE = 16 * 1024 * 1024
"""Characters of one record; a longer one is refused by its line number."""


class Dialect(Struct, frozen=True, kw_only=True):
    """How delimited text is built.

    `separator` empty: there is one column. `quote` empty: no character has that meaning.
    `backslash`: a quote within a cell is written `\\"`. `start`: the line that records begin at.
    """

    separator: str
    quote: str = '"'
    backslash: bool = False
    start: int = 1


class Malformed(Exception):
    """A record that cannot be read; `quoting`: its quotes are the reason."""

    def __init__(self, line: int, why: str, *, quoting: bool = False) -> None:
        super().__init__(why)
        self.line = line
        self.why = why
        self.quoting = quoting


class Record(Struct):
    """The cells of a record and its lines; `plain` is its text if it has no quotes."""

    line: int
    last_line: int
    cells: list[str]
    plain: str | None


class Source:
    """Lines of a text, which end in LF, CRLF or CR, with the number of the last one."""

    def __init__(self, file: TextIO, check: Callable[[], None]) -> None:
        self.number = 0
        self.nul_line: int | None = None
        self._file = file
        self._check = check

    def next(self) -> str | None:
        """The next line with its end, without NUL characters; None at the end of the text."""
        line = self._file.readline(MAX_LINE + 2)
        if not line:
            return None
        self.number += 1
        if self.number % 1000 == 0:
            self._check()
        if len(line) > MAX_LINE:
            raise Malformed(
                self.number, f"it is longer than {MAX_LINE // 1024**2} million characters"
            )
        if "\0" in line:
            self.nul_line = self.nul_line or self.number
            line = line.replace("\0", "")
        return line


def records_of(source: Source, dialect: Dialect) -> Iterator[Record]:
    """The records from the dialect's first line on. A blank line is a record without cells.

    Raises Malformed.
    """
    for _ in range(dialect.start - 1):
        if source.next() is None:
            return
    separator, quote = dialect.separator, dialect.quote
    while (line := source.next()) is not None:
        number = source.number
        text = line.rstrip("\r\n")
        if not text or (text.isspace() and (not separator or separator not in text)):
            yield Record(number, number, [], "")
        elif not quote or quote not in text:
            cells = text.split(separator) if separator else [text]
            yield Record(number, number, cells, text)
        else:
            cells = _quoted_cells(line, source, dialect)
            yield Record(number, source.number, cells, None)


def _quoted_cells(line: str, source: Source, dialect: Dialect) -> list[str]:
    """The cells of a record that has quotes; it may go on over further lines."""
    separator, quote = dialect.separator, dialect.quote
    cells: list[str] = []
    at = 0
    while True:
        opening = at
        while opening < len(line) and line[opening] == " ":
            opening += 1
        if not line.startswith(quote, opening):
            end = line.find(separator, at) if separator else -1
            if end < 0:
                cells.append(line[at:].rstrip("\r\n"))
                return cells
            cells.append(line[at:end])
            at = end + len(separator)
            continue
        cell, line, at = _quoted(line, opening + 1, source, dialect)
        cells.append(cell)
        while at < len(line) and line[at] == " ":
            at += 1
        if separator and line.startswith(separator, at):
            at += len(separator)
        elif not line[at:].rstrip("\r\n"):
            return cells
        else:
            near = line[at : at + 20].rstrip("\r\n")
            raise Malformed(
                source.number,
                f"after the quote that ends a cell stands {near!r}; write a quote within a cell "
                "twice, or set the quote to none",
                quoting=True,
            )


def _quoted(line: str, at: int, source: Source, dialect: Dialect) -> tuple[str, str, int]:
    """The cell whose quote has opened, the line that it ends in, and where in it."""
    first = source.number
    parts: list[str] = []
    size = 0
    while True:
        end = line.find(dialect.quote, at)
        escape = line.find("\\", at, None if end < 0 else end) if dialect.backslash else -1
        if escape >= 0 and escape + 1 < len(line) and line[escape + 1] in (dialect.quote, "\\"):
            parts += (line[at:escape], line[escape + 1])
            at = escape + 2
        elif escape >= 0:
            parts.append(line[at : escape + 1])
            at = escape + 1
        elif end < 0:
            parts.append(line[at:])
            size += len(line) - at
            following = source.next() if size <= MAX_LINE else None
            if following is None:
                why = "is not closed" if size <= MAX_LINE else "is closed nowhere near"
                raise Malformed(
                    first,
                    f"the quote that opens a cell here {why}; close it, or set the quote to none",
                    quoting=True,
                )
            line, at = following, 0
        elif line.startswith(dialect.quote, end + 1):
            parts.append(line[at : end + 1])
            at = end + 2
        else:
            parts.append(line[at:end])
            return "".join(parts), line, end + 1
