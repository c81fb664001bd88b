"""Decodes JSON without losing digits: whole numbers of any size, and decimals that no float holds.

A decimal with more digits than a float keeps (`0.1234567890123456789`, `1e400`) stays the text
that it was. What a float prints, in however many digits, is a number.
"""

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from graphs.json_texts import MAY_BE_HALF, whole_characters

MAY_BE_LONG = re.compile(rb"[0-9][0-9.]{15}|[0-9.][eE][+-]?[0-9]{3}")
"""What a float may not hold; within texts it costs only time."""

_MAX_WHOLE_DIGITS = 4300
"""More of them Python does not read as a number."""


MAX_WEIGHT = 512 * 1024 * 1024


class TooHeavy(ValueError):
    """A value of very many small parts, which takes many times more memory than its text."""


def decode_json(raw: bytes) -> Any:
    """The value of JSON in UTF-8, with � for halves of characters.

    Raises ValueError (msgspec.DecodeError, TooHeavy before anything is made) or RecursionError.
    """
    return decode_json_with_halves(raw)[0]


def decode_json_with_halves(raw: bytes) -> tuple[Any, bool]:
    """The same, and whether it had any halves of characters."""
    check_weight(raw)
    if MAY_BE_LONG.search(raw) is None:
        try:
            return msgspec.json.decode(raw), False
        except msgspec.DecodeError:
            # what msgspec says of halves of characters is nothing, and else it is more exact
            if MAY_BE_HALF.search(raw.decode(errors="replace")) is None:
                raise
    value = json.loads(raw, parse_float=decimal, parse_int=whole, parse_constant=_refused)
    return whole_characters(value)


def check_weight(raw: bytes) -> None:
    """Raises TooHeavy for what would take more than about `MAX_WEIGHT` bytes as Python's objects.

    A dict takes 232 bytes, a list 64, and a text 32 at least: `[[],[],…]` grows twentyfold.
    """
    weight = 232 * raw.count(b"{") + 64 * raw.count(b"[") + 16 * raw.count(b'"')
    if weight > MAX_WEIGHT:
        raise TooHeavy("it holds too many objects, lists and texts to be kept as one value")


def decimal(text: str) -> float | str:
    """A JSON number with a fraction or an exponent; the text itself if a float cannot hold it."""
    value = float(text)
    if not math.isfinite(value):
        return text
    digits = text.lower().partition("e")[0].replace(".", "").lstrip("-0")
    if len(digits) <= 15 and value:
        return value
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return text
    printed = f"{value:.{min(max(len(digits), 1), 1000) - 1}e}"
    return value if exact in (Decimal(repr(value)), Decimal(printed)) else text


def whole(text: str) -> int | str:
    """A whole number; the text itself if it has more digits than Python reads."""
    return int(text) if len(text) <= _MAX_WHOLE_DIGITS else text


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is not a number that JSON knows")
