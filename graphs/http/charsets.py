"""Which charset a body is written in, and its text."""

import codecs
import json
import re
from email.message import Message

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})""",
    re.IGNORECASE,
)
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
_HEAD_BYTES = 2048


def charset_of(content_type: str) -> str:
    """The charset that a Content-Type names, or nothing."""
    message = Message()
    message["content-type"] = " ".join(content_type.split())
    return message.get_content_charset() or ""


def known_charset(name: str) -> str:
    """The charset as Python calls it; nothing if it is none."""
    try:
        found = codecs.lookup(name).name.replace("-", "_") if name else ""
        if not found or found in _NO_CHARSETS:
            return ""
        "".encode(name)  # what is no charset, such as base64, is refused here
    except (LookupError, ValueError):
        return ""
    return name


def decoded(raw: bytes, content_type: str) -> tuple[str, str]:
    """A body's text, and a notice about what could not be read of it (or nothing).

    A byte order mark counts more than the header, the header more than the document's own
    declaration. Without any, it is UTF-8, or else windows-1252. JSON that is UTF-8 is read as that
    whatever the header says: its standard knows nothing else.
    """
    for mark, charset in _MARKS:
        if raw.startswith(mark):
            return _replaced(raw, charset)
    named = charset_of(content_type)
    charset = known_charset(named)
    is_json = "json" in content_type.lower()
    if charset:
        if is_json and not raw.isascii() and not _same(charset, "utf-8") and _is_utf8(raw):
            return raw.decode(), f"the answer says that it is {named}, and is UTF-8"
        return _replaced(raw, charset)
    notice = f"the answer's charset {named!r} is not known; it is read as UTF-8" if named else ""
    if is_json:
        charset = json.detect_encoding(raw)
        charset = "" if charset == "utf-8" else charset
    elif not named and (found := _DECLARED.search(raw[:_HEAD_BYTES])):
        charset = known_charset((found[1] or found[2]).decode("ascii"))
    if charset:
        text, damage = _replaced(raw, charset)
        return text, damage or notice
    if _is_utf8(raw):
        return raw.decode(), notice
    text, damage = _replaced(raw, "utf-8")
    bad = text.count("�")
    if named or len(text) - len(text.encode("ascii", "ignore")) - bad >= bad:
        # more letters are sound UTF-8 than not: some of its bytes are damaged
        return text, damage
    text = raw.decode("cp1252", "replace")
    return text, "the answer is no UTF-8 and names no charset; it is read as windows-1252"


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _same(one: str, other: str) -> bool:
    return codecs.lookup(one).name == codecs.lookup(other).name


def _replaced(raw: bytes, charset: str) -> tuple[str, str]:
    try:
        return raw.decode(charset), ""
    except UnicodeDecodeError as error:
        text = raw.decode(charset, "replace")
        return text, (
            f"the answer holds bytes that are not {charset}, the first at {error.start:,}; "
            "� stands for them"
        )
