"""What is wrong with how nodes are connected: edges, ports, starts, cycles, bodies."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from graphs.definition import Body, Definition, Edge, Node, OnError
from graphs.errors import Problem
from graphs.node_type import NodeType
from graphs.problems import ProblemCode

ERROR_PORT = "error"
START = "start"

Types = Mapping[str, NodeType[Any]]


class Level:
    """One graph: the drawn one, or a container's body. Its first node of an id counts."""

    def __init__(
        self,
        graph: Definition | Body,
        pointer: str = "",
        container: Node | None = None,
        outer: "Level | None" = None,
    ) -> None:
        self.graph = graph
        self.pointer = pointer
        self.container = container
        self.outer = outer
        self.nodes: dict[str, Node] = {}
        self.pointers: dict[str, str] = {}
        for index, node in enumerate(graph.nodes):
            if node.id not in self.nodes:
                self.nodes[node.id] = node
                self.pointers[node.id] = f"{pointer}/nodes/{index}"

    @cached_property
    def parents(self) -> dict[str, set[str]]:
        """Each node's direct upstream nodes."""
        parents: dict[str, set[str]] = {node_id: set() for node_id in self.nodes}
        for edge in self.graph.edges:
            if edge.source in parents and edge.target in parents:
                parents[edge.target].add(edge.source)
        return parents

    def upstream(self, node_id: str) -> set[str]:
        """All nodes of this graph from which an edge leads, however indirectly, to the node."""
        found: set[str] = set()
        waiting = list(self.parents[node_id])
        while waiting:
            parent = waiting.pop()
            if parent not in found:
                found.add(parent)
                waiting.extend(self.parents[parent])
        return found

    def walk(self) -> "Iterator[Level]":
        """This graph and the bodies in it."""
        yield self
        for index, node in enumerate(self.graph.nodes):
            if node.body is not None:
                pointer = f"{self.pointer}/nodes/{index}/body"
                yield from Level(node.body, pointer, node, self).walk()


def topology_problems(
    level: Level, types: Types, everywhere: Mapping[str, Node]
) -> Iterator[Problem]:
    """Everything wrong with one graph's connections; `everywhere` has all nodes of all graphs."""
    yield from _edge_problems(level, types, everywhere)
    yield from _start_problems(level)
    yield from _body_problems(level, types)
    for cycle in cycles(level.parents):
        way = " → ".join([*(repr(node_id) for node_id in cycle), repr(cycle[0])])
        detail = f"these nodes form a cycle: {way}; remove one of its edges, or use a loop node"
        yield Problem(cycle[0], level.pointers[cycle[0]], ProblemCode.CYCLE, detail)


def _edge_problems(level: Level, types: Types, everywhere: Mapping[str, Node]) -> Iterator[Problem]:
    ids: set[str] = set()
    ways: set[tuple[str, str, str, str]] = set()
    for index, edge in enumerate(level.graph.edges):
        here = f"{level.pointer}/edges/{index}"
        owner = next((end for end in (edge.source, edge.target) if end in level.nodes), None)
        if edge.id in ids:
            detail = f"two edges have the id {edge.id!r}; give one another id"
            yield Problem(owner, f"{here}/id", ProblemCode.EDGE_ID_DUPLICATE, detail)
        ids.add(edge.id)
        way = (edge.source, edge.source_port, edge.target, edge.target_port)
        if way in ways:
            detail = f"there are two edges from {edge.source!r} to {edge.target!r}; remove one"
            yield Problem(owner, here, ProblemCode.EDGE_DUPLICATE, detail)
        ways.add(way)
        for field, end in (("source", edge.source), ("target", edge.target)):
            if end not in level.nodes:
                where = "is in another graph or body" if end in everywhere else "does not exist"
                detail = f"edge {edge.id!r}: its {field} {end!r} {where}; remove or reconnect it"
                yield Problem(owner, f"{here}/{field}", ProblemCode.EDGE_NODE_UNKNOWN, detail)
        yield from _port_problems(level, types, edge, here)


