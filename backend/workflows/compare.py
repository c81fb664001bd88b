"""Compare two definitions: what was added, removed, changed or only moved, by id."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct

from graphs.definition import Body, Definition, Edge, Group, Node, Note, Position, Size

LAYOUT = ("position", "size")
"""Fields that change the picture and never what a run does."""

T = TypeVar("T")


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field. `before` is absent when the field is new, `after` when it is gone."""

    pointer: str
    before: Any = UNSET
    after: Any = UNSET


class PlacedNode(Struct, frozen=True, kw_only=True):
    """A node and the container it lies in; the container's own body is left out of `node`."""

    parent: str | None
    node: Node


class PlacedEdge(Struct, frozen=True, kw_only=True):
    """An edge and the container it lies in."""

    parent: str | None
    edge: Edge


class ChangedItem(Struct, frozen=True, kw_only=True):
    """What differs in a node, an edge, a note or a group that both definitions have."""

    id: str
    changes: list[FieldChange]


class ChangedNode(ChangedItem, frozen=True, kw_only=True):
    """A changed node with the type and name it has now."""

    type: str
    name: str


class Layout(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where something lies and, when it has one of its own, its size."""

    position: Position
    size: Size | None = None


class MovedItem(Struct, frozen=True, kw_only=True):
    """A node, note or group that was moved or resized."""

    id: str
    before: Layout
    after: Layout


class NodeDifferences(Struct, frozen=True, kw_only=True):
    added: list[PlacedNode]
    removed: list[PlacedNode]
    changed: list[ChangedNode]
    moved: list[MovedItem]


class EdgeDifferences(Struct, frozen=True, kw_only=True):
    added: list[PlacedEdge]
    removed: list[PlacedEdge]
    changed: list[ChangedItem]


class NoteDifferences(Struct, frozen=True, kw_only=True):
    added: list[Note]
    removed: list[Note]
    changed: list[ChangedItem]
    moved: list[MovedItem]


class PlacedGroup(Struct, frozen=True, kw_only=True):
    """A group and the container it lies in."""

    parent: str | None
    group: Group


class GroupDifferences(Struct, frozen=True, kw_only=True):
    """Groups are layout: none of this changes what a run does."""

    added: list[PlacedGroup]
    removed: list[PlacedGroup]
    changed: list[ChangedItem]
    moved: list[MovedItem]


class Differences(Struct, frozen=True, kw_only=True):
    """Everything that differs. A node that only moved is in `moved` and not in `changed`."""

    identical: bool
    nodes: NodeDifferences
    edges: EdgeDifferences
    notes: NoteDifferences
    groups: GroupDifferences
    inputs: list[FieldChange]
    variables: list[FieldChange]


def compare(before: Definition, after: Definition) -> Differences:
    """What turns `before` into `after`. The order of nodes and edges has no meaning."""
    nodes = _nodes(_placed_nodes(before), _placed_nodes(after))
    edges = _edges(_placed_edges(before), _placed_edges(after))
    notes = _notes(_by_id(before.notes, _id), _by_id(after.notes, _id))
    groups = _groups(_placed_groups(before), _placed_groups(after))
    inputs = list(_fields(before.inputs, after.inputs))
    variables = list(_fields(before.variables, after.variables))
    return Differences(
        identical=not (
            any((nodes.added, nodes.removed, nodes.changed, nodes.moved))
            or any((edges.added, edges.removed, edges.changed))
            or any((notes.added, notes.removed, notes.changed, notes.moved))
            or any((groups.added, groups.removed, groups.changed, groups.moved))
            or inputs
            or variables
        ),
        nodes=nodes,
        edges=edges,
        notes=notes,
        groups=groups,
        inputs=inputs,
        variables=variables,
    )


def _nodes(before: Mapping[str, PlacedNode], after: Mapping[str, PlacedNode]) -> NodeDifferences:
    both = [(before[key], placed) for key, placed in after.items() if key in before]
    changed = [
        ChangedNode(id=new.node.id, type=new.node.type, name=new.node.name, changes=changes)
        for old, new in both
        if (changes := list(_fields(_content(old, old.node), _content(new, new.node))))
    ]
    return NodeDifferences(
        added=_missing(after, before),
        removed=_missing(before, after),
        changed=changed,
        moved=_moved((old.node, new.node) for old, new in both),
    )


def _edges(before: Mapping[str, PlacedEdge], after: Mapping[str, PlacedEdge]) -> EdgeDifferences:
    return EdgeDifferences(
        added=_missing(after, before),
        removed=_missing(before, after),
        changed=[
            ChangedItem(id=new.edge.id, changes=changes)
            for key, new in after.items()
            if (old := before.get(key)) is not None
            and (changes := list(_fields(_content(old, old.edge), _content(new, new.edge))))
        ],
    )


def _notes(before: Mapping[str, Note], after: Mapping[str, Note]) -> NoteDifferences:
    both = [(before[key], note) for key, note in after.items() if key in before]
    return NoteDifferences(
        added=_missing(after, before),
        removed=_missing(before, after),
        changed=[
            ChangedItem(id=new.id, changes=changes)
            for old, new in both
            if (changes := list(_fields(_plain(old), _plain(new))))
        ],
        moved=_moved(both),
    )


def _groups(
    before: Mapping[str, PlacedGroup], after: Mapping[str, PlacedGroup]
) -> GroupDifferences:
    both = [(before[key], placed) for key, placed in after.items() if key in before]
    return GroupDifferences(
        added=_missing(after, before),
        removed=_missing(before, after),
        changed=[
            ChangedItem(id=new.group.id, changes=changes)
            for old, new in both
            if (changes := list(_fields(_content(old, old.group), _content(new, new.group))))
        ],
        moved=_moved((old.group, new.group) for old, new in both),
    )


Laid = tuple[Node, Node] | tuple[Note, Note] | tuple[Group, Group]


def _moved(pairs: Iterable[Laid]) -> list[MovedItem]:
    return [
        MovedItem(id=new.id, before=was, after=now)
        for old, new in pairs
        if (was := Layout(position=old.position, size=old.size))
        != (now := Layout(position=new.position, size=new.size))
    ]


def _content(
    placed: PlacedNode | PlacedEdge | PlacedGroup, item: Node | Edge | Group
) -> dict[str, Any]:
    return {**_plain(item), "parent": placed.parent}


def _plain(item: Node | Edge | Note | Group) -> dict[str, Any]:
    """The fields that are not at their default, the layout left out."""
    # msgspec's omit_defaults goes by identity: an explicit default would look like a change.
    return {
        info.encode_name: msgspec.to_builtins(value)
        for info in msgspec.structs.fields(item)
        if info.name not in LAYOUT and (value := getattr(item, info.name)) != info.default
    }


def _fields(before: Any, after: Any, pointer: str = "") -> Iterator[FieldChange]:
    """The smallest fields that differ; lists of another length count as one field."""
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        for key in [*old, *(key for key in new if key not in old)]:
            here = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            yield from _fields(old.get(key, UNSET), new.get(key, UNSET), here)
    elif (
        isinstance(before, list)
        and isinstance(after, list)
        and len(was := cast("list[Any]", before)) == len(now := cast("list[Any]", after))
    ):
        for index, pair in enumerate(zip(was, now, strict=True)):
            yield from _fields(*pair, f"{pointer}/{index}")
    else:
        change = FieldChange(pointer=pointer, before=before, after=after)
        if not _same(change.before, change.after):
            yield change


def _same(before: Any, after: Any) -> bool:
    # JSON tells `1` from `true`, Python's == does not.
    return isinstance(before, bool) == isinstance(after, bool) and before == after


def _missing(here: Mapping[str, T], there: Mapping[str, T]) -> list[T]:
    return [item for key, item in here.items() if key not in there]


def _placed_nodes(definition: Definition) -> dict[str, PlacedNode]:
    return _by_id(
        [
            PlacedNode(parent=parent, node=msgspec.structs.replace(node, body=None))
            for graph, parent in _graphs(definition, None)
            for node in graph.nodes
        ],
        lambda placed: placed.node.id,
    )


def _placed_edges(definition: Definition) -> dict[str, PlacedEdge]:
    return _by_id(
        [
            PlacedEdge(parent=parent, edge=edge)
            for graph, parent in _graphs(definition, None)
            for edge in graph.edges
        ],
        lambda placed: placed.edge.id,
    )


def _placed_groups(definition: Definition) -> dict[str, PlacedGroup]:
    return _by_id(
        [
            PlacedGroup(parent=parent, group=group)
            for graph, parent in _graphs(definition, None)
            for group in graph.groups
        ],
        lambda placed: placed.group.id,
    )


def _graphs(
    graph: Definition | Body, parent: str | None
) -> Iterator[tuple[Definition | Body, str | None]]:
    yield graph, parent
    for node in graph.nodes:
        if node.body is not None:
            yield from _graphs(node.body, node.id)


def _by_id(items: Sequence[T], id_of: Callable[[T], str]) -> dict[str, T]:
    """By id; a half-finished draft may hold one twice, and neither may get lost."""
    found: dict[str, T] = {}
    for item in items:
        key = id_of(item)
        while key in found:
            key += "\0"
        found[key] = item
    return found


def _id(note: Note) -> str:
    return note.id
