"""Pausing and resuming: what runs finishes, nothing new starts, nothing of it stays in memory."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from backend.runs.executor import executor
from backend.settings import Settings
from graphs.definition import Definition, Node
from tests.backend.runs.door import Door
from tests.backend.runs.drawings import chain, edge, failing, greeting, node, slow
from tests.backend.runs.ledger import Ledger


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = Ledger(delay_s=1.0)
    yield made
    made.close()


@pytest.fixture
def any_settings(any_settings: Settings) -> Settings:
    """Such that workflows may call the ledger."""
    return msgspec.structs.replace(any_settings, allow_hosts=("127.0.0.1",))


def work(ledger: Ledger, node_id: str) -> Node:
    """A node that takes a second outside."""
    return node(node_id, "http_request", method="POST", url=f"{ledger.url}/t/{node_id}")


async def test_a_paused_run_finishes_its_node_and_goes_on_when_resumed(
    door: Door, ledger: Ledger
) -> None:
    after = node("after", "set_fields", fields={})
    run_id = await door.run(chain(work(ledger, "work"), after))
    await door.until_running(run_id, "work")
    run = await door.call("POST", f"/runs/{run_id}/pause")
    run = await door.until(run_id, "paused")
    assert run["pause"]["reason"] == "pause"
    assert run["pause"]["by"] == "admin"
    assert await door.completions(run_id) == ["start", "work"]
    assert run_id not in executor().active
    await asyncio.sleep(0.1)
    assert (await door.get(run_id))["status"] == "paused"
    resumed = await door.call("POST", f"/runs/{run_id}/resume")
    assert resumed["pause"] is None
    await door.completed(run_id)
    assert await door.completions(run_id) == ["start", "work", "after"]
    assert ledger.counts == {("t", "work"): 1}
    kinds = await door.kinds(run_id)
    assert kinds.count("run.paused") == kinds.count("run.resumed") == 1
    assert kinds.count("run.started") == 2


async def test_a_queued_run_is_paused_without_being_started(door: Door) -> None:
    executor()._concurrency = 1
    workflow_id = await door.publish(slow(200))
    first = await door.start(workflow_id)
    second = await door.start(workflow_id)
    run = await door.call("POST", f"/runs/{second}/pause")
    assert run["status"] == "paused"
    assert run["started_at"] is None
    await door.completed(first)
    assert (await door.get(second))["status"] == "paused"
    await door.call("POST", f"/runs/{second}/resume")
    await door.completed(second)


async def test_pausing_twice_is_pausing_once(door: Door) -> None:
    run_id = await door.run(slow(50, 1))
    for _ in range(2):
        run = await door.call("POST", f"/runs/{run_id}/pause")
        assert run["status"] == "paused"
    assert (await door.kinds(run_id)).count("run.paused") == 1


async def test_a_paused_run_is_cancelled(door: Door) -> None:
    run_id = await door.run(slow(50, 1))
    await door.call("POST", f"/runs/{run_id}/pause")
    run = await door.call("POST", f"/runs/{run_id}/cancel", {"reason": "enough"})
    assert run["status"] == "cancelled"
    assert run["cancel_reason"] == "enough"
    assert run["pause"] is None
    assert (await door.kinds(run_id))[-1] == "run.cancelled"


async def test_what_does_not_fit_the_state_is_409(door: Door) -> None:
    done = await door.run(greeting())
    await door.completed(done)
    assert await door.refused("POST", f"/runs/{done}/pause") == (409, "run_ended")
    assert await door.refused("POST", f"/runs/{done}/resume") == (409, "run_ended")
    assert await door.refused("POST", f"/runs/{done}/cancel") == (409, "run_ended")
    busy = await door.run(slow(5_000))
    await door.until_running(busy, "w0")
    assert await door.refused("POST", f"/runs/{busy}/resume") == (409, "run_not_paused")
    failed = await door.run(failing())
    await door.until(failed, "failed")
    assert await door.refused("POST", f"/runs/{failed}/resume") == (409, "run_ended")


async def test_a_long_wait_puts_the_run_aside_and_the_clock_takes_it_up(door: Door) -> None:
    run_id = await door.run(chain(node("nap", "wait", duration_ms=31_000), node("end", "end")))
    run = await door.until(run_id, "paused")
    assert run["pause"]["reason"] == "waiting"
    assert run["pause"]["wake_at"] is not None
    assert run_id not in executor().active
    assert await door.refused("POST", f"/runs/{run_id}/resume") == (409, "run_waiting")
    # a person's pause is stronger than the clock
    assert (await door.call("POST", f"/runs/{run_id}/pause"))["pause"]["reason"] == "pause"
    assert "wake_at" not in (await door.get(run_id))["pause"]
    await door.call("POST", f"/runs/{run_id}/resume")
    run = await door.until(run_id, "paused")
    assert run["pause"]["reason"] == "waiting"


async def test_two_branches_pause_where_both_have_finished(door: Door, ledger: Ledger) -> None:
    nodes = [
        Node(id="start", type="start"),
        work(ledger, "left"),
        work(ledger, "right"),
        node("join", "merge", mode="all"),
    ]
    edges = [
        edge("start", "left"),
        edge("start", "right"),
        edge("left", "join"),
        edge("right", "join"),
    ]
    run_id = await door.run(Definition(nodes=nodes, edges=edges))
    await door.until_running(run_id, "right")
    await door.call("POST", f"/runs/{run_id}/pause")
    await door.until(run_id, "paused")
    assert set(await door.completions(run_id)) == {"start", "left", "right"}
    await door.call("POST", f"/runs/{run_id}/resume")
    run = await door.completed(run_id)
    assert run["progress"] == {"completed": 4, "total": 4, "percent": 100}


async def test_a_wait_does_not_hold_up_a_pause(door: Door) -> None:
    run_id = await door.run(slow(20_000))
    await door.until_running(run_id, "w0")
    await door.call("POST", f"/runs/{run_id}/pause")
    run = await door.until(run_id, "paused")
    assert run["pause"]["reason"] == "pause"


async def test_waiting_for_a_run_that_pauses_for_a_person_answers_at_once(door: Door) -> None:
    workflow_id = await door.publish(chain(node("ask", "approval", message="Go on?")))
    answer = await door.client.post(
        f"/api/v1/workflows/{workflow_id}/runs", json={}, headers={"Prefer": "wait=60"}
    )
    assert answer.status_code == 202
    run = answer.json()
    assert run["status"] == "paused"
    assert run["pause"]["approvals_open"] == 1


async def test_simultaneous_callers_are_served_one_after_the_other(door: Door) -> None:
    run_id = await door.run(slow(2_000, 1, 1, 1))
    await door.until_running(run_id, "w0")
    await door.call("POST", f"/runs/{run_id}/pause")
    answers = await asyncio.gather(
        *(door.client.post(f"/api/v1/runs/{run_id}/resume") for _ in range(8))
    )
    assert [answer.status_code for answer in answers].count(200) == 1
    await door.completed(run_id)
    assert (await door.kinds(run_id)).count("run.resumed") == 1
