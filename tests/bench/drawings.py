"""The workflows that are measured, as definitions in the API's JSON."""

from datetime import datetime
from itertools import pairwise
from typing import Any

Definition = dict[str, Any]
Node = dict[str, Any]

COLUMNS = 25
"""Nodes in a row of the grid that the editor is shown."""


def chain(length: int) -> Definition:
    """start, then so many `set_fields`, each counting one up."""
    fields = {"city": "{{ prev.city }}", "n": "{{ prev.n + 1 }}"}
    return _line([_node(f"step{i}", "set_fields", {"fields": fields}) for i in range(length)])


def waits(length: int) -> Definition:
    """start, a first wait of `input.lead_ms`, then so many of `input.pace_ms`."""
    first = _node("lead", "wait", {"duration_ms": "{{ input.lead_ms }}"})
    paced = {"duration_ms": "{{ input.pace_ms }}"}
    rest = [_node(f"step{index}", "wait", paced) for index in range(length)]
    schema = {"lead_ms": {"type": "integer"}, "pace_ms": {"type": "integer"}}
    return {**_line([first, *rest]), "inputs": {"type": "object", "properties": schema}}


def loop() -> Definition:
    """start, then one `set_fields` for every entry of `input.items`."""
    body = {"nodes": [_node("count", "set_fields", {"fields": {"n": "{{ item + 1 }}"}})]}
    each = {**_node("each", "for_each", {"items": "{{ input.items }}"}), "body": body}
    schema = {"items": {"type": "array", "items": {"type": "integer"}}}
    return {**_line([each]), "inputs": {"type": "object", "properties": schema}}


def fork() -> Definition:
    """if → two branches → merge, of which one is taken."""
    nodes = [
        _node("start", "start"),
        _node("choose", "if", {"condition": "{{ input.n > 3 }}"}),
        _node("many", "set_fields", {"fields": {"text": "many in {{ input.city }}"}}),
        _node("few", "set_fields", {"fields": {"text": "few in {{ input.city }}"}}),
        _node("merge", "merge", {"mode": "any"}),
    ]
    edges = [
        _edge("start", "choose"),
        _edge("choose", "many", "true"),
        _edge("choose", "few", "false"),
        _edge("many", "merge"),
        _edge("few", "merge"),
    ]
    return _definition(nodes, edges)


def question() -> Definition:
    """A question to a person, and a node after its yes."""
    nodes = [
        _node("start", "start"),
        _node("ask", "approval", {"message": "Go on?", "kind": "confirmation"}),
        _node("after", "set_fields", {"fields": {"said": "{{ prev.answer }}"}}),
    ]
    return _definition(nodes, [_edge("start", "ask"), _edge("ask", "after", "yes")])


def moment(text: str) -> datetime:
    """A moment of the API."""
    return datetime.fromisoformat(text)


def branches(*durations_ms: list[int]) -> Definition:
    """Parallel branches of waits with these durations, and a merge of all."""
    nodes, edges = [_node("start", "start")], []
    for branch, durations in enumerate(durations_ms):
        before = "start"
        for index, duration_ms in enumerate(durations):
            node_id = f"b{branch}_{index}"
            nodes.append(_node(node_id, "wait", {"duration_ms": duration_ms}))
            edges.append(_edge(before, node_id))
            before = node_id
        edges.append(_edge(before, "merge"))
    return _definition([*nodes, _node("merge", "merge", {"mode": "all"})], edges)


def grid(count: int) -> Definition:
    """So many nodes in rows: a start, and every other node fed by its left and upper neighbour."""
    nodes, edges = [], []
    for index in range(count):
        column, row = index % COLUMNS, index // COLUMNS
        node = _node(f"n{index}", "template", {"text": "Hello {{ input.city }}"})
        if index == 0:
            node = _node("n0", "start")
        nodes.append({**node, "position": {"x": column * 320, "y": row * 180}})
        if column:
            edges.append(_edge(f"n{index - 1}", f"n{index}"))
        if row and (column == 0 or column % 3 == 0):
            edges.append(_edge(f"n{index - COLUMNS}", f"n{index}"))
    return _definition(nodes, edges)


def _line(nodes: list[Node]) -> Definition:
    ids = ["start", *(node["id"] for node in nodes)]
    edges = [_edge(source, target) for source, target in pairwise(ids)]
    return _definition([_node("start", "start"), *nodes], edges)


def _definition(nodes: list[Node], edges: list[dict[str, Any]]) -> Definition:
    placed = [{"position": {"x": 320 * i, "y": 0}, **node} for i, node in enumerate(nodes)]
    schema = {"city": {"type": "string", "default": "Oslo"}, "n": {"type": "integer", "default": 0}}
    return {
        "inputs": {"type": "object", "properties": schema},
        "nodes": placed,
        "edges": edges,
    }


def _node(node_id: str, kind: str, params: dict[str, Any] | None = None) -> Node:
    return {"id": node_id, "type": kind, "params": params or {}}


def _edge(source: str, target: str, port: str = "out") -> dict[str, Any]:
    edge_id = f"{source}-{port}-{target}"
    return {"id": edge_id, "source": source, "source_port": port, "target": target}
