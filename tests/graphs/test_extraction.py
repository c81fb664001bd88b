"""Steps made a workflow of their own: the two drawings do what the one did, or it is refused."""

import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from graphs.compile import compile_definition
from graphs.definition import Body, Definition, Edge, Group, Node, Note, OnError, Pin, Position
from graphs.errors import SelectionError
from graphs.events import RunCompleted, RunEvent, RunFailed
from graphs.execute import run
from graphs.export import export_python
from graphs.extraction.extract import Extraction, extract
from graphs.extraction.inputs import InputChoice
from graphs.memory import MemoryJournal
from graphs.node_type import BoundWorkflow, NodeType, Services
from graphs.registry import registry
from graphs.scope import RunControl
from graphs.validate import validate
from tests.graphs.random_graphs import TYPES, random_definition, without_messages

WITH_CALLS: dict[str, NodeType[Any]] = {**registry(), **TYPES}


async def outcome(
    definition: Definition, inputs: dict[str, Any], inner: Definition | None = None
) -> RunEvent:
    workflows = {}
    if inner is not None:
        compiled = compile_definition(inner, WITH_CALLS)
        workflows["w@active"] = BoundWorkflow(
            workflow_id="w", name="inner", version=1, graph=compiled
        )
    return await run(
        compile_definition(definition, WITH_CALLS),
        run_id="r",
        inputs=inputs,
        journal=MemoryJournal(),
        services=Services(workflows=workflows),
        control=RunControl(),
    )


def calling(extraction: Extraction) -> Definition:
    """The drawing with the new workflow's id filled in."""

    def filled(node: Node) -> Node:
        body = node.body and Body(nodes=[filled(n) for n in node.body.nodes], edges=node.body.edges)
        params = node.params
        if node.id == extraction.node_id:
            params = {**params, "workflow_id": "w"}
        return Node(**{**fields(node), "params": params, "body": body})

    definition = extraction.definition
    return Definition(
        inputs=definition.inputs,
        variables=definition.variables,
        nodes=[filled(node) for node in definition.nodes],
        edges=definition.edges,
    )


def fields(node: Node) -> dict[str, Any]:
    return {name: getattr(node, name) for name in node.__struct_fields__}


async def same(
    definition: Definition, ids: list[str], inputs: dict[str, Any] | None = None
) -> Extraction:
    """Extract, and hold the pair's outcome against the outcome before."""
    extraction = extract(definition, ids, "Inner", types=WITH_CALLS)
    before = await outcome(definition, inputs or {})
    after = await outcome(calling(extraction), inputs or {}, extraction.extracted)
    if isinstance(before, RunFailed):
        assert isinstance(after, RunFailed)
    else:
        assert isinstance(before, RunCompleted)
        assert isinstance(after, RunCompleted), after
        assert without_messages(after.data.outputs) == without_messages(before.data.outputs)
    return extraction


def edge(source: str, target: str, port: str = "out") -> Edge:
    return Edge(id=f"{source}-{port}-{target}", source=source, source_port=port, target=target)


def line(*nodes: Node, inputs: dict[str, Any] | None = None) -> Definition:
    every = [Node(id="start", type="start"), *nodes]
    pairs = pairwise(every)
    return Definition(inputs=inputs or {}, nodes=every, edges=[edge(a.id, b.id) for a, b in pairs])


def fields_node(node_id: str, **values: Any) -> Node:
    return Node(id=node_id, type="set_fields", name=node_id, params={"fields": values})


def reasons(definition: Definition, *ids: str) -> str:
    with pytest.raises(SelectionError) as caught:
        extract(definition, ids, "Inner", types=WITH_CALLS)
    return caught.value.message


def convex(definition: Definition | Body, rng: random.Random) -> list[str]:
    """Some nodes of a graph, with whatever lies between them."""
    names = [node.id for node in definition.nodes if node.type != "start"]
    after: dict[str, set[str]] = {name: set() for name in names}
    for each in reversed(definition.edges):
        if each.source in after:
            after[each.source] |= {each.target, *after.get(each.target, ())}
    chosen = set(rng.sample(names, rng.randint(1, min(4, len(names)))))
    between = {n for n in names if after[n] & chosen and any(n in after[c] for c in chosen)}
    return sorted(chosen | between)


