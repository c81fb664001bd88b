"""Definition → every problem that keeps it from running, each with its node and the remedy.

`topology` looks at the connections and `params` at the settings; this module looks at each node,
at the names its expressions use, and at the inputs.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphs.definition import Definition, Node
from graphs.errors import ExpressionError, Problem
from graphs.expressions import Reference, compile_text
from graphs.json_schema import schema_violations, violations, with_defaults
from graphs.language.functions.registry import UnknownFunctionError
from graphs.node_type import NodeType
from graphs.params import Path, markers, param_problems, strings
from graphs.problems import ProblemCode, pointer
from graphs.registry import registry
from graphs.topology import Level, Types, output_ports, topology_problems

MAX_NODES = 2_000
MAX_ATTEMPTS = 20
MAX_DELAY_MS = 3_600_000
MAX_MULTIPLIER = 10
MAX_TIMEOUT_MS = 86_400_000

NAMES = ("input", "steps", "vars", "secrets", "prev")
BODY_NAMES = ("item", "index")

_NODE_ID = re.compile(r"(?!__)[\w.-]{1,100}")


def validate(definition: Definition, types: Types | None = None) -> list[Problem]:
    """All problems at once, in the drawing's order; an empty list means that it can run."""
    types = registry() if types is None else types
    top = Level(definition)
    levels = list(top.walk())
    count = sum(len(level.graph.nodes) for level in levels)
    if count > MAX_NODES:
        detail = f"there are {count} nodes; at most {MAX_NODES} can run in one workflow"
        return [Problem(None, "/nodes", ProblemCode.TOO_MANY_NODES, detail)]
    everywhere = {node.id: node for level in reversed(levels) for node in level.graph.nodes}
    problems = list(_input_schema_problems(definition))
    problems += _id_problems(levels)
    for level in levels:
        problems += topology_problems(level, types, everywhere)
        for index, node in enumerate(level.graph.nodes):
            here = f"{level.pointer}/nodes/{index}"
            problems += _node_problems(node, here, types)
            if node.type in types and not node.disabled and level.nodes[node.id] is node:
                names = _Names(definition, level, node, types[node.type], everywhere)
                problems += names.problems(f"{here}/params")
    return problems


