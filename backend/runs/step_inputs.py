"""What arrived at each step of a run, worked out when somebody looks at it.

Inputs are not stored: they are the outputs upstream, which the journal has already.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from backend.runs.schemas import StepView
from backend.runs.status import StepStatus
from graphs.definition import Body, Definition, Node
from graphs.errors import GraphError
from graphs.expressions import compile_value

_INNERMOST = re.compile(
    r"(?:(?P<outer>.*)/)?(?P<way>(?P<node>[^/@\[]+)(?:@\d+)?)\[(?P<index>\d+)\]"
)

Names = dict[str, Any]


class Place:
    """Where a path leads: the graph there, and what its nodes without in-edges get."""

    def __init__(
        self, graph: Definition | Body, inputs: Any, variables: Mapping[str, Any], path: str | None
    ) -> None:
        """`path` is that of the run's own drawing, or of the sub-workflow, that this is part of."""
        self.nodes: dict[str, Node] = {node.id: node for node in graph.nodes}
        self.inputs = inputs
        self.variables = variables
        self.begins = path
        self.sources: dict[str, list[tuple[str, str]]] = {}
        for edge in graph.edges:
            self.sources.setdefault(edge.target, []).append((edge.source, edge.source_port))
        inner = {edge.source for edge in graph.edges}
        self.leaves = [node_id for node_id in self.nodes if node_id not in inner]


class StepInputs:
    """The drawings and the outputs of one run, to look up what reached a step."""

    def __init__(
        self,
        definition: Definition,
        run_inputs: Mapping[str, Any],
        steps: Sequence[StepView],
        called: Mapping[str, Definition] | None = None,
    ) -> None:
        """`called`: the drawings of the workflows that the run calls, by reference."""
        self._called = called or {}
        self._steps = {(step.path, step.node_id): step for step in steps}
        self._places: dict[str | None, Place | None] = {
            None: Place(definition, run_inputs, definition.variables, None)
        }

    def fill(self, step: StepView) -> None:
        """Set what the drawing says of a step: its input, its node's type and its name."""
        place = self._place(step.path)
        node = None if place is None else place.nodes.get(step.node_id)
        if node is None:
            return
        step.node_type, step.name = node.type, node.name or node.id
        if step.status is not StepStatus.SKIPPED:
            step.input = self._arrived(step.path, step.node_id)

    def _place(self, path: str | None) -> Place | None:
        if path not in self._places:
            self._places[path] = self._find(path) if path is not None else None
        return self._places[path]

    def _find(self, path: str) -> Place | None:
        found = _INNERMOST.fullmatch(path)
        outer = None if found is None else self._place(found["outer"])
        node = None if found is None or outer is None else outer.nodes.get(found["node"])
        if found is None or outer is None or node is None:
            return None
        if node.body is not None:
            return Place(node.body, outer.inputs, outer.variables, outer.begins)
        called = self._called.get(reference_of(node))
        if called is None:
            return None
        names = self._names(found["outer"], node.id)
        given = _resolved(node.params.get("inputs") or {}, names)
        return Place(called, given, called.variables, path)

    def _arrived(self, path: str | None, node_id: str) -> Any:
        place = self._place(path)
        if place is None:
            return None
        sources = place.sources.get(node_id)
        if not sources:
            begins = path is None or path == place.begins
            return place.inputs if begins else self._item(path).get("item")
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

    def _item(self, path: str | None) -> Names:
        """`item` and `index` of an iteration: from a list, or what the round before put out."""
        found = _INNERMOST.fullmatch(path or "")
        outer = None if found is None else self._place(found["outer"])
        container = None if found is None or outer is None else outer.nodes.get(found["node"])
        if found is None or container is None or container.body is None:
            return {}
        index = int(found["index"])
        if "items" not in container.params:
            return {"item": self._round(found, container.id, index), "index": index}
        names = self._names(found["outer"], container.id)
        items = _resolved(container.params.get("items"), names)
        if not isinstance(items, list) or index >= len(cast("list[Any]", items)):
            return {}
        return {"item": items[index], "index": index}

    def _round(self, found: re.Match[str], container: str, index: int) -> Any:
        if index == 0:
            return self._arrived(found["outer"], container)
        prefix = f"{found['outer']}/" if found["outer"] else ""
        before = f"{prefix}{found['way']}[{index - 1}]"
        place = self._place(before)
        leaves = [] if place is None else place.leaves
        outputs = {
            leaf: step.output
            for leaf in leaves
            if (step := self._steps.get((before, leaf))) is not None
            and step.status is StepStatus.COMPLETED
        }
        return next(iter(outputs.values()), None) if len(leaves) == 1 else outputs

    def _names(self, path: str | None, node_id: str) -> Names:
        """What an expression of a node in a path can name."""
        place = self._place(path)
        assert place is not None, "whoever asks has found it"
        return {
            "input": place.inputs,
            "vars": place.variables,
            "steps": self._outputs(path, place.begins),
            "prev": self._arrived(path, node_id),
            **(self._item(path) if path != place.begins else {}),
        }

    def _outputs(self, path: str | None, begins: str | None) -> dict[str, Any]:
        """The outputs that a step in this iteration could name, outer ones included."""
        within: set[str | None] = {begins}
        here = path
        while here is not None and here != begins:
            within.add(here)
            found = _INNERMOST.fullmatch(here)
            here = None if found is None else found["outer"]
        return {
            node_id: step.output
            for (where, node_id), step in self._steps.items()
            if where in within
        }


def reference_of(node: Node) -> str:
    """The key of what a `workflow` node calls."""
    return f"{node.params.get('workflow_id')}@{node.params.get('version', 'active')}"


def _resolved(value: Any, names: Names) -> Any:
    try:
        return compile_value(value).resolve(names)
    except GraphError:
        return None
