"""What a drawn graph means, in a few lines: the oracle that the compiler is held against.

No LangGraph, no concurrency, no expressions: nodes in topological order, each with a `says` in its
params that names what it does: a port to take, or to raise.
"""

from dataclasses import dataclass, field
from typing import Any

from graphs.definition import Body, Definition, Node, OnError


@dataclass
class Result:
    """Each executed step's fate by (path, node id), the outputs, and whether the graph failed."""

    fates: dict[tuple[str, str], str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    failed: bool = False


def interpret(graph: Definition | Body, arriving: Any, path: str = "") -> Result:
    """Execute `graph` the obvious way."""
    result, values, ports = Result(), {}, {}
    remaining = list(graph.nodes)
    while remaining:
        node = next(n for n in remaining if all(e.source in ports for e in _into(graph, n)))
        remaining.remove(node)
        edges = _into(graph, node)
        live = {e.source: values[e.source] for e in edges if e.source_port in ports[e.source]}
        dead = any(e.source_port not in ports[e.source] for e in edges)
        if edges and (not live or (dead and node.params.get("mode") == "all")):
            fate, value, taken = "skipped", None, ()
        else:
            prev = arriving if not edges else next(iter(live.values())) if len(live) == 1 else live
            fate, value, taken = _execute(node, prev, path, result)
        result.fates[(path, node.id)] = fate
        result.failed = result.failed or fate == "failed"
        values[node.id], ports[node.id] = value, taken
        if fate == "completed" and not any(e.source == node.id for e in graph.edges):
            result.outputs[node.id] = value
    return result


def _into(graph: Definition | Body, node: Node) -> list[Any]:
    return [edge for edge in graph.edges if edge.target == node.id]


def _execute(node: Node, prev: Any, path: str, result: Result) -> tuple[str, Any, tuple[str, ...]]:
    says = node.params.get("says", "out")
    if node.body is not None:
        until = node.type == "repeat_until"
        results = [prev] if until else []
        for index in range(min(node.params["times"], node.params.get("max_iterations", 9))):
            inner = f"{path}/{node.id}[{index}]" if path else f"{node.id}[{index}]"
            body = interpret(node.body, results[-1] if until else index, inner)
            result.fates.update(body.fates)
            leaves = [n for n in node.body.nodes if all(e.source != n.id for e in node.body.edges)]
            only = len(leaves) == 1
            results.append(next(iter(body.outputs.values()), None) if only else body.outputs)
            if body.failed:
                says = "raise"
                if until:
                    break
        if until and node.params["times"] > node.params["max_iterations"]:
            says = "raise"
        value: Any = results[-1] if until else results
    else:
        value = prev if node.type == "start" else {"at": node.id, "prev": prev}
    if says != "raise":
        return "completed", value, (says,)
    if node.on_error is OnError.FAIL:
        return "failed", None, ()
    error = {"error": True}
    return "completed", error, ("error" if node.on_error is OnError.ERROR else "out",)