def _port_problems(level: Level, types: Types, edge: Edge, here: str) -> Iterator[Problem]:
    source, target = level.nodes.get(edge.source), level.nodes.get(edge.target)
    if source is not None and (kind := types.get(source.type)) is not None:
        ports = output_ports(source, kind)
        if edge.source_port not in ports:
            detail = f"edge {edge.id!r}: {source.id!r} {_offers('output', edge.source_port, ports)}"
            if edge.source_port == ERROR_PORT:
                detail += "; set its 'on error' to 'error' to have one"
            yield Problem(source.id, f"{here}/source_port", ProblemCode.EDGE_PORT_UNKNOWN, detail)
    if target is not None and (kind := types.get(target.type)) is not None:
        ports = tuple(port.name for port in kind.inputs)
        if target.type == START:
            detail = f"edge {edge.id!r} leads to the start; nothing can come before it"
            yield Problem(target.id, f"{here}/target", ProblemCode.START_HAS_INPUT, detail)
        elif edge.target_port not in ports:
            detail = f"edge {edge.id!r}: {target.id!r} {_offers('input', edge.target_port, ports)}"
            yield Problem(target.id, f"{here}/target_port", ProblemCode.EDGE_PORT_UNKNOWN, detail)


def output_ports(node: Node, kind: NodeType[Any]) -> tuple[str, ...]:
    """The names of a node's output ports, the `error` port included when it has one."""
    ports = kind.ports(node.params)
    return (*ports, ERROR_PORT) if node.on_error is OnError.ERROR else ports


def _offers(direction: str, port: str, ports: Iterable[str]) -> str:
    names = ", ".join(repr(name) for name in ports)
    return f"has no {direction} port {port!r}; " + (
        f"there are: {names}" if names else "it has none"
    )


def _start_problems(level: Level) -> Iterator[Problem]:
    starts = [node for node in level.graph.nodes if node.type == START]
    if level.container is not None:
        for node in starts:
            detail = "a body has no start of its own: it begins at its nodes without an edge in"
            yield Problem(node.id, level.pointers[node.id], ProblemCode.START_IN_BODY, detail)
        return
    if not starts:
        detail = "there is no start; add a start node and connect it to what comes first"
        yield Problem(None, "/nodes", ProblemCode.START_MISSING, detail)
        return
    for node in starts[1:]:
        detail = f"there is a second start {node.id!r} beside {starts[0].id!r}; keep one"
        yield Problem(node.id, level.pointers[node.id], ProblemCode.START_DUPLICATE, detail)
    for node_id, node in level.nodes.items():
        if node.type != START and not level.parents[node_id]:
            detail = f"no edge leads to {node_id!r}, so it would never run; connect or remove it"
            yield Problem(node_id, level.pointers[node_id], ProblemCode.UNREACHABLE, detail)


def _body_problems(level: Level, types: Types) -> Iterator[Problem]:
    for node_id, node in level.nodes.items():
        kind = types.get(node.type)
        if kind is None:
            continue
        here = f"{level.pointers[node_id]}/body"
        if not kind.container and node.body is not None:
            detail = f"{kind.title} has no body; remove it"
            yield Problem(node_id, here, ProblemCode.BODY_NOT_ALLOWED, detail)
        elif kind.container and node.body is None:
            detail = f"{kind.title} needs a body: the nodes that it repeats"
            yield Problem(node_id, here, ProblemCode.BODY_MISSING, detail)
        elif kind.container and node.body is not None and not node.body.nodes:
            detail = f"the body of {kind.title} is empty; put the nodes to repeat into it"
            yield Problem(node_id, here, ProblemCode.BODY_EMPTY, detail)


def cycles(parents: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Cycles that share no node, in the direction of their edges, from the node drawn first."""
    order = {node: place for place, node in enumerate(parents)}
    left = {node: set(above) for node, above in parents.items()}
    while True:
        _strip(left)
        if not left:
            return
        node = next(iter(left))
        way: list[str] = []
        while node not in way:
            way.append(node)
            node = min(left[node])
        cycle = way[way.index(node) :][::-1]
        first = cycle.index(min(cycle, key=order.__getitem__))
        yield cycle[first:] + cycle[:first]
        for member in cycle:
            del left[member]
        for above in left.values():
            above.difference_update(cycle)


def _strip(parents: dict[str, set[str]]) -> None:
    # what has no parent left is on no cycle; every node that remains has one
    children: dict[str, list[str]] = {node: [] for node in parents}
    for node, above in parents.items():
        for parent in above:
            children[parent].append(node)
    free = [node for node, above in parents.items() if not above]
    while free:
        node = free.pop()
        del parents[node]
        for child in children[node]:
            parents[child].discard(node)
            if not parents[child]:
                free.append(child)