@pytest.mark.parametrize("block", range(3))
async def test_the_pair_does_what_the_drawing_did(block: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(block * 300, (block + 1) * 300):
        definition = random_definition(seed)
        rng = random.Random(seed)
        graphs: list[Definition | Body] = [definition]
        graphs += [node.body for node in definition.nodes if node.body is not None]
        ids = convex(rng.choice(graphs), rng)
        try:
            extraction = extract(definition, ids, "Inner", types=WITH_CALLS)
        except SelectionError:
            seen["refused"] += 1
            continue
        if any("result" in notice for notice in extraction.notices):
            seen["told"] += 1
            continue
        try:
            await same(definition, ids)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {ids}") from error
        seen["same"] += 1
        seen["several steps"] += len(ids) > 1
    assert seen["same"] > 30, seen
    assert seen["several steps"] > 3, seen
    assert seen["refused"] > 30, seen


async def test_what_crosses_the_border_becomes_inputs_and_the_output() -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "default": "Oslo"}, "n": {"type": "integer"}},
    }
    definition = line(
        fields_node("a", x="{{ input.city }}", y=[1, 2]),
        fields_node("b", z="{{ steps.a.x }} {{ steps['a'].y[1] }} {{ input.city }} {{ vars.v }}"),
        fields_node("c", w="{{ upper(steps.b.z) }}", n="{{ default(input.n, 7) }}"),
        Node(id="d", type="template", params={"text": "{{ steps.c.w }} {{ prev.n }}"}),
        Node(id="e", type="end", params={"output": "{{ steps.d.text }} {{ steps.c.w }}"}),
        inputs=schema,
    )
    definition = Definition(
        inputs=schema, variables={"v": 1, "u": 2}, nodes=definition.nodes, edges=definition.edges
    )
    found = await same(definition, ["b", "c"])
    assert [(each.name, each.value, each.schema) for each in found.inputs] == [
        ("a", "{{ steps.a }}", {}),
        ("city", "{{ input.city }}", {"type": "string"}),
        ("n", "{{ default(input.n, null) }}", {}),
    ]
    assert found.extracted.variables == {"v": 1}
    b = next(node for node in found.extracted.nodes if node.id == "b")
    assert b.params["fields"] == {
        "z": "{{ input.a.x }} {{ input.a.y[1] }} {{ input.city }} {{ vars.v }}"
    }
    assert found.node_id == "inner"
    d = next(node for node in found.definition.nodes if node.id == "d")
    assert d.params == {"text": "{{ steps.inner.w }} {{ prev.n }}"}
    ways = [(each.source, each.target) for each in found.definition.edges]
    assert ways == [("start", "a"), ("a", "inner"), ("inner", "d"), ("d", "e")]
    assert validate(found.extracted) == []


async def test_several_steps_that_are_read_become_fields_of_the_output() -> None:
    definition = line(
        fields_node("a", x=1),
        fields_node("b", y="{{ steps.a.x + 1 }}"),
        Node(id="c", type="template", params={"text": "{{ steps.a.x }} {{ prev.y }}"}),
    )
    found = await same(definition, ["a", "b"])
    assert [(each.node_id, each.name) for each in found.outputs] == [("a", "a"), ("b", "b")]
    c = found.definition.nodes[-1]
    assert c.params == {"text": "{{ steps.inner.a.x }} {{ prev.b.y }}"}
    gathering = line(*definition.nodes[1:], Node(id="m", type="merge", name="M"))
    taken = Node(id="t", type="wait", name="T", params={"duration_ms": 0})
    reading = Node(id="r", type="template", params={"text": "{{ steps.a.x }}"})
    assert "“T” works on what arrives" in reasons(
        line(*gathering.nodes[1:3], taken, reading), "a", "b"
    )


async def test_what_arrives_is_passed_on_by_the_new_start() -> None:
    definition = line(
        fields_node("a", x=1),
        Node(id="m", type="merge"),
        Node(id="s", type="set_fields", params={"fields": {"y": 2}, "keep_input": True}),
    )
    found = await same(definition, ["m", "s"])
    assert found.extracted.nodes[0].params == {"output": "{{ input.a }}"}
    assert found.node_id == "s", "the result stays under the id it had"
    first = await same(definition, ["a", "m"])
    assert first.inputs == []


async def test_a_branch_and_its_meeting_are_one_step() -> None:
    definition = Definition(
        nodes=[
            Node(id="start", type="start"),
            Node(id="if", type="if", name="If", params={"condition": "{{ input.yes }}"}),
            fields_node("a", at="a"),
            fields_node("b", at="b"),
            Node(id="meet", type="merge", name="Meet"),
            Node(id="last", type="template", params={"text": "{{ steps.meet.at }}"}),
        ],
        edges=[
            edge("start", "if"),
            edge("if", "a", "true"),
            edge("if", "b", "false"),
            edge("a", "meet"),
            edge("b", "meet"),
            edge("meet", "last"),
        ],
    )
    for yes in (True, False):
        found = await same(definition, ["if", "a", "b", "meet"], {"yes": yes})
    assert found.node_id == "inner"
    assert "Steps follow “If” and “a”" in reasons(definition, "if", "a")
    assert "Choose up to where the branches meet" in reasons(definition, "if")
    assert "“Meet” comes between" in reasons(definition, "if", "a", "b", "last")
    assert "reached from different steps" in reasons(definition, "a", "b", "meet")