def check_inputs(
    schema: Mapping[str, Any], inputs: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """A run's inputs with their defaults, and what the schema does not allow about them.

    The problems' pointers start at the inputs: `/city`.
    """
    filled: dict[str, Any] = with_defaults(schema, dict(inputs))
    problems: list[Problem] = []
    for found in violations(schema, filled) if schema else ():
        name = ".".join(str(part) for part in found.path)
        code = ProblemCode.INPUT_MISSING if found.missing else ProblemCode.INPUT_INVALID
        detail = f"input {name!r}: {found.message}" if name else found.message
        problems.append(Problem(None, pointer("", found.path), code, detail))
    return filled, problems


def _input_schema_problems(definition: Definition) -> Iterator[Problem]:
    schema = definition.inputs
    for found in schema_violations(schema):
        here = pointer("/inputs", found.path)
        yield Problem(None, here, ProblemCode.INPUT_SCHEMA_INVALID, found.message)
    if schema.get("type", "object") != "object":
        detail = "the inputs of a workflow are an object; set type to 'object'"
        yield Problem(None, "/inputs/type", ProblemCode.INPUT_SCHEMA_INVALID, detail)


def _id_problems(levels: list[Level]) -> Iterator[Problem]:
    seen: set[str] = set()
    for level in levels:
        for index, node in enumerate(level.graph.nodes):
            here = f"{level.pointer}/nodes/{index}/id"
            if node.id in seen:
                detail = f"two nodes have the id {node.id!r}; give one another id"
                yield Problem(node.id, here, ProblemCode.NODE_ID_DUPLICATE, detail)
            seen.add(node.id)
            if not _NODE_ID.fullmatch(node.id):
                detail = (
                    f"{node.id[:100]!r} cannot be a node's id: use up to 100 letters, digits, "
                    "'_', '-' and '.', not beginning with '__'"
                )
                yield Problem(node.id, here, ProblemCode.NODE_ID_INVALID, detail)


def _node_problems(node: Node, here: str, types: Types) -> Iterator[Problem]:
    kind = types.get(node.type)
    if kind is None:
        near = difflib.get_close_matches(node.type, types, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "remove it or install what provides it"
        detail = f"there is no node type {node.type!r}; {hint}"
        yield Problem(node.id, f"{here}/type", ProblemCode.UNKNOWN_NODE_TYPE, detail)
    elif not node.disabled:
        for found in param_problems(kind, node.params):
            place = pointer(f"{here}/params", found.path)
            yield Problem(node.id, place, found.code, found.detail)
    if kind is not None:
        yield from _pin_problems(node, kind, here)
    retry = node.retry
    limits = (
        ("retry/max_attempts", retry.max_attempts, 1, MAX_ATTEMPTS),
        ("retry/delay_ms", retry.delay_ms, 0, MAX_DELAY_MS),
        ("retry/multiplier", retry.multiplier, 1, MAX_MULTIPLIER),
        ("timeout_ms", 1 if node.timeout_ms is None else node.timeout_ms, 1, MAX_TIMEOUT_MS),
    )
    for field, value, least, most in limits:
        if not least <= value <= most:
            code = (
                ProblemCode.TIMEOUT_INVALID if field == "timeout_ms" else ProblemCode.RETRY_INVALID
            )
            detail = f"{field.rpartition('/')[2]} is {value}; it must be from {least} to {most}"
            yield Problem(node.id, f"{here}/{field}", code, detail)


def _pin_problems(node: Node, kind: NodeType[Any], here: str) -> Iterator[Problem]:
    port = None if node.pinned is None else node.pinned.port
    ports = output_ports(node, kind)
    if port is not None and port not in ports:
        names = ", ".join(repr(name) for name in ports) or "none"
        detail = f"the pinned data leaves through {port!r}, which is no port of it; ports: {names}"
        yield Problem(node.id, f"{here}/pinned/port", ProblemCode.PIN_PORT_UNKNOWN, detail)


class _Names:
    """Checks the names that one node's expressions use."""

    def __init__(
        self,
        definition: Definition,
        level: Level,
        node: Node,
        kind: NodeType[Any],
        everywhere: Mapping[str, Node],
    ) -> None:
        self.definition = definition
        self.level = level
        self.node = node
        self.kind = kind
        self.everywhere = everywhere
        self._upstream: set[str] | None = None

    def problems(self, base: str) -> Iterator[Problem]:
        for path, text in strings(self.node.params):
            if ("{{" not in text and "${" not in text) or markers(self.kind, path).literal:
                continue
            here = pointer(base, path)
            lazy = self.node.body is not None and markers(self.kind, path).lazy
            try:
                references = compile_text(text).references()
            except ExpressionError as error:
                code = ProblemCode.EXPRESSION_INVALID
                if isinstance(error, UnknownFunctionError):
                    code = ProblemCode.EXPRESSION_UNKNOWN_FUNCTION
                yield self._problem(here, code, error.message, error.offset)
                continue
            for reference in references:
                found = self._wrong(reference, path, lazy)
                if found is not None:
                    yield self._problem(here, *found, reference.offset)

    def _problem(self, here: str, code: ProblemCode, detail: str, offset: int | None) -> Problem:
        where = "" if offset is None else f" (at character {offset + 1})"
        return Problem(self.node.id, here, code, f"{detail}{where}")

    def _wrong(
        self, reference: Reference, path: Path, lazy: bool
    ) -> tuple[ProblemCode, str] | None:
        key = reference.key
        match reference.root:
            case "steps":
                return self._wrong_step(key, lazy)
            case "vars" if key is not None and key not in self.definition.variables:
                detail = f"there is no variable {key!r}{_near(key, self.definition.variables)}"
                return ProblemCode.VARIABLE_UNKNOWN, detail
            case "input" if key is not None:
                return self._wrong_input(key)
            case "secrets":
                return self._wrong_secret(key, path)
            case "item" | "index":
                if self.level.container is None and not lazy:
                    detail = f"{reference.root!r} exists only inside the body of a loop"
                    return ProblemCode.ITEM_OUTSIDE_BODY, detail
            case "vars" | "input" | "prev":
                pass
            case unknown:
                if unknown in self.everywhere:
                    hint = f"; for that node's output write steps.{unknown}"
                else:
                    inside = lazy or self.level.container is not None
                    known = NAMES + BODY_NAMES if inside else NAMES
                    hint = f"; there are: {', '.join(known)}"
                detail = f"there is nothing called {unknown!r}{hint}"
                return ProblemCode.EXPRESSION_UNKNOWN_NAME, detail
        return None

    def _wrong_step(self, key: str | None, lazy: bool) -> tuple[ProblemCode, str] | None:
        if key is None:
            detail = "name one step by its id, such as steps.fetch"
            return ProblemCode.STEP_UNKNOWN, detail
        if key not in self.everywhere:
            parts = (name for name in self.everywhere if re.match(rf"{re.escape(key)}[-.]", name))
            whole = next(parts, None)
            hint = f"; write steps[{whole!r}]" if whole else _near(key, self.everywhere)
            return ProblemCode.STEP_UNKNOWN, f"there is no node {key!r}{hint}"
        if key in self.upstream or (lazy and key in self.within):
            return None
        if key == self.node.id:
            detail = "a node cannot use its own output"
        else:
            detail = f"{key!r} does not come before this node; connect it upstream, or use another"
        return ProblemCode.STEP_NOT_UPSTREAM, detail

    @property
    def upstream(self) -> set[str]:
        """Nodes that have settled before this one runs, those outside its bodies included."""
        if self._upstream is None:
            self._upstream = set()
            level: Level | None = self.level
            node_id = self.node.id
            while level is not None:
                self._upstream |= level.upstream(node_id)
                node_id = level.container.id if level.container is not None else ""
                level = level.outer
        return self._upstream

    @property
    def within(self) -> set[str]:
        """The nodes of the container's own body: what is evaluated after it can use them."""
        return set() if self.node.body is None else {node.id for node in self.node.body.nodes}

    def _wrong_input(self, key: str) -> tuple[ProblemCode, str] | None:
        properties = self.definition.inputs.get("properties")
        closed = self.definition.inputs.get("additionalProperties") is False
        if not closed or not isinstance(properties, dict) or key in properties:
            return None
        detail = f"the workflow has no input {key!r}; add it to the inputs"
        return ProblemCode.INPUT_UNKNOWN, detail

    def _wrong_secret(self, key: str | None, path: Path) -> tuple[ProblemCode, str] | None:
        if not markers(self.kind, path).secret:
            detail = "secrets can only be used in fields made for them, such as a password or a key"
            return ProblemCode.SECRET_NOT_ALLOWED, detail
        if key is None:
            return ProblemCode.SECRET_NOT_ALLOWED, "name one secret, such as secrets.API_KEY"
        return None


def _near(name: str, names: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
