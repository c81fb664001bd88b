"""What the mock model makes of a text: data found in it, and the label that fits it best.

Guesses by rule, the same for the same text, so that a drawing can be tried without a model.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from zlib import crc32

from graphs.json_schema import violations
from graphs.mock_model import example

MAX_DEPTH = 6
STEM = 5
"""How many letters of two words must agree for them to count as one."""

_NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"
_FORMATS = {
    "email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "uri": r"https?://[^\s<>\"')]+",
    "date": r"\b\d{4}-\d{2}-\d{2}\b",
    "date-time": r"\b\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})",
    "uuid": r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
    "ipv4": r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
}
_WORD = re.compile(r"\w{3,}")


def extracted(schema: Mapping[str, Any], text: str) -> Any:
    """Data that satisfies the schema, with what of it can be found in the text."""
    made = example(schema, text)
    filled = _fill(schema, made, text, 0)
    return made if violations(schema, filled) else filled


def _fill(schema: Mapping[str, Any], made: Any, text: str, depth: int) -> Any:
    properties: Any = schema.get("properties")
    if not isinstance(made, dict) or not isinstance(properties, dict) or depth > MAX_DEPTH:
        return cast("Any", made)
    filled = cast("dict[str, Any]", {**made})
    for name, part in cast("dict[str, Any]", properties).items():
        if not isinstance(part, dict):
            continue
        below = cast("dict[str, Any]", part)
        fitting = (found for found in _found(name, below, text) if not violations(below, found))
        filled[name] = next(fitting, _fill(below, filled.get(name), text, depth + 1))
    return filled


def _found(name: str, schema: dict[str, Any], text: str) -> list[Any]:
    """Values of the text that a property may have, the likeliest first."""
    if "enum" in schema:
        said = text.casefold()
        return [value for value in schema["enum"] if str(value).casefold() in said]
    kind, form = schema.get("type"), schema.get("format")
    title = "[ _-]?".join(map(re.escape, re.split(r"[ _-]", name)))
    if kind in ("integer", "number"):
        named = re.search(rf"\b{title}\b\D{{0,20}}({_NUMBER})", text, re.IGNORECASE)
        texts = [named[1]] if named else re.findall(_NUMBER, text)
        numbers = [float(number.replace(",", "").rstrip(".")) for number in texts]
        return [int(number) if number.is_integer() else number for number in numbers]
    if kind == "string" and form in _FORMATS:
        return re.findall(_FORMATS[form], text)
    if kind == "string":
        named = re.search(rf"\b{title}\b\s*(?::|=|\bis\b)\s*([^\n,;.]+)", text, re.IGNORECASE)
        return [named[1].strip()] if named else []
    items: Any = schema.get("items")
    if kind == "array" and isinstance(items, dict):
        listed = _found(name, cast("dict[str, Any]", items), text)
        return [listed] if listed else []
    return []


def classified(text: str, labels: Sequence[tuple[str, str]]) -> list[str]:
    """The labels, given with their descriptions, in the order in which they fit the text."""
    words = _words(text)
    seed = crc32(text.encode())

    def fit(place: int) -> tuple[int, int, int]:
        label, description = labels[place]
        near = 3 * len(words & _words(label)) + len(words & _words(description))
        return (-near, (place - seed) % len(labels), place)

    return [labels[place][0] for place in sorted(range(len(labels)), key=fit)]


def _words(text: str) -> set[str]:
    return {word[:STEM] for word in _WORD.findall(text.casefold())}
