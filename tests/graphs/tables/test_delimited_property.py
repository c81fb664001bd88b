"""Delimited files of every build, made by chance, against Python's `csv` told how they are built.

No row may be lost or made up, and no value may be another one without a notice.
"""

import csv
import io
import random
import shutil
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from graphs.errors import NodeError
from graphs.tables.formats import FileFormat
from graphs.tables.names import quoted
from graphs.tables.reading import read_table
from graphs.tables.reading_settings import Header, Reading, ReadTable
from graphs.tables.work import DatabaseLimits, Work

WORDS = (
    "north", "Zoë", "José", "5 €", "a b", "O'Brien", 'he said "no"', "1E5", "007", "+49 30 123",
    "n/a", "NULL", "x,y", "x;y", "x|y", "x\ty", "line\nbreak", "line\r\nbreak", "#1", "-", "=1+1",
    "日本", "12e", "1.2.3", "0x1F", "C:\\dir\\", "\\N", "1,5", "a''b", "sep=;", "tail ", "😀",
)  # fmt: skip
NUMBERS = (
    "0", "1", "-7", "12", "1234567890", "9223372036854775807", "9223372036854775808", "0.5",
    "-12.50", "3.14159", "0.30000000000000004", "1.5e-7", "2E10", "00.5", "1_000",
    "34043416109404255712", "123456789012345678901234567890.12",
    "99999999999999999999999999999999999999999",
)  # fmt: skip
MOMENTS = (
    "2026-01-31", "2026-02-30", "2026-01-31 10:30:00", "2026-01-31T10:30:00.123", "31.01.2026",
    "01/02/2026", "13/02/2026", "02/13/2026", "10:30:00", "25:00:00", "2026-01-31T10:30:00Z",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252")


class Made:
    """A file that was made, with the rows that are in it."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.width = chance.choice((1, 2, 3, 5, 12))
        self.separator = chance.choice(",,;;\t|") if self.width > 1 else ","
        self.end = chance.choice(("\n", "\n", "\r\n", "\r"))
        self.encoding = chance.choice(ENCODINGS)
        quoting = chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
        names = [f"c{at}" for at in range(self.width)]
        if chance.random() < 0.2 and self.width > 2:
            names = ["name", *(str(2020 + at) for at in range(self.width - 1))]
        if chance.random() < 0.2:
            broken = chance.choice(("net\namount", "a\r\nb", 'the "net"', "x,y;z", " sum"))
            if self.end == "\r":
                broken = broken.replace("\n", "\r")
            names[chance.randrange(self.width)] = broken
        kinds = [chance.choice((WORDS, NUMBERS, MOMENTS, None, None)) for _ in names]
        pools = [chance.sample(kind, chance.randint(1, 3)) if kind else None for kind in kinds]
        count = chance.choice((1, 2, 5, 40, 40, 300))
        self.rows = [
            [chance.choice(pool) if pool else str(chance.randint(0, 10**6)) for pool in pools]
            for _ in range(count)
        ]
        if self.end == "\r":
            # `csv` would leave a break of another kind without quotes
            self.rows = [[cell.replace("\n", "\r") for cell in row] for row in self.rows]
        if self.encoding == "cp1252":
            self.rows = [
                [cell.encode("cp1252", "ignore").decode("cp1252") for cell in row]
                for row in self.rows
            ]
        for row in self.rows:
            for at in range(len(row)):
                if chance.random() < 0.05:
                    row[at] = ""
        self.ragged = self.width > 1 and chance.random() < 0.3
        if self.ragged:
            for row in chance.sample(self.rows, max(1, len(self.rows) // 20)):
                if chance.random() < 0.6:
                    del row[chance.randint(1, self.width - 1) :]
                else:
                    row += ["extra"] * chance.randint(1, 3)
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=self.separator, quoting=quoting, lineterminator=self.end)
        writer.writerow(names)
        for row in self.rows:
            writer.writerow(row)
            if self.width > 1 and chance.random() < 0.01:
                out.write(self.end)
        text = out.getvalue()
        if chance.random() < 0.2:
            text = text.removesuffix(self.end)
        self.skipped = 0
        if chance.random() < 0.1:
            title = chance.choice(("Report", '"Report', "Report, of;all\tsorts", '"a"', ""))
            self.skipped = chance.randint(1, 3)
            text = (title + self.end) * self.skipped + text
        self.raw = text.encode(self.encoding)
        self.names = [name.strip() for name in names]


LIMITS = DatabaseLimits(threads=1, memory="320MB", temporary="1GB")


class OneDatabase(Work):
    """All files are read with one database: to open one takes longer than to read such a file."""

    connection = duckdb.connect(config={"threads": 1})

    def connect(self, paths: Iterable[Path]) -> duckdb.DuckDBPyConnection:
        return self.connection

    def close(self) -> None:
        shutil.rmtree(self.folder)


def read(made: Made, folder: Path, **settings: Any) -> tuple[ReadTable, list[tuple[Any, ...]]]:
    """The file read, with the values that are in the Parquet file."""
    folder.mkdir(parents=True, exist_ok=True)
    path, target = folder / "made.csv", folder / "made.parquet"
    path.write_bytes(made.raw)
    target.unlink(missing_ok=True)
    work = OneDatabase(folder / "work", LIMITS)
    try:
        given = {"name": "made.csv", "format": FileFormat.CSV, **settings}
        found = read_table(work, path, Reading(**given), target)
    finally:
        work.close()
    listed = ", ".join(
        f"timezone('UTC', {quoted(column.name)})" if "ZONE" in column.type else quoted(column.name)
        for column in found.written.columns
    )
    return found, OneDatabase.connection.sql(f"SELECT {listed} FROM '{target}'").fetchall()


def same(text: str, value: Any) -> bool:
    """Whether the value is what the text says, and all of it."""
    if value is None:
        return text == ""
    bare = text.strip()
    match value:
        case bool():
            return bare.lower() == str(value).lower()
        case int():
            return bare == str(value)
        case Decimal():
            return Decimal(bare.replace(",", ".")) == value
        case float():
            return Decimal(bare.replace(",", ".")) == Decimal(repr(value))
        case datetime():
            shown = value.isoformat(sep=" ")
            iso = bare.replace("T", " ").removesuffix("Z")
            return iso == shown or iso.rstrip("0") == shown.rstrip("0")
        case date():
            ways = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
            return bare in [value.strftime(way) for way in ways]
        case time():
            return bare == value.isoformat()
        case _:
            return text == value


def check(seed: int, folder: Path) -> None:
    """One file; every second one without being told what its separator is."""
    made = Made(seed)
    about = f"seed {seed}: {made.separator!r} {made.encoding} {made.end!r} {made.raw[:300]!r}"
    settings: dict[str, Any] = {"header": Header.YES, "skip_rows": made.skipped}
    if seed % 2 and made.width > 1:
        settings["delimiter"] = made.separator
    try:
        found, values = read(made, folder, **settings)
    except NodeError as error:
        raise AssertionError(f"{about}\n{settings}: {error.message}") from error
    expected = made.rows
    if made.width == 1:
        while expected and expected[-1] == [""] and len(values) < len(expected):
            expected = expected[:-1]
    assert len(values) == len(expected) == found.written.row_count, (about, settings)
    names = [column.name for column in found.written.columns]
    assert names[: made.width] == made.names, (about, settings)
    for row, got in zip(expected, values, strict=True):
        cells = [*row, *[""] * (len(got) - len(row))]
        wrong = [pair for pair in zip(cells, got, strict=True) if not same(*pair)]
        assert not wrong, (about, settings, wrong, found.written.columns)
    if any(0 < len(row) != made.width and any(row[made.width :] or [1]) for row in made.rows):
        assert found.notices, (about, settings)


@pytest.mark.parametrize("start", range(0, 300, 50))
def test_no_row_is_lost_none_made_up_and_no_value_changed(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + 50):
        check(seed, tmp_path)


@pytest.mark.soak
def test_ten_thousand_files(tmp_path: Path) -> None:
    for seed in range(1_000, 11_000):
        check(seed, tmp_path / str(seed))
        shutil.rmtree(tmp_path / str(seed))
