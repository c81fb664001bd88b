"""The endpoints of runs as programs see them."""

from typing import Any

import httpx
import msgspec
import pytest

from graphs.definition import Definition
from tests.backend.runs.drawings import failing, greeting, slow
from tests.conftest import application, client_of

Client = httpx.AsyncClient
API = "/api/v1"
WAIT = {"Prefer": "wait=20"}
PROBLEM = "application/problem+json"


async def publish(client: Client, definition: Definition, name: str = "Flow") -> str:
    body = {"name": name, "definition": msgspec.to_builtins(definition)}
    made = await client.post(f"{API}/workflows", json=body)
    assert made.status_code == 201, made.text
    published = await client.post(f"{API}/workflows/{made.json()['id']}/versions")
    assert published.status_code == 201, published.text
    return made.json()["id"]


async def start(client: Client, workflow_id: str, body: Any = None, **headers: str) -> Any:
    return await client.post(
        f"{API}/workflows/{workflow_id}/runs",
        json={} if body is None else body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


async def finished(client: Client, definition: Definition, **inputs: Any) -> dict[str, Any]:
    workflow_id = await publish(client, definition)
    answer = await start(client, workflow_id, {"inputs": inputs}, Prefer="wait=20")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_started_run_is_accepted_and_has_a_place(client: Client) -> None:
    workflow_id = await publish(client, greeting())
    answer = await start(client, workflow_id)
    assert answer.status_code == 202
    run = answer.json()
    assert run["status"] == "queued"
    assert answer.headers["location"] == f"{API}/runs/{run['id']}"
    found = await client.get(answer.headers["location"])
    assert found.status_code == 200
    assert found.json()["trigger"] == "api"


async def test_prefer_wait_answers_with_the_finished_run(client: Client) -> None:
    workflow_id = await publish(client, greeting())
    answer = await start(client, workflow_id, {"inputs": {"city": "Rome"}}, Prefer="wait=20")
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=20"
    run = answer.json()
    assert (run["status"], run["outputs"]) == ("completed", {"greet": {"text": "Hello Rome"}})
    assert run["created_at"].endswith("Z")
    assert run["progress"] == {"completed": 2, "total": 2, "percent": 100}
    again = (await client.get(f"{API}/runs/{run['id']}")).json()
    assert again == run


async def test_prefer_wait_gives_up_with_202(client: Client) -> None:
    workflow_id = await publish(client, slow(30_000))
    answer = await start(client, workflow_id, Prefer="respond-async, wait=0")
    assert answer.status_code == 202
    assert answer.json()["status"] in ("queued", "running")
    cancelled = await client.post(
        f"{API}/runs/{answer.json()['id']}/cancel", json={"reason": "enough"}
    )
    assert cancelled.status_code == 200
    assert cancelled.json()["status"] == "cancelled"
    assert cancelled.json()["cancel_reason"] == "enough"
    again = await client.post(f"{API}/runs/{answer.json()['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "run_ended")


async def test_the_same_idempotency_key_starts_one_run(client: Client) -> None:
    workflow_id = await publish(client, greeting())
    answers = [
        await start(client, workflow_id, {"inputs": {}}, Idempotency_Key="k1", Prefer="wait=20")
        for _ in range(3)
    ]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {200}
    other = await start(client, workflow_id, {"inputs": {"city": "x"}}, Idempotency_Key="k1")
    assert other.status_code == 422
    assert (await client.get(f"{API}/runs")).json()["total"] == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"inputs": {"days": "many"}}, "/inputs/days"),
        ({"inputs": []}, "/inputs"),
        ({"config": {"retries": 3}}, "/config/retries"),
        ({"mode": "sideways"}, "/mode"),
        ({"version": 0}, "/version"),
        ({"version": "newest"}, "/version"),
        ({"breakpoints": ["nobody"]}, "/breakpoints/0"),
        ({"only": {"until": "nobody"}}, "/only/until"),
        ({"nonsense": 1}, "/nonsense"),
    ],
)
async def test_bad_starts_are_422_and_say_where(
    client: Client, body: dict[str, Any], pointer: str
) -> None:
    workflow_id = await publish(client, greeting())
    answer = await start(client, workflow_id, body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith(PROBLEM)
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert (await client.get(f"{API}/runs")).json()["total"] == 0


async def test_malformed_json_is_400(client: Client) -> None:
    workflow_id = await publish(client, greeting())
    answer = await client.post(
        f"{API}/workflows/{workflow_id}/runs",
        content=b'{"inputs": ',
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


async def test_a_broken_draft_is_refused_with_every_problem(client: Client) -> None:
    nodes = [{"id": "start", "type": "start"}, {"id": "odd", "type": "no_such_type"}]
    body = {"name": "Broken", "definition": {"nodes": nodes}, "validate": "none"}
    made = (await client.post(f"{API}/workflows", json=body)).json()
    answer = await start(client, made["id"], {"version": "draft"})
    assert answer.status_code == 422
    assert "odd" in [error.get("node_id") for error in answer.json()["errors"]]


async def test_steps_events_and_logs(client: Client) -> None:
    run = await finished(client, failing(), city="Rome")
    assert run["status"] == "failed"
    assert run["error"] == {
        "code": "failed_by_workflow",
        "message": "No luck in Rome",
        "node_id": "stop",
    }
    base = f"{API}/runs/{run['id']}"
    steps = (await client.get(f"{base}/steps")).json()
    assert [step["node_id"] for step in steps["items"]] == ["start", "stop"]
    assert (steps["total"], steps["next_cursor"]) == (2, None)
    step = (await client.get(f"{base}/steps/{steps['items'][1]['id']}")).json()
    assert step == steps["items"][1]
    assert step["status"] == "failed"
    assert step["input"] == {"city": "Rome"}
    assert (await client.get(f"{base}/steps/nope")).status_code == 404

    events = (await client.get(f"{base}/events")).json()
    assert [event["seq"] for event in events["items"]] == list(range(1, events["total"] + 1))
    assert events["items"][0]["data"] == {"trigger": "api"}
    page = (await client.get(f"{base}/events", params={"after": 2, "limit": 2})).json()
    assert page["items"] == events["items"][2:4]
    assert page["next_cursor"] == "4"
    assert page["total"] == events["total"] - 2

    logs = (await client.get(f"{base}/logs")).json()
    assert logs["items"][0]["message"] == "No luck in Rome"
    assert (await client.get(f"{base}/logs", params={"level": "loud"})).status_code == 422


async def test_lists_stats_and_cleanup(client: Client) -> None:
    good = await finished(client, greeting())
    await finished(client, failing())
    found = (await client.get(f"{API}/runs", params={"status": "completed"})).json()
    assert [run["id"] for run in found["items"]] == [good["id"]]
    assert found["items"][0] == good
    page = (await client.get(f"{API}/runs", params={"limit": 1})).json()
    assert page["total"] == 2
    rest = (await client.get(f"{API}/runs", params={"cursor": page["next_cursor"]})).json()
    assert [run["id"] for run in rest["items"]] == [good["id"]]
    stats = (await client.get(f"{API}/runs/stats")).json()
    assert stats["total"] == 2
    assert stats["by_status"]["failed"] == 1
    cleaned = await client.post(f"{API}/runs/cleanup", json={"older_than_hours": 0})
    assert (cleaned.status_code, cleaned.json()) == (200, {"deleted": 2})
    assert (await client.get(f"{API}/runs")).json()["total"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "color=red",
        "status=odd",
        "trigger=odd",
        "limit=0",
        "limit=201",
        "sort=size",
        "cursor=nonsense",
        "created_after=yesterday",
    ],
)
async def test_bad_list_parameters_are_422(client: Client, query: str) -> None:
    answer = await client.get(f"{API}/runs?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


async def test_a_search_for_nul_finds_nothing(client: Client) -> None:
    await finished(client, greeting())
    answer = await client.get(f"{API}/runs", params={"search": "a\0b"})
    assert answer.status_code in (200, 422)
    assert (await client.get(f"{API}/runs/a%00b")).status_code == 404


async def test_a_run_is_deleted(client: Client) -> None:
    run = await finished(client, greeting())
    assert (await client.delete(f"{API}/runs/{run['id']}")).status_code == 204
    assert (await client.delete(f"{API}/runs/{run['id']}")).status_code == 404


async def test_running_steps(client: Client) -> None:
    answer = await client.get(f"{API}/steps", params={"status": "running"})
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert (await client.get(f"{API}/steps", params={"status": "failed"})).status_code == 422
    assert (await client.get(f"{API}/steps")).status_code == 422


async def test_another_tenants_run_does_not_exist(
    client: Client, other_tenant_client: Client
) -> None:
    run = await finished(client, greeting())
    step_id = (await client.get(f"{API}/runs/{run['id']}/steps")).json()["items"][0]["id"]
    for path in ("", "/steps", f"/steps/{step_id}", "/events", "/logs"):
        answer = await other_tenant_client.get(f"{API}/runs/{run['id']}{path}")
        assert answer.status_code == 404, path
    for answer in (
        await other_tenant_client.post(f"{API}/runs/{run['id']}/cancel"),
        await other_tenant_client.delete(f"{API}/runs/{run['id']}"),
        await start(other_tenant_client, run["workflow_id"]),
    ):
        assert answer.status_code == 404
    assert (await other_tenant_client.get(f"{API}/runs")).json()["total"] == 0
    assert (await client.get(f"{API}/runs/{run['id']}")).status_code == 200


async def test_nobody_runs_anything_without_signing_in(client: Client) -> None:
    run = await finished(client, greeting())
    async with client_of(application(client)) as stranger:
        assert (await stranger.get(f"{API}/runs")).status_code == 401
        assert (await stranger.get(f"{API}/runs/{run['id']}/events")).status_code == 401
        assert (await start(stranger, run["workflow_id"])).status_code == 401


async def test_a_cursor_beyond_the_log_is_410(client: Client) -> None:
    run = await finished(client, greeting())
    url = f"{API}/runs/{run['id']}/events"
    gone = await client.get(url, headers={"Accept": "text/event-stream", "Last-Event-ID": "999"})
    assert (gone.status_code, gone.json()["code"]) == (410, "cursor_gone")
    odd = await client.get(url, headers={"Accept": "text/event-stream", "Last-Event-ID": "x"})
    assert odd.status_code == 422
