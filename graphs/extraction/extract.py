"""Chosen steps → a workflow of their own, and the drawing that calls it in their place.

A run of the two gives what a run of the one gave. What the steps read outside becomes an input of
the same name; what is read of them outside becomes the output. Nothing is saved here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from graphs.definition import Definition, Edge, Node, Position
from graphs.errors import ExpressionError, Reason, SelectionError
from graphs.extraction.calling import calling
from graphs.extraction.inputs import ExtractedInput, InputChoice, Inputs
from graphs.extraction.names import fresh, slug
from graphs.extraction.references import expression, heads, named
from graphs.extraction.selection import END, Selection, said, walk_node
from graphs.registry import registry
from graphs.topology import Types, output_ports

CALL = "workflow"
GAP = 320
"""Pixels from one step to the next in the new drawing."""


class ExtractedOutput(Struct, frozen=True, kw_only=True):
    """A step whose output is read outside. `name` is its field of the output; null: it is all."""

    node_id: str
    name: str | None


class Extraction(Struct, frozen=True, kw_only=True):
    """The two drawings. The calling node's `workflow_id` is empty until the workflow is saved."""

    definition: Definition
    extracted: Definition
    node_id: str
    inputs: list[ExtractedInput]
    outputs: list[ExtractedOutput]
    notices: list[str] = field(default_factory=list[str])
    """What will not be quite as before, in words."""


def extract(
    definition: Definition,
    node_ids: Iterable[str],
    name: str,
    choices: Mapping[str, InputChoice] | None = None,
    types: Types | None = None,
) -> Extraction:
    """Make a workflow of some steps. Ids of notes go along with them.

    Raises SelectionError with every reason why these steps cannot be one.
    """
    types = registry() if types is None else types
    chosen = set(node_ids)
    notes = {note.id for note in definition.notes if note.id in chosen}
    selection = Selection(definition, chosen - notes, types)
    reasons = list(selection.reasons())
    if reasons:
        raise SelectionError(reasons)
    return _Extractor(selection, name, choices or {}, notes).extraction()


