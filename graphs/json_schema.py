"""JSON Schemas that users write: whether they are sound, and whether values satisfy them.

Nothing is ever fetched for a `$ref`, and patterns are matched in linear time, because neither the
schema nor the value can be trusted.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import msgspec
from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError
from msgspec import Struct
from pydantic_core import SchemaError, SchemaValidator
from pydantic_core import ValidationError as PatternMismatch
from referencing import Registry
from referencing.exceptions import Unresolvable

MAX_DEPTH = 50

Path = tuple[str | int, ...]


class Violation(Struct, frozen=True):
    """One thing wrong, and where: `path` holds keys and indexes. `missing`: it is not there."""

    path: Path
    message: str
    missing: bool = False


def schema_violations(schema: Any) -> list[Violation]:
    """Everything that makes this no usable JSON Schema (2020-12)."""
    if not isinstance(schema, dict):
        return [Violation((), "a JSON Schema is an object")]
    whole = cast("dict[str, Any]", schema)
    try:
        found = [
            Violation(tuple(error.absolute_path), _brief(error.message))
            for error in _META.iter_errors(whole)
        ]
        return found or list(_unusable(whole, whole))
    except RecursionError:
        return [Violation((), "the schema is nested too deeply")]


def violations(schema: Mapping[str, Any], value: Any) -> list[Violation]:
    """Everything about the value that the schema does not allow."""
    try:
        return [
            found
            for error in _validator(msgspec.json.encode(schema)).iter_errors(value)
            for found in _flat(error)
        ]
    except Unresolvable as error:
        return [Violation((), f"the schema refers to something that is not there: {error}")]
    except RecursionError:
        return [Violation((), "the schema or the value is nested too deeply")]


def with_defaults(schema: Mapping[str, Any], value: Any) -> Any:
    """The value with the defaults of absent properties, in nested objects too; a copy."""
    properties: Any = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, dict):
        return cast("Any", value)
    filled: dict[str, Any] = {**value}
    for name, part in cast("dict[str, Any]", properties).items():
        if not isinstance(part, dict):
            continue
        below = cast("dict[str, Any]", part)
        if name in filled:
            filled[name] = with_defaults(below, filled[name])
        elif "default" in below:
            filled[name] = below["default"]
    return filled


def _flat(error: ValidationError) -> Iterator[Violation]:
    path = tuple(error.absolute_path)
    if error.validator == "required":
        for name in cast("list[str]", error.validator_value):
            if error.message.startswith(repr(name)):
                yield Violation((*path, name), "is required", missing=True)
        return
    yield Violation(path, _brief(error.message))


def _brief(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:300]}…"


def _unusable(
    part: Any, root: dict[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[Violation]:
    if len(path) > MAX_DEPTH:
        yield Violation(path, "the schema is nested too deeply")
    elif isinstance(part, list):
        for index, below in enumerate(cast("list[Any]", part)):
            yield from _unusable(below, root, (*path, index))
    elif isinstance(part, dict):
        for key, below in cast("dict[str, Any]", part).items():
            here = (*path, key)
            if key in ("default", "const", "enum", "examples"):
                continue
            if key == "properties" and isinstance(below, dict):
                for name, schema in cast("dict[str, Any]", below).items():
                    yield from _unusable(schema, root, (*here, name))
            elif key == "patternProperties":
                yield Violation(here, "patternProperties is not supported; use properties")
            elif key == "pattern" and (reason := _pattern_error(below)):
                yield Violation(here, f"this pattern cannot be used: {reason}")
            elif key in ("$ref", "$dynamicRef") and not _resolves(below, root):
                yield Violation(here, f"{below!r} does not point to a part of this schema")
            else:
                yield from _unusable(below, root, here)


def _resolves(reference: Any, root: dict[str, Any]) -> bool:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return False
    part: Any = root
    for step in reference[2:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(part, dict) or key not in part:
            return False
        part = cast("dict[str, Any]", part)[key]
    return isinstance(part, dict)


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> SchemaValidator:
    # the regex engine of pydantic-core has no backtracking, so that no pattern can hang
    return SchemaValidator({"type": "str", "pattern": pattern, "regex_engine": "rust-regex"})  # pyright: ignore[reportArgumentType]


def _pattern_error(pattern: Any) -> str | None:
    try:
        _matcher(str(pattern))
    except SchemaError as error:
        return str(error).strip().splitlines()[-1].strip()
    return None


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str):
        try:
            _matcher(pattern).validate_python(instance)
        except PatternMismatch:
            yield ValidationError(f"{instance[:60]!r} does not match {pattern!r}")


_META: Any = Draft202012Validator(Draft202012Validator.META_SCHEMA)
_Validator: Any = cast("Any", validators).extend(Draft202012Validator, {"pattern": _pattern})


_NOTHING_REMOTE: Any = cast("Any", Registry)()


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    return _Validator(
        _without_dialect(msgspec.json.decode(schema)),
        registry=_NOTHING_REMOTE,
        format_checker=FormatChecker(),
    )


def _without_dialect(part: Any) -> Any:
    # where $schema stands, jsonschema changes to its own validator with its own patterns
    if isinstance(part, dict):
        return {
            key: _without_dialect(below)
            for key, below in cast("dict[str, Any]", part).items()
            if key != "$schema" or not isinstance(below, str)
        }
    if isinstance(part, list):
        return [_without_dialect(below) for below in cast("list[Any]", part)]
    return part
