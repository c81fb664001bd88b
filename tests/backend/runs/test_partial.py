"""Runs of a part: one node, up to here, from here; the rest comes from an earlier run."""

from typing import Any

import msgspec
import pytest

from graphs.definition import Definition, Node
from tests.backend.runs.door import Door
from tests.backend.runs.drawings import CITY, edge, node


def letters(last: str = "{{ prev.t + 'c' }}") -> Definition:
    """a → b → c, and `side` beside b; `join` takes both ends."""
    nodes = [
        Node(id="start", type="start"),
        node("a", "set_fields", fields={"t": "{{ input.city }}"}),
        node("b", "set_fields", fields={"t": "{{ prev.t + 'b' }}"}),
        node("side", "set_fields", fields={"t": "{{ prev.t + 's' }}"}),
        node("c", "set_fields", fields={"t": last}),
        node("join", "merge", mode="all"),
    ]
    edges = [
        edge("start", "a"),
        edge("a", "b"),
        edge("a", "side"),
        edge("b", "c"),
        edge("c", "join"),
        edge("side", "join"),
    ]
    return Definition(inputs=CITY, nodes=nodes, edges=edges)


async def ran(door: Door, run_id: str) -> set[str]:
    """The nodes that were really executed."""
    return {
        step["node_id"]
        for step in await door.steps(run_id)
        if step["status"] == "completed" and step["reused_from"] is None
    }


async def test_until_runs_what_leads_there(door: Door) -> None:
    run_id = await door.run(letters(), only={"until": "b"}, inputs={"city": "x"})
    run = await door.completed(run_id)
    assert await ran(door, run_id) == {"start", "a", "b"}
    assert run["outputs"] == {"b": {"t": "xb"}}
    assert run["progress"] == {"completed": 3, "total": 3, "percent": 100}
    assert run["only"]["until"] == "b"
    assert run["parent_run_id"] is None


async def test_one_node_runs_with_the_last_runs_data(door: Door) -> None:
    workflow_id = await door.publish(letters())
    first = await door.start(workflow_id, inputs={"city": "x"})
    await door.completed(first)
    changed = letters("{{ prev.t + '!' + input.city }}")
    await door.call(
        "POST",
        f"/workflows/{workflow_id}/duplicate",
        {},
        201,
    )
    etag = (await door.client.get(f"/api/v1/workflows/{workflow_id}")).headers["ETag"]
    answer = await door.client.put(
        f"/api/v1/workflows/{workflow_id}/draft",
        json={"definition": msgspec.to_builtins(changed)},
        headers={"If-Match": etag},
    )
    assert answer.status_code == 200
    run_id = await door.start(workflow_id, version="draft", only={"node": "c"})
    run = await door.completed(run_id)
    assert run["outputs"] == {"c": {"t": "xb!x"}}
    assert run["inputs"] == {"city": "x"}
    assert run["parent_run_id"] == first
    assert run["progress"] == {"completed": 1, "total": 1, "percent": 100}
    assert await ran(door, run_id) == {"c"}
    # a part's own data serves the next part
    later = await door.start(workflow_id, version="draft", only={"node": "c"})
    await door.completed(later)
    assert (await door.get(later))["parent_run_id"] == run_id


async def test_from_runs_what_follows(door: Door) -> None:
    workflow_id = await door.publish(letters())
    first = await door.start(workflow_id, inputs={"city": "x"})
    await door.completed(first)
    run_id = await door.start(workflow_id, only={"from": "c", "run_id": first})
    run = await door.completed(run_id)
    assert await ran(door, run_id) == {"c", "join"}
    assert run["outputs"] == {"join": {"c": {"t": "xbc"}, "side": {"t": "xs"}}}


async def test_a_part_of_a_run_is_run_again(door: Door) -> None:
    workflow_id = await door.publish(letters())
    first = await door.start(workflow_id, inputs={"city": "x"})
    await door.completed(first)
    part = await door.start(workflow_id, only={"node": "b"})
    await door.completed(part)
    again = await door.call("POST", f"/runs/{part}/rerun", status=202)
    run = await door.completed(again["id"])
    assert run["outputs"] == {"b": {"t": "xb"}}
    assert await ran(door, again["id"]) == {"b"}


async def test_without_earlier_data_it_is_refused_and_names_the_node(door: Door) -> None:
    workflow_id = await door.publish(letters())
    url = f"/api/v1/workflows/{workflow_id}/runs"
    for body in ({"only": {"node": "c"}}, {"only": {"from": "c"}}):
        answer = await door.client.post(url, json=body)
        assert answer.status_code == 422
        assert answer.json()["code"] == "no_earlier_data"
        assert "'b'" in answer.json()["detail"]
        (name,) = body["only"]
        assert answer.json()["errors"][0]["pointer"] == f"/only/{name}"
    partial = await door.start(workflow_id, only={"until": "b"})
    await door.completed(partial)
    assert (await door.client.post(url, json={"only": {"node": "c"}})).status_code == 202
    refused = await door.client.post(url, json={"only": {"node": "join", "run_id": partial}})
    assert refused.json()["code"] == "no_earlier_data"


@pytest.mark.parametrize(
    ("only", "code"),
    [
        ({}, "invalid"),
        ({"node": "a", "from": "b"}, "invalid"),
        ({"until": "nobody"}, "node_unknown"),
        ({"surprise": 1}, "invalid"),
    ],
)
async def test_a_part_is_named_by_one_node(door: Door, only: dict[str, Any], code: str) -> None:
    workflow_id = await door.publish(letters())
    body = {"only": only}
    assert await door.refused("POST", f"/workflows/{workflow_id}/runs", body) == (422, code)
