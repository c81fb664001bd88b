"""Looks through a file of lines before it is parsed: an endless line keeps a parser busy."""

from collections.abc import Callable
from pathlib import Path

MAX_LINE_BYTES = 16 * 1024**2
_CHUNK = 1024 * 1024


def too_long_line(path: Path, check: Callable[[], None]) -> int | None:
    """The number of the first line of more than MAX_LINE_BYTES; None when there is none."""
    number, size = 1, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            check()
            last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            if last < 0:
                size += len(chunk)
            else:
                number += chunk.count(b"\n") or chunk.count(b"\r")
                size = len(chunk) - last
            if size > MAX_LINE_BYTES:
                return number
    return None
