"""What differs between two drawings in people's words: steps by name, settings by their labels."""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, cast

from msgspec import UNSET, Struct

from backend.workflows.schemas import Comparison, FieldChange
from graphs.registry import registry
from ui.formats import duration
from ui.forms import choice_labels, humanised
from ui.reference import resolved
from ui.theme import templates

SHORT = 60
"""Values up to so many characters stand on one line: `0 → 50`."""
MOVED_SHOWN = 6

Schema = Mapping[str, Any]

_OF_NODES: Mapping[str, str] = {
    "name": "Name",
    "type": "Type",
    "parent": "Lies in",
    "on_error": "If it fails",
    "retry/max_attempts": "Attempts",
    "retry/delay_ms": "First wait",
    "retry/multiplier": "Then times",
    "retry": "Attempts",
    "timeout_ms": "Time limit for one attempt",
    "disabled": "Switched off",
    "pinned": "Pinned data",
    "source": "From",
    "target": "To",
    "source_port": "Output",
    "target_port": "Input",
    "text": "Text",
    "color": "Colour",
    "members": "Holds",
    "collapsed": "Closed to one card",
}
_ON_ERROR = {
    "fail": "stop the run",
    "continue": "go on with the error",
    "error": "take the error path",
}


class ToldChange(Struct, frozen=True):
    """One field: its label, and its values as text; None where there is none."""

    label: str
    before: str | None
    after: str | None

    @property
    def short(self) -> bool:
        """Whether both sides fit on one line."""
        return all(
            len(text) <= SHORT and "\n" not in text
            for text in (self.before or "", self.after or "")
        )


def comparison_html(found: Comparison, known: Mapping[str, str]) -> str:
    """The differences of two definitions; `known` has the titles of their steps by id."""

    def title(node_id: str | None) -> str:
        return "the workflow" if node_id is None else known.get(node_id, node_id)

    def moved(ids: Sequence[str]) -> str:
        shown = ", ".join(title(each) for each in ids[:MOVED_SHOWN])
        more = len(ids) - MOVED_SHOWN
        return f"{shown} and {more} more" if more > 0 else shown

    return templates.get_template("comparison.html").render(
        found=found,
        title=title,
        moved=moved,
        of_node=lambda item: list(node_changes(item.type, item.changes, known)),
        of_item=lambda item: list(node_changes(None, item.changes, known)),
        of_inputs=lambda changes: list(_input_changes(changes)),
        of_variables=lambda changes: list(_variable_changes(changes)),
        type_title=_type_title,
    )


def node_changes(
    node_type: str | None, changes: Sequence[FieldChange], known: Mapping[str, str]
) -> Iterator[ToldChange]:
    """A step's changed fields, or with no type those of an edge, note or group."""
    kind = registry().get(node_type) if node_type is not None else None
    schema = kind.params_schema() if kind is not None else {}
    for change in changes:
        parts = _parts(change.pointer)
        if parts[:1] == ["params"]:
            yield from _setting(schema, parts[1:], change)
            continue
        path = "/".join(parts)
        label = _OF_NODES.get(path) or _OF_NODES.get(parts[0]) or humanised(parts[0])
        words = {"on_error": _ON_ERROR, "parent": {None: "the workflow", **known}}.get(path, known)
        if path == "members":
            yield ToldChange(label, _members(change.before, known), _members(change.after, known))
            continue
        in_words = path in ("on_error", "parent", "source", "target")
        before, after = (
            words.get(value, value) if in_words else value
            for value in (change.before, change.after)
        )
        yield ToldChange(label, _text(before, {}, path), _text(after, {}, path))


def _members(value: Any, known: Mapping[str, str]) -> str | None:
    """What a group holds; notes have no titles."""
    ids = cast("list[str]", value) if isinstance(value, list) else []
    return ", ".join(known.get(each, "a note") for each in ids) or None


