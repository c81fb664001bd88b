"""Forks and re-runs: new runs from old ones, which stay as they are."""

import pytest

from graphs.definition import Body, Definition, Node
from tests.backend.runs.door import Door, Json
from tests.backend.runs.drawings import CITY, chain, edge, failing, greeting, node


def sums() -> Definition:
    """one → two → three, each one more; and `beside`, which hangs on the start alone."""
    nodes = [
        Node(id="start", type="start"),
        node("one", "set_fields", fields={"n": 1}),
        node("two", "set_fields", fields={"n": "{{ prev.n + 1 }}"}),
        node("three", "set_fields", fields={"n": "{{ prev.n + 1 }}"}),
        node("beside", "set_fields", fields={"city": "{{ input.city }}"}),
    ]
    edges = [edge("start", "one"), edge("one", "two"), edge("two", "three")]
    return Definition(inputs=CITY, nodes=nodes, edges=[*edges, edge("start", "beside")])


async def checkpoint_of(door: Door, run_id: str, node_id: str) -> Json:
    found = (await door.call("GET", f"/runs/{run_id}/checkpoints"))["items"]
    return next(item for item in found if item["node_id"] == node_id)


async def reused(door: Door, run_id: str) -> dict[str, str | None]:
    return {
        step["node_id"]: step["reused_from"] for step in await door.steps(run_id) if step["output"]
    }


async def test_a_fork_goes_on_from_a_checkpoint_with_edited_values(door: Door) -> None:
    parent_id = await door.run(sums())
    parent = await door.completed(parent_id)
    before = await door.events(parent_id)
    checkpoint = await checkpoint_of(door, parent_id, "two")
    assert checkpoint["id"] == checkpoint["step_id"]
    body = {"checkpoint": checkpoint["id"], "overrides": {"two": {"n": 40}}}
    fork = await door.call("POST", f"/runs/{parent_id}/fork", body, 202)
    assert fork["parent_run_id"] == parent_id
    assert fork["trigger"] == "replay"
    run = await door.completed(fork["id"])
    assert run["outputs"]["three"] == {"n": 41}
    assert run["progress"] == {"completed": 5, "total": 5, "percent": 100}
    sources = await reused(door, fork["id"])
    assert sources["one"] == parent_id
    assert sources["two"] is None
    assert sources["three"] is None
    assert await door.get(parent_id) == parent
    assert await door.events(parent_id) == before
    queued = (await door.events(fork["id"]))[0]
    assert queued["data"] == {
        "trigger": "replay",
        "parent_run_id": parent_id,
        "checkpoint": checkpoint["id"],
    }


async def test_a_fork_of_a_fork_tells_where_a_step_really_ran(door: Door) -> None:
    first = await door.run(sums())
    await door.completed(first)
    ids = [first]
    for _ in range(2):
        checkpoint = await checkpoint_of(door, ids[-1], "two")
        body = {"checkpoint": checkpoint["id"]}
        ids.append((await door.call("POST", f"/runs/{ids[-1]}/fork", body, 202))["id"])
        assert (await door.completed(ids[-1]))["outputs"]["three"] == {"n": 3}
    assert (await reused(door, ids[2]))["one"] == first


async def test_a_fork_of_a_failed_run_runs_what_failed_again(door: Door) -> None:
    parent_id = await door.run(chain(node("one", "set_fields", fields={}), *failing().nodes[1:]))
    await door.until(parent_id, "failed")
    checkpoint = await checkpoint_of(door, parent_id, "one")
    body = {"checkpoint": checkpoint["id"], "overrides": {"stop": {"n": 1}}}
    fork = await door.call("POST", f"/runs/{parent_id}/fork", body, 202)
    run = await door.completed(fork["id"])
    assert run["outputs"] == {"stop": {"n": 1}}
    again = await door.call(
        "POST", f"/runs/{parent_id}/fork", {"checkpoint": checkpoint["id"]}, 202
    )
    await door.until(again["id"], "failed")


