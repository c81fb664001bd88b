"""The part of a drawing that a run will execute: what is wrong elsewhere must not keep it back."""

import re
from collections.abc import Collection

from msgspec.structs import replace

from backend.errors import Invalid
from backend.workflows import definitions
from graphs.definition import Definition
from graphs.errors import DefinitionError, Problem

_PLACE = re.compile(r"/(nodes|edges)/(\d+)(.*)", re.DOTALL)


def reduce(definition: Definition, way: str, node_id: str) -> Definition:
    """The nodes that run, and those before them whose data they take; these are switched off.

    `way` is `node`, `from` (the node and what follows) or `until` (the node and what precedes). A
    drawing without that node stays as it is.
    """
    if all(node.id != node_id for node in definition.nodes):
        return definition
    picked = {node_id}
    if way == "from":
        picked |= _reached(picked, [(edge.source, edge.target) for edge in definition.edges])
    backwards = [(edge.target, edge.source) for edge in definition.edges]
    before = _reached(picked, backwards)
    if way == "until":
        picked |= before
    kept = picked | before
    broken = {found.node_id for found in definitions.problems_of(definition)}
    return replace(
        definition,
        nodes=[
            replace(node, disabled=True) if node.id in broken and node.id not in picked else node
            for node in definition.nodes
            if node.id in kept
        ],
        edges=[edge for edge in definition.edges if {edge.source, edge.target} <= kept],
    )


def require_valid(definition: Definition, reduced: Definition) -> None:
    """Raises Invalid with the problems of the part, at their places in the whole definition."""
    problems = definitions.problems_of(reduced)
    if problems:
        nodes = {node.id: at for at, node in enumerate(definition.nodes)}
        edges = {id(edge): at for at, edge in enumerate(definition.edges)}
        raise Invalid.definition(
            DefinitionError([_placed(found, reduced, nodes, edges) for found in problems])
        )


def _placed(
    problem: Problem, reduced: Definition, nodes: dict[str, int], edges: dict[int, int]
) -> Problem:
    found = _PLACE.fullmatch(problem.pointer)
    if found is None:
        return problem
    kind, number, rest = found[1], int(found[2]), found[3]
    at = nodes[reduced.nodes[number].id] if kind == "nodes" else edges[id(reduced.edges[number])]
    return replace(problem, pointer=f"/{kind}/{at}{rest}")


def _reached(start: Collection[str], steps: Collection[tuple[str, str]]) -> set[str]:
    following: dict[str, list[str]] = {}
    for source, target in steps:
        following.setdefault(source, []).append(target)
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        for node_id in following.get(waiting.pop(), ()):
            if node_id not in found:
                found.add(node_id)
                waiting.append(node_id)
    return found
