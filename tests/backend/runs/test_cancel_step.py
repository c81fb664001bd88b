"""Cancelling one step: it fails, and the run goes on as the node's `on_error` says."""

import pytest

from graphs.definition import Definition, Node, OnError
from tests.backend.runs.door import Door
from tests.backend.runs.drawings import chain, edge, greeting, node, slow


def forked(on_error: OnError) -> Definition:
    """A wait that may be cancelled, another one beside it, and a node after each."""
    nodes = [
        Node(id="start", type="start"),
        Node(id="slow", type="wait", params={"duration_ms": 20_000}, on_error=on_error),
        node("after", "set_fields", fields={"went": "on"}),
        node("beside", "wait", duration_ms=100),
    ]
    edges = [edge("start", "slow"), edge("slow", "after"), edge("start", "beside")]
    return Definition(nodes=nodes, edges=edges)


async def test_a_cancelled_step_fails_its_run_when_nothing_else_is_said(door: Door) -> None:
    run_id = await door.run(forked(OnError.FAIL))
    step = await door.until_running(run_id, "slow")
    cancelled = await door.call("POST", f"/steps/{step['id']}/cancel")
    assert cancelled["status"] == "cancelled"
    assert cancelled["error"]["code"] == "step_cancelled"
    run = await door.until(run_id, "failed")
    assert run["error"]["code"] == "step_cancelled"
    assert run["error"]["node_id"] == "slow"
    steps = {found["node_id"]: found["status"] for found in await door.steps(run_id)}
    assert steps["beside"] == "completed"
    assert steps["after"] == "skipped"
    refused = await door.refused("POST", f"/steps/{step['id']}/cancel")
    assert refused == (409, "step_ended")


async def test_the_run_goes_on_when_the_node_says_so(door: Door) -> None:
    run_id = await door.run(forked(OnError.CONTINUE))
    step = await door.until_running(run_id, "slow")
    await door.call("POST", f"/steps/{step['id']}/cancel")
    run = await door.completed(run_id)
    assert run["outputs"]["after"]["went"] == "on"


async def test_a_retry_executes_a_cancelled_step_again(door: Door) -> None:
    run_id = await door.run(forked(OnError.FAIL))
    step = await door.until_running(run_id, "slow")
    await door.call("POST", f"/steps/{step['id']}/cancel")
    await door.until(run_id, "failed")
    await door.call("POST", f"/runs/{run_id}/retry", status=202)
    again = await door.until_step(
        run_id, lambda step: step["node_id"] == "slow" and step["status"] == "running"
    )
    assert again["id"] != step["id"]
    await door.call("POST", f"/runs/{run_id}/cancel")


async def test_the_step_of_a_paused_run_stands_still(door: Door) -> None:
    run_id = await door.run(chain(node("ask", "approval", message="Go on?")))
    await door.until(run_id, "paused")
    (step,) = [step for step in await door.steps(run_id) if step["node_id"] == "ask"]
    assert await door.refused("POST", f"/steps/{step['id']}/cancel") == (409, "run_paused")


@pytest.mark.parametrize("step_id", ["nonsense", "01a1f998-2535-75cd-ae59-7e200fea0627"])
async def test_a_step_that_nobody_has_is_404(door: Door, step_id: str) -> None:
    assert await door.refused("POST", f"/steps/{step_id}/cancel") == (404, "step_not_found")


async def test_what_no_id_can_be_is_404(door: Door) -> None:
    assert await door.refused("POST", "/steps/%00/cancel") == (404, "not_found")


async def test_a_step_that_has_ended_is_409(door: Door) -> None:
    run_id = await door.run(greeting())
    await door.completed(run_id)
    step = (await door.steps(run_id))[0]
    assert await door.refused("POST", f"/steps/{step['id']}/cancel") == (409, "step_ended")
    assert await door.run(slow(1))
