"""The names that a node's expressions use, and the same node with other names in their place."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from graphs.definition import Node
from graphs.errors import ExpressionError
from graphs.expressions import compile_text
from graphs.node_type import NodeType
from graphs.params import Path, markers, strings

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_FIELD = re.compile(r"""\s*(?:\.\s*(?P<name>\w+)|\[\s*(?P<text>"[^"]*"|'[^']*')\s*\])""")

BY_NAME = {"join_tables": ("left", "right")}
"""Settings whose text, when it is a node's id, stands for that node's output."""

SQL = "sql"
"""The node type whose query may name nodes as tables; its setting `tables` says which they are."""


class Head(NamedTuple):
    """How an expression begins: `steps.fetch` has root `steps` and key `fetch`."""

    root: str
    key: str | None


Replace = Callable[[Head, bool], str | None]
"""What stands for a head instead, or None; the bool says that it is evaluated after a body."""


def expression(*parts: str) -> str:
    """The path of these names: `steps.fetch`, or `steps["a-b"]` where a dot cannot name it."""
    root, *keys = parts
    return root + "".join(
        f".{key}" if _IDENTIFIER.fullmatch(key) else f"[{_quoted(key)}]" for key in keys
    )


def heads(node: Node, kind: NodeType[Any]) -> Iterator[tuple[Head, bool]]:
    """Every name that the node's own expressions use. Raises ExpressionError."""
    for path, text in _expressions(node, kind):
        lazy = node.body is not None and markers(kind, path).lazy
        for reference in compile_text(text).references():
            yield Head(reference.root, reference.key), lazy


def named(node: Node, ids: Mapping[str, Any] | set[str]) -> set[str]:
    """The nodes among `ids` that it uses by a plain name, outside any expression."""
    if node.type == SQL:
        given = node.params.get("tables")
        known = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        words = {word.lower() for word in re.findall(r"[\w.-]+", str(node.params.get("query", "")))}
        return {each for each in ids if each.lower() in words and each not in known}
    found = {node.params.get(name) for name in BY_NAME.get(node.type, ())}
    return {each for each in ids if each in found}


def with_names(node: Node, paths: Mapping[str, str]) -> Node:
    """The node with expressions in place of the plain names of nodes."""
    if not paths:
        return node
    values = {name: f"{{{{ {path} }}}}" for name, path in paths.items()}
    if node.type == SQL:
        tables: Any = node.params.get("tables")
        return replace(node, params={**node.params, "tables": {**(tables or {}), **values}})
    changed = {
        name: values[value]
        for name in BY_NAME.get(node.type, ())
        if (value := node.params.get(name)) in values
    }
    return replace(node, params={**node.params, **changed})


def rewritten(node: Node, kind: NodeType[Any], change: Replace) -> Node:
    """The node with other names in its own expressions; its body stays as it is.

    Raises ExpressionError for an expression that cannot be read, or not be rewritten.
    """
    changed: dict[Path, str] = {}
    for path, text in _expressions(node, kind):
        lazy = node.body is not None and markers(kind, path).lazy
        new = _rewritten(text, lambda head, lazy=lazy: change(head, lazy))
        if new != text:
            changed[path] = new
    if not changed:
        return node
    return replace(node, params=cast("dict[str, Any]", _put(node.params, changed, ())))


def _expressions(node: Node, kind: NodeType[Any]) -> Iterator[tuple[Path, str]]:
    for path, text in strings(node.params):
        if ("{{" in text or "${" in text) and not markers(kind, path).literal:
            yield path, text


def _rewritten(text: str, change: Callable[[Head], str | None]) -> str:
    references = compile_text(text).references()
    written = sorted(references, key=lambda each: each.offset)
    news = [change(Head(reference.root, reference.key)) for reference in written]
    for reference, new in zip(reversed(written), reversed(news), strict=True):
        if new is None:
            continue
        start = reference.offset
        end = start + len(reference.root)
        if text[start:end] != reference.root:
            raise ExpressionError(f"write {reference.root} without brackets around it", start)
        if reference.key is not None:
            field = _FIELD.match(text, end)
            if field is None or _name(field) != reference.key:
                raise ExpressionError(f"write the name after {reference.root} plainly", start)
            end = field.end()
        text = text[:start] + new + text[end:]
    compile_text(text)
    return text


def _name(field: re.Match[str]) -> str:
    text = field["text"]
    return field["name"] if text is None else str(ast.literal_eval(text))


def _put(part: Any, changed: Mapping[Path, str], path: Path) -> Any:
    if path in changed:
        return changed[path]
    if isinstance(part, dict):
        fields = cast("dict[str, Any]", part)
        return {key: _put(value, changed, (*path, key)) for key, value in fields.items()}
    if isinstance(part, list):
        items = enumerate(cast("list[Any]", part))
        return [_put(value, changed, (*path, index)) for index, value in items]
    return part


def _quoted(key: str) -> str:
    return "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"
