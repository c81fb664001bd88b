"""Texts in JSON that no encoding can write: halves of characters, as a cut emoji leaves them."""

import re
from typing import Any, cast

REPLACED = "�"
MAY_BE_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a pair of UTF-16 as JSON writes it; whole pairs begin alike."""

_HALF = re.compile("[\ud800-\udfff]")


def whole_characters(value: Any) -> tuple[Any, bool]:
    """The value with � for halves of characters, and whether there were any."""
    if isinstance(value, str):
        sound = _HALF.sub(REPLACED, value)
        return sound, sound != value
    if isinstance(value, list):
        parts = [whole_characters(part) for part in cast("list[Any]", value)]
        return [part for part, _ in parts], any(replaced for _, replaced in parts)
    if isinstance(value, dict):
        fields = [
            (whole_characters(name), whole_characters(part))
            for name, part in cast("dict[str, Any]", value).items()
        ]
        made = {name: part for (name, _), (part, _) in fields}
        return made, any(one or other for (_, one), (_, other) in fields)
    return value, False
