"""What a comparison of two definitions tells, and that it tells everything."""

import copy
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.workflows.compare import Differences, FieldChange, compare
from graphs.definition import Body, Definition, Edge, Group, Node, Note, Position, Size


def node(id: str, *, x: float = 0, type: str = "set_fields", **fields: Any) -> Node:
    return Node(id=id, type=type, position=Position(x, 0), **fields)


def test_equal_definitions_are_identical() -> None:
    definition = Definition(nodes=[node("a")], notes=[Note(id="n")])
    found = compare(definition, copy.deepcopy(definition))
    assert found.identical
    assert found.nodes.changed == found.nodes.moved == found.notes.changed == []


def test_fields_are_told_one_by_one() -> None:
    before = Definition(nodes=[node("a", name="A", params={"fields": {"x": 1, "y": [1, 2]}})])
    after = Definition(nodes=[node("a", name="B", params={"fields": {"y": [1, 3], "z/~": True}})])
    (changed,) = compare(before, after).nodes.changed
    assert (changed.id, changed.type, changed.name) == ("a", "set_fields", "B")
    assert {change.pointer: (change.before, change.after) for change in changed.changes} == {
        "/name": ("A", "B"),
        "/params/fields/x": (1, msgspec.UNSET),
        "/params/fields/y/1": (2, 3),
        "/params/fields/z~1~0": (msgspec.UNSET, True),
    }


def test_a_move_is_no_change() -> None:
    before = Definition(nodes=[node("a"), node("b")], notes=[Note(id="n", text="t")])
    after = Definition(
        nodes=[node("b"), node("a", x=320)],
        notes=[Note(id="n", text="t", size=Size(500, 100))],
    )
    found = compare(before, after)
    assert not found.identical
    assert found.nodes.changed == found.notes.changed == []
    (moved,) = found.nodes.moved
    assert (moved.id, moved.before.position.x, moved.after.position.x) == ("a", 0, 320)
    assert [note.id for note in found.notes.moved] == ["n"]


def test_groups_are_told_and_are_layout() -> None:
    inner = Body(nodes=[node("i")], groups=[Group(id="g2", members=["i"])])
    before = Definition(nodes=[node("a"), node("b")], groups=[Group(id="g", members=["a"])])
    after = Definition(
        nodes=[node("a"), node("b"), node("loop", body=inner)],
        groups=[Group(id="g", members=["a", "b"], collapsed=True, position=Position(16, 0))],
    )
    found = compare(before, after)
    assert not found.identical
    assert found.nodes.changed == []
    (changed,) = found.groups.changed
    assert {change.pointer for change in changed.changes} == {"/members", "/collapsed"}
    assert [moved.id for moved in found.groups.moved] == ["g"]
    assert [(each.parent, each.group.id) for each in found.groups.added] == [("loop", "g2")]
    assert [each.group.id for each in compare(after, before).groups.removed] == ["g2"]


def test_true_is_not_one() -> None:
    before = Definition(variables={"flag": 1})
    after = Definition(variables={"flag": True})
    assert compare(before, after).variables == [FieldChange(pointer="/flag", before=1, after=True)]


def test_nodes_in_bodies_are_compared_and_know_their_container() -> None:
    inner = node("inner", params={"fields": {"x": 1}})
    changed_inner = node("inner", params={"fields": {"x": 2}})
    before = Definition(nodes=[node("loop", type="for_each", body=Body(nodes=[inner]))])
    after = Definition(
        nodes=[
            node(
                "loop",
                type="for_each",
                body=Body(
                    nodes=[changed_inner, node("new")],
                    edges=[Edge(id="e", source="inner", target="new")],
                ),
            )
        ]
    )
    found = compare(before, after)
    assert [change.id for change in found.nodes.changed] == ["inner"]
    assert [(placed.parent, placed.node.id) for placed in found.nodes.added] == [("loop", "new")]
    assert [(placed.parent, placed.edge.id) for placed in found.edges.added] == [("loop", "e")]


def test_a_node_that_changes_its_container_is_changed() -> None:
    before = Definition(nodes=[node("loop", type="for_each", body=Body()), node("a")])
    after = Definition(nodes=[node("loop", type="for_each", body=Body(nodes=[node("a")]))])
    (changed,) = compare(before, after).nodes.changed
    assert changed.changes == [FieldChange(pointer="/parent", before=None, after="loop")]


