"""A node's raw params: what is wrong with them, which of their strings are expressions, and how
they become a Params struct when the node runs.

The node type's JSON Schema tells the markers of every field, so that validation, the compiler and
the forms agree on them.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, cast

import msgspec
from msgspec import Struct

from graphs.errors import NodeError
from graphs.expressions import Template, compile_value, format_value
from graphs.json_schema import schema_violations
from graphs.node_type import NodeType, Params
from graphs.problems import ProblemCode

Path = tuple[str | int, ...]
Schema = dict[str, Any]

_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}


class ParamProblem(Struct, frozen=True):
    """Something wrong with a param; `path` leads from the params to the place."""

    path: Path
    code: ProblemCode
    detail: str


class Markers(Struct, frozen=True):
    """`secret`: may use secrets. `literal`: its braces are no expressions. `lazy`: they are
    evaluated by the node itself, after its body.
    """

    secret: bool = False
    literal: bool = False
    lazy: bool = False


def strings(raw: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every string of a JSON value with the way to it."""
    if isinstance(raw, str):
        yield path, raw
    elif isinstance(raw, dict):
        for key, part in cast("dict[str, Any]", raw).items():
            yield from strings(part, (*path, key))
    elif isinstance(raw, list):
        for index, part in enumerate(cast("list[Any]", raw)):
            yield from strings(part, (*path, index))


def param_problems(kind: NodeType[Any], raw: Mapping[str, Any]) -> Iterator[ParamProblem]:
    """What is missing, unknown or of the wrong type.

    A field that holds an expression is checked when the node runs.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind.params_type)}
    for name in raw:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            detail = f"{kind.title} has no setting {name!r}{hint}"
            yield ParamProblem((name,), ProblemCode.PARAM_UNKNOWN, detail)
    for name, field in fields.items():
        if name not in raw:
            if field.required:
                detail = f"{_title(kind, name)!r} is required; fill it in"
                yield ParamProblem((name,), ProblemCode.PARAM_MISSING, detail)
            continue
        value = raw[name]
        if not markers(kind, (name,)).literal and _has_expression(value):
            continue
        marks = schema_of(kind)["properties"][name]
        try:
            msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError as error:
            message, path = _readable(error)
            path = (name, *path)
            advice = _advice(kind, message, path)
            if advice is not None:
                place, words = advice
                detail = f"{_place(kind, place)}: {words}"
                yield ParamProblem(place, ProblemCode.PARAM_INVALID, detail)
                continue
            if marks.get("x-widget") in ("expression", "condition"):
                message = f"{message}; write an expression in braces: {{{{ … }}}}"
            detail = f"{_place(kind, path)}: {message}{_choices(kind, path)}"
            yield ParamProblem(path, ProblemCode.PARAM_INVALID, detail)
            continue
        if marks.get("x-json-schema") is True and value is not None:
            for found in schema_violations(value):
                detail = f"{_title(kind, name)!r}: {found.message}"
                yield ParamProblem((name, *found.path), ProblemCode.PARAM_INVALID, detail)
    for path, detail in kind.check(raw):
        yield ParamProblem(path, ProblemCode.PARAM_INVALID, detail)


def _has_expression(value: Any) -> bool:
    return any("{{" in text or "${" in text for _, text in strings(value))


def compile_params(kind: NodeType[Any], raw: Mapping[str, Any]) -> Template:
    """The params with their expressions compiled; fields marked literal stay as they are.

    Raises ExpressionError.
    """
    return compile_value(_marked(kind, raw, ()) if _has_literals(kind) else raw)


def compile_lazy(kind: NodeType[Any], raw: Mapping[str, Any]) -> dict[str, Template]:
    """The fields marked lazy, compiled one by one. Raises ExpressionError."""
    return {name: compile_value(part) for name, part in raw.items() if markers(kind, (name,)).lazy}


def _marked(kind: NodeType[Any], part: Any, path: Path) -> Any:
    if path and ((marks := markers(kind, path)).literal or marks.lazy):
        return Template(part, None)
    if isinstance(part, Mapping):
        fields = cast("Mapping[str, Any]", part)
        return {name: _marked(kind, below, (*path, name)) for name, below in fields.items()}
    if isinstance(part, list):
        return [_marked(kind, item, (*path, 0)) for item in cast("list[Any]", part)]
    return part


@cache
def _has_literals(kind: NodeType[Any]) -> bool:
    schema = msgspec.json.encode(schema_of(kind))
    return b'"x-expression":false' in schema or b'"x-lazy":true' in schema


def convert_params(kind: NodeType[Any], resolved: Mapping[str, Any]) -> Params:
    """The struct that `NodeType.run` gets. Raises NodeError naming the field that does not fit."""
    try:
        return msgspec.convert(resolved, kind.params_type, strict=False)
    except msgspec.ValidationError:
        pass
    texts = _text_fields(kind.params_type)
    formatted = {
        name: format_value(value) if name in texts and not isinstance(value, str) else value
        for name, value in resolved.items()
    }
    try:
        return msgspec.convert(formatted, kind.params_type, strict=False)
    except msgspec.ValidationError as error:
        message, path = _readable(error)
        where = f"{_title(kind, str(path[0]))!r}: " if path else ""
        raise NodeError(f"{where}{message}", code="params_invalid", retryable=False) from None


@cache
def _text_fields(params_type: type[Params]) -> frozenset[str]:
    info: Any = msgspec.inspect.type_info(params_type)
    return frozenset(field.encode_name for field in info.fields if _is_text(field.type))


def _is_text(info: Any) -> bool:
    inner = info.type if isinstance(info, msgspec.inspect.Metadata) else info
    return isinstance(inner, msgspec.inspect.StrType)


@cache
def schema_of(kind: NodeType[Any]) -> dict[str, Any]:
    """The JSON Schema of the node type's params; shared, not to be changed."""
    return kind.params_schema()


