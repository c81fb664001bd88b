"""A server that dies at any moment loses no run and repeats no step that had finished."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from backend.database import close_database, fetch, open_database
from backend.settings import Settings
from graphs.definition import Definition
from tests.backend.runs.drawings import chain, node, slow
from tests.backend.runs.ledger import Ledger
from tests.backend.runs.sse import messages
from tests.conftest import PASSWORD
from tests.live_server import LiveServer

RUNS = 12
EFFECTS_OF_A_RUN = 8
KILLED_AFTER_EFFECTS = (0, 5, 31, 60, 85)
"""The first at once after the last 202; the others in the midst of everything."""


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = Ledger()
    yield made
    made.close()


@pytest.fixture
def mortal_server(
    any_settings: Settings, make_settings: Callable[..., Settings], tmp_path: Path
) -> Iterator[LiveServer]:
    """A server on either kind of database that may call this machine."""
    database = (
        {} if any_settings.postgres_url is None else {"DATABASE_URL": any_settings.postgres_url}
    )
    environment = {"ALLOW_HOSTS": "127.0.0.1", "SECRET_KEY": any_settings.secret_key, **database}
    server = LiveServer(
        tmp_path, PASSWORD, **{f"HEDDLE_{name}": value for name, value in environment.items()}
    )
    server.start()
    yield server
    server.stop()


def ten_nodes(ledger: Ledger) -> Definition:
    """start, four effects, a wait, four effects: each effect a request that the ledger counts."""

    def effect(number: int) -> Any:
        url = f"{ledger.url}/{{{{ input.ticket }}}}/h{number}"
        return node(f"h{number}", "http_request", method="POST", url=url)

    nodes = [effect(number) for number in range(EFFECTS_OF_A_RUN)]
    middle = node("pause", "wait", duration_ms=30)
    inputs = {"type": "object", "properties": {"ticket": {"type": "string"}}}
    return chain(*nodes[:4], middle, *nodes[4:], inputs=inputs)


def publish(client: httpx.Client, definition: Definition) -> str:
    body = {"name": "Recovery", "definition": msgspec.to_builtins(definition)}
    made = client.post("/api/v1/workflows", json=body).raise_for_status().json()
    client.post(f"/api/v1/workflows/{made['id']}/versions").raise_for_status()
    return made["id"]


async def finished_steps(settings: Settings) -> set[tuple[str, str]]:
    """The steps whose end is on disk, as (run id, node id), read while no server runs."""
    await open_database(settings)
    try:
        rows = await fetch("SELECT run_id, node_id FROM run_event WHERE kind = 'step.completed'")
        return {(row["run_id"], row["node_id"]) for row in rows}
    finally:
        await close_database()


async def follow_through_everything(server: LiveServer, token: str, run_id: str) -> list[Any]:
    """What a browser sees that connects again, with its last event's id, whenever it is cut off."""
    seen: list[Any] = []
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with httpx.AsyncClient(base_url=server.url, timeout=20, headers=headers) as client:
        while True:
            last = {"Last-Event-ID": str(seen[-1]["seq"])} if seen else {}
            try:
                url = f"/api/v1/runs/{run_id}/events"
                async with client.stream("GET", url, headers=last) as response:
                    assert response.status_code == 200
                    async for message in messages(response):
                        if message.event == "end":
                            return seen
                        assert message.id == message.data["seq"]
                        seen.append(message.data)
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_killed_again_and_again_every_run_finishes_and_no_finished_step_is_repeated(
    mortal_server: LiveServer, any_settings: Settings, ledger: Ledger
) -> None:
    with mortal_server.client() as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")
        workflow_id = publish(client, ten_nodes(ledger))
        tickets: dict[str, str] = {}
        for number in range(RUNS):
            body = {"inputs": {"ticket": f"t{number}"}}
            answer = client.post(f"/api/v1/workflows/{workflow_id}/runs", json=body)
            assert answer.status_code == 202
            tickets[answer.json()["id"]] = f"t{number}"
    watched = next(iter(tickets))
    viewer = asyncio.create_task(follow_through_everything(mortal_server, token, watched))
    in_flight: Counter[tuple[str, str]] = Counter()

    for effects in KILLED_AFTER_EFFECTS:
        await asyncio.to_thread(ledger.wait_for, effects)
        await asyncio.to_thread(mortal_server.kill)
        await asyncio.sleep(0.1)  # what was on its way to the ledger arrives
        finished = {(tickets[run], node) for run, node in await finished_steps(any_settings)}
        at_death = ledger.counts
        in_flight.update(step for step in at_death if step not in finished)
        await asyncio.to_thread(mortal_server.start)
        with mortal_server.client() as client:
            assert client.get("/api/v1/runs").json()["total"] == RUNS
        after = ledger.counts
        assert {step: after[step] for step in finished} == {
            step: at_death[step] for step in finished
        }

    with mortal_server.client(timeout_s=30) as client:
        ended = [await asyncio.to_thread(_wait, client, run_id) for run_id in tickets]
        logs = {
            run_id: client.get(f"/api/v1/runs/{run_id}/events").json()["items"]
            for run_id in tickets
        }
    assert [run["status"] for run in ended] == ["completed"] * RUNS
    counts = ledger.counts
    assert len(counts) == RUNS * EFFECTS_OF_A_RUN
    for step, count in counts.items():
        assert 1 <= count <= 1 + in_flight[step], step
    for run_id, events in logs.items():
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        ends = Counter(event["node_id"] for event in events if event["kind"] == "step.completed")
        assert set(ends.values()) == {1}, run_id
        assert len(ends) == EFFECTS_OF_A_RUN + 2
    recovered = [
        event for events in logs.values() for event in events if event["data"].get("recovered")
    ]
    assert len([event for event in recovered if event["kind"] == "run.started"]) >= RUNS
    assert await asyncio.wait_for(viewer, 20) == logs[watched]


