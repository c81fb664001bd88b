"""Whether steps may become a workflow of their own, and why not: one way in, one way out."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product
from typing import Any

from graphs.definition import Definition, Edge, Node, OnError, walk
from graphs.errors import Reason, SelectionError
from graphs.node_type import Join, NodeType
from graphs.topology import START, Level, Types, output_ports

END = "end"
MAX_WAYS = 4096
"""Ways through the branches of a selection that are looked at, one by one."""


class Selection:
    """Chosen nodes of one graph of a definition, and what crosses their border."""

    def __init__(self, definition: Definition, node_ids: Iterable[str], types: Types) -> None:
        self.definition = definition
        self.types = types
        self.level, self.nodes = _found(definition, node_ids)

    @property
    def ids(self) -> set[str]:
        return set(self.nodes)

    @cached_property
    def everything(self) -> set[str]:
        """The chosen nodes, and all within their bodies."""
        within = (node for chosen in self.nodes.values() for node, _ in walk_node(chosen))
        return {node.id for node in within}

    @cached_property
    def edges(self) -> list[Edge]:
        known = self.level.nodes
        graph = self.level.graph
        return [edge for edge in graph.edges if edge.source in known and edge.target in known]

    @cached_property
    def inner(self) -> list[Edge]:
        return [e for e in self.edges if e.source in self.nodes and e.target in self.nodes]

    @cached_property
    def entering(self) -> list[Edge]:
        return [e for e in self.edges if e.source not in self.nodes and e.target in self.nodes]

    @cached_property
    def leaving(self) -> list[Edge]:
        return [e for e in self.edges if e.source in self.nodes and e.target not in self.nodes]

    @cached_property
    def entries(self) -> list[str]:
        """The nodes that begin: an edge leads to them from outside, or none leads to them."""
        led = {edge.target for edge in self.edges}
        entered = {edge.target for edge in self.entering}
        return [node_id for node_id in self.nodes if node_id in entered or node_id not in led]

    @cached_property
    def sources(self) -> list[str]:
        """The nodes outside from which edges lead in."""
        return list(dict.fromkeys(edge.source for edge in self.entering))

    @cached_property
    def exits(self) -> list[str]:
        """The nodes from which edges lead out."""
        return list(dict.fromkeys(edge.source for edge in self.leaving))

    @cached_property
    def sinks(self) -> list[str]:
        """The nodes that nothing in the selection follows."""
        followed = {edge.source for edge in self.inner}
        return [node_id for node_id in self.nodes if node_id not in followed]

    @cached_property
    def results(self) -> list[str]:
        """The nodes whose outputs are results of the graph: nothing at all follows them."""
        ends = any(node.type == END for node in self.level.graph.nodes)
        if ends and self.level.container is None:
            return []
        return [node_id for node_id in self.sinks if node_id not in self.exits]

    def kind(self, node: Node) -> NodeType[Any]:
        return self.types[node.type]

    def parents(self, node_id: str) -> set[str]:
        return self.level.parents[node_id]

    def reasons(self) -> Iterator[Reason]:
        """Everything that keeps the selection from becoming a workflow."""
        for node in self.nodes.values():
            if node.type in (START, END):
                what = "begins" if node.type == START else "ends"
                detail = f"{said(node)} stays: the workflow {what} there. Leave it out."
                yield Reason(detail, node.id)
        for node in self.nodes.values():
            for inner, _ in walk_node(node):
                if inner.type not in self.types:
                    detail = f"{said(inner)} has an unknown type, {inner.type!r}. Remove it."
                    yield Reason(detail, inner.id)
        yield from self._detours()
        yield from self._ways_in()
        yield from self._ways_out()

    def _detours(self) -> Iterator[Reason]:
        after = _reached(self.nodes, [(e.source, e.target) for e in self.edges])
        before = _reached(self.nodes, [(e.target, e.source) for e in self.edges])
        for node_id in self.level.nodes:
            if node_id in after and node_id in before and node_id not in self.nodes:
                name = said(self.level.nodes[node_id])
                detail = f"{name} comes between the chosen steps. Choose it too, or fewer steps."
                yield Reason(detail, node_id)

    def _ways_in(self) -> Iterator[Reason]:
        ways = {
            entry: frozenset((e.source, e.source_port) for e in self.entering if e.target == entry)
            for entry in self.entries
        }
        first = next(iter(ways), None)
        if first is None:
            yield Reason("The chosen steps form a circle, so none of them begins.")
            return
        for entry, way in ways.items():
            node = self.nodes[entry]
            if way != ways[first]:
                detail = (
                    f"{said(self.nodes[first])} and {said(node)} are reached from different steps "
                    "outside. A workflow has one way in: choose steps that begin after the same."
                )
                yield Reason(detail, entry)
                return
            if node.type in self.types and len(way) > 1:
                if self.kind(node).join(node.params) is Join.ALL:
                    detail = f"{said(node)} waits for several branches that come from outside."
                    yield Reason(f"{detail} Choose the branches too.", entry)
                elif self.parents(entry) & self.ids:
                    detail = f"{said(node)} gathers branches from inside and outside the selection."
                    yield Reason(f"{detail} Choose its branches too.", entry)

    def _ways_out(self) -> Iterator[Reason]:
        if len(self.exits) > 1:
            names = " and ".join(said(self.nodes[node_id]) for node_id in self.exits)
            detail = f"Steps follow {names}. A workflow has one way out: choose up to one step."
            yield Reason(detail, self.exits[1])
            return
        for edge in self.leaving:
            node = self.nodes[edge.source]
            if node.type in self.types and not self.certain(edge.source, edge.source_port):
                detail = (
                    f"{said(self.level.nodes[edge.target])} comes after {said(node)} only on one "
                    "branch, or when it is not skipped. Choose up to where the branches meet."
                )
                yield Reason(detail, edge.source)
                return
        if self.exits and self.results:
            node = self.nodes[self.results[0]]
            detail = (
                f"{said(node)} gives a result of its own, and steps follow another. Choose less."
            )
            yield Reason(detail, node.id)
        elif self.level.container is not None and len(self.results) > 1:
            leaves = {node_id for node_id in self.level.nodes} - {e.source for e in self.edges}
            if leaves != set(self.results):
                detail = "The loop puts out the results of several steps. Choose only one of them."
                yield Reason(detail, self.results[0])

    # ---- what is sure to run -------------------------------------------------------------------

    def certain(self, node_id: str, port: str | None = None) -> bool:
        """Whether it runs whenever the selection does, whichever branches are taken.

        With a port: whether it then also leaves through that port.
        """
        branching = [name for name in self.nodes if len(self._outcomes[name]) > 1]
        ways = 1
        for name in branching:
            ways *= len(self._outcomes[name])
            if ways > MAX_WAYS:
                return False
        for choice in product(*(self._outcomes[name] for name in branching)):
            taken = dict(zip(branching, choice, strict=True))
            live = self._live(taken)
            if node_id not in live or (port is not None and live[node_id] != port):
                return False
        return True

    @cached_property
    def _outcomes(self) -> dict[str, list[str]]:
        """The ports of which each node takes one."""
        found: dict[str, list[str]] = {}
        for name, node in self.nodes.items():
            kind = self.kind(node)
            ports = list(kind.ports(node.params))
            if node.disabled:
                ports = ports[:1]
            elif node.on_error is OnError.ERROR:
                ports = list(output_ports(node, kind))
            found[name] = list(dict.fromkeys(ports)) or [""]
        return found

    def _live(self, taken: Mapping[str, str]) -> dict[str, str]:
        """The nodes that run, with the port each leaves through."""
        live: dict[str, str] = {}
        entered = set(self.entries)
        for name in self._order:
            edges = [edge for edge in self.inner if edge.target == name]
            arrived = [live.get(edge.source) == edge.source_port for edge in edges] + [True] * (
                name in entered
            )
            node = self.nodes[name]
            every = self.kind(node).join(node.params) is Join.ALL
            if all(arrived) if every else any(arrived):
                live[name] = taken.get(name, self._outcomes[name][0])
        return live

    @cached_property
    def _order(self) -> list[str]:
        """The chosen nodes, each after those that lead to it."""
        ordered: dict[str, None] = {}
        left = dict(self.nodes)
        while left:
            ready = [name for name in left if not (self.parents(name) & left.keys() - {name})]
            for name in ready or list(left):
                ordered[name] = None
                del left[name]
        return list(ordered)


def walk_node(node: Node) -> Iterator[tuple[Node, int]]:
    """The node and all within it, each with how many bodies of it lie around."""
    yield node, 0
    for inner in node.body.nodes if node.body is not None else ():
        for each, depth in walk_node(inner):
            yield each, depth + 1


def said(node: Node) -> str:
    """A node as sentences name it."""
    return f"“{node.name or node.id}”"


def _found(definition: Definition, node_ids: Iterable[str]) -> tuple[Level, dict[str, Node]]:
    wanted = set(node_ids)
    around: dict[str, set[str]] = {}
    for node, _ in walk(definition):
        for inner, depth in walk_node(node):
            if depth:
                around.setdefault(inner.id, set()).add(node.id)
    known = {node.id for node, _ in walk(definition)}
    unknown = sorted(wanted - known)
    if unknown:
        raise SelectionError([Reason(f"There is no step {name!r}.", name) for name in unknown])
    outermost = {name for name in wanted if not around.get(name, set()) & wanted}
    levels = [level for level in Level(definition).walk() if outermost & level.nodes.keys()]
    if not levels:
        raise SelectionError([Reason("Choose at least one step.")])
    if len(levels) > 1:
        detail = "The steps lie in different loops. Choose steps of one loop, or whole loops."
        raise SelectionError([Reason(detail)])
    level = levels[0]
    return level, {name: node for name, node in level.nodes.items() if name in outermost}


def _reached(start: Iterable[str], links: list[tuple[str, str]]) -> set[str]:
    following: dict[str, list[str]] = {}
    for source, target in links:
        following.setdefault(source, []).append(target)
    found: set[str] = set()
    waiting = [target for name in start for target in following.get(name, ())]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += following.get(name, ())
    return found
