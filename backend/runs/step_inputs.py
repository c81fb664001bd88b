"""What arrived at each step of a run, worked out when somebody looks at it.

Inputs are not stored: they are the outputs upstream, which the journal has already. Only the
outputs that somebody asks for are read, and a loop's items are worked out once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from backend.database import fetch
from backend.runs import event_log
from backend.runs.schemas import StepView
from backend.runs.status import StepStatus
from backend.runs.step_rows import PATH, SHOWN, by_place
from graphs.definition import Body, Definition, Node
from graphs.errors import GraphError
from graphs.events import StepCompleted, StepSkipped
from graphs.expressions import compile_value

_INNERMOST = re.compile(
    r"(?:(?P<outer>.*)/)?(?P<way>(?P<node>[^/@\[]+)(?:@\d+)?)\[(?P<index>\d+)\]"
)

AT_ONCE = 500
"""Paths that are asked for in one query."""

Names = dict[str, Any]


class Given(Struct, frozen=True):
    """What a finished or skipped step put out."""

    output: Any = None
    ports: tuple[str, ...] = ()
    skip_reason: str | None = None


class Outputs:
    """The outputs of one run's steps, read when they are needed, by path and node id."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._known: dict[tuple[str | None, str], Given | None] = {}

    async def load(self, paths: Iterable[str | None], node_ids: Iterable[str]) -> None:
        """Read the outputs of these nodes in these paths, as far as they are not known."""
        nodes = sorted(set(node_ids))
        wanted = [
            path
            for path in dict.fromkeys(paths)
            if any((path, node_id) not in self._known for node_id in nodes)
        ]
        for start in range(0, len(wanted), AT_ONCE):
            chunk = wanted[start : start + AT_ONCE]
            self._known |= {(path, node_id): None for path in chunk for node_id in nodes}
            await self._read(chunk, nodes)

    async def within(self, paths: Sequence[str | None]) -> dict[str, Any]:
        """The outputs of all steps in these paths by node id; the last path wins."""
        await self._read(paths, None)
        return {
            node_id: given.output
            for path in paths
            for (where, node_id), given in self._known.items()
            if where == path and given is not None
        }

    async def get(self, path: str | None, node_id: str) -> Given | None:
        """What a step put out; None when it has not ended well."""
        if (path, node_id) not in self._known:
            await self.load([path], [node_id])
        return self._known[path, node_id]

    async def _read(self, paths: Sequence[str | None], nodes: Sequence[str] | None) -> None:
        among = "" if nodes is None else f" AND node_id IN ({', '.join('?' * len(nodes))})"
        rows = await fetch(
            f"SELECT {event_log.COLUMNS} FROM {by_place()} WHERE run_id = ?"
            f" AND {PATH} IN ({', '.join('?' * len(paths))}){among}"
            f" AND {SHOWN} AND kind IN ('step.completed', 'step.skipped') ORDER BY seq",
            self._run_id,
            *(path or "" for path in paths),
            *(nodes or ()),
        )
        for row in rows:
            event = event_log.engine_event(event_log.row_from(self._run_id, row))
            if isinstance(event, StepCompleted):
                given = Given(event.data.output, event.data.ports)
            elif isinstance(event, StepSkipped):
                given = Given(skip_reason=event.data.reason)
            else:
                continue
            self._known[event.path, event.node_id] = given


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
        run_id: str,
        definition: Definition,
        run_inputs: Mapping[str, Any],
        called: Mapping[str, Definition] | None = None,
    ) -> None:
        """`called`: the drawings of the workflows that the run calls, by reference."""
        self._called = called or {}
        self._outputs = Outputs(run_id)
        self._items: dict[tuple[str | None, str], Any] = {}
        self._places: dict[str | None, Place | None] = {
            None: Place(definition, run_inputs, definition.variables, None)
        }

    async def fill(self, steps: Sequence[StepView]) -> None:
        """Set what the drawing says of steps: their inputs, their nodes' types and names."""
        drawn: list[tuple[StepView, Place]] = []
        for step in steps:
            place = await self._place(step.path)
            node = None if place is None else place.nodes.get(step.node_id)
            if place is None or node is None:
                continue
            step.node_type, step.name = node.type, node.name or node.id
            if step.status is not StepStatus.SKIPPED:
                drawn.append((step, place))
        # of a loop's many iterations in a few reads
        sources = [
            source for step, place in drawn for source, _ in place.sources.get(step.node_id, ())
        ]
        if sources:
            await self._outputs.load((step.path for step, _ in drawn), sources)
        for step, _ in drawn:
            step.input = await self._arrived(step.path, step.node_id)

    async def _place(self, path: str | None) -> Place | None:
        if path not in self._places:
            self._places[path] = await self._find(path) if path is not None else None
        return self._places[path]

    async def _find(self, path: str) -> Place | None:
        found = _INNERMOST.fullmatch(path)
        outer = None if found is None else await self._place(found["outer"])
        node = None if found is None or outer is None else outer.nodes.get(found["node"])
        if found is None or outer is None or node is None:
            return None
        if node.body is not None:
            return Place(node.body, outer.inputs, outer.variables, outer.begins)
        called = self._called.get(reference_of(node))
        if called is None:
            return None
        given = await self._resolved(node.params.get("inputs") or {}, found["outer"], node.id)
        return Place(called, given, called.variables, path)

    async def _arrived(self, path: str | None, node_id: str) -> Any:
        place = await self._place(path)
        if place is None:
            return None
        sources = place.sources.get(node_id)
        if not sources:
            begins = path is None or path == place.begins
            return place.inputs if begins else (await self._item(path)).get("item")
        live: dict[str, Any] = {}
        for source, port in sources:
            for output in await self._passed(path, source, port):
                live[source] = output
        return next(iter(live.values())) if len(live) == 1 else (live or None)

    async def _passed(self, path: str | None, source: str, port: str) -> list[Any]:
        """What a source gives through a port: one value when it is live, none when it is dead."""
        given = await self._outputs.get(path, source)
        if given is None:
            return []
        if given.skip_reason is None and port in given.ports:
            return [given.output]
        if given.skip_reason == "disabled":
            return [await self._arrived(path, source)]
        return []

    async def _item(self, path: str | None) -> Names:
        """`item` and `index` of an iteration: from a list, or what the round before put out."""
        found = _INNERMOST.fullmatch(path or "")
        outer = None if found is None else await self._place(found["outer"])
        container = None if found is None or outer is None else outer.nodes.get(found["node"])
        if found is None or container is None or container.body is None:
            return {}
        index = int(found["index"])
        if "items" not in container.params:
            return {"item": await self._round(found, container.id, index), "index": index}
        key = (found["outer"], container.id)
        if key not in self._items:
            self._items[key] = await self._resolved(container.params.get("items"), *key)
        items = self._items[key]
        if not isinstance(items, list) or index >= len(cast("list[Any]", items)):
            return {}
        return {"item": items[index], "index": index}

    async def _round(self, found: re.Match[str], container: str, index: int) -> Any:
        if index == 0:
            return await self._arrived(found["outer"], container)
        prefix = f"{found['outer']}/" if found["outer"] else ""
        before = f"{prefix}{found['way']}[{index - 1}]"
        place = await self._place(before)
        leaves = [] if place is None else place.leaves
        outputs: dict[str, Any] = {}
        for leaf in leaves:
            given = await self._outputs.get(before, leaf)
            if given is not None and given.skip_reason is None:
                outputs[leaf] = given.output
        return next(iter(outputs.values()), None) if len(leaves) == 1 else outputs

    async def _resolved(self, value: Any, path: str | None, node_id: str) -> Any:
        """A param of a node in a path; only the names that it uses are looked up."""
        place = await self._place(path)
        assert place is not None, "whoever asks has found it"
        try:
            template = compile_value(value)
        except GraphError:
            return None
        names: Names = {"input": place.inputs, "vars": place.variables}
        used = {reference.root for reference in template.references()}
        if "steps" in used:
            keys = {found.key for found in template.references() if found.root == "steps"}
            names["steps"] = await self._named(path, place.begins, keys)
        if "prev" in used:
            names["prev"] = await self._arrived(path, node_id)
        if used & {"item", "index"} and path != place.begins:
            names |= await self._item(path)
        try:
            return template.resolve(names)
        except GraphError:
            return None

    async def _named(
        self, path: str | None, begins: str | None, keys: set[str | None]
    ) -> dict[str, Any]:
        """The outputs that an expression in this iteration names, outer ones included.

        With None among the keys it names some only while it is evaluated: then all of them.
        """
        around: list[str | None] = [begins]
        here = path
        while here is not None and here != begins:
            around.insert(1, here)
            found = _INNERMOST.fullmatch(here)
            here = None if found is None else found["outer"]
        if None in keys:
            return await self._outputs.within(around)
        named = [key for key in keys if key is not None]
        await self._outputs.load(around, named)
        return {
            key: given.output
            for where in around
            for key in named
            if (given := await self._outputs.get(where, key)) is not None
        }


def reference_of(node: Node) -> str:
    """The key of what a `workflow` node calls."""
    return f"{node.params.get('workflow_id')}@{node.params.get('version', 'active')}"