async def test_a_fork_inside_a_loop_repeats_the_items_after_it(door: Door) -> None:
    body = Body(nodes=[node("shout", "set_fields", fields={"loud": "{{ item | upper }}"})])
    params = {"items": "{{ ['a', 'b', 'c'] }}", "max_concurrency": 1}
    loop = Node(id="loop", type="for_each", params=params, body=body)
    parent_id = await door.run(chain(loop))
    await door.completed(parent_id)
    found = (await door.call("GET", f"/runs/{parent_id}/checkpoints"))["items"]
    second = next(item for item in found if item["path"] == "loop[1]")
    fork = await door.call("POST", f"/runs/{parent_id}/fork", {"checkpoint": second["id"]}, 202)
    run = await door.completed(fork["id"])
    assert run["outputs"] == (await door.get(parent_id))["outputs"]
    ran = [
        step["path"]
        for step in await door.steps(fork["id"])
        if step["node_id"] == "shout" and step["reused_from"] is None
    ]
    assert ran == ["loop[2]"]


async def test_a_checkpoint_of_another_run_is_404(door: Door) -> None:
    workflow_id = await door.publish(sums())
    one, other = await door.start(workflow_id), await door.start(workflow_id)
    await door.completed(one)
    await door.completed(other)
    checkpoint = await checkpoint_of(door, other, "two")
    for given in (checkpoint["id"], "nonsense", "\0"):
        refused = await door.refused("POST", f"/runs/{one}/fork", {"checkpoint": given})
        assert refused == (404, "checkpoint_not_found")


async def test_overrides_name_nodes_of_the_drawing(door: Door) -> None:
    run_id = await door.run(sums())
    await door.completed(run_id)
    checkpoint = await checkpoint_of(door, run_id, "two")
    body = {"checkpoint": checkpoint["id"], "overrides": {"two": {}, "a/b": 1}}
    answer = await door.client.post(f"/api/v1/runs/{run_id}/fork", json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "node_unknown"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/overrides/a~1b"]


async def test_a_rerun_takes_the_same_definition_and_other_inputs(door: Door) -> None:
    workflow_id = await door.publish(greeting())
    run_id = await door.start(workflow_id, inputs={"city": "Rome"})
    await door.completed(run_id)
    again = await door.call("POST", f"/runs/{run_id}/rerun", status=202)
    assert again["trigger"] == "replay"
    assert again["parent_run_id"] == run_id
    assert (await door.completed(again["id"]))["outputs"] == {"greet": {"text": "Hello Rome"}}
    body = {"inputs": {"city": "Bergen"}}
    other = await door.call("POST", f"/runs/{run_id}/rerun", body, 202)
    assert (await door.completed(other["id"]))["outputs"] == {"greet": {"text": "Hello Bergen"}}
    wrong = {"inputs": {"days": "many"}}
    assert await door.refused("POST", f"/runs/{run_id}/rerun", wrong) == (422, "inputs_invalid")


async def test_checkpoints_come_in_pages(door: Door) -> None:
    run_id = await door.run(sums())
    await door.completed(run_id)
    page = await door.call("GET", f"/runs/{run_id}/checkpoints?limit=3")
    assert page["total"] == 5
    rest = await door.call("GET", f"/runs/{run_id}/checkpoints?cursor={page['next_cursor']}")
    assert len(rest["items"]) == 2
    assert rest["next_cursor"] is None
    seqs = [item["seq"] for item in [*page["items"], *rest["items"]]]
    assert seqs == sorted(seqs)


@pytest.mark.parametrize("verb", ["fork", "rerun"])
async def test_the_same_idempotency_key_makes_one_run(door: Door, verb: str) -> None:
    run_id = await door.run(greeting())
    await door.completed(run_id)
    checkpoint = await checkpoint_of(door, run_id, "start")
    body = {"checkpoint": checkpoint["id"]} if verb == "fork" else {}
    headers = {"Idempotency-Key": f"one-{verb}"}
    made = [
        await door.client.post(f"/api/v1/runs/{run_id}/{verb}", json=body, headers=headers)
        for _ in range(2)
    ]
    assert made[0].json()["id"] == made[1].json()["id"]
    assert made[0].status_code == made[1].status_code == 202


async def test_forks_keep_what_they_share_when_the_parent_is_deleted(door: Door) -> None:
    parent_id = await door.run(sums())
    await door.completed(parent_id)
    checkpoint = await checkpoint_of(door, parent_id, "two")
    fork = await door.call("POST", f"/runs/{parent_id}/fork", {"checkpoint": checkpoint["id"]}, 202)
    await door.completed(fork["id"])
    before = await door.steps(fork["id"])
    await door.call("DELETE", f"/runs/{parent_id}", status=204)
    assert await door.steps(fork["id"]) == before
