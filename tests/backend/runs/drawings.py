"""Small definitions that tests run."""

from itertools import pairwise
from typing import Any

from graphs.definition import Body, Definition, Edge, Node

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "default": "Oslo"}, "days": {"type": "integer"}},
    "required": [],
}


def node(node_id: str, kind: str, **params: Any) -> Node:
    return Node(id=node_id, type=kind, params=params)


def chain(*nodes: Node, inputs: dict[str, Any] | None = None) -> Definition:
    """start → nodes[0] → nodes[1] → …"""
    every = [Node(id="start", type="start"), *nodes]
    edges = [edge(left.id, right.id) for left, right in pairwise(every)]
    return Definition(inputs=CITY if inputs is None else inputs, nodes=every, edges=edges)


def edge(source: str, target: str, port: str = "out") -> Edge:
    return Edge(id=f"{source}-{port}-{target}", source=source, source_port=port, target=target)


def greeting() -> Definition:
    """Two nodes: says hello to `input.city`."""
    return chain(node("greet", "set_fields", fields={"text": "Hello {{ input.city }}"}))


def slow(*durations_ms: int) -> Definition:
    """A chain of waits `w0`, `w1` …"""
    return chain(*(node(f"w{n}", "wait", duration_ms=ms) for n, ms in enumerate(durations_ms)))


def failing() -> Definition:
    return chain(node("stop", "fail", message="No luck in {{ input.city }}"))


def looping() -> Definition:
    """Upper-cases each of `input.names`, one `shout` and one `keep` per item."""
    body = Body(
        nodes=[
            node("shout", "set_fields", fields={"loud": "{{ item | upper }}"}),
            node("keep", "set_fields", fields={"at": "{{ index }}"}),
        ],
        edges=[edge("shout", "keep")],
    )
    loop = Node(id="loop", type="for_each", params={"items": "{{ input.names }}"}, body=body)
    return chain(loop, inputs={"type": "object", "properties": {"names": {"type": "array"}}})


def branching() -> Definition:
    """`big` or `small` by `input.days`, then `join`."""
    nodes = [
        Node(id="start", type="start"),
        node("ask", "if", condition="{{ input.days > 3 }}"),
        node("big", "set_fields", fields={"size": "big"}),
        node("small", "set_fields", fields={"size": "small"}),
        node("join", "merge"),
    ]
    edges = [
        edge("start", "ask"),
        edge("ask", "big", "true"),
        edge("ask", "small", "false"),
        edge("big", "join"),
        edge("small", "join"),
    ]
    return Definition(inputs=CITY, nodes=nodes, edges=edges)
