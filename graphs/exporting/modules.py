"""The engine's own modules as syntax trees: what they define and what their names mean."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec

from msgspec import Struct


class Ref(Struct, frozen=True, order=True):
    """A definition of one of our modules."""

    module: str
    name: str


class External(Struct, frozen=True):
    """Something of another package; `member` None is the module itself."""

    module: str
    member: str | None


class Alias(Struct, frozen=True):
    """One of our modules, imported as a whole."""

    module: str


Meaning = Ref | External | Alias


class Module(Struct, frozen=True):
    """`definitions`: top-level statements by the names they bind. `names`: what imports bind."""

    name: str
    text: str
    definitions: Mapping[str, ast.stmt]
    names: Mapping[str, Meaning]

    def meaning(self, name: str) -> Meaning | None:
        """What a name stands for at the module's top level; None for built-ins."""
        if name in self.definitions:
            return Ref(self.name, name)
        return self.names.get(name)


@cache
def module(name: str) -> Module:
    """A module by its full name, read from its source."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin, encoding="utf-8") as file:
        text = file.read()
    tree = ast.parse(text)
    definitions = {bound: node for node in tree.body for bound in bound_names(node)}
    names: dict[str, Meaning] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(imported(node))
    return Module(name, text, definitions, names)


def bound_names(node: ast.stmt) -> list[str]:
    """The names that a statement defines."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Assign(targets=[ast.Tuple(elts=parts)]):
            return [part.id for part in parts if isinstance(part, ast.Name)]
        case _:
            return []


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Meaning]]:
    """The names that an import binds."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            yield bound, External(alias.name if alias.asname else bound, None)
        return
    origin = node.module or ""
    for alias in node.names:
        bound = alias.asname or alias.name
        if origin.split(".")[0] != "graphs":
            yield bound, External(origin, alias.name)
        elif _is_module(f"{origin}.{alias.name}"):
            yield bound, Alias(f"{origin}.{alias.name}")
        else:
            yield bound, Ref(origin, alias.name)


@cache
def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def defining(cls: type) -> Ref:
    """Where a class is defined."""
    return Ref(inspect.getmodule(cls).__name__, cls.__name__)  # pyright: ignore[reportOptionalMemberAccess]
