"""Breakpoints, stepping and debug mode: where a run stops, and what lets it go on."""

import pytest

from graphs.definition import Body, Definition, Node
from tests.backend.runs.door import Door, Json
from tests.backend.runs.drawings import chain, edge, greeting, node, slow


def stops(run: Json) -> list[tuple[str, str]]:
    assert run["pause"]["reason"] == "breakpoint"
    return [(stop["node_id"], stop.get("side", "before")) for stop in run["pause"]["stops"]]


def three() -> Definition:
    return chain(*(node(name, "set_fields", fields={"at": name}) for name in ("a", "b", "c")))


async def test_a_run_stops_before_and_after_its_breakpoints(door: Door) -> None:
    run_id = await door.run(three(), breakpoints=["b", "b:after"])
    run = await door.until(run_id, "paused")
    assert stops(run) == [("b", "before")]
    assert run["breakpoints"] == ["b", "b:after"]
    assert await door.completions(run_id) == ["start", "a"]
    await door.call("POST", f"/runs/{run_id}/resume")
    run = await door.until(run_id, "paused")
    assert stops(run) == [("b", "after")]
    assert await door.completions(run_id) == ["start", "a", "b"]
    await door.call("POST", f"/runs/{run_id}/resume")
    await door.completed(run_id)
    assert await door.completions(run_id) == ["start", "a", "b", "c"]


async def test_debug_mode_steps_node_by_node(door: Door) -> None:
    run_id = await door.run(three(), mode="debug")
    for expected in ("start", "a", "b", "c"):
        run = await door.until(run_id, "paused")
        assert stops(run) == [(expected, "before")]
        await door.call("POST", f"/runs/{run_id}/resume", {"step": True})
    await door.completed(run_id)
    assert await door.completions(run_id) == ["start", "a", "b", "c"]


async def test_resuming_leaves_single_stepping(door: Door) -> None:
    run_id = await door.run(three(), mode="debug", breakpoints=["c"])
    await door.until(run_id, "paused")
    await door.call("POST", f"/runs/{run_id}/resume")
    run = await door.until(run_id, "paused")
    assert stops(run) == [("c", "before")]
    await door.call("POST", f"/runs/{run_id}/resume")
    await door.completed(run_id)


async def test_breakpoints_change_while_a_run_is_executed(door: Door) -> None:
    run_id = await door.run(slow(2_000, 1, 1))
    await door.until_running(run_id, "w0")
    changed = await door.call("PUT", f"/runs/{run_id}/breakpoints", {"breakpoints": ["w2"]})
    assert changed["breakpoints"] == ["w2"]
    run = await door.until(run_id, "paused")
    assert stops(run) == [("w2", "before")]


async def test_breakpoints_change_while_a_run_is_paused(door: Door) -> None:
    run_id = await door.run(three(), breakpoints=["a"])
    await door.until(run_id, "paused")
    await door.call("PUT", f"/runs/{run_id}/breakpoints", {"breakpoints": ["c"]})
    await door.call("POST", f"/runs/{run_id}/resume")
    run = await door.until(run_id, "paused")
    assert stops(run) == [("c", "before")]
    await door.call("PUT", f"/runs/{run_id}/breakpoints", {"breakpoints": []})
    await door.call("POST", f"/runs/{run_id}/resume")
    await door.completed(run_id)
    refused = await door.refused("PUT", f"/runs/{run_id}/breakpoints", {"breakpoints": ["a"]})
    assert refused == (409, "run_ended")


async def test_a_breakpoint_inside_a_loop_stops_in_its_iteration(door: Door) -> None:
    body = Body(nodes=[node("shout", "set_fields", fields={"loud": "{{ item | upper }}"})])
    loop = Node(id="loop", type="for_each", params={"items": "{{ ['a', 'b'] }}"}, body=body)
    run_id = await door.run(
        Definition(nodes=[Node(id="start", type="start"), loop], edges=[edge("start", "loop")]),
        breakpoints=["shout"],
    )
    seen: list[str] = []
    for _ in range(2):
        run = await door.until(run_id, "paused", "completed")
        if run["status"] == "completed":
            break
        seen += [stop["path"] for stop in run["pause"]["stops"]]
        await door.call("POST", f"/runs/{run_id}/resume")
    await door.completed(run_id)
    assert sorted(seen) == ["loop[0]", "loop[1]"]
    assert sorted(await door.completions(run_id)) == ["loop", "shout", "shout", "start"]


@pytest.mark.parametrize("text", ["nobody", "greet:beside", "greet:after:all", ""])
async def test_a_breakpoint_names_a_node(door: Door, text: str) -> None:
    workflow_id = await door.publish(greeting())
    body = {"breakpoints": ["greet:before", text]}
    answer = await door.client.post(f"/api/v1/workflows/{workflow_id}/runs", json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "breakpoint_unknown"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/breakpoints/1"]
