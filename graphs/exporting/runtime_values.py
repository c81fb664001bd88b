"""Values in an exported file: paths, texts, JSON Schemas, params, and what stands for msgspec.

Exported files hold copies of what they use of this module; nothing here is run by the server.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import enum
import json
import types
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from graphs.errors import ExpressionError, NodeError
from graphs.language.composites import items_of
from graphs.language.values import MissingError, as_text, member


class UnsetType:
    """The type of what was not given."""


UNSET = UnsetType()


def dig(value: Any, *keys: Any) -> Any:
    """`value[key][key]…`; below None all is None, and what is not there is an error."""
    for key in keys:
        value = member(value, key)
    return value


def each(value: Any) -> list[Any]:
    """A list's items or an object's keys."""
    return items_of(value)


def cut(value: Any, start: int | None, stop: int | None = None, pace: int | None = None) -> Any:
    """`value[start:stop:pace]`; of None, None."""
    return None if value is None else value[start:stop:pace]


def text(*parts: Any) -> str:
    """The parts as one text: None is empty, lists and objects are JSON."""
    return "".join(map(as_text, parts))


def remainder(left: Any, right: Any) -> Any:
    """`left % right` of numbers."""
    if isinstance(left, str):
        raise ExpressionError("a text % a value cannot be calculated")
    return left % right


def power(left: Any, right: Any) -> Any:
    """`left ** right`, unless the result would be too large."""
    if isinstance(left, int) and isinstance(right, int) and right > 64 and left not in (0, 1, -1):
        raise ExpressionError("the number is too large; at most 64 bits are kept")
    return left**right


def fn_default(value: Callable[[], Any], fallback: Any) -> Any:
    """The value, or the fallback when it is None or missing."""
    with suppress(MissingError):
        found = value()
        return fallback if found is None else found
    return fallback


def json_bytes(value: Any) -> bytes:
    """The value as JSON in UTF-8."""
    return dump(value).encode()


def indented(raw: bytes) -> bytes:
    """JSON over several lines, for people."""
    return json.dumps(json.loads(raw), ensure_ascii=False, indent=2).encode()


def written(value: Any) -> Any:
    """What JSON has no form for, as something that it has."""
    if is_dataclass(value) or isinstance(value, enum.Enum):
        return plain(value)
    if hasattr(value, "isoformat"):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def dump(value: Any) -> str:
    """The value as JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=written)
    except (TypeError, ValueError, RecursionError) as error:
        raise ExpressionError(f"this value cannot be written as JSON: {error}") from None


def unfit(place: str, wanted: str) -> NodeError:
    """The error for a setting that is not what it must be."""
    where = f"{place!r}: " if place else ""
    return NodeError(f"{where}expected {wanted}", code="params_invalid", retryable=False)


def truth(value: Any) -> bool:
    """What a condition amounts to. Texts are no conditions unless they read as one."""
    if not isinstance(value, str):
        return bool(value)
    words = {"true": True, "false": False, "null": False, "1": True, "0": False}
    if value.lower() in words:
        return words[value.lower()]
    try:
        return bool(float(value))
    except ValueError:
        raise unfit("Condition", "true or false") from None


