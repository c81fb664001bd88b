"""What chosen steps read outside: each an input of the new workflow, read by the same field."""

import re
from collections.abc import Mapping
from typing import Any, cast

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from graphs.definition import Node
from graphs.errors import ExpressionError, Reason, SelectionError
from graphs.extraction.names import fresh, slug
from graphs.extraction.references import Head, expression, heads, named, rewritten, with_names
from graphs.extraction.selection import Selection, said, walk_node
from graphs.topology import START

_NAME = re.compile(r"[^\W\d]\w{0,99}")


class InputChoice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person wants an input to be called, and which values it takes (a JSON Schema)."""

    name: str | None = None
    schema: dict[str, Any] | UnsetType = UNSET


class ExtractedInput(Struct, frozen=True, kw_only=True):
    """An input of the new workflow. `key` stays the same whatever it is called."""

    key: str
    name: str
    value: str
    """The expression that the calling step fills it with."""
    schema: dict[str, Any]


class Inputs:
    """The inputs of the new workflow, found while its steps are rewritten."""

    def __init__(self, selection: Selection, choices: Mapping[str, InputChoice]) -> None:
        self.selection = selection
        self.definition = selection.definition
        self.choices = choices
        self.inputs: dict[str, ExtractedInput] = {}
        self.variables: dict[str, Any] = {}
        every = (node for top in self.definition.nodes for node, _ in walk_node(top))
        self._outside = {node.id for node in every} - selection.everything

    @property
    def listed(self) -> list[ExtractedInput]:
        return list(self.inputs.values())

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of all inputs."""
        properties = {each.name: each.schema for each in self.listed}
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        for shared in ("$defs", "definitions"):
            if shared in self.definition.inputs and "$ref" in str(properties):
                schema[shared] = self.definition.inputs[shared]
        return schema

    def inside(self, node: Node, depth: int = 0) -> Node:
        """The step as it is in the new workflow; `depth` counts the bodies around it there."""
        kind = self.selection.kind(node)
        everything = self.selection.everything

        def change(head: Head, lazy: bool) -> str | None:
            root, key = head
            match root:
                case "input":
                    return self._input(head)
                case "steps" if key is None:
                    raise Reason(f"{said(node)} names a step only while it runs.", node.id)
                case "steps" if key not in everything:
                    return self._input(head)
                case "vars":
                    known = self.definition.variables
                    self.variables.update(known if key is None else {key: known.get(key)})
                case "item" | "index" if depth == 0 and not lazy:
                    return self._input(head)
                case _:
                    pass
            return None

        try:
            changed = rewritten(node, kind, change)
        except ExpressionError as error:
            raise SelectionError([Reason(f"{said(node)}: {error.message}.", node.id)]) from None
        except Reason as reason:
            raise SelectionError([reason]) from None
        known = named(node, self._outside)
        by_name = {name: self._input(Head("steps", name)) for name in sorted(known)}
        changed = with_names(changed, by_name)
        if changed.body is None:
            return changed
        nodes = [self.inside(inner, depth + 1) for inner in changed.body.nodes]
        return replace(changed, body=replace(changed.body, nodes=nodes))

    def _input(self, head: Head) -> str:
        """The input for what is read outside; returns how it is read inside."""
        root, key = head
        path = (root,) if key is None else (root, key)
        return self._made(expression(*path), key or root, self._schema(head))

    def _made(self, value: str, wish: str, schema: dict[str, Any]) -> str:
        if value not in self.inputs:
            choice = self.choices.get(value, InputChoice())
            given = {**schema}
            filled = value
            if given.pop("x-optional", False):
                filled = f"default({value}, null)"
            taken = {each.name for each in self.inputs.values()}
            self.inputs[value] = ExtractedInput(
                key=value,
                name=choice.name or fresh(slug(wish, "data"), taken),
                value=f"{{{{ {filled} }}}}",
                schema=given if choice.schema is UNSET else choice.schema,
            )
        return expression("input", self.inputs[value].name)

    def _schema(self, head: Head) -> dict[str, Any]:
        if head.root != "input" or head.key is None:
            return {"type": "integer"} if head.root == "index" else {}
        properties = cast("dict[str, Any]", self.definition.inputs.get("properties") or {})
        required: Any = self.definition.inputs.get("required", [])
        schema: Any = properties.get(head.key)
        if not isinstance(schema, dict):
            return {"x-optional": True}
        found = cast("dict[str, Any]", schema)
        if "default" not in found and head.key not in required:
            return {"x-optional": True, **({"title": found["title"]} if "title" in found else {})}
        return {key: part for key, part in found.items() if key != "default"}

    def check(self) -> None:
        """Raises SelectionError for names that cannot be, or not be together."""
        names = [each.name for each in self.inputs.values()]
        wrong = [name for name in names if not _NAME.fullmatch(name)]
        twice = sorted({name for name in names if names.count(name) > 1})
        reasons = [
            Reason(f"{name!r} cannot be an input's name: use letters, digits and '_'.")
            for name in wrong
        ]
        reasons += [Reason(f"Two inputs are called {name!r}.") for name in twice]
        if reasons:
            raise SelectionError(reasons)

    def start(self) -> Node:
        """The new workflow's start, which passes on what arrived at the steps."""
        selection = self.selection
        entries = [selection.nodes[name] for name in selection.entries]
        gathers = any(selection.parents(node.id) & selection.ids for node in entries)
        params: dict[str, Any] = {}
        if gathers or any(self._takes(node) for node in entries):
            source = selection.sources[0] if len(selection.sources) == 1 else None
            if source is not None and selection.level.nodes[source].type != START:
                path = self._input(Head("steps", source))
            else:
                path = self._made("prev", "data", {})
            params = {"output": f"{{{{ {path} }}}}"}
        inside = selection.everything
        # where branches meet, an output is found under the id of the step it came from
        start_id = selection.sources[0] if gathers else fresh(START, inside)
        return Node(id=start_id, type=START, name="Start", params=params)

    def _takes(self, node: Node) -> bool:
        kind = self.selection.kind(node)
        if node.disabled or kind.takes_arriving(node.params):
            return True
        return any(head.root == "prev" and not lazy for head, lazy in heads(node, kind))
