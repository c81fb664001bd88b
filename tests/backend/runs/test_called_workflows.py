"""Runs that call workflows: what is bound when they begin, and what is seen of the steps inside."""

import msgspec

from graphs.definition import Body, Definition, Node
from tests.backend.runs.door import Door
from tests.backend.runs.drawings import CITY, chain, edge, greeting, node


def caller(workflow_id: str, **params: object) -> Definition:
    call = node("call", "workflow", workflow_id=workflow_id, inputs={"city": "Rome"}, **params)
    return chain(call, node("last", "set_fields", fields={"said": "{{ prev.greet.text }}"}))


async def test_the_steps_of_a_called_workflow_are_steps_of_the_run(door: Door) -> None:
    inner_id = await door.publish(greeting())
    run = await door.completed(await door.run(caller(inner_id)))
    assert run["outputs"] == {"last": {"said": "Hello Rome"}}
    steps = {(step["path"], step["node_id"]): step for step in await door.steps(run["id"])}
    inner = steps["call[0]", "greet"]
    assert inner["node_type"] == "set_fields"
    assert inner["input"] == {"city": "Rome"}
    assert inner["output"] == {"text": "Hello Rome"}
    assert steps[None, "last"]["input"] == {"greet": {"text": "Hello Rome"}}


async def test_a_run_keeps_to_the_version_it_was_bound_to(door: Door) -> None:
    inner_id = await door.publish(greeting())
    run_id = await door.run(caller(inner_id), breakpoints=["call"])
    await door.until(run_id, "paused")
    etag = (await door.client.get(f"/api/v1/workflows/{inner_id}")).headers["ETag"]
    body = {"definition": {"nodes": [{"id": "start", "type": "start"}]}}
    url = f"/api/v1/workflows/{inner_id}/draft"
    assert (await door.client.put(url, json=body, headers={"If-Match": etag})).status_code == 200
    await door.call("POST", f"/workflows/{inner_id}/versions", {}, 201)
    await door.call("POST", f"/runs/{run_id}/resume")
    assert (await door.completed(run_id))["outputs"] == {"last": {"said": "Hello Rome"}}


async def test_a_call_that_leads_nowhere_is_told_and_refused(door: Door) -> None:
    drawing = caller("no-such-workflow")
    body = {"name": "x", "definition": msgspec.to_builtins(drawing), "validate": "none"}
    made = await door.call("POST", "/workflows", body, 201)
    (problem,) = made["problems"]
    assert problem["code"] == "workflow_unknown"
    assert problem["pointer"] == "/nodes/1/params/workflow_id"
    checked = await door.call("POST", f"/workflows/{made['id']}/validate")
    assert not checked["valid"]
    refused = await door.refused("POST", f"/workflows/{made['id']}/versions", {})
    assert refused == (422, "definition_invalid")
    answer = await door.client.post(f"/api/v1/workflows/{made['id']}/runs", json={})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/definition/nodes/1/params/workflow_id"


async def test_an_unpublished_workflow_cannot_be_called(door: Door) -> None:
    made = await door.call("POST", "/workflows", {"name": "inner"}, 201)
    workflow_id = await door.publish(caller(made["id"]))
    answer = await door.client.post(f"/api/v1/workflows/{workflow_id}/runs", json={})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["code"] == "workflow_not_published"
    assert error["pointer"] == "/definition/nodes/1/params/workflow_id"


async def test_the_rounds_of_a_loop_show_what_went_into_them(door: Door) -> None:
    body = Body(nodes=[node("more", "set_fields", fields={"n": "{{ (item.n or 0) + 1 }}"})])
    params = {"condition": "{{ item.n >= 3 }}", "max_iterations": 5}
    loop = Node(id="loop", type="repeat_until", params=params, body=body)
    first = node("first", "set_fields", fields={"n": 0})
    nodes = [Node(id="start", type="start"), first, loop]
    edges = [edge("start", "first"), edge("first", "loop")]
    run_id = await door.run(Definition(inputs=CITY, nodes=nodes, edges=edges))
    run = await door.completed(run_id)
    assert run["outputs"] == {"loop": {"n": 3}}
    rounds = [step for step in await door.steps(run_id) if step["node_id"] == "more"]
    assert [step["path"] for step in rounds] == ["loop[0]", "loop[1]", "loop[2]"]
    assert [step["input"] for step in rounds] == [{"n": 0}, {"n": 1}, {"n": 2}]