@lru_cache(maxsize=4096)
def markers(kind: NodeType[Any], path: Path) -> Markers:
    """The markers of the field at `path`; those of what it lies in hold for it too."""
    secret = literal = lazy = False
    for level in _schemas_on(kind, path):
        secret = secret or any(schema.get("x-secret") is True for schema in level)
        literal = literal or any(schema.get("x-expression") is False for schema in level)
        lazy = lazy or any(schema.get("x-lazy") is True for schema in level)
    return Markers(secret, literal, lazy)


def _schemas_on(kind: NodeType[Any], path: Path) -> Iterator[list[Schema]]:
    root = schema_of(kind)
    level = [root]
    for part in path:
        level = [below for schema in level for below in _below(schema, part, root)]
        yield level


def _choices(kind: NodeType[Any], path: Path) -> str:
    levels = list(_schemas_on(kind, path))
    shapes = [shape for schema in levels[-1] for shape in _shapes(schema, schema_of(kind))]
    allowed: list[Any] = [choice for shape in shapes for choice in shape.get("enum", ())]
    return f"; choose from: {', '.join(map(str, allowed))}" if allowed else ""


def _below(
    schema: dict[str, Any], part: str | int, root: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for shape in _shapes(schema, root):
        if isinstance(part, int):
            below: Any = shape.get("items")
        else:
            properties = cast("dict[str, Any]", shape.get("properties", {}))
            below = properties.get(part, shape.get("additionalProperties"))
        if isinstance(below, dict):
            yield cast("dict[str, Any]", below)


def _shapes(schema: Schema, root: Schema) -> Iterator[Schema]:
    yield schema
    if "$ref" in schema:
        yield from _shapes(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    for choice in schema.get("anyOf", ()):
        yield from _shapes(choice, root)


_CHOOSE = {
    "column": "choose a column",
    "file": "choose a file",
    "workflow": "choose a workflow",
    "library_graph": "choose a graph",
    "model": "choose a model",
}
_MISSING = re.compile(r"object missing required field '(\w+)'")
_TOO_SHORT = re.compile(r"expected (a text|a list|an object) of length >= (\d+)")
_LIMIT = re.compile(r"expected (?:a whole number|a number) ([<>]=?) (\S+)")


def _advice(kind: NodeType[Any], message: str, path: Path) -> tuple[Path, str] | None:
    """What to do about what does not fit, and where; None where the message itself says it best."""
    if (missing := _MISSING.fullmatch(message)) is not None:
        path = (*path, missing[1])
        return path, _CHOOSE.get(_widget(kind, path), "fill this in")
    if (short := _TOO_SHORT.fullmatch(message)) is not None:
        what, least = short.groups()
        if what == "a text":
            words = "fill this in" if least == "1" else f"write at least {least} characters"
            return path, _CHOOSE.get(_widget(kind, path), words)
        return path, "add at least one entry" if least == "1" else f"add at least {least} entries"
    if (limit := _LIMIT.fullmatch(message)) is not None:
        sign, number = limit.groups()
        if _widget(kind, path) == "duration":
            number = _duration(float(number))
        told = {">=": "{} or more", "<=": "{} or less", ">": "more than {}", "<": "less than {}"}
        return path, f"use {told[sign].format(number)}"
    return None


def _widget(kind: NodeType[Any], path: Path) -> str:
    """What the field at `path` is for; a list of columns has one in each entry."""
    *_, last = levels = list(_schemas_on(kind, path))
    found = [schema for schema in last if "x-widget" in schema]
    if not found and len(levels) > 1 and path and isinstance(path[-1], int):
        found = [schema for schema in levels[-2] if "x-widget" in schema]
    return str(found[0]["x-widget"]) if found else ""


def _duration(ms: float) -> str:
    for size, unit in ((86_400_000, "days"), (3_600_000, "h"), (60_000, "min"), (1000, "s")):
        if ms >= size and ms % size == 0:
            return f"{int(ms // size)} {unit.removesuffix('s') if ms == size > 1000 else unit}"
    return f"{int(ms)} ms"


def _place(kind: NodeType[Any], path: Path) -> str:
    """The titles on the way to a field, such as `'Conditions', entry 1, 'Column'`."""
    told: list[str] = []
    levels = _schemas_on(kind, path)
    for part, level in zip(path, levels, strict=False):
        if isinstance(part, int):
            told.append(f"entry {part + 1}")
        else:
            title = next((one["title"] for one in level if "title" in one), part)
            told.append(repr(title))
    return ", ".join(told)


def _title(kind: NodeType[Any], name: str) -> str:
    return schema_of(kind)["properties"].get(name, {}).get("title", name)


def _readable(error: msgspec.ValidationError) -> tuple[str, Path]:
    message, _, where = str(error).partition(" - at `$")
    path = tuple(
        int(index) if index else name for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", where)
    )
    words = re.sub(
        r"`([\w| ]+)`",
        lambda match: " or ".join(_NAMES.get(name, repr(name)) for name in match[1].split(" | ")),
        message,
    )
    return words[:1].lower() + words[1:], path
