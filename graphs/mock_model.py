"""The built-in model `mock`: without a key or a network, the same answer to the same prompt.

It streams word by word, and asked for data it makes the smallest that satisfies the schema.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast
from zlib import crc32

import msgspec

from graphs.json_schema import violations

WORD_PAUSE_S = 0.01
MAX_DEPTH = 12
QUOTED_WORDS = 40

_FORMATS = {
    "date": "2026-01-01",
    "time": "12:00:00Z",
    "date-time": "2026-01-01T12:00:00Z",
    "email": "mock@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


async def answer(prompt: str, mocked: str | None = None) -> AsyncIterator[str]:
    """The answer in pieces: `mocked`, or a text made from the prompt."""
    for word in re.findall(r"\S+\s*", _text(prompt) if mocked is None else mocked):
        await asyncio.sleep(WORD_PAUSE_S)
        yield word


def example_json(schema: Mapping[str, Any], prompt: str = "") -> str:
    """An example as the model writes it."""
    return msgspec.json.encode(example(schema, prompt)).decode()


def _text(prompt: str) -> str:
    words = prompt.split()
    quoted = " ".join(words[:QUOTED_WORDS]) + (" …" if len(words) > QUOTED_WORDS else "")
    return f"This is a mock answer to: {quoted}"


def example(schema: Mapping[str, Any], prompt: str = "") -> Any:
    """A value that satisfies the schema, wherever one can be made without solving riddles."""
    return _value(schema, schema, crc32(prompt.encode()), 0)


def _value(schema: Any, root: Mapping[str, Any], seed: int, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return None
    part = cast("Mapping[str, Any]", schema)
    if "$ref" in part:
        return _value(_referred(part["$ref"], root), root, seed, depth + 1)
    if "const" in part:
        return part["const"]
    if part.get("enum"):
        return part["enum"][seed % len(part["enum"])]
    for given in [part.get("default"), *part.get("examples", ())]:
        if given is not None and not violations(part, given):
            return given
    for keyword in ("anyOf", "oneOf"):
        if part.get(keyword):
            return _value({**part, keyword: (), **part[keyword][0]}, root, seed, depth + 1)
    if part.get("allOf"):
        return _value(_merged(part), root, seed, depth + 1)
    return _of_type(_type(part), part, root, seed, depth)


def _type(schema: Mapping[str, Any]) -> str:
    kind: Any = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in cast("list[Any]", kind) if name != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _of_type(
    kind: str, schema: Mapping[str, Any], root: Mapping[str, Any], seed: int, depth: int
) -> Any:
    match kind:
        case "object":
            properties: Mapping[str, Any] = schema.get("properties", {})
            names = dict.fromkeys([*properties, *schema.get("required", ())])
            return {
                name: _value(properties.get(name, {}), root, seed + crc32(name.encode()), depth + 1)
                for name in names
                if depth < MAX_DEPTH // 2 or name in schema.get("required", ())
            }
        case "array":
            fixed: list[Any] = [
                _value(item, root, seed, depth + 1) for item in schema.get("prefixItems", ())
            ]
            count = max(schema.get("minItems", 1), len(fixed))
            count = min(count, schema.get("maxItems", count))
            items = schema.get("items", {})
            more = range(len(fixed), count)
            return fixed + [_value(items, root, seed + place, depth + 1) for place in more]
        case "integer" | "number":
            return _number(kind, schema, seed)
        case "boolean":
            return seed % 2 == 0
        case "null":
            return None
        case _:
            return _string(schema, seed)


def _number(kind: str, schema: Mapping[str, Any], seed: int) -> int | float:
    step = schema.get("multipleOf", 1)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    least = schema.get("minimum", above)
    most = schema.get("maximum", below)
    if least is None:
        least = 0 if most is None or most >= 0 else most - 100 * step
    if kind == "number" and most is not None and most - least < 2 * step:
        return (least + most) / 2
    first = -(-least // step) * step
    if first == above:
        first += step
    room = 100 if most is None else int((most - first) // step)
    value = first + (seed % (max(0, room) + 1)) * step
    if value == below and value > first:
        value -= step
    return int(value) if kind == "integer" else value


def _string(schema: Mapping[str, Any], seed: int) -> str:
    text = _FORMATS.get(schema.get("format", ""), f"mock {seed % 1000}")
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def _merged(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        for key, value in cast("Mapping[str, Any]", part).items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, ()), *value]
            else:
                merged[key] = value
    return merged


def _referred(reference: Any, root: Mapping[str, Any]) -> Any:
    part: Any = root
    for step in str(reference).removeprefix("#").strip("/").split("/"):
        if step:
            key = step.replace("~1", "/").replace("~0", "~")
            part = cast("Mapping[str, Any]", part).get(key) if isinstance(part, Mapping) else None
    return part