def shaped(kind: Any, value: Any, place: str = "") -> Any:
    """A JSON value as what a type asks for: a dataclass, an enum, a list … Raises NodeError."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or kind is object:
        return value
    if origin in (Union, types.UnionType):
        return one_of(arguments, value, place)
    if origin is Literal:
        if value not in arguments:
            raise unfit(place, f"one of {', '.join(map(str, arguments))}")
        return value
    if is_dataclass(kind):
        return filled(kind, value, place)
    if origin in (list, tuple, Sequence):
        if not isinstance(value, list | tuple):
            raise unfit(place, "a list")
        inner = arguments[0] if arguments else Any
        made = [shaped(inner, part, place) for part in value]
        return tuple(made) if origin is tuple else made
    if origin in (dict, Mapping) or kind is dict:
        if not isinstance(value, Mapping):
            raise unfit(place, "an object")
        inner = arguments[1] if arguments else Any
        return {name: shaped(inner, part, place) for name, part in value.items()}
    return simple(kind, value, place)


def simple(kind: Any, value: Any, place: str) -> Any:
    """A value that is no list or object; texts that read as a number or as true are taken."""
    if kind is str:
        return as_text(value)
    if kind in (type(None), UnsetType):
        if value is None or isinstance(value, UnsetType):
            return value
        raise unfit(place, "nothing")
    if kind is bool:
        words = {"true": True, "false": False, "1": True, "0": False}
        if isinstance(value, bool) or as_text(value).lower() in words:
            return words[as_text(value).lower()]
        raise unfit(place, "true or false")
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        with suppress(ValueError):
            return kind(value)
        raise unfit(place, f"one of {', '.join(str(choice.value) for choice in kind)}")
    if kind in (int, float) and not isinstance(value, bool):
        with suppress(TypeError, ValueError):
            number = float(value)
            if kind is float or number.is_integer():
                return kind(value) if kind is float or isinstance(value, str) else kind(number)
        raise unfit(place, "a number")
    if isinstance(kind, type) and not isinstance(value, kind):
        raise unfit(place, f"a {kind.__name__}")
    return value


def one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    """A value as the first of several types that it fits, without conversion where possible."""
    exact = {type(None): type(None), bool: bool, int: int, float: float, str: str}
    for kind in kinds:
        wanted = exact.get(kind, get_origin(kind) or kind)
        if isinstance(wanted, type) and type(value) is wanted:
            return shaped(kind, value, place)
    if isinstance(value, Mapping):
        for kind in kinds:
            if is_dataclass(kind) and getattr(kind, "TAG", value.get("type")) == value.get("type"):
                return filled(kind, value, place)
    failure = unfit(place, "another value")
    for kind in kinds:
        try:
            return shaped(kind, value, place)
        except NodeError as error:
            failure = error
    raise failure


def filled(kind: Any, value: Any, place: str) -> Any:
    """A dataclass from an object; fields that are left out have their defaults."""
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise unfit(place, "an object")
    types_by_name = hints(kind)
    given: dict[str, Any] = {}
    for part in fields(kind):
        name = json_name(kind, part)
        if name in value:
            given[part.name] = shaped(types_by_name[part.name], value[name], place or name)
        elif part.default is MISSING and part.default_factory is MISSING:
            raise unfit(place or name, "a value")
    return kind(**given)


def json_name(owner: Any, part: Any) -> str:
    """What a dataclass's field is called in JSON."""
    names = getattr(owner, "NAMES", {})
    return part.metadata.get("name", names.get(part.name, part.name))


@cache
def hints(kind: Any) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return get_type_hints(kind)


def plain(value: Any) -> Any:
    """A dataclass as JSON; the counterpart of `shaped`."""
    if is_dataclass(value) and not isinstance(value, type):
        lean = getattr(value, "OMIT_DEFAULTS", False)
        made: dict[str, Any] = {}
        for part in fields(value):
            member = getattr(value, part.name)
            if isinstance(member, UnsetType) or (lean and member == part.default):
                continue
            made[json_name(value, part)] = plain(member)
        return made
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return value


@dataclass(frozen=True)
class Violation:
    """One thing wrong with a value, and where."""

    path: tuple[str | int, ...]
    message: str


TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
    "null": (type(None),),
}


def is_of_type(value: Any, name: str) -> bool:
    """Whether a value is of a JSON Schema's type."""
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES.get(name, (object,)))


def violations(schema: Any, value: Any, path: tuple[str | int, ...] = ()) -> list[Violation]:
    """What a JSON Schema does not allow about a value, as far as workflows use such schemas."""
    if not isinstance(schema, dict):
        return []
    found: list[Violation] = []

    def wrong(message: str) -> None:
        found.append(Violation(path, message))

    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(is_of_type(value, kind) for kind in kinds):
        wrong(f"{value!r} is not of type {', '.join(map(repr, kinds))}")
        return found
    if "enum" in schema and value not in schema["enum"]:
        wrong(f"{value!r} is not one of {schema['enum']!r}")
    if "const" in schema and value != schema["const"]:
        wrong(f"{schema['const']!r} was expected")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                found.append(Violation((*path, name), "is required"))
        for name, part in value.items():
            below = properties.get(name, schema.get("additionalProperties", True))
            if below is False:
                wrong(f"{name!r} is not expected")
            found += violations(below, part, (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            found += violations(schema.get("items"), part, (*path, place))
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            wrong("has too few or too many items")
        if schema.get("uniqueItems") and any(part in value[:n] for n, part in enumerate(value)):
            wrong("has an item twice")
    elif isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            wrong(f"{value!r} is too short or too long")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            wrong(f"{value!r} is too small or too large")
        if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
            wrong(f"{value!r} is too small")
        if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
            wrong(f"{value!r} is too large")
        if "multipleOf" in schema and value % schema["multipleOf"]:
            wrong(f"{value!r} is not a multiple of {schema['multipleOf']!r}")
    for part in schema.get("allOf", ()):
        found += violations(part, value, path)
    for word in ("anyOf", "oneOf"):
        fits = [part for part in schema.get(word, ()) if not violations(part, value, path)]
        if schema.get(word) and (not fits or (word == "oneOf" and len(fits) > 1)):
            wrong(f"{value!r} does not fit {word}")
    return found
