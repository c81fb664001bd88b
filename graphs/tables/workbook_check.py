"""Looks through a workbook before it is parsed: a small file may hold rows that fill the memory."""

import posixpath
import re
import zipfile
from collections.abc import Callable
from xml.etree import ElementTree

MAX_UNPACKED_BYTES = 4 * 1024**3
MAX_ROW_CELLS = 16_384
"""What a sheet can hold."""

MAX_ROW_BYTES = 32 * 1024**2
MAX_TEXTS_BYTES = 512 * 1024**2
_MAX_INDEX_BYTES = 8 * 1024**2
_CHUNK = 1024 * 1024
_TAG = 8
_ROWS = (b"<row", b":row", b"row>")
_NUMBER = re.compile(rb"row\b[^>]{0,200}?\br=[\"'](\d+)")


def refusal(packed: zipfile.ZipFile, check: Callable[[], None]) -> str | None:
    """Why a workbook cannot be read, naming sheet and row; None when nothing speaks against it."""
    parts = packed.infolist()
    if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        return "unpacked it is larger than 4 GiB"
    titles = _titles(packed)
    for part in parts:
        if part.filename.endswith("sharedStrings.xml") and part.file_size > MAX_TEXTS_BYTES:
            return f"its texts take more than {MAX_TEXTS_BYTES // 1024**2} MB"
        if part.filename.endswith(".xml") and "/worksheets/" in f"/{part.filename}":
            found = _long_row(packed, part, check)
            if found is not None:
                title = titles.get(part.filename, posixpath.basename(part.filename))
                return f"in the sheet {title!r}, {found}"
    return None


def _long_row(
    packed: zipfile.ZipFile, part: zipfile.ZipInfo, check: Callable[[], None]
) -> str | None:
    """What is wrong with the first row that is too long."""
    tail = b""
    size = cells = row = 0
    with packed.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            check()
            # a tag may lie across two chunks
            text = tail + chunk
            begins = max(text.rfind(tag) for tag in _ROWS)
            if begins < 0:
                size += len(chunk)
                cells += chunk.count(b"<c")
            else:
                size = len(text) - begins
                cells = text.count(b"<c", begins)
                numbers = _NUMBER.findall(text)
                row = int(numbers[-1][:20]) if numbers else row
            tail = text[-_TAG:]
            if cells > MAX_ROW_CELLS * 2:
                return f"row {row} has more than {MAX_ROW_CELLS:,} cells"
            if size > MAX_ROW_BYTES:
                return f"row {row} takes more than {MAX_ROW_BYTES // 1024**2} MB"
    return None


def _titles(packed: zipfile.ZipFile) -> dict[str, str]:
    """The sheets' names by the file that each is in, as far as they can be told."""
    try:
        book = _small(packed, "xl/workbook.xml")
        links = {
            link.get("Id"): link.get("Target", "")
            for link in _small(packed, "xl/_rels/workbook.xml.rels")
        }
    except (KeyError, ElementTree.ParseError, ValueError):
        return {}
    found: dict[str, str] = {}
    for sheet in book.iter():
        if sheet.tag.endswith("}sheet"):
            link = next((links.get(v) for k, v in sheet.attrib.items() if k.endswith("}id")), None)
            path = posixpath.normpath(posixpath.join("/xl", link or ""))
            found[path.removeprefix("/")] = sheet.get("name", "")
    return found


def _small(packed: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if packed.getinfo(name).file_size > _MAX_INDEX_BYTES:
        raise ValueError(name)
    return ElementTree.fromstring(packed.read(name))
