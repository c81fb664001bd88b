"""What publishing the draft would mean for runs that wait: nothing for them, and they say why."""

from typing import Any

import msgspec
import pytest

from graphs.definition import Definition
from tests.backend.runs.door import Door
from tests.backend.runs.drawings import chain, edge, node


def asking() -> Definition:
    return chain(
        node("look", "set_fields", fields={"seen": True}),
        node("ask", "approval", message="Go on?"),
    )


async def save(door: Door, workflow_id: str, definition: Definition) -> None:
    url = f"/api/v1/workflows/{workflow_id}"
    etag = (await door.client.get(url)).headers["ETag"]
    body: dict[str, Any] = {"definition": msgspec.to_builtins(definition)}
    answer = await door.client.put(f"{url}/draft", json=body, headers={"If-Match": etag})
    assert answer.status_code == 200, answer.text


async def broken(door: Door, workflow_id: str) -> list[dict[str, str]]:
    check = await door.call("GET", f"/workflows/{workflow_id}/publish-check")
    (run,) = check["waiting_runs"]
    assert run["version"] == 1
    assert run["reason"] == "waiting"
    return run["broken"]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([node("look", "set_fields", fields={}), node("ask", "approval", message="So?")], []),
        ([node("ask", "approval", message="?")], [{"node_id": "look", "reason": "removed"}]),
        (
            [node("look", "template", text="seen"), node("ask", "approval", message="?")],
            [{"node_id": "look", "reason": "type_changed"}],
        ),
        (
            [node("look", "set_fields", fields={})],
            [{"node_id": "ask", "reason": "removed"}],
        ),
    ],
)
async def test_an_edit_that_takes_away_what_a_waiting_run_stands_on_is_told(
    door: Door, nodes: list[Any], expected: list[dict[str, str]]
) -> None:
    workflow_id = await door.publish(asking())
    run_id = await door.start(workflow_id)
    await door.until(run_id, "paused")
    await save(door, workflow_id, chain(*nodes))
    assert await broken(door, workflow_id) == expected


async def test_a_port_that_is_gone_is_told_and_the_run_stays_on_its_version(door: Door) -> None:
    drawn = Definition(
        nodes=[
            node("start", "start"),
            node("sort", "switch", value="a", cases=[{"equals": "a", "port": "first"}]),
            node("ask", "approval", message="Go on?"),
        ],
        edges=[edge("start", "sort"), edge("sort", "ask", "first")],
    )
    workflow_id = await door.publish(drawn)
    run_id = await door.start(workflow_id)
    await door.until(run_id, "paused")
    changed = [
        node("sort", "switch", value="a", cases=[{"equals": "a", "port": "other"}])
        if each.id == "sort"
        else each
        for each in drawn.nodes
    ]
    edges = [edge("start", "sort"), edge("sort", "ask", "other")]
    await save(door, workflow_id, Definition(nodes=changed, edges=edges))
    assert await broken(door, workflow_id) == [{"node_id": "sort", "reason": "port_removed"}]
    await door.call("POST", f"/workflows/{workflow_id}/versions", {}, 201)
    (question,) = (await door.call("GET", f"/runs/{run_id}/approvals"))["items"]
    await door.call("POST", f"/approvals/{question['id']}/respond", {"answer": True})
    assert (await door.completed(run_id))["version"] == 1


async def test_a_workflow_of_somebody_else_has_no_check(door: Door) -> None:
    assert (await door.refused("GET", "/workflows/none/publish-check"))[0] == 404
