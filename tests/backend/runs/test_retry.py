"""Retrying: the same run goes on where it failed, and what finished is not executed again."""

from collections.abc import Iterator

import msgspec
import pytest

from backend.settings import Settings
from graphs.definition import Definition, Node
from tests.backend.runs.door import Door
from tests.backend.runs.drawings import edge, failing, greeting, node, slow
from tests.backend.runs.ledger import Ledger


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = Ledger(delay_s=0.0)
    yield made
    made.close()


@pytest.fixture
def any_settings(any_settings: Settings) -> Settings:
    """Such that workflows may call the ledger."""
    return msgspec.structs.replace(any_settings, allow_hosts=("127.0.0.1",))


async def test_a_cancelled_run_goes_on_where_it_was(door: Door) -> None:
    run_id = await door.run(slow(1, 5_000))
    await door.until_running(run_id, "w1")
    await door.call("POST", f"/runs/{run_id}/cancel", {"reason": "too slow"})
    before = await door.completions(run_id)
    assert before == ["start", "w0"]
    run = await door.call("POST", f"/runs/{run_id}/retry", status=202)
    assert run["id"] == run_id
    assert run["finished_at"] is None
    assert run["cancel_reason"] is None
    await door.until_running(run_id, "w1")
    await door.call("POST", f"/runs/{run_id}/cancel", {})
    assert await door.completions(run_id) == before
    kinds = await door.kinds(run_id)
    assert kinds.count("run.cancelled") == 2
    stream = await door.client.get(
        f"/api/v1/runs/{run_id}/events", headers={"Accept": "text/event-stream"}
    )
    assert [line[7:] for line in stream.text.splitlines() if line.startswith("event: ")] == [
        *kinds,
        "end",
    ]


def fickle(ledger: Ledger) -> Definition:
    """An effect, then a node that fails until the ledger lets it through, then another effect."""

    def effect(node_id: str) -> Node:
        return node(node_id, "http_request", method="POST", url=f"{ledger.url}/t/{node_id}")

    gate = node("gate", "http_request", url=f"{ledger.url}/gate")
    side = node("side", "set_fields", fields={"done": True})
    nodes = [Node(id="start", type="start"), effect("first"), gate, effect("last"), side]
    edges = [
        edge("start", "first"),
        edge("first", "gate"),
        edge("gate", "last"),
        edge("start", "side"),
    ]
    return Definition(nodes=nodes, edges=edges)


async def test_only_what_failed_and_what_it_held_up_runs_again(door: Door, ledger: Ledger) -> None:
    run_id = await door.run(fickle(ledger))
    run = await door.until(run_id, "failed")
    assert run["error"]["node_id"] == "gate"
    skipped = [step for step in await door.steps(run_id) if step["status"] == "skipped"]
    assert [(step["node_id"], step["skip_reason"]) for step in skipped] == [
        ("last", "upstream_failed")
    ]
    assert ledger.counts == {("t", "first"): 1}
    run = await door.call("POST", f"/runs/{run_id}/retry", status=202)
    assert run["progress"]["completed"] == 3
    assert run["error"] is None
    await door.until(run_id, "failed")
    ledger.open_gate()
    await door.call("POST", f"/runs/{run_id}/retry", status=202)
    run = await door.completed(run_id)
    assert run["progress"] == {"completed": 5, "total": 5, "percent": 100}
    assert ledger.counts == {("t", "first"): 1, ("t", "last"): 1}
    completions = await door.completions(run_id)
    assert sorted(completions) == ["first", "gate", "last", "side", "start"]
    kinds = await door.kinds(run_id)
    assert kinds.count("run.failed") == 2
    assert kinds.count("step.failed") == 2
    attempts = [step["attempt"] for step in await door.steps(run_id) if step["node_id"] == "gate"]
    assert attempts == [1, 2, 3]


async def test_only_a_run_that_failed_or_was_cancelled_is_retried(door: Door) -> None:
    done = await door.run(greeting())
    await door.completed(done)
    assert await door.refused("POST", f"/runs/{done}/retry") == (409, "run_completed")
    busy = await door.run(slow(5_000))
    assert await door.refused("POST", f"/runs/{busy}/retry") == (409, "run_active")
    failed = await door.run(failing())
    await door.until(failed, "failed")
    assert (await door.call("POST", f"/runs/{failed}/retry", status=202))["status"] == "queued"
    await door.until(failed, "failed")
