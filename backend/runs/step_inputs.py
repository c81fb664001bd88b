"""What arrived at each step of a run, worked out when somebody looks at it.

Inputs are not stored: they are the outputs upstream, which the journal has already.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from backend.runs.schemas import StepView
from backend.runs.status import StepStatus
from graphs.definition import Definition, Node, walk
from graphs.errors import GraphError
from graphs.expressions import compile_value

_INNERMOST = re.compile(r"(?:(?P<outer>.*)/)?(?P<node>[^/@\[]+)(?:@\d+)?\[(?P<index>\d+)\]")


class StepInputs:
    """The drawing and the outputs of one run, to look up what reached a step."""

    def __init__(
        self, definition: Definition, run_inputs: Mapping[str, Any], steps: Sequence[StepView]
    ) -> None:
        self._run_inputs = run_inputs
        self._variables = definition.variables
        self._nodes: dict[str, Node] = {node.id: node for node, _ in walk(definition)}
        self._sources: dict[str, list[tuple[str, str]]] = {}
        bodies = [node.body for node in self._nodes.values() if node.body is not None]
        for graph in (definition, *bodies):
            for edge in graph.edges:
                self._sources.setdefault(edge.target, []).append((edge.source, edge.source_port))
        self._steps = {(step.path, step.node_id): step for step in steps}

    def fill(self, step: StepView) -> None:
        """Set what the drawing says of a step: its input, its node's type and its name."""
        node = self._nodes.get(step.node_id)
        if node is not None:
            step.node_type, step.name = node.type, node.name or node.id
        if step.status is not StepStatus.SKIPPED:
            step.input = self._arrived(step.path, step.node_id)

    def _arrived(self, path: str | None, node_id: str) -> Any:
        sources = self._sources.get(node_id)
        if not sources:
            return self._run_inputs if path is None else self._item(path).get("item")
        live = {
            source: output
            for source, port in sources
            for output in self._passed(path, source, port)
        }
        return next(iter(live.values())) if len(live) == 1 else (live or None)

    def _passed(self, path: str | None, source: str, port: str) -> list[Any]:
        """What a source gives through a port: one value when it is live, none when it is dead."""
        step = self._steps.get((path, source))
        if step is None:
            return []
        if step.status is StepStatus.COMPLETED and port in step.ports:
            return [step.output]
        if step.skip_reason == "disabled":
            return [self._arrived(path, source)]
        return []

    def _item(self, path: str) -> dict[str, Any]:
        """`item` and `index` of an iteration, from the list that its container went through."""
        found = _INNERMOST.fullmatch(path)
        container = None if found is None else self._nodes.get(found["node"])
        if found is None or container is None:
            return {}
        outer = found["outer"]
        names = {
            "input": self._run_inputs,
            "vars": self._variables,
            "steps": self._outputs(outer),
            "prev": self._arrived(outer, container.id),
            **(self._item(outer) if outer else {}),
        }
        index = int(found["index"])
        try:
            items = compile_value(container.params.get("items")).resolve(names)
        except GraphError:
            return {}
        if not isinstance(items, list) or index >= len(cast("list[Any]", items)):
            return {}
        return {"item": items[index], "index": index}

    def _outputs(self, path: str | None) -> dict[str, Any]:
        """The outputs that a step in this iteration could name, outer ones included."""
        outputs: dict[str, Any] = {}
        prefixes: set[str | None] = {None}
        parts = path.split("/") if path else []
        prefixes.update("/".join(parts[: count + 1]) for count in range(len(parts)))
        for (where, node_id), step in self._steps.items():
            if where in prefixes:
                outputs[node_id] = step.output
        return outputs
