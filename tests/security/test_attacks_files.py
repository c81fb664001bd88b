"""Small files that unpack into huge ones, and long ones without an end of line."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator

import pytest

from graphs.tables.work import LIMITS
from graphs.workers.limits import MB
from tests.processes import Peak
from tests.security.arena import ENDS_S, Arena

ONE_WORKER = LIMITS.data_bytes / MB
SHEET = (
    '<?xml version="1.0"?>{doctype}<worksheet '
    'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
)
END = "</sheetData></worksheet>"
NAMES = "xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'"
MAIN = "xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def workbook(
    sheet: Iterator[bytes] | list[bytes], *, texts: list[bytes] | None = None, sheets: int = 1
) -> bytes:
    """A workbook whose sheets all hold these bytes, packed."""
    made = io.BytesIO()
    numbers = range(1, sheets + 1)
    kept = list(sheet)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        overrides = "".join(
            f"<Override PartName='/xl/worksheets/sheet{n}.xml' "
            f"ContentType='{TYPES}.worksheet+xml'/>"
            for n in numbers
        )
        if texts is not None:
            kind = f"{TYPES}.sharedStrings+xml"
            overrides += f"<Override PartName='/xl/sharedStrings.xml' ContentType='{kind}'/>"
        packed.writestr(
            "[Content_Types].xml",
            "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>"
            "<Default Extension='xml' ContentType='application/xml'/>"
            "<Default Extension='rels' "
            "ContentType='application/vnd.openxmlformats-package.relationships+xml'/>"
            f"<Override PartName='/xl/workbook.xml' ContentType='{TYPES}.sheet.main+xml'/>"
            f"{overrides}</Types>",
        )
        office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        links = "http://schemas.openxmlformats.org/package/2006/relationships"
        packed.writestr(
            "_rels/.rels",
            f"<Relationships xmlns='{links}'><Relationship Id='r1' "
            f"Type='{office}/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        )
        named = "".join(f"<sheet name='S{n}' sheetId='{n}' r:id='r{n}'/>" for n in numbers)
        packed.writestr(
            "xl/workbook.xml", f"<workbook {MAIN} {NAMES}><sheets>{named}</sheets></workbook>"
        )
        targets = "".join(
            f"<Relationship Id='r{n}' Type='{office}/worksheet' Target='worksheets/sheet{n}.xml'/>"
            for n in numbers
        )
        packed.writestr(
            "xl/_rels/workbook.xml.rels",
            f"<Relationships xmlns='{links}'>{targets}</Relationships>",
        )
        for n in numbers:
            with packed.open(f"xl/worksheets/sheet{n}.xml", "w") as part:
                for piece in kept:
                    part.write(piece)
        if texts is not None:
            with packed.open("xl/sharedStrings.xml", "w") as part:
                for piece in texts:
                    part.write(piece)
    return made.getvalue()


def sheet(*cells: bytes, doctype: str = "") -> list[bytes]:
    """A sheet's XML around its rows."""
    return [SHEET.format(doctype=doctype).encode(), *cells, END.encode()]


CELL = b'<c t="inlineStr"><is><t>x</t></is></c>'
ENTITIES = "<!DOCTYPE x [<!ENTITY a0 'ha'>{}]>".format(
    "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
)
LONG = b"a" * MB

FILES: dict[str, Callable[[], bytes]] = {
    "long-row.xlsx": lambda: workbook(sheet(b"<row>", *[CELL * 100_000] * 40, b"</row>")),
    "far-cell.xlsx": lambda: workbook(
        sheet(
            b'<row r="1"><c r="A1"><v>1</v></c></row>'
            b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        )
    ),
    "long-cell.xlsx": lambda: workbook(
        sheet(b'<row><c t="inlineStr"><is><t>', *[LONG] * 300, b"</t></is></c></row>")
    ),
    "entities.xlsx": lambda: workbook(
        sheet(
            b'<row><c t="inlineStr"><is><t>&a9;</t></is></c></row>',
            doctype=ENTITIES,
        )
    ),
    "many-sheets.xlsx": lambda: workbook(
        sheet(b'<row r="1"><c r="A1"><v>1</v></c></row>'), sheets=300
    ),
    "not-a-sheet.xlsx": lambda: workbook([b"<a>" * 300_000]),
    "long-attribute.xlsx": lambda: workbook(
        sheet(b'<row r="1', *[b"1" * MB] * 100, b'"><c><v>1</v></c></row>')
    ),
    "deep.json": lambda: b'[{"a":' + b"[" * 5_000_000 + b"]" * 5_000_000 + b"}]",
    "deep-object.json": lambda: b'{"a":' * 500_000 + b"1" + b"}" * 500_000,
    "many-lists.json": lambda: b'{"a":[' + b"[]," * 20_000_000 + b"[]]}",
    "wide.json": lambda: json.dumps(
        [{f"c{row}_{n}": n for n in range(2000)} for row in range(50)]
    ).encode(),
    "long-number.json": lambda: b'[{"a":' + b"9" * 5_000_000 + b"}]",
    "not-a.parquet": lambda: b"PAR1" + b"\xff" * 1000 + b"\xff\xff\xff\x7fPAR1",
    "commas.csv": lambda: b"," * 5_000_000,
    "quotes.csv": lambda: b'a,b\n"' + b"x\n" * 15_000_000,
}


FINE = frozenset({"many-sheets.xlsx", "long-number.json"})
"""What is odd and yet can be read."""

SLOW = frozenset({"far-cell.xlsx", "wide.json", "quotes.csv", "many-lists.json"})


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] * (name in SLOW)) for name in FILES]
)
def test_a_file(arena: Arena, name: str) -> None:
    arena.mallory.upload(name, FILES[name]())
    (run,) = arena.attack([("read_file", {"name": name})], more_mb=ONE_WORKER)
    if name in FINE:
        assert run["status"] == "completed", run["error"]
    else:
        assert run["status"] == "failed"
        assert run["error"]["code"] in ("file_unreadable", "memory_limit")
    looked = {"name": name}
    with Peak(arena.pid) as peak:
        shown = arena.mallory.client.post(
            f"{arena.mallory.files}/preview", json=looked, timeout=ENDS_S
        )
    assert shown.status_code in (200, 422), shown.text
    arena.check(peak, ONE_WORKER)


def test_one_line_of_300_mb(arena: Arena) -> None:
    arena.mallory.upload("long-line.csv", (LONG for _ in range(300)))
    (run,) = arena.attack([("read_file", {"name": "long-line.csv"})], more_mb=ONE_WORKER)
    assert (run["status"], run["error"]["code"]) == ("failed", "file_unreadable")
