"""Parts of unfinished drafts, and data that was edited where that has no effect."""

import copy
import itertools
from typing import Any

import msgspec
import pytest

from graphs.definition import Definition, Node, Pin
from tests.backend.runs.door import Door, Json
from tests.backend.runs.drawings import CITY, edge, node

ROWS = "{{ [{'region': 'North', 'revenue': 630.5}, {'region': 'South', 'revenue': 2}] }}"


def table(*more: Node, pinned: Pin | None = None) -> Definition:
    """Two rows as a table, and what follows it."""
    rows = node("rows", "sort_rows", table=ROWS, by=[{"column": "region"}])
    rows = msgspec.structs.replace(rows, pinned=pinned)
    nodes = [Node(id="start", type="start"), rows, *more]
    pairs = itertools.pairwise(nodes)
    return Definition(inputs=CITY, nodes=nodes, edges=[edge(a.id, b.id) for a, b in pairs])


def unfinished(*broken: Node) -> Definition:
    """start → a → b → broken, and `aside` from a."""
    nodes = [
        Node(id="start", type="start"),
        node("a", "set_fields", fields={"t": "{{ input.city }}"}),
        node("b", "set_fields", fields={"t": "{{ prev.t + 'b' }}"}),
        *broken,
    ]
    edges = [edge("start", "a"), edge("a", "b"), *(edge("b", each.id) for each in broken)]
    return Definition(inputs=CITY, nodes=nodes, edges=edges)


BROKEN = [
    Node(id="filter", type="filter_rows", params={"conditions": "no list"}),
    Node(id="new", type="no_such_type"),
    node("typo", "set_fields", fields={"t": "{{ steps.nowhere.t }}"}),
    node("call", "workflow", workflow_id="no-such-workflow"),
    Node(id="loop", type="for_each", params={"items": "{{ [1] }}"}),
]


async def draft(door: Door, definition: Definition) -> str:
    body = {
        "name": "Draft",
        "definition": msgspec.to_builtins(definition),
        "validate": "none",
    }
    return (await door.call("POST", "/workflows", body, 201))["id"]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.id)
async def test_what_follows_does_not_keep_a_part_back(door: Door, broken: Node) -> None:
    workflow_id = await draft(door, unfinished(broken))
    whole = await door.refused("POST", f"/workflows/{workflow_id}/runs", {"inputs": {"city": "x"}})
    assert whole[0] == 422
    first = await door.start(workflow_id, only={"until": "b"}, inputs={"city": "x"})
    assert (await door.completed(first))["outputs"] == {"b": {"t": "xb"}}
    alone = await door.start(workflow_id, only={"node": "b"})
    assert (await door.completed(alone))["outputs"] == {"b": {"t": "xb"}}


async def test_what_precedes_does_not_keep_a_part_back_whose_data_there_is(door: Door) -> None:
    workflow_id = await draft(door, unfinished())
    await door.completed(await door.start(workflow_id, inputs={"city": "x"}))
    now_broken = unfinished()
    now_broken.nodes[1].params["fields"] = "no object"
    answer = await door.client.put(
        f"/api/v1/workflows/{workflow_id}/draft",
        json={"definition": msgspec.to_builtins(now_broken)},
        headers={"If-Match": "*"},
    )
    assert answer.status_code == 200, answer.text
    alone = await door.start(workflow_id, only={"node": "b"})
    assert (await door.completed(alone))["outputs"] == {"b": {"t": "xb"}}


async def test_what_is_wrong_in_the_part_is_told_at_its_place(door: Door) -> None:
    definition = unfinished(Node(id="filter", type="filter_rows", params={"conditions": "no list"}))
    definition.nodes.insert(1, Node(id="aside", type="no_such_type"))
    workflow_id = await draft(door, definition)
    answer = await door.client.post(
        f"/api/v1/workflows/{workflow_id}/runs",
        json={"only": {"until": "filter"}, "inputs": {"city": "x"}},
    )
    assert answer.status_code == 422
    told = answer.json()["errors"]
    assert {error["node_id"] for error in told} == {"filter"}
    assert told[0]["pointer"].startswith("/definition/nodes/4/params/conditions")