async def test_steps_of_a_loop_become_a_workflow_that_gets_the_item() -> None:
    body = Body(
        nodes=[
            fields_node("x", v="{{ item * 2 + steps.a.n }}", i="{{ index }}"),
            fields_node("y", v="{{ steps.x.v + steps.x.i }}"),
        ],
        edges=[edge("x", "y")],
    )
    each = Node(id="each", type="for_each", params={"items": "{{ [1, 2, 3] }}"}, body=body)
    definition = line(fields_node("a", n=10), each, Node(id="m", type="merge"))
    found = await same(definition, ["x", "y"])
    assert [(one.name, one.value) for one in found.inputs] == [
        ("item", "{{ item }}"),
        ("a", "{{ steps.a }}"),
        ("index", "{{ index }}"),
    ]
    whole = await same(definition, ["each", "x"])
    assert [one.name for one in whole.inputs] == ["a"]
    assert "different loops" in reasons(definition, "a", "x")


async def test_names_in_queries_and_joins_become_expressions() -> None:
    definition = line(
        Node(id="orders", type="template", params={"text": "x"}),
        Node(id="other", type="template", params={"text": "y"}),
        Node(id="q", type="sql", name="Q", params={"query": "SELECT * FROM orders"}),
        Node(id="j", type="join_tables", params={"left": "q", "right": "orders", "on": []}),
    )
    found = extract(definition, ["q"], "Inner")
    q = next(node for node in found.extracted.nodes if node.id == "q")
    assert q.params["tables"] == {"orders": "{{ input.orders }}"}
    assert found.node_id == "q", "the join finds it by its id"
    found = extract(definition, ["j"], "Inner")
    j = next(node for node in found.extracted.nodes if node.id == "j")
    assert j.params["left"] == "{{ input.q }}"
    assert j.params["right"] == "{{ input.orders }}"


def test_every_reason_is_told_in_words() -> None:
    definition = line(
        fields_node("a", x=1), fields_node("b", x=1), Node(id="end", type="end", name="End")
    )
    assert "“End” stays" in reasons(definition, "b", "end")
    assert "“start” stays" in reasons(definition, "start", "a")
    assert "no step 'ghost'" in reasons(definition, "ghost")
    assert "at least one step" in reasons(definition)
    wrong = line(fields_node("a", x="{{ 1 + }}"), fields_node("b", x=1))
    assert "“a”: cannot be read" in reasons(wrong, "a")
    unknown = line(Node(id="u", type="nothing", name="U"))
    assert "unknown type" in reasons(unknown, "u")


def test_inputs_are_named_and_typed_as_a_person_wants() -> None:
    definition = line(fields_node("a", x=1), fields_node("b", y="{{ steps.a.x }}"))
    choices = {"steps.a": InputChoice(name="order", schema={"type": "object"})}
    found = extract(definition, ["b"], "Inner", choices)
    assert found.extracted.inputs["properties"] == {"order": {"type": "object"}}
    assert found.extracted.nodes[1].params["fields"] == {"y": "{{ input.order.x }}"}
    call = next(node for node in found.definition.nodes if node.id == found.node_id)
    assert call.params["inputs"] == {"order": "{{ steps.a }}"}
    with pytest.raises(SelectionError, match="cannot be an input's name"):
        extract(definition, ["b"], "Inner", {"steps.a": InputChoice(name="a b")})


def test_groups_notes_and_pins_go_along() -> None:
    drawn = line(
        fields_node("a", x=1),
        Node(id="b", type="merge", name="B", pinned=Pin(output=1), position=Position(640, 0)),
        Node(id="c", type="merge", position=Position(960, 0)),
        Node(id="d", type="merge"),
    )
    definition = Definition(
        nodes=drawn.nodes,
        edges=drawn.edges,
        notes=[Note(id="note"), Note(id="other")],
        groups=[Group(id="g", members=["b", "note"]), Group(id="h", members=["c", "d"])],
    )
    found = extract(definition, ["b", "c", "note"], "Inner")
    assert [note.id for note in found.extracted.notes] == ["note"]
    assert [note.id for note in found.definition.notes] == ["other"]
    assert [group.id for group in found.extracted.groups] == ["g"]
    assert [(each.id, each.members) for each in found.definition.groups] == [("h", ["d", "inner"])]
    assert "“B” is not used" in found.notices[0]
    assert found.definition.nodes[2].position == Position(640, 0)


async def test_a_step_that_may_go_on_after_an_error_keeps_its_ports() -> None:
    failing = Node(id="f", type="fail", name="F", params={"message": "no"}, on_error=OnError.ERROR)
    definition = Definition(
        nodes=[Node(id="start", type="start"), failing, fields_node("a", x="{{ prev }}")],
        edges=[edge("start", "f"), edge("f", "a", "error")],
    )
    await same(definition, ["f", "a"])


def test_a_start_that_passes_something_on_is_exported() -> None:
    definition = line(Node(id="m", type="merge"))
    start = Node(id="start", type="start", params={"output": "{{ input.rows }}"})
    given = Definition(nodes=[start, *definition.nodes[1:]], edges=definition.edges)
    assert "rows" in export_python(given, name="Given")
