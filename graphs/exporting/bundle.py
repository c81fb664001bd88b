"""Takes the engine's own functions over into one file: those that are used, and what they use.

So an exported node does what the same node does here, by the same code. What only guards a server
(budgets of expressions, refused hosts) stays behind; msgspec's structs become dataclasses.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from graphs.exporting.layout import WIDTH, Enclosed, render
from graphs.exporting.modules import External, Meaning, Ref, module
from graphs.exporting.plain import Plain, is_struct

RUNTIME = "graphs.exporting.runtime"
VALUES = "graphs.exporting.runtime_values"
NODES = "graphs.exporting.runtime_nodes"
LANGUAGE = "graphs.exporting.runtime_language"
WORKERS = "graphs.exporting.runtime_workers"
VERBATIM = frozenset({RUNTIME, VALUES, NODES, LANGUAGE, "graphs.errors"})
"""Modules that an exported file quotes as they are, comments included."""

STAND_INS: Mapping[Ref, Ref] = {
    Ref("graphs.node_type", "Output"): Ref(RUNTIME, "Output"),
    Ref("graphs.node_type", "NodeContext"): Ref(RUNTIME, "Run"),
    Ref("graphs.json_schema", "violations"): Ref(VALUES, "violations"),
    Ref("graphs.language.values", "dump"): Ref(VALUES, "dump"),
    Ref("graphs.outbound", "client"): Ref(RUNTIME, "http_client"),
    Ref("graphs.outbound", "GuardedTransport"): Ref(RUNTIME, "Transport"),
    Ref("graphs.outbound", "refusal"): Ref(RUNTIME, "refusal"),
    Ref("graphs.workers.pool", "WorkerPool"): Ref(WORKERS, "WorkerPool"),
    Ref("graphs.tables.chart_spec", "check_spec"): Ref(WORKERS, "check_spec"),
}
"""What is replaced by something that needs neither a server nor msgspec."""

FOREIGN = frozenset({"msgspec", "jsonschema", "referencing", "litestar", "piccolo", "nicegui"})
"""Packages that an exported file does without."""


class NotPortable(Exception):
    """Something that is used cannot leave the server; the message says what."""


class Piece(Struct, frozen=True):
    """A definition as source text. `at_once`: what it uses while it is being defined.

    `imports`: names of other packages that it mentions.
    """

    ref: Ref
    source: str
    uses: frozenset[Ref]
    at_once: frozenset[Ref]
    imports: frozenset[tuple[str, External]]


class Bundle:
    """The definitions that a file needs; names are those of the engine, made unique."""

    def __init__(self, *, with_budgets: bool = False) -> None:
        self.with_budgets = with_budgets
        self.pieces: dict[Ref, Piece] = {}
        self._names: dict[Ref, str] = {}
        self._taken: dict[str, Ref] = {name: Ref("", name) for name in RESERVED}
        self._imported: dict[str, External] = {**_PLAIN_IMPORTS}
        for verbatim in sorted(VERBATIM):
            for name in module(verbatim).definitions:
                self.name(Ref(verbatim, name))
            for bound, meaning in module(verbatim).names.items():
                if isinstance(meaning, Ref):
                    self.name(meaning)
                elif isinstance(meaning, External):
                    self.import_name(bound, meaning)

    def name(self, ref: Ref) -> str:
        """What a definition is called in the file."""
        ref = resolved(ref)
        if ref not in self._names:
            name = ref.name
            if name in self._taken or name in self._imported:
                name = f"{ref.module.rpartition('.')[2]}_{ref.name.lstrip('_')}"
            while name in self._taken or name in self._imported:
                name = f"{name}_"
            self._names[ref] = name
            self._taken[name] = ref
        return self._names[ref]

    def import_name(self, bound: str, external: External) -> str:
        """What a name of another package is called in the file."""
        name = bound
        while name in self._taken or self._imported.get(name, external) != external:
            name = f"{name}_"
        self._imported[name] = external
        return name

    def call_it(self, ref: Ref, name: str) -> str:
        """Give a definition that is not used yet a name of its own choice."""
        if ref not in self._names:
            self._names[ref] = name
            self._taken[name] = ref
        return self._names[ref]

    def add(self, ref: Ref) -> str:
        """Take a definition over with all that it uses. Raises NotPortable. Returns its name."""
        waiting = [resolved(ref)]
        while waiting:
            here = waiting.pop()
            if here in self.pieces:
                continue
            piece = self._piece(here)
            self.pieces[here] = piece
            waiting += sorted(piece.uses - self.pieces.keys(), reverse=True)
        return self.name(ref)

    def has_taken(self, origin: str) -> bool:
        """Whether something of a module is used."""
        return any(ref.module == origin for ref in self.pieces)

    def has(self, ref: Ref) -> bool:
        """Whether there is such a definition."""
        return ref.name in module(ref.module).definitions

    def sources(self) -> list[str]:
        """The definitions, each after those that it needs while it is being defined."""
        done: dict[Ref, None] = {}
        for ref in sorted(self.pieces, key=_place):
            self._visit(ref, done, set())
        sources: list[str] = []
        for ref in done:
            if (source := self.pieces[ref].source) not in sources:
                sources.append(source)
        return sources

    def _visit(self, ref: Ref, done: dict[Ref, None], open_: set[Ref]) -> None:
        if ref in done or ref in open_ or ref not in self.pieces:
            return
        open_.add(ref)
        at_once = self.pieces[ref].at_once
        for used in sorted(at_once, key=_place):
            self._visit(used, done, open_)
        # what is called while a module is executed must be complete
        for used in sorted(self._behind(at_once), key=_place):
            self._visit(used, done, open_)
        done[ref] = None

    def _behind(self, refs: Iterable[Ref]) -> set[Ref]:
        found: set[Ref] = set()
        waiting = list(refs)
        while waiting:
            ref = waiting.pop()
            if ref not in found and ref in self.pieces:
                found.add(ref)
                waiting += self.pieces[ref].uses
        return found

    def import_lines(self, more: Iterable[str] = ()) -> str:
        """The imports of all definitions, in the order a formatter gives them."""
        modules: set[str] = {line for line in more if line.startswith("import ")}
        members: dict[str, set[str]] = {}
        for line in more:
            if line.startswith("from "):
                origin, _, names = line.removeprefix("from ").partition(" import ")
                members.setdefault(origin, set()).update(names.split(", "))
        for piece in self.pieces.values():
            for bound, external in piece.imports:
                if external.member is None:
                    same = bound == external.module
                    modules.add(f"import {external.module}" + ("" if same else f" as {bound}"))
                else:
                    same = bound == external.member
                    name = external.member if same else f"{external.member} as {bound}"
                    members.setdefault(external.module, set()).add(name)
        froms = [_import(origin, sorted(members[origin], key=_kind)) for origin in sorted(members)]
        lines = [*sorted(modules), *froms]
        own = [line for line in lines if line.split()[1].split(".")[0] in sys.stdlib_module_names]
        others = [line for line in lines if line not in own]
        return "\n\n".join("\n".join(group) for group in (own, others) if group)

    def _piece(self, ref: Ref) -> Piece:
        home = module(ref.module)
        node = home.definitions.get(ref.name)
        if node is None:
            raise NotPortable(f"{ref.module} has no {ref.name}")
        if ref.module in VERBATIM:
            source = _segment(node, home.text)
            tree = ast.parse(source)
        else:
            plain = Plain(home, self.name, self.import_name, with_budgets=self.with_budgets)
            tree = plain.take(node)
            source = ast.unparse(tree)
            if source == ast.unparse(node):
                source = _segment(node, home.text)
            tree = ast.parse(source)
        names = {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)}
        # annotations in quotes
        quoted = {
            part.value
            for part in ast.walk(tree)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        }
        first = set(_at_definition(tree))
        uses: set[Ref] = set()
        at_once: set[Ref] = set()
        imports: set[tuple[str, External]] = set()
        for name in names | quoted:
            meaning = self._meaning(name, ref.module)
            if isinstance(meaning, Ref):
                uses.add(resolved(meaning))
                if name in first:
                    at_once.add(resolved(meaning))
            elif isinstance(meaning, External) and name in names:
                if meaning.module.split(".")[0] in FOREIGN:
                    raise NotPortable(f"{ref.module} needs {meaning.module}")
                imports.add((name, meaning))
        own = {ref}
        return Piece(
            ref, source, frozenset(uses - own), frozenset(at_once - own), frozenset(imports)
        )

    def _meaning(self, name: str, origin: str) -> Meaning | None:
        taken = self._taken.get(name)
        if taken is not None:
            return taken if taken.module else None
        known = self._imported.get(name)
        if known is not None and (name in _PLAIN_IMPORTS or known in module(origin).names.values()):
            return known
        return None


RESERVED = ("INPUTS", "VARIABLES", "SETTING", "build", "run_workflow")
"""What a file names itself."""

_PLAIN_IMPORTS: Mapping[str, External] = {
    "dataclass": External("dataclasses", "dataclass"),
    "field": External("dataclasses", "field"),
    "replace": External("dataclasses", "replace"),
    "json": External("json", None),
}
"""What `Plain` puts into definitions."""


def resolved(ref: Ref) -> Ref:
    """The definition itself, where a module only passes a name on, or its stand-in."""
    while True:
        if ref in STAND_INS:
            return STAND_INS[ref]
        if ref.name in module(ref.module).definitions:
            return ref
        meaning = module(ref.module).meaning(ref.name)
        if not isinstance(meaning, Ref):
            return ref
        ref = meaning


def _at_definition(node: ast.AST) -> Iterator[str]:
    """The names that must be there when a definition is executed: none of functions' bodies."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parts = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
            for part in parts:
                if part is not None:
                    yield from _at_definition(part)
        case ast.Lambda() | ast.arg():
            return
        case ast.AnnAssign():
            if node.value is not None:
                yield from _at_definition(node.value)
        case ast.Name():
            yield node.id
        case _:
            for part in ast.iter_child_nodes(node):
                yield from _at_definition(part)


def _kind(name: str) -> tuple[int, str]:
    """Constants come first, then classes, as import sorters have it."""
    constant = name.isupper() and len(name) > 1
    return 0 if constant else 1 if name[0].isupper() else 2, name


def _import(origin: str, names: list[str]) -> str:
    line = f"from {origin} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return render(Enclosed(f"from {origin} import ", "(", tuple(names), ")"))


def _place(ref: Ref) -> tuple[int, str, int]:
    first = 0 if ref.module in VERBATIM else 1
    node = module(ref.module).definitions.get(ref.name)
    return (first, ref.module, 0 if node is None else node.lineno)


def _segment(node: ast.stmt, text: str) -> str:
    first = node.lineno
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
    lines = text.splitlines()[first - 1 : node.end_lineno]
    return "\n".join(line.split("  # pyright:")[0].split("  # noqa:")[0] for line in lines)


__all__ = ["Bundle", "NotPortable", "is_struct", "resolved"]
