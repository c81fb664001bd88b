"""Prometheus is told how runs go, and nothing of whose they are."""

import re
from typing import Any

import httpx

GOOD: dict[str, Any] = {
    "nodes": [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}],
    "edges": [{"id": "e", "source": "start", "target": "end"}],
}
BAD: dict[str, Any] = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "stop", "type": "fail", "params": {"message": "no"}},
    ],
    "edges": [{"id": "e", "source": "start", "target": "stop"}],
}


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    text = (await client.get("/metrics")).text
    found = re.findall(r"^(heddle_(?:run|journal)\S*) (\S+)$", text, re.M)
    return {name: float(value) for name, value in found}


async def test_runs_steps_and_commits_are_counted(client: httpx.AsyncClient) -> None:
    before = await figures(client)
    for definition in (GOOD, GOOD, BAD):
        made = await client.post("/api/v1/workflows", json={"name": "w", "definition": definition})
        url = f"/api/v1/workflows/{made.json()['id']}/runs"
        answer = await client.post(url, json={}, headers={"Prefer": "wait=10"})
        assert answer.status_code == 200, answer.text
    after = await figures(client)
    rise = {name: value - before.get(name, 0) for name, value in after.items()}
    assert rise['heddle_runs_started_total{trigger="api"}'] == 3
    assert rise['heddle_runs_ended_total{status="completed"}'] == 2
    assert rise['heddle_runs_ended_total{status="failed"}'] == 1
    assert rise['heddle_runs_ended_total{status="cancelled"}'] == 0
    assert rise['heddle_run_steps_total{outcome="completed"}'] == 5
    assert rise['heddle_run_steps_total{outcome="failed"}'] == 1
    assert after["heddle_runs_active"] == 0
    commits = rise["heddle_journal_commit_seconds_count"]
    assert commits >= 3
    assert rise["heddle_journal_commit_events_count"] == commits
    assert rise["heddle_journal_commit_events_sum"] == 3 * 3 + 6 * 2
    assert not any("tenant" in name or "workflow" in name for name in after)
