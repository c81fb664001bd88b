"""Workflows that ask models, over HTTP: what they put out, consume and cost."""

from typing import Any

import httpx
import pytest

from graphs import model_call
from tests.fake_openai import Refuse, Request, fake_openai, say, say_json

Client = httpx.AsyncClient

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number"}},
    "required": ["amount"],
}


@pytest.fixture
def settings(make_settings: Any) -> Any:
    return make_settings(allow_hosts=("127.0.0.1",))


def answer(request: Request) -> Any:
    """What the fake provider says to each of the nodes."""
    system = request["messages"][0]["content"]
    if "which label" in system:
        return say_json({"label": "Bug", "reason": "It crashed."}, usage=(101, 7))
    if "read data out" in system:
        wrong = len(request["messages"]) == 2
        return say_json({"amount": "many" if wrong else 12.5}, usage=(30, 3))
    return say("A ", "summary.", usage=(1000, 250))


def definition(url: str) -> dict[str, Any]:
    model = {"model": "openai:m", "base_url": url}
    text = {"text": "{{ input.text }}", **model}
    labels = [{"label": "Billing"}, {"label": "Bug"}]
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "sum_up", "type": "prompt", "params": {"prompt": "{{ input.text }}", **model}},
        {"id": "read", "type": "extract", "params": {**text, "schema": SCHEMA}},
        {"id": "sort", "type": "classify", "params": {**text, "labels": labels}},
        {"id": "bill", "type": "template", "params": {"text": "billing"}},
        {"id": "fix", "type": "template", "params": {"text": "fix {{ steps.read.data.amount }}"}},
    ]
    edges = [
        ("start", "out", "sum_up"),
        ("sum_up", "out", "read"),
        ("read", "out", "sort"),
        ("sort", "Billing", "bill"),
        ("sort", "Bug", "fix"),
    ]
    return {
        "nodes": nodes,
        "edges": [
            {"id": f"e{place}", "source": source, "source_port": port, "target": target}
            for place, (source, port, target) in enumerate(edges)
        ],
    }


async def run(client: Client, drawn: dict[str, Any], **body: Any) -> dict[str, Any]:
    made = await client.post("/api/v1/workflows", json={"name": "w", "definition": drawn})
    assert made.status_code == 201, made.text
    started = await client.post(
        f"/api/v1/workflows/{made.json()['id']}/runs",
        json={"inputs": {"text": "It crashed, 12.5 EUR"}, "version": "draft", **body},
        headers={"Prefer": "wait=30"},
    )
    return started.json()


async def steps(client: Client, run_id: str) -> dict[str, dict[str, Any]]:
    items = (await client.get(f"/api/v1/runs/{run_id}/steps")).json()["items"]
    return {f"{item['path'] or ''}/{item['node_id']}".strip("/"): item for item in items}


async def price(client: Client, model: str, given: str, answered: str) -> None:
    body = {"input_usd_per_million": given, "output_usd_per_million": answered}
    assert (await client.put(f"/api/v1/model-prices/{model}", json=body)).status_code == 200


async def test_what_a_run_costs(client: Client) -> None:
    await price(client, "openai:m", "0.25", "2")
    async with fake_openai(answer) as server:
        ended = await run(client, definition(server.url))
    assert ended["status"] == "completed", ended
    assert ended["outputs"] == {"fix": {"text": "fix 12.5"}}
    done = await steps(client, ended["id"])
    assert done["sum_up"]["usage"] == {
        "input_tokens": 1000,
        "output_tokens": 250,
        "cost_usd": "0.00075",
    }
    # 60 tokens in and 6 out, over the answer that had to be corrected too
    assert done["read"]["usage"]["cost_usd"] == "0.000027"
    assert done["read"]["output"]["attempts"] == 2
    # 101 * 0.25 + 7 * 2 = 39.25
    assert done["sort"]["usage"]["cost_usd"] == "0.00003925"
    assert ended["usage"] == {
        "input_tokens": 1161,
        "output_tokens": 263,
        "cost_usd": "0.00081625",
    }
    assert done["bill"]["status"] == "skipped"


async def test_a_model_without_a_price_is_listed(client: Client) -> None:
    async with fake_openai(answer) as server:
        ended = await run(client, definition(server.url))
    assert ended["usage"]["input_tokens"] == 1161
    assert ended["usage"]["cost_usd"] is None
    found = await client.get("/api/v1/model-prices", params={"priced": "false"})
    assert [item["model"] for item in found.json()["items"]] == ["openai:m"]


async def test_in_mock_mode_nobody_is_asked(client: Client) -> None:
    await price(client, "openai:m", "1", "1")
    async with fake_openai(answer) as server:
        ended = await run(client, definition(server.url), mode="mock")
    assert ended["status"] == "completed", ended
    assert server.requests == []
    done = await steps(client, ended["id"])
    assert done["read"]["output"]["data"] == {"amount": 12.5}
    assert done["sort"]["output"]["model"] == "mock"
    assert ended["usage"]["cost_usd"] is None


async def test_the_mock_model_may_have_a_price(client: Client) -> None:
    await price(client, "mock", "100", "1000")
    node = {"id": "p", "type": "prompt", "params": {"prompt": "one two three"}}
    drawn = {"nodes": [{"id": "start", "type": "start"}, node], "edges": []}
    drawn["edges"] = [{"id": "e", "source": "start", "target": "p"}]
    ended = await run(client, drawn)
    usage = ended["usage"]
    expected = usage["input_tokens"] * 100 + usage["output_tokens"] * 1000
    assert usage["input_tokens"] == 3
    assert float(usage["cost_usd"]) == pytest.approx(expected / 1_000_000)


async def test_the_nodes_of_a_graph_count(client: Client) -> None:
    await price(client, "m", "1", "1")

    def acts(request: Request) -> Any:
        if "satisfy this schema" in request["messages"][0]["content"]:
            return say_json({"good": True, "criticism": ""}, usage=(10, 10))
        return say("a text", usage=(5, 5))

    async with fake_openai(acts) as server:
        node = {
            "id": "g",
            "type": "graph",
            "params": {
                "name": "reflection",
                "input": {"task": "{{ input.text }}"},
                "model": "openai:m",
                "base_url": server.url,
            },
        }
        edge = {"id": "e", "source": "start", "target": "g"}
        drawn = {"nodes": [{"id": "start", "type": "start"}, node], "edges": [edge]}
        ended = await run(client, drawn)
    assert ended["status"] == "completed", ended
    done = await steps(client, ended["id"])
    assert set(done) == {"start", "g", "g[0]/write", "g[0]/criticise"}
    assert done["g[0]/write"]["usage"]["cost_usd"] == "0.00001"
    assert done["g[0]/criticise"]["usage"]["cost_usd"] == "0.00002"
    assert done["g"]["usage"]["cost_usd"] == "0.00003"
    assert ended["usage"] == {"input_tokens": 15, "output_tokens": 15, "cost_usd": "0.00003"}


async def test_a_failing_provider_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_call, "BACKOFF_MS", (1, 1))
    async with fake_openai(Refuse(status=503, message="out of order")) as server:
        ended = await run(client, definition(server.url))
    assert ended["status"] == "failed"
    assert (ended["error"]["code"], ended["error"]["node_id"]) == ("http_503", "sum_up")
    assert "out of order" in ended["error"]["message"]
    logged = (await client.get(f"/api/v1/runs/{ended['id']}/logs")).json()["items"]
    assert sum("asked again in 1 ms" in line["message"] for line in logged) == 2
