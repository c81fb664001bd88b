"""Differences of drawings as people read them: names of steps, labels and values of settings."""

from typing import Any

import msgspec
import pytest

from backend.workflows.compare import compare
from backend.workflows.schemas import Comparison
from graphs.definition import Definition, Node
from ui.differences import ToldChange, comparison_html, node_changes
from ui.step_names import titles, with_titles

CONDITION = {"column": "amount", "operator": "greater", "value": 0}


def drawing(*nodes: dict[str, Any], **more: Any) -> Definition:
    return msgspec.convert({"nodes": list(nodes), **more}, Definition)


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    """What changed in a step from one to the other."""
    old, new = drawing({"id": "x", **before}), drawing({"id": "x", **after})
    [changed] = compare(old, new).nodes.changed
    lines = node_changes(changed.type, changed.changes, titles(new, old))
    return [(line.label, line.before, line.after) for line in lines]


def rows(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"type": "filter_rows", "params": {"conditions": list(conditions)}}


def test_settings_have_the_labels_of_their_forms() -> None:
    changed = told(rows(CONDITION), rows({**CONDITION, "value": 50, "operator": "not_in"}))
    assert ("Conditions 1, Value", "0", "50") in changed
    assert ("Conditions 1, Operator", "greater", "not in") in changed


def test_a_list_that_grows_is_told_entry_by_entry() -> None:
    second = {"column": "city", "value": "Oslo"}
    assert told(rows(CONDITION), rows(CONDITION, second)) == [
        ("Conditions 2", None, "Column: city · Value: Oslo")
    ]
    assert told(rows(second, CONDITION), rows(CONDITION)) == [
        ("Conditions 1", "Column: city · Value: Oslo", None)
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"disabled": True}, ("Switched off", None, "yes")),
        ({}, {"timeout_ms": 90_000}, ("Time limit for one attempt", None, "1 min 30 s")),
        ({"name": "a"}, {"name": "b"}, ("Name", "a", "b")),
        ({}, {"on_error": "error"}, ("If it fails", None, "take the error path")),
        ({"params": {"fields": {"a/b": 1}}}, {"params": {"fields": {"a/b": 2}}}, None),
    ],
)
def test_every_field_of_a_step_has_a_word(
    before: dict[str, Any],
    after: dict[str, Any],
    expected: tuple[str, str | None, str | None] | None,
) -> None:
    kind = {"type": "set_fields"}
    assert told({**kind, **before}, {**kind, **after}) == [expected or ("Fields, a/b", "1", "2")]


def test_unknown_types_are_told_too() -> None:
    was, now = ({"type": "gone", "params": {"deep": {"x": value}}} for value in (1, [1, {}]))
    [(label, before, after)] = told(was, now)
    assert (label, before) == ("deep, x", "1")
    assert after is not None
    assert not ToldChange(label, before, after).short


def test_a_comparison_names_steps_and_no_ids() -> None:
    ask = {"id": "node_1", "type": "approval", "name": "Ask <Ada>"}
    edge = {"id": "e", "source": "node_1", "source_port": "yes", "target": "node_2"}
    old = drawing(ask)
    new = drawing(
        {**ask, "position": {"x": 9, "y": 9}}, {"id": "node_2", "type": "merge"}, edges=[edge]
    )
    differences = msgspec.structs.asdict(compare(old, new))
    found = Comparison(from_version=1, to_version=None, **differences)
    shown = comparison_html(found, titles(new, old))
    assert "Ask &lt;Ada&gt; (yes) → Merge" in shown
    assert "node_" not in shown


def test_groups_are_told_by_name_and_said_to_be_layout() -> None:
    steps = [{"id": "node_1", "type": "merge", "name": "Both"}, {"id": "node_2", "type": "end"}]
    notes = [{"id": "node_3", "text": "why"}]
    group = {"id": "node_4", "name": "Clean <up>", "members": ["node_1"]}
    place = {"position": {"x": 9, "y": 9}}
    bare, first, second = (
        drawing(*steps, notes=notes, groups=groups)
        for groups in (
            [],
            [group],
            [{**group, **place, "members": ["node_1", "node_3"], "collapsed": True}],
        )
    )
    for old, new, expected in (
        (bare, first, ["Clean &lt;up&gt;", "Added"]),
        (first, bare, ["Clean &lt;up&gt;", "Removed"]),
        (first, second, ["Holds", "Both, a note", "Closed to one card", "1 group<"]),
    ):
        differences = msgspec.structs.asdict(compare(old, new))
        found = Comparison(from_version=1, to_version=None, **differences)
        shown = comparison_html(found, titles(new, old))
        assert "Groups (layout only)" in shown
        assert [text for text in expected if text not in shown] == []
        assert "node_" not in shown
        assert not found.identical


def test_problems_name_steps() -> None:
    known = titles(
        Definition(nodes=[Node(id="n_1", type="start"), Node(id="n_2", type="x", name="B")])
    )
    sentence = "edge 'e1': 'n_1' has no output port 'n_3'; 'n_2' is free"
    assert with_titles(sentence, known) == (
        "edge 'e1': “Start” has no output port 'n_3'; “B” is free"
    )