class _Extractor:
    def __init__(
        self,
        selection: Selection,
        name: str,
        choices: Mapping[str, InputChoice],
        notes: set[str],
    ) -> None:
        self.selection = selection
        self.definition = selection.definition
        self.name = name
        self.inputs = Inputs(selection, choices)
        self.notes = notes
        self.notices: list[str] = []
        self.read = False
        """Whether a step outside reads one inside by its id."""
        self.used = {node.id for top in self.definition.nodes for node, _ in walk_node(top)}
        self.used |= {edge.id for edge in self.definition.edges}

    def extraction(self) -> Extraction:
        inside = [self.inputs.inside(node) for node in self.selection.nodes.values()]
        start = self.inputs.start()
        self.inputs.check()
        needed = self._needed()
        single = len(needed) <= 1
        node_id = self._call_id(needed)
        outputs = [ExtractedOutput(node_id=each, name=None if single else each) for each in needed]
        paths = {each: (node_id,) if single else (node_id, each) for each in needed}
        self._refuse_gatherers(needed)
        self._tell(needed)
        return Extraction(
            definition=calling(self.selection, self._call(node_id), paths, self.notes),
            extracted=self._extracted(inside, start, needed),
            node_id=node_id,
            inputs=self.inputs.listed,
            outputs=outputs,
            notices=self.notices,
        )

    # ---- what is read of them outside ----------------------------------------------------------

    def _needed(self) -> list[str]:
        selection = self.selection
        ids = selection.ids
        found: set[str] = set()
        for node in self._others():
            if node.type in selection.types:
                try:
                    uses = list(heads(node, selection.kind(node)))
                except ExpressionError as error:
                    detail = f"{said(node)}: {error.message}. Mend it first."
                    raise SelectionError([Reason(detail, node.id)]) from None
                found |= {head.key for head, _ in uses if head.root == "steps" and head.key in ids}
                found |= named(node, ids)
        self.read = bool(found)
        found |= {*selection.exits, *selection.results}
        return [name for name in selection.nodes if name in found]

    def _others(self) -> list[Node]:
        """All nodes that are not chosen, nor within one that is."""
        everything = self.selection.everything
        every = (node for top in self.definition.nodes for node, _ in walk_node(top))
        return [node for node in every if node.id not in everything]

    def _followers(self) -> list[Node]:
        targets = dict.fromkeys(edge.target for edge in self.selection.leaving)
        return [self.selection.level.nodes[name] for name in targets]

    def _call_id(self, needed: list[str]) -> str:
        """The step's own id where others find its output by it, else one of the new name."""
        selection = self.selection
        if len(needed) == 1:
            (only,) = needed
            gathers = any(len(selection.parents(node.id)) > 1 for node in self._followers())
            by_name = any(named(node, {only}) for node in self._others())
            if gathers or by_name or selection.results:
                return only
        return fresh(slug(self.name, "sub_workflow"), self.used)

    def _refuse_gatherers(self, needed: list[str]) -> None:
        if len(needed) < 2:
            return
        names = " and ".join(said(self.selection.nodes[name]) for name in needed)
        for node in self._followers():
            kind = self.selection.types.get(node.type)
            arriving = kind is None or node.disabled or kind.takes_arriving(node.params)
            if arriving or len(self.selection.parents(node.id)) > 1:
                detail = (
                    f"{said(node)} works on what arrives, while outside {names} are read. "
                    "Choose more steps, so that only one is read outside."
                )
                raise SelectionError([Reason(detail, node.id)])

    def _tell(self, needed: list[str]) -> None:
        selection = self.selection
        pinned = [node for node in selection.nodes.values() if node.pinned is not None]
        if pinned:
            names = ", ".join(said(node) for node in pinned)
            self.notices.append(f"The data pinned to {names} is not used: versions ignore pins.")
        if not selection.results:
            return
        only = selection.results[0]
        if len(needed) > 1 and selection.level.container is None:
            names = ", ".join(needed)
            self.notices.append(f"The results {names} are fields of one result from now on.")
        elif len(needed) == 1 and self._counts_leaves() and not selection.certain(only):
            self.notices.append(f"Where {only} is skipped, the result holds it as null.")

    def _counts_leaves(self) -> bool:
        """Whether the graph puts out its results by id, without those that were skipped."""
        followed = {edge.source for edge in self.selection.edges}
        leaves = self.selection.level.nodes.keys() - followed
        return self.selection.level.container is None or len(leaves) > 1

    # ---- the two drawings ----------------------------------------------------------------------

    def _extracted(self, inside: list[Node], start: Node, needed: list[str]) -> Definition:
        selection = self.selection
        left = min(node.position.x for node in inside)
        top = min(node.position.y for node in inside)
        right = max(node.position.x for node in inside)

        def moved(at: Position) -> Position:
            return Position(at.x - left + GAP, at.y - top)

        ids = {edge.id for edge in selection.inner} | selection.everything | {start.id}
        edges = list(selection.inner)

        def join(source: str, port: str, target: str) -> None:
            edge_id = fresh(f"e{len(edges) + 1}", ids)
            ids.add(edge_id)
            edges.append(Edge(id=edge_id, source=source, source_port=port, target=target))

        first = selection.nodes[selection.entries[0]].position
        start = replace(start, position=Position(0, moved(first).y))
        for entry in selection.entries:
            join(start.id, "out", entry)
        nodes = [start, *(replace(node, position=moved(node.position)) for node in inside)]
        if needed and not self._ends_by_itself(needed):
            end_id = fresh(END, ids)
            ids.add(end_id)
            values = {name: f"{{{{ {expression('steps', name)} }}}}" for name in needed}
            output: Any = values if len(needed) > 1 else values[needed[0]]
            last = moved(selection.nodes[needed[-1]].position)
            place = Position(right - left + 2 * GAP, last.y)
            nodes.append(
                Node(id=end_id, type=END, name="End", params={"output": output}, position=place)
            )
            before = self._before_end(needed)
            if not any(selection.certain(name) for name in before):
                join(start.id, "out", end_id)
            for name in before:
                for port in self._ports(name):
                    join(name, port, end_id)
        framed = selection.ids | self.notes
        return Definition(
            inputs=self.inputs.schema(),
            variables=self.inputs.variables,
            nodes=nodes,
            edges=edges,
            notes=[
                replace(note, position=moved(note.position))
                for note in self.definition.notes
                if note.id in self.notes
            ],
            groups=[
                replace(group, position=moved(group.position))
                for group in selection.level.graph.groups
                if set(group.members) < framed
            ],
        )

    def _ends_by_itself(self, needed: list[str]) -> bool:
        """Whether the outputs of its last steps, by id, are just what is needed."""
        several = len(needed) > 1 and not self.read
        return several and set(needed) == set(self.selection.results)

    def _before_end(self, needed: list[str]) -> list[str]:
        """The nodes that are over before the end: those that nothing follows, and those needed."""
        ending = [name for name in self.selection.sinks if self._ports(name)]
        done = set(ending)
        for name in ending:
            done |= self.selection.level.upstream(name)
        return ending + [name for name in needed if name not in done]

    def _ports(self, name: str) -> tuple[str, ...]:
        node = self.selection.nodes[name]
        return output_ports(node, self.selection.kind(node))

    def _call(self, node_id: str) -> Node:
        chosen = self.selection.nodes.values()
        values = {each.name: each.value for each in self.inputs.listed}
        return Node(
            id=node_id,
            type=CALL,
            name=self.name,
            params={"workflow_id": "", "inputs": values},
            position=Position(
                min(node.position.x for node in chosen), min(node.position.y for node in chosen)
            ),
        )
