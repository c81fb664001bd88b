"""Counts what tells whether a text file is so plain that a fast scan reads it exactly."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from graphs.tables.delimited.encoding import chunks


class Facts(Struct):
    """`lines`: those that end outside quotes, the last one even without its end.

    `plain`: lines all end alike, none is blank, and there are no control characters in the way.
    """

    lines: int
    plain: bool
    quoted: bool
    returns: bool
    """Whether lines end in CRLF."""


def facts_of(path: Path, separator: str, quote: str, check: Callable[[], None]) -> Facts:
    """Read all bytes once. Quotes are taken to come in pairs, as in a sound text they do."""
    mark = quote.encode()
    spaced = [before.encode() + b" " + mark for before in (separator, "\n") if before]
    feeds = returns = pairs = 0
    inside = quoted = False
    plain = True
    before = b"\n"
    last = b""
    for piece in chunks(path, 0, check):
        last = piece[-1:]
        if b"\0" in piece or b"\x1f" in piece:
            plain = False
        outside = piece
        if mark and mark in piece:
            quoted = True
            plain = plain and not any(each in piece for each in spaced)
            parts = piece.split(mark)
            # what stands between the quotes is replaced by one, so that no line seems blank
            outside = mark.join(parts[int(inside) :: 2])
            inside = inside != (len(parts) % 2 == 0)
        elif inside:
            continue
        feeds += outside.count(b"\n")
        near = before + outside
        if b"\r" in near:
            returns += outside.count(b"\r")
            pairs += near.count(b"\r\n")
            plain = plain and b"\n\r\n" not in near
        plain = plain and b"\n\n" not in near
        before = near[-2:] if near.endswith((b"\r", b"\n")) else b" "
        pairs -= before.count(b"\r\n")
    even = returns == 0 or returns == feeds == pairs
    lines = feeds + (last not in (b"\n", b""))
    return Facts(lines, plain and even and not inside, quoted, returns > 0)