def edited(reference: Json, name: str) -> Json:
    changed = copy.deepcopy(reference)
    match name:
        case "preview":
            changed["preview"][0]["revenue"] = 9999
        case "row_count":
            changed["row_count"] = 3
        case _:
            changed["columns"][0]["name"] = "area"
    return changed


async def made(door: Door, definition: Definition) -> tuple[str, str, Json]:
    """A workflow, its completed run, and the reference that the table's step put out."""
    workflow_id = await draft(door, definition)
    run_id = await door.start(workflow_id, version="draft", inputs={"city": "x"})
    await door.completed(run_id)
    step = next(step for step in await door.steps(run_id) if step["node_id"] == "rows")
    return (
        workflow_id,
        run_id,
        (await door.call("GET", f"/runs/{run_id}/steps/{step['id']}"))["output"],
    )


@pytest.mark.parametrize("name", ["preview", "row_count", "columns"])
async def test_an_edited_reference_is_refused_wherever_it_comes_from(door: Door, name: str) -> None:
    workflow_id, run_id, reference = await made(door, table(node("end", "end")))
    changed = edited(reference, name)
    checkpoint = next(step["id"] for step in await door.steps(run_id) if step["node_id"] == "start")
    fork = {"checkpoint": checkpoint, "overrides": {"rows": changed}}
    nested = {"checkpoint": checkpoint, "overrides": {"rows": {"all": [reference, changed]}}}
    pinned = await draft(door, table(pinned=Pin(output=changed)))
    for path, body, place in (
        (f"/runs/{run_id}/fork", fork, "/overrides/rows"),
        (f"/runs/{run_id}/fork", nested, "/overrides/rows/all/1"),
        (f"/runs/{run_id}/rerun", {"inputs": {"city": changed}}, "/inputs/city"),
        (f"/workflows/{workflow_id}/runs", {"inputs": {"city": changed}}, "/inputs/city"),
        (
            f"/workflows/{pinned}/runs",
            {"inputs": {"city": "x"}},
            "/definition/nodes/1/pinned/output",
        ),
    ):
        answer = await door.client.post(f"/api/v1{path}", json=body)
        told = answer.json()
        assert (answer.status_code, told["code"]) == (422, "artifact_edited"), (path, told)
        assert [error["pointer"] for error in told["errors"]] == [f"{place}/{name}"]
        assert "rows as a list" in told["errors"][0]["detail"]


async def test_the_reference_itself_and_rows_are_taken(door: Door) -> None:
    _, run_id, reference = await made(door, table(node("end", "end")))
    start = next(step["id"] for step in await door.steps(run_id) if step["node_id"] == "start")
    rows: list[dict[str, Any]] = [{"region": "North", "revenue": 9999}]
    for output in (reference, rows):
        body = {"checkpoint": start, "overrides": {"rows": output}}
        forked = await door.call("POST", f"/runs/{run_id}/fork", body, 202)
        await door.completed(forked["id"])
    workflow_id = await draft(door, table(pinned=Pin(output=reference)))
    await door.completed(await door.start(workflow_id, inputs={"city": "x"}))


async def test_who_signs_sees_the_rows_that_the_run_has(door: Door) -> None:
    definition = table(node("fake", "set_fields", fields={"shown": "{{ prev }}"}))
    _, run_id, reference = await made(door, definition)
    asking = table(
        node("fake", "set_fields", fields={"shown": edited(reference, "preview")}),
        node("ask", "approval", message="Go on?"),
    )
    workflow_id = await draft(door, asking)
    run_id = await door.start(workflow_id, inputs={"city": "x"})
    await door.until(run_id, "paused")
    (listed,) = (await door.call("GET", f"/approvals?run_id={run_id}"))["items"]
    shown = await door.call("GET", f"/approvals/{listed['id']}")
    assert "9999" not in str(shown)
    assert shown["arrived"]["shown"]["preview"][0]["revenue"] == 630.5
