"""The encoding of a text file, found out from all of its bytes, and the file as UTF-8."""

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from graphs.tables.reading_settings import Notice, unreadable

CHUNK_BYTES = 1024 * 1024
_MAX_BAD = 1000
_REPLACED = "�"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHOWN = {"cp1252": "Windows-1252", "utf-8": "UTF-8", "latin-1": "ISO-8859-1"}


class Utf8(Struct, frozen=True):
    """A file in UTF-8 without a mark, the encoding it had, and what was odd about that."""

    path: Path
    encoding: str
    notices: list[Notice]


class _Bad(Struct):
    places: int = 0
    first_line: int | None = None
    letters: int = 0
    """The characters beyond ASCII that are sound UTF-8."""


def as_utf8(path: Path, name: str, wanted: str, folder: Path, check: Callable[[], None]) -> Utf8:
    """The file itself if it is plain UTF-8, else a copy in the folder.

    Raises NodeError `file_unreadable` for an unknown encoding, and for bytes that are in none.
    """
    encoding, mark = _marked(path)
    if wanted and wanted.lower() != "auto":
        chosen = _known(wanted, name)
        if not (chosen in ("utf-8", "utf-16", "utf-32") and encoding.startswith(chosen)):
            # a UTF-8 mark is no letter, whatever encoding is set
            encoding, mark = chosen, mark if encoding == "utf-8" else 0
        return _copied(path, name, encoding, mark, folder, check)
    if encoding and encoding != "utf-8":
        return _copied(path, name, encoding, mark, folder, check)
    bad = _bad_places(path, mark, check)
    if bad.places == 0:
        if mark:
            return _copied(path, name, "utf-8", mark, folder, check)
        return Utf8(path, "utf-8", [])
    if bad.letters >= bad.places or not _fits_cp1252(path, check):
        if bad.places > _MAX_BAD:
            raise unreadable(name, "its bytes are not UTF-8; choose its encoding", bad.first_line)
        return _copied(path, name, "utf-8", mark, folder, check)
    made = _copied(path, name, "cp1252", mark, folder, check)
    notice = Notice(
        "the text is not UTF-8 and was read as Windows-1252; if letters are wrong, set its "
        "encoding",
        bad.first_line,
    )
    return Utf8(made.path, made.encoding, [notice, *made.notices])


def shown(encoding: str) -> str:
    """The encoding's name as people write it."""
    return _SHOWN.get(encoding, encoding.upper())


def head_of(path: Path, size: int, folder: Path) -> Path:
    """A copy of the first bytes, whole lines of them."""
    encoding, _ = _marked(path)
    feed = "\n".encode(encoding or "utf-8")
    with path.open("rb") as file:
        head = file.read(size)
    end = head.rfind(feed)
    while end >= 0 and end % len(feed):
        end = head.rfind(feed, 0, end)
    target = folder / "head.txt"
    target.write_bytes(head[: end + len(feed)] if end >= 0 else head)
    return target


def _marked(path: Path) -> tuple[str, int]:
    """The encoding that the first bytes tell, and how many of them are a mark."""
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    even, odd = head[::2], head[1::2]
    if len(head) >= 8:
        if odd.count(0) > len(odd) * 0.7 and even.count(0) < len(even) * 0.1:
            return "utf-16-le", 0
        if even.count(0) > len(even) * 0.7 and odd.count(0) < len(odd) * 0.1:
            return "utf-16-be", 0
    return "", 0


def _known(wanted: str, name: str) -> str:
    try:
        found = codecs.lookup(wanted.strip())
        found.incrementaldecoder("strict").decode(b"")
    except (LookupError, TypeError, ValueError):
        found = None
    if found is None or not getattr(found, "_is_text_encoding", True):
        raise unreadable(
            name, f"there is no encoding {wanted!r}; such are utf-8, utf-16, cp1252, iso-8859-15"
        )
    return {"utf-8-sig": "utf-8", "iso8859-1": "latin-1"}.get(found.name, found.name)


def chunks(path: Path, start: int, check: Callable[[], None]) -> Iterator[bytes]:
    """The bytes of a file, piece by piece."""
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(CHUNK_BYTES):
            check()
            yield piece


def _bad_places(path: Path, mark: int, check: Callable[[], None]) -> _Bad:
    bad = _Bad()
    if _is_sound(path, mark, check):
        return bad
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    lines = 0
    for piece in _ended(chunks(path, mark, check)):
        text = decoder.decode(piece, final=not piece)
        found = text.count(_REPLACED)
        if found and bad.first_line is None:
            bad.first_line = lines + text[: text.index(_REPLACED)].count("\n") + 1
        bad.places += found
        bad.letters += len(text) - len(text.encode("ascii", "ignore")) - found
        lines += text.count("\n")
    return bad


def _is_sound(path: Path, mark: int, check: Callable[[], None]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for piece in _ended(chunks(path, mark, check)):
            # decoding ASCII is several times slower than looking whether it is
            if not piece or not piece.isascii() or decoder.getstate()[0]:
                decoder.decode(piece, final=not piece)
    except UnicodeDecodeError:
        return False
    return True


def _ended(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, and an empty one at the end."""
    yield from pieces
    yield b""


def _fits_cp1252(path: Path, check: Callable[[], None]) -> bool:
    holes = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
    return not any(hole in piece for piece in chunks(path, 0, check) for hole in holes)


def _copied(
    path: Path, name: str, encoding: str, mark: int, folder: Path, check: Callable[[], None]
) -> Utf8:
    """A copy in UTF-8; what the encoding does not know is replaced and told."""
    target = folder / "utf8.txt"
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    lines = replaced = 0
    first: int | None = None
    with target.open("w", encoding="utf-8", newline="") as file:
        for piece in _ended(chunks(path, mark, check)):
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeError as error:
                raise unreadable(name, f"its bytes are not {shown(encoding)}: {error}") from error
            if _REPLACED in text:
                if first is None:
                    first = lines + text[: text.index(_REPLACED)].count("\n") + 1
                replaced += text.count(_REPLACED)
            lines += text.count("\n")
            file.write(text)
    notices: list[Notice] = []
    if replaced:
        notices.append(
            Notice(
                f"{replaced:,} bytes are not {shown(encoding)} and were replaced by "
                f"{_REPLACED}; the rest is read as it stands",
                first,
            )
        )
    return Utf8(target, encoding, notices)