def test_a_rewired_edge_is_changed_and_a_redrawn_one_is_another() -> None:
    before = Definition(edges=[Edge(id="e1", source="a", target="b")])
    rewired = Definition(edges=[Edge(id="e1", source="a", target="c")])
    redrawn = Definition(edges=[Edge(id="e2", source="a", target="b")])
    (changed,) = compare(before, rewired).edges.changed
    assert changed.changes == [FieldChange(pointer="/target", before="b", after="c")]
    found = compare(before, redrawn)
    assert [placed.edge.id for placed in found.edges.added] == ["e2"]
    assert [placed.edge.id for placed in found.edges.removed] == ["e1"]


def test_a_draft_with_the_same_id_twice_loses_nothing() -> None:
    before = Definition(nodes=[node("a")])
    after = Definition(nodes=[node("a"), node("a", name="again")])
    assert [placed.node.name for placed in compare(before, after).nodes.added] == ["again"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "{{ prev }}"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab/~"), inner),
    max_leaves=4,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "c/d"]), json_values, max_size=3)
positions = st.builds(Position, st.integers(0, 2), st.integers(0, 2))
nodes = st.builds(
    Node,
    id=st.sampled_from("abcd"),
    type=st.sampled_from(["if", "end"]),
    name=st.sampled_from(["", "N"]),
    params=objects,
    position=positions,
    timeout_ms=st.none() | st.just(5),
)
edges = st.builds(
    Edge,
    id=st.sampled_from("pqr"),
    source=st.sampled_from("ab"),
    target=st.sampled_from("cd"),
)
notes = st.builds(
    Note, id=st.sampled_from("st"), text=st.sampled_from(["", "t"]), position=positions
)
definitions = st.builds(
    Definition,
    inputs=objects,
    variables=objects,
    nodes=st.lists(nodes, unique_by=lambda item: item.id),
    edges=st.lists(edges, unique_by=lambda item: item.id),
    notes=st.lists(notes, unique_by=lambda item: item.id),
)


@given(definitions, definitions)
@settings(max_examples=150, deadline=None)
def test_applying_the_differences_makes_the_one_into_the_other(
    before: Definition, after: Definition
) -> None:
    found = compare(before, after)
    assert applied(before, found) == by_id(after)
    assert found.identical == (by_id(before) == by_id(after))
    assert compare(after, after).identical


PARTS = {"nodes": "node", "edges": "edge", "notes": None}


def by_id(definition: Definition) -> dict[str, Any]:
    """Items by id, with the fields that say something."""
    parts = {
        part: {item.id: plain(msgspec.to_builtins(item)) for item in getattr(definition, part)}
        for part in PARTS
    }
    plains = msgspec.to_builtins([definition.inputs, definition.variables])
    return {**parts, "inputs": plains[0], "variables": plains[1]}


def plain(item: dict[str, Any]) -> dict[str, Any]:
    defaults = {"position": {"x": 0, "y": 0}, "params": {}}
    return {key: value for key, value in item.items() if value != defaults.get(key)}


def applied(before: Definition, found: Differences) -> dict[str, Any]:
    """`before` with the differences carried out, written without the code under test."""
    result = by_id(before)
    told = msgspec.to_builtins(found)
    for part, wrapped in PARTS.items():
        for gone in told[part]["removed"]:
            del result[part][(gone[wrapped] if wrapped else gone)["id"]]
        for new in told[part]["added"]:
            item = new[wrapped] if wrapped else new
            result[part][item["id"]] = plain(item)
        for changed in told[part]["changed"]:
            item = {"params": {}} | result[part][changed["id"]]
            change_fields(item, changed["changes"])
            result[part][changed["id"]] = plain(item)
        for moved in told[part].get("moved", []):
            item = result[part][moved["id"]]
            result[part][moved["id"]] = plain(item | {"position": moved["after"]["position"]})
    for part in ("inputs", "variables"):
        change_fields(result[part], told[part])
    return result


def change_fields(item: Any, changes: list[dict[str, Any]]) -> None:
    for change in changes:
        *path, last = [
            step.replace("~1", "/").replace("~0", "~") for step in change["pointer"].split("/")[1:]
        ]
        at = item
        for step in path:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        if "after" not in change:
            del at[last]
        elif isinstance(at, list):
            at[int(last)] = change["after"]
        else:
            at[last] = change["after"]
