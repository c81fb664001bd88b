"""The drawing that is left: a call in the place of the chosen steps, and what read them outside."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from graphs.definition import Body, Definition, Edge, Group, Node
from graphs.extraction.references import Head, expression, named, rewritten, with_names
from graphs.extraction.selection import Selection

Change = Callable[[Node], Node]


def calling(
    selection: Selection, call: Node, paths: Mapping[str, tuple[str, ...]], notes: set[str]
) -> Definition:
    """The definition with `call` in place of the chosen steps and of these notes.

    `paths` says where the output of each step that is read outside is found from now on.
    """
    renamed = _renamer(selection, call, paths)

    def rebuilt(graph: Body) -> Body:
        if graph is selection.level.graph:
            return _replaced(graph, selection, call, notes, deeper)
        return replace(graph, nodes=[deeper(node) for node in graph.nodes])

    def deeper(node: Node) -> Node:
        node = renamed(node)
        return node if node.body is None else replace(node, body=rebuilt(node.body))

    definition = selection.definition
    kept = [note for note in definition.notes if note.id not in notes]
    if definition is not selection.level.graph:
        return replace(definition, nodes=[deeper(node) for node in definition.nodes], notes=kept)
    top = Body(nodes=definition.nodes, edges=definition.edges, groups=definition.groups)
    new = _replaced(top, selection, call, notes, deeper)
    return replace(definition, nodes=new.nodes, edges=new.edges, groups=new.groups, notes=kept)


def _renamer(selection: Selection, call: Node, paths: Mapping[str, tuple[str, ...]]) -> Change:
    values = {name: expression("steps", *path) for name, path in paths.items()}
    moved = {name: value for name, value in values.items() if value != expression("steps", name)}
    followers = {edge.target for edge in selection.leaving}
    # the field of the call's output in which what used to arrive is found
    arriving = paths[selection.exits[0]][1:] if selection.exits else ()

    def renamed(node: Node) -> Node:
        kind = selection.types.get(node.type)
        if kind is None:
            return node

        def change(head: Head, lazy: bool) -> str | None:
            if head.root == "steps" and head.key in moved:
                return moved[head.key]
            if head.root == "prev" and arriving and not lazy and node.id in followers:
                return expression("prev", *arriving, *(() if head.key is None else (head.key,)))
            return None

        by_name = {name: moved[name] for name in sorted(named(node, set(moved)))}
        return with_names(rewritten(node, kind, change), by_name)

    return renamed


def _replaced(
    graph: Body, selection: Selection, call: Node, notes: set[str], deeper: Change
) -> Body:
    chosen = selection.ids
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.id not in chosen:
            nodes.append(deeper(node))
        elif call not in nodes:
            nodes.append(call)
    edges: list[Edge] = []
    ways: set[tuple[str, str, str, str]] = set()
    for edge in graph.edges:
        if edge.source in chosen and edge.target in chosen:
            continue
        if edge.target in chosen:
            edge = replace(edge, target=call.id, target_port="in")
        elif edge.source in chosen:
            edge = replace(edge, source=call.id, source_port="out")
        way = (edge.source, edge.source_port, edge.target, edge.target_port)
        if way not in ways:
            ways.add(way)
            edges.append(edge)
    gone = chosen | notes
    groups = [_regrouped(group, gone, call.id) for group in graph.groups]
    return Body(nodes=nodes, edges=edges, groups=[group for group in groups if group])


def _regrouped(group: Group, gone: set[str], node_id: str) -> Group | None:
    kept = [name for name in group.members if name not in gone]
    if len(kept) == len(group.members):
        return group
    return replace(group, members=[*kept, node_id]) if kept else None