def _wait(client: httpx.Client, run_id: str) -> Any:
    """The run when it has ended."""
    with client.stream(
        "GET", f"/api/v1/runs/{run_id}/events", headers={"Accept": "text/event-stream"}
    ) as stream:
        for _ in stream.iter_lines():
            pass
    return client.get(f"/api/v1/runs/{run_id}").json()


def test_a_cancelled_run_stays_cancelled_when_its_server_dies(mortal_server: LiveServer) -> None:
    """Killed between the wish and its end, the next server carries the wish out."""
    ledger = Ledger(delay_s=1.5)
    try:
        url = f"{ledger.url}/t/slow"
        call = node("slow", "http_request", method="POST", url=url)
        drawn = chain(call, node("after", "set_fields", fields={}))
        with mortal_server.client() as client:
            workflow_id = publish(client, drawn)
            run = client.post(f"/api/v1/workflows/{workflow_id}/runs", json={}).json()
            ledger.wait_for(1)
            asked = client.post(f"/api/v1/runs/{run['id']}/cancel", json={"graceful": True}).json()
            assert asked["status"] == "cancelling"
        mortal_server.kill()
        mortal_server.start()
        with mortal_server.client() as client:
            ended = _wait(client, run["id"])
            assert ended["status"] == "cancelled"
            steps = client.get(f"/api/v1/runs/{run['id']}/steps").json()["items"]
        assert "after" not in [step["node_id"] for step in steps]
    finally:
        ledger.close()


def test_an_orderly_stop_is_quick_and_the_next_start_goes_on(mortal_server: LiveServer) -> None:
    with mortal_server.client() as client:
        workflow_id = publish(client, slow(1, 700, 1))
        runs = [
            client.post(f"/api/v1/workflows/{workflow_id}/runs", json={}).json()["id"]
            for _ in range(5)
        ]
        while client.get("/api/v1/steps?status=running").json()["total"] < len(runs):
            pass
    assert mortal_server.stop() < 3
    assert "Traceback" not in mortal_server.log
    mortal_server.start()
    with mortal_server.client() as client:
        ended = [_wait(client, run_id) for run_id in runs]
        steps = [client.get(f"/api/v1/runs/{run_id}/steps").json()["items"] for run_id in runs]
    assert [run["status"] for run in ended] == ["completed"] * len(runs)
    for of_one in steps:
        assert [step["status"] for step in of_one] == ["completed"] * 4
