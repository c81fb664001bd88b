"""The rows of JSON and JSON Lines, one after the other, with numbers as exact as they stand."""

import json
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from graphs.errors import NodeError
from graphs.json_numbers import MAY_BE_LONG, decimal, whole
from graphs.json_texts import MAY_BE_HALF, REPLACED, whole_characters
from graphs.tables.reading_settings import Notice, unreadable

MAX_VALUE = 64 * 1024 * 1024
"""Characters of one row; a longer one is refused."""

_CHUNK = 1024 * 1024
_EXACT_DIGITS = 15
_SPACE = re.compile(r"[ \t\r\n]*")


def _number(text: str) -> float | Decimal:
    """A float, or a decimal where a float would lose digits or be infinite."""
    digits = text.lower().partition("e")[0].lstrip("-0.").replace(".", "")
    near = float(text)
    if len(digits) <= _EXACT_DIGITS and math.isfinite(near) and (near or not digits):
        return near
    exact = Decimal(text)
    return near if Decimal(repr(near)) == exact else exact


def _constant(_: str) -> None:
    """NaN and the infinities, which JSON does not have, are no values."""
    return


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=whole, parse_constant=_constant)


def object_of(text: str) -> Any:
    """What a text holds that is one value of JSON, with a number that no float holds as its text,
    and � where half of a character stands.
    """
    value = json.loads(text, parse_float=decimal, parse_int=whole, parse_constant=_constant)
    return whole_characters(value)[0] if MAY_BE_HALF.search(text) else value


def line_rows(
    path: Path, name: str, check: Callable[[], None], notices: list[Notice]
) -> Iterator[Any]:
    """The value of each line that is not blank. Raises NodeError that names the line."""
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_VALUE + 1):
            number += 1
            if number % 1000 == 0:
                check()
            if len(line) > MAX_VALUE:
                raise unreadable(name, f"it is longer than {MAX_VALUE // 1024**2} MB", number)
            line = line.strip()
            if not line:
                continue
            try:
                if MAY_BE_LONG.search(line) is None:
                    yield decode(line)
                else:
                    yield _slowly(line, name, number, notices)
            except msgspec.DecodeError:
                yield _slowly(line, name, number, notices)


def _slowly(line: bytes, name: str, number: int, notices: list[Notice]) -> Any:
    """What has long numbers, or what msgspec refuses, such as NaN and halves of characters."""
    try:
        text = line.decode()
        value = _DECODER.decode(text)
        return _told_of_halves(value, number, notices) if MAY_BE_HALF.search(text) else value
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(name, _why(error), number) from error


def value_rows(
    path: Path, name: str, check: Callable[[], None], notices: list[Notice]
) -> Iterator[Any]:
    """The elements of a list, or values that stand one after the other, however they are broken
    into lines. Raises NodeError that names the line.
    """
    with path.open(encoding="utf-8", newline="") as file:
        text = _Text(file.read, name, check, notices)
        listed = text.peek() == "["
        if listed:
            text.take()
            if text.peek() == "]":
                text.take()
                text.end()
                return
        while True:
            yield text.value()
            sign = text.peek()
            if not listed:
                if not sign:
                    return
                continue
            text.take()
            if sign == "]":
                text.end()
                return
            if sign != ",":
                raise text.wrong("a comma is missing between two values of the list")


class _Text:
    """Characters that come piece by piece, and the place within them."""

    def __init__(
        self,
        read: Callable[[int], str],
        name: str,
        check: Callable[[], None],
        notices: list[Notice],
    ) -> None:
        self._read = read
        self._name = name
        self._check = check
        self._notices = notices
        self._text = ""
        self._at = 0
        self._lines = 0
        self._ended = False

    def _more(self) -> bool:
        """Read on; what has been gone through is let go. False at the end."""
        if self._ended:
            return False
        self._check()
        self._lines += self._text.count("\n", 0, self._at)
        kept = self._text[self._at :]
        if len(kept) > MAX_VALUE:
            raise self.wrong(f"a value is longer than {MAX_VALUE // 1024**2} million characters")
        piece = self._read(max(_CHUNK, len(kept)))
        self._ended = not piece
        self._text, self._at = kept + piece, 0
        return bool(piece)

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self) -> None:
        self._at += 1

    def end(self) -> None:
        """Nothing more may follow."""
        if self.peek():
            raise self.wrong("something follows after the end of the list")

    def value(self) -> Any:
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # what is cut off is wrong at its end, or where its last string begins
                cut = error.pos > len(self._text) - 64 or error.msg.startswith("Unterminated")
                within = error.pos - self._at
                if cut and self._more():
                    continue
                raise self.wrong(error.msg, self._at + within) from error
            except RecursionError as error:
                raise self.wrong(_why(error)) from error
            # a number may go on in the next piece
            if end < len(self._text) or not self._more():
                if MAY_BE_HALF.search(self._text, self._at, end):
                    value = _told_of_halves(value, self._line(self._at), self._notices)
                self._at = end
                return value

    def wrong(self, why: str, at: int | None = None) -> NodeError:
        line = self._line(self._at if at is None else at)
        return unreadable(self._name, f"it is no JSON: {why}", line)

    def _line(self, at: int) -> int:
        return self._lines + self._text.count("\n", 0, at) + 1


def _told_of_halves(value: Any, line: int, notices: list[Notice]) -> Any:
    """The value with � for halves of characters; the first line that has one is told."""
    sound, replaced = whole_characters(value)
    told = f"halves of characters, as a cut text has them, were replaced by {REPLACED}"
    if replaced and not any(each.detail == told for each in notices):
        notices.append(Notice(told, line))
    return sound


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON: {error.msg} (character {error.colno})"
    return f"it is no JSON: {error}"