def _setting(root: Schema, parts: Sequence[str], change: FieldChange) -> Iterator[ToldChange]:
    label, schema = _label(root, parts)
    if isinstance(change.before, list) and isinstance(change.after, list):
        before, after = cast("list[Any]", change.before), cast("list[Any]", change.after)
        yield from _entries(label, _below(schema, "0", root)[1], root, before, after)
        return
    name = parts[-1] if parts else ""
    yield ToldChange(
        label, _text(change.before, schema, name, root), _text(change.after, schema, name, root)
    )


def _entries(
    label: str, schema: Schema, root: Schema, before: list[Any], after: list[Any]
) -> Iterator[ToldChange]:
    """A list that has grown or shrunk, entry by entry."""
    old, new = ([json.dumps(item, sort_keys=True) for item in side] for side in (before, after))
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        pairs = min(b - a, d - c)
        for at in range(max(b - a, d - c)):
            was = before[a + at] if a + at < b else UNSET
            now = after[c + at] if c + at < d else UNSET
            number = (c if at < pairs or c + at < d else a) + at + 1
            yield ToldChange(
                f"{label} {number}", _text(was, schema, "", root), _text(now, schema, "", root)
            )


def _label(root: Schema, parts: Sequence[str]) -> tuple[str, Schema]:
    """`Conditions 1, Value`, and the schema of what is there."""
    words: list[str] = []
    schema: Schema = root
    for part in parts:
        word, schema = _below(schema, part, root)
        if part.isdigit() and words:
            words[-1] += f" {int(part) + 1}"
        else:
            words.append(word)
    return ", ".join(words) or "Settings", schema


def _below(schema: Schema, part: str, root: Schema) -> tuple[str, Schema]:
    """What a member is called, and its schema as far as it is known."""
    schema = resolved(schema, root)
    for branch in (schema, *(resolved(each, root) for each in schema.get("anyOf", ()))):
        member: Any = branch.get("properties", {}).get(part)
        if member is not None:
            found = resolved(member, root)
            return found.get("title") or humanised(part), found
        if part.isdigit() and isinstance(branch.get("items"), dict):
            return part, resolved(branch["items"], root)
        if isinstance(branch.get("additionalProperties"), dict):
            return part, resolved(branch["additionalProperties"], root)
    return part, {}


def _text(value: Any, schema: Schema, name: str, root: Schema | None = None) -> str | None:
    """A value for people; None where there is none."""
    if value is UNSET or value is None:
        return None
    if "enum" in schema and value in schema["enum"]:
        label = choice_labels(schema)[schema["enum"].index(value)]
        return label.replace("_", " ") if "x-labels" not in schema else label
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("_ms"):
        return duration(value)
    if isinstance(value, str):
        return value or "empty"
    members = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if root and members and not any(isinstance(each, dict | list) for each in members.values()):
        words = ((_below(schema, key, root), key, each) for key, each in members.items())
        return " · ".join(
            f"{word}: {_text(each, member, key, root) or 'nothing'}"
            for (word, member), key, each in words
        )
    return json.dumps(
        value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) else None
    )


def _input_changes(changes: Sequence[FieldChange]) -> Iterator[ToldChange]:
    """Inputs are described by a JSON Schema; its `properties` are no word for people."""
    for change in changes:
        parts = [part for part in _parts(change.pointer) if part != "properties"]
        label = ", ".join(part if at == 0 else humanised(part) for at, part in enumerate(parts))
        label = "Required" if parts[:1] == ["required"] else label
        yield ToldChange(label or "Inputs", _joined(change.before), _joined(change.after))


def _variable_changes(changes: Sequence[FieldChange]) -> Iterator[ToldChange]:
    for change in changes:
        yield ToldChange(
            ", ".join(_parts(change.pointer)) or "Variables",
            _text(change.before, {}, ""),
            _text(change.after, {}, ""),
        )


def _joined(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in cast("list[Any]", value)):
        return ", ".join(cast("list[str]", value)) or "none"
    return _text(value, {}, "")


def _type_title(node_type: str) -> str:
    kind = registry().get(node_type)
    return kind.title if kind is not None else node_type


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
