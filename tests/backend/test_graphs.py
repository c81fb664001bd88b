"""The installed graphs over HTTP."""

import httpx
import pytest
from jsonschema import Draft202012Validator


async def test_graphs_are_listed_with_their_drawings(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/api/v1/graphs")).json()
    names = {item["name"] for item in listed["items"]}
    assert names >= {"plan_and_execute", "map_reduce_summary", "reflection", "reason_and_act"}
    assert listed["total"] == len(listed["items"])
    for item in listed["items"]:
        assert item == (await client.get(f"/api/v1/graphs/{item['name']}")).json()
        assert item["title"]
        assert len(item["description"]) > 30
        Draft202012Validator.check_schema(item["input_schema"])
        Draft202012Validator.check_schema(item["output_schema"])
        ids = {node["id"] for node in item["drawing"]["nodes"]}
        assert {"start", "end"} <= ids
        assert {
            edge[side] for edge in item["drawing"]["edges"] for side in ("source", "target")
        } == ids


@pytest.mark.parametrize("name", ["nothing", "execution", "__init__"])
async def test_others_are_not_found(client: httpx.AsyncClient, name: str) -> None:
    told = await client.get(f"/api/v1/graphs/{name}")
    assert told.status_code == 404
    assert told.json()["code"] == "graph_not_found"
