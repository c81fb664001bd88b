"""How many runs a workflow may have at once, and what its settings mean for each of them."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from backend import database
from backend.runs import places
from backend.runs.executor import executor
from graphs.definition import Definition
from tests.backend.runs.door import Door
from tests.backend.runs.drawings import slow


async def settings(door: Door, workflow_id: str, **changes: Any) -> dict[str, Any]:
    etag = (await door.client.get(f"/api/v1/workflows/{workflow_id}")).headers["ETag"]
    answer = await door.client.patch(
        f"/api/v1/workflows/{workflow_id}",
        json={"run_settings": changes},
        headers={"If-Match": etag},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["run_settings"]


async def limited(door: Door, definition: Definition, limit: int, policy: str) -> str:
    workflow_id = await door.publish(definition)
    made = await settings(door, workflow_id, concurrency_limit=limit, concurrency_policy=policy)
    assert made["concurrency_limit"] == limit
    return workflow_id


async def most_at_once(door: Door, workflow_id: str, run_ids: list[str]) -> int:
    """How many runs of the workflow were ever executed at once, until all have completed."""
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            active = [
                run
                for run in executor().active.values()
                if run.journal.record.workflow_id == workflow_id
            ]
            most = max(most, len(active))
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    for run_id in run_ids:
        await door.completed(run_id)
    watching.cancel()
    return most


async def test_queued_runs_take_their_turns(door: Door) -> None:
    workflow_id = await limited(door, slow(40), 2, "queue")
    run_ids = [await door.start(workflow_id) for _ in range(7)]
    assert await most_at_once(door, workflow_id, run_ids) == 2


async def test_one_by_one_they_keep_their_order(door: Door) -> None:
    workflow_id = await limited(door, slow(40), 1, "queue")
    run_ids = [await door.start(workflow_id) for _ in range(4)]
    assert await most_at_once(door, workflow_id, run_ids) == 1
    started = [(await door.get(run_id))["started_at"] for run_id in run_ids]
    assert started == sorted(started)


async def test_a_full_workflow_rejects(door: Door) -> None:
    workflow_id = await limited(door, slow(200), 1, "reject")
    first = await door.start(workflow_id)
    answer = await door.client.post(f"/api/v1/workflows/{workflow_id}/runs", json={})
    assert answer.status_code == 409
    assert answer.json()["code"] == "workflow_busy"
    await door.completed(first)
    assert (await door.client.get("/api/v1/runs")).json()["total"] == 1
    await door.completed(await door.start(workflow_id))


async def test_a_new_run_replaces_the_oldest(door: Door) -> None:
    workflow_id = await limited(door, slow(5_000), 2, "cancel_running")
    first, second = await door.start(workflow_id), await door.start(workflow_id)
    await door.until_running(second, "w0")
    third = await door.start(workflow_id)
    assert (await door.until(first, "cancelled"))["cancel_reason"] == f"replaced by run {third}"
    await door.until_running(third, "w0")
    assert (await door.get(second))["status"] == "running"


async def test_a_paused_run_holds_no_place_and_queues_when_it_is_resumed(door: Door) -> None:
    workflow_id = await limited(door, slow(1_500), 1, "queue")
    first = await door.start(workflow_id)
    await door.until_running(first, "w0")
    second = await door.start(workflow_id)
    assert (await door.get(second))["status"] == "queued"
    await door.call("POST", f"/runs/{first}/pause")
    await door.until_running(second, "w0")
    resumed = await door.call("POST", f"/runs/{first}/resume")
    assert resumed["status"] == "queued"
    assert await most_at_once(door, workflow_id, [second, first]) == 1
    finished = [(await door.get(run_id))["finished_at"] for run_id in (second, first)]
    assert finished == sorted(finished)


async def test_a_held_run_is_cancelled_and_a_raised_limit_lets_the_others_go(door: Door) -> None:
    workflow_id = await limited(door, slow(2_000), 1, "queue")
    runs = [await door.start(workflow_id) for _ in range(4)]
    held = await door.call("POST", f"/runs/{runs[1]}/cancel")
    assert held["status"] == "cancelled"
    await settings(door, workflow_id, concurrency_limit=3)
    await door.until_running(runs[2], "w0")
    await door.until_running(runs[3], "w0")
    for run_id in (runs[0], runs[2], runs[3]):
        await door.completed(run_id)


async def test_run_settings_are_defaults_for_a_runs_config(door: Door) -> None:
    workflow_id = await door.publish(slow(1))
    await settings(door, workflow_id, timeout_ms=60_000, max_concurrency=3)
    run_id = await door.start(workflow_id, config={"max_concurrency": 1})
    run = await door.completed(run_id)
    assert run["config"] == {"timeout_ms": 60_000, "max_concurrency": 1}


async def test_a_run_that_takes_too_long_fails_and_is_retried_with_fresh_time(door: Door) -> None:
    run_id = await door.run(slow(1, 400), config={"timeout_ms": 150})
    run = await door.until(run_id, "failed")
    assert run["error"]["code"] == "run_timeout"
    await door.call("POST", f"/runs/{run_id}/retry", status=202)
    run = await door.until(run_id, "failed")
    assert run["error"]["code"] == "run_timeout"
    assert (await door.completions(run_id)).count("w0") == 1


async def test_unknown_settings_are_refused_where_they_are(door: Door) -> None:
    workflow_id = await door.publish(slow(1))
    body = {"config": {"timeout": 5}}
    answer = await door.client.post(f"/api/v1/workflows/{workflow_id}/runs", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/config")
    body = {"config": {"max_concurrency": 0}}
    answer = await door.client.post(f"/api/v1/workflows/{workflow_id}/runs", json=body)
    assert answer.json()["errors"][0]["pointer"] == "/config/max_concurrency"
    assert msgspec.json.decode(answer.content)["status"] == 422


@pytest.mark.parametrize("looks", [1, 3])
async def test_held_runs_are_not_forgotten_when_the_database_is_away_for_a_moment(
    door: Door, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    monkeypatch.setattr(places, "RETRY_DELAYS_S", (0.0,) * 3)
    workflow_id = await limited(door, slow(40), 1, "queue")
    refused = refuse_looks(monkeypatch, looks)
    run_ids = [await door.start(workflow_id) for _ in range(3)]
    for run_id in run_ids:
        await door.completed(run_id)
    assert refused() == looks


async def test_held_runs_go_on_by_the_sweep_when_every_look_has_failed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "RETRY_DELAYS_S", ())
    workflow_id = await limited(door, slow(40), 1, "queue")
    refused = refuse_looks(monkeypatch, 1)
    first, second = [await door.start(workflow_id) for _ in range(2)]
    await door.completed(first)
    while not refused():  # noqa: ASYNC110 the look comes after the run's end, without an event
        await asyncio.sleep(0.001)
    assert (await door.get(second))["status"] == "queued"
    sweep = executor().places.alarm
    moment = await sweep.earliest()
    assert moment is not None
    await sweep.ring(moment)
    await door.completed(second)


def refuse_looks(monkeypatch: pytest.MonkeyPatch, times: int) -> Callable[[], int]:
    """Let the database refuse so many looks at held runs; tells how many it has refused."""
    refused = 0

    async def fetch(sql: str, *args: Any) -> list[dict[str, Any]]:
        nonlocal refused
        if "held = 1" in sql and refused < times:
            refused += 1
            raise sqlite3.OperationalError("disk I/O error")
        return await database.fetch(sql, *args)

    monkeypatch.setattr(places, "fetch", fetch)
    return lambda: refused
