"""The parts of the guide that are made from code: node types, functions and error codes."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from markupsafe import Markup
from msgspec import Struct

from graphs.language.functions import dates, lists, numbers, texts
from graphs.language.functions.registry import FUNCTIONS
from graphs.node_type import Category, NodeType
from graphs.registry import registry
from ui.formats import amount
from ui.theme import templates

SECTIONS = {
    Category.FLOW: "Flow",
    Category.DATA: "Data",
    Category.TABLES: "Tables and files",
    Category.AI: "AI",
    Category.INTEGRATION: "Integration",
}


FUNCTION_MODULES = {
    "Texts": texts,
    "Numbers": numbers,
    "Lists and objects": lists,
    "Dates": dates,
}

WHERE = {
    "api": "Answers of the API",
    "run": "Failed steps and runs",
    "drawing": "Problems of a drawing",
}


class Setting(Struct, frozen=True):
    """A row of a node type's table of params."""

    name: str
    title: str
    kind: str
    required: bool
    default: str | None
    description: str
    limits: str
    secret: bool
    literal: bool


class ErrorCode(Struct, frozen=True):
    """A code: where it appears, what it means, and as HTML what helps."""

    code: str
    status: int | None
    where: str
    title: str
    text: str


def node_sections(render: Callable[[str], str]) -> str:
    """Every registered node type as HTML, by category."""
    groups: dict[str, list[dict[str, Any]]] = {title: [] for title in SECTIONS.values()}
    for node_type in registry().values():
        groups[SECTIONS[node_type.category]].append(_entry(node_type, render))
    return templates.get_template("help_nodes.html").render(groups=groups, inline=inline)


def function_tables() -> str:
    """The expression language's functions as HTML, by what they work on."""
    groups = {
        title: [
            (name, f"{name}{function.signature}", function.help)
            for name, function in sorted(FUNCTIONS.items())
            if function.call.__module__ == module.__name__
        ]
        for title, module in FUNCTION_MODULES.items()
    }
    return templates.get_template("help_functions.html").render(groups=groups, inline=inline)


def inline(text: str) -> Markup:
    """A sentence in which names between backticks are code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one is left over: nobody knows which
        return Markup("{}").format(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else Markup("{}").format(part)
        for at, part in enumerate(parts)
    )


def error_codes(source: str, render: Callable[[str], str]) -> dict[str, ErrorCode]:
    """The codes that errors.md explains: `## code`, then `where · title`, then what helps.

    `where` is the HTTP status of an answer, `run` or `drawing`.
    """
    parts = re.split(r"^## (\S+)\n(\w+) · (.+)\n", source, flags=re.MULTILINE)
    found: dict[str, ErrorCode] = {}
    for at in range(1, len(parts), 4):
        code, where, title, text = parts[at : at + 4]
        status = int(where) if where.isdigit() else None
        place = WHERE["api" if status else where]
        found[code] = ErrorCode(code, status, place, title, render(text))
    return found


def error_sections(codes: Iterable[ErrorCode]) -> str:
    """Every code with its explanation as HTML, by where it appears."""
    groups: dict[str, list[ErrorCode]] = {where: [] for where in WHERE.values()}
    for code in codes:
        groups[code.where].append(code)
    return templates.get_template("help_errors.html").render(groups=groups, phrase=phrase)


def phrase(status: int | None) -> str:
    """`404 Not Found`, or nothing."""
    return "" if status is None else f"{status} {HTTPStatus(status).phrase}"


def _entry(node_type: NodeType[Any], render: Callable[[str], str]) -> dict[str, Any]:
    schema = node_type.params_schema()
    return {
        "type": node_type.name,
        "title": node_type.title,
        "icon": node_type.icon,
        "category": node_type.category.value,
        "help": render(_docstring(node_type)),
        "inputs": [port.title or port.name for port in node_type.inputs],
        "outputs": [port.name for port in node_type.outputs],
        "outputs_from": node_type.outputs_from,
        "outputs_by": node_type.outputs_by,
        "container": node_type.container,
        "settings": list(_settings(schema)),
        "example": _example(node_type, schema),
    }


def _docstring(node_type: NodeType[Any]) -> str:
    lines = (type(node_type).__doc__ or "").strip().split("\n")
    return "\n".join([lines[0], *(line.removeprefix("    ") for line in lines[1:])])


def _settings(schema: Mapping[str, Any]) -> Iterator[Setting]:
    required = set(schema.get("required", ()))
    for name, raw in schema.get("properties", {}).items():
        field = resolved(raw, schema)
        default = field.get("default")
        yield Setting(
            name=name,
            title=field.get("title", name),
            kind=_kind(field, schema),
            required=name in required,
            default=None if "default" not in field else msgspec.json.encode(default).decode(),
            description=field.get("description", ""),
            limits=_limits(field),
            secret=bool(field.get("x-secret")),
            literal=field.get("x-expression") is False,
        )


def resolved(field: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The field with its reference, if any, followed; what stands beside the reference wins."""
    target = field.get("$ref", "").rpartition("/")[2]
    return {**schema.get("$defs", {}).get(target, {}), **field}


def _kind(raw: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    field = resolved(raw, schema)
    if "enum" in field:
        return " | ".join(msgspec.json.encode(value).decode() for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(part, schema) for part in field["anyOf"]))
    kind = field.get("type", "any value")
    if kind == "array":
        return f"list of {_kind(field['items'], schema)}" if "items" in field else "list"
    if kind == "object" and "properties" in field:
        return f"{{{', '.join(field['properties'])}}}"
    if kind == "object":
        return "object"
    names = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return names.get(kind, kind) if isinstance(kind, str) else " or ".join(kind)


def _limits(field: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "more than {}",
        "exclusiveMaximum": "less than {}",
    }
    counts = {
        "minLength": ("at least", "character", "characters"),
        "maxLength": ("at most", "character", "characters"),
        "minItems": ("at least", "entry", "entries"),
        "maxItems": ("at most", "entry", "entries"),
    }
    said = [text.format(field[key]) for key, text in words.items() if key in field]
    return ", ".join(
        said
        + [
            f"{least} {amount(field[key], one, many)}"
            for key, (least, one, many) in counts.items()
            if key in field
        ]
    )


def _example(node_type: NodeType[Any], schema: Mapping[str, Any]) -> str:
    """A node as it stands in a definition, from the examples that the params give."""
    params = {
        name: field["examples"][0]
        for name, raw in schema.get("properties", {}).items()
        if (field := resolved(raw, schema)).get("examples")
    }
    node = {"id": node_type.name, "type": node_type.name, "params": params}
    return msgspec.json.format(msgspec.json.encode(node), indent=2).decode()
