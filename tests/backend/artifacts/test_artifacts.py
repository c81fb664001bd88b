"""Artifacts over HTTP and as runs use them: rows, content, quota, sharing, deletion, charts."""

import asyncio
import csv
import io
import itertools
import json
import os
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import httpx
import openpyxl
import pytest

from backend.artifacts import service, store
from backend.settings import Settings
from graphs.artifacts import Artifact, ArtifactKind, ArtifactStore
from graphs.errors import NodeError
from graphs.node_type import Services
from tests.backend.test_errors import problem
from tests.conftest import PASSWORD, client_of, running, sign_in
from tests.graphs.conftest import FakeContext, execute

Client = httpx.AsyncClient
API = "/api/v1"


@pytest.fixture
async def client(any_settings: Settings) -> AsyncIterator[Client]:
    """Signed in as `admin`; the application runs once on each kind of database."""
    from backend.app import create_app

    app = create_app(any_settings)
    async with running(app), client_of(app) as signed_in:
        await sign_in(signed_in, "admin", PASSWORD)
        yield signed_in


@pytest.fixture
async def tenant_id(client: Client) -> str:
    return (await client.get(f"{API}/tenants/current")).json()["id"]


async def table(rows: list[Any], tenant_id: str, run_id: str = "run-1") -> dict[str, Any]:
    """A table that a run has made of the rows."""
    context = FakeContext()
    context.services = Services(artifacts=service.store_for(tenant_id, run_id))
    context.prev = rows
    return (await execute("filter_rows", {"conditions": []}, context)).value


async def pages(client: Client, url: str, **params: Any) -> list[dict[str, Any]]:
    """All rows of a list, page by page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(url, params={**params, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next_cursor"] is None:
            assert page["total"] == len(items)
            return items
        cursor = {"cursor": page["next_cursor"]}


async def test_rows_are_paged_sorted_and_searched(client: Client, tenant_id: str) -> None:
    rows = [{"n": n, "text": f"Row {n}", "odd": [n % 2]} for n in range(95)]
    made = await table([*rows, {"n": None, "text": None, "odd": None}], tenant_id)
    url = f"{API}/artifacts/{made['$artifact']}"
    told = (await client.get(url)).json()
    assert told["row_count"] == 96
    assert told["columns"][0] == {"name": "n", "type": "BIGINT"}
    assert await pages(client, f"{url}/rows", limit=20) == [
        *rows,
        {"n": None, "text": None, "odd": None},
    ]
    down = await pages(client, f"{url}/rows", limit=50, sort="-n")
    assert [row["n"] for row in down] == [*range(94, -1, -1), None]
    found = await pages(client, f"{url}/rows", limit=7, search="rOW 1")
    assert [row["n"] for row in found] == [1, *range(10, 20)]
    assert await pages(client, f"{url}/rows", search="row 1'%") == []
    first = (await client.get(f"{url}/rows", params={"limit": 5})).json()
    stale = {"cursor": first["next_cursor"], "sort": "n"}
    assert problem(await client.get(f"{url}/rows", params=stale), 422)["code"] == "invalid"


async def test_a_table_is_downloaded_in_every_format(client: Client, tenant_id: str) -> None:
    rows = [{"id": 1, "größe": "a,b"}, {"id": 2, "größe": None}]
    url = f"{API}/artifacts/{(await table(rows, tenant_id))['$artifact']}/content"

    async def get(format: str) -> httpx.Response:
        answer = await client.get(url, params={"format": format})
        assert answer.status_code == 200, answer.text
        said = answer.headers["content-disposition"]
        assert said.startswith("attachment")
        assert said.endswith(f".{format}")
        return answer

    read = list(csv.DictReader(io.StringIO((await get("csv")).text)))
    assert read == [{"id": "1", "größe": "a,b"}, {"id": "2", "größe": ""}]
    assert (await get("json")).json() == rows
    lines = [json.loads(line) for line in (await get("jsonl")).text.splitlines()]
    assert lines == rows
    assert (await get("parquet")).content[:4] == b"PAR1"
    book = openpyxl.load_workbook(io.BytesIO((await get("xlsx")).content))
    assert list(book.active.values) == [("id", "größe"), (1, "a,b"), (2, None)]
    assert problem(await client.get(url, params={"format": "exe"}), 422)["errors"]


async def test_no_column_of_the_nodes_own_is_shown(client: Client) -> None:
    tables = {"kept": [{"id": 1}], "none": []}
    queries = {
        "all": "SELECT * FROM none",
        "both": "SELECT k.*, n.* FROM kept k LEFT JOIN none n ON true",
    }
    nodes: list[Any] = [{"id": "start", "type": "start"}]
    nodes += [
        {"id": name, "type": "sql", "params": {"query": sql, "tables": tables}}
        for name, sql in queries.items()
    ]
    edges = [{"id": f"e{n}", "source": "start", "target": n} for n in queries]
    outputs = (await finished(client, await made_workflow(client, nodes, edges)))["outputs"]
    assert [column["name"] for column in outputs["both"]["columns"]] == ["id"]
    for name, format in product(queries, ("", "parquet", "csv", "json", "xlsx")):
        url = f"{API}/artifacts/{outputs[name]['$artifact']}/content"
        answer = await client.get(url, params={"format": format} if format else {})
        if name == "all" and format in ("", "parquet"):
            assert "Parquet needs a column" in problem(answer, 422)["detail"]
            continue
        assert answer.status_code == 200, answer.text
        assert b"__columns" not in answer.content
    url = f"{API}/artifacts/{outputs['both']['$artifact']}"
    assert (await client.get(f"{url}/content")).content[:4] == b"PAR1"
    assert await pages(client, f"{url}/rows") == [{"id": 1}]


async def test_numbers_keep_their_digits(client: Client, tenant_id: str) -> None:
    rows = [
        {"id": 34043416109404255712, "x": 9007199254740993, "t": "e\u0301 😀"},
        {"id": 5, "x": 0.5, "t": "007"},
        {"id": None, "x": None, "t": None},
    ]
    made = await table(rows, tenant_id)
    url = f"{API}/artifacts/{made['$artifact']}"
    assert made["preview"] == rows
    assert await pages(client, f"{url}/rows", limit=1) == rows
    assert await pages(client, f"{url}/rows", search="4255712") == rows[:1]
    down = await pages(client, f"{url}/rows", sort="-id")
    assert [row["id"] for row in down] == [34043416109404255712, 5, None]
    for ending in ("json", "jsonl"):
        text = (await client.get(f"{url}/content", params={"format": ending})).text
        assert "34043416109404255712" in text
        assert "9007199254740993" in text


async def test_numbers_of_a_run_keep_their_digits(client: Client) -> None:
    rows = [{"id": 34043416109404255712, "x": 9007199254740993}, {"id": 5, "x": 0.1}]
    nodes = [
        {"id": "start", "type": "start"},
        {
            "id": "f",
            "type": "filter_rows",
            "params": {"conditions": [], "table": "{{ input.rows }}"},
        },
        {"id": "q", "type": "sql", "params": {"query": "SELECT * FROM input -- all"}},
        {"id": "end", "type": "end", "params": {"output": "{{ steps.q.preview }}"}},
    ]
    edges = [
        {"id": f"e{at}", "source": source, "target": target}
        for at, (source, target) in enumerate([("start", "f"), ("f", "q"), ("q", "end")])
    ]
    workflow_id = await made_workflow(client, nodes, edges)
    run = await finished(client, workflow_id, rows=rows)
    assert run["inputs"] == {"rows": rows}
    assert run["outputs"] == rows


async def test_pages_of_very_long_texts_are_shorter(client: Client, tenant_id: str) -> None:
    rows = [{"n": n, "t": str(n) * 2_000_000} for n in range(9)] * 3
    made = await table(rows, tenant_id)
    assert len(json.dumps(made["preview"])) < 24 * 1024
    url = f"{API}/artifacts/{made['$artifact']}/rows"
    answer = (await client.get(url, params={"limit": 100})).json()
    assert 0 < len(answer["items"]) < len(rows)
    assert [row["n"] for row in await pages(client, url, limit=100)] == [row["n"] for row in rows]


async def test_parts_of_a_file_are_sent(client: Client, tenant_id: str) -> None:
    made = await table([{"n": n} for n in range(1000)], tenant_id)
    url = f"{API}/artifacts/{made['$artifact']}/content"
    whole = await client.get(url)
    size = len(whole.content)
    assert int(whole.headers["content-length"]) == size == made["size_bytes"]
    assert whole.headers["accept-ranges"] == "bytes"

    async def part(wanted: str, **headers: str) -> httpx.Response:
        return await client.get(url, headers={"Range": wanted, **headers})

    for wanted, start, end in (("0-9", 0, 10), ("5-", 5, size), ("-4", size - 4, size)):
        answer = await part(f"bytes={wanted}")
        assert answer.status_code == 206
        assert answer.content == whole.content[start:end]
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    tag = whole.headers["etag"]
    assert (await part("bytes=0-1", **{"If-Range": tag})).status_code == 206
    assert (await part("bytes=0-1", **{"If-Range": '"other"'})).status_code == 200
    for ignored in ("bytes=9-2", "lines=1-2", "bytes=0-1,3-4", "bytes=-", "x"):
        assert (await part(ignored)).content == whole.content, ignored
    beyond = await part(f"bytes={size}-")
    assert problem(beyond, 416)["code"] == "range_not_satisfiable"
    assert beyond.headers["content-range"] == f"bytes */{size}"


async def test_other_tenants_find_nothing(client: Client, tenant_id: str) -> None:
    made = await table([{"a": 1}], "somebody-else")
    for end in ("", "/rows", "/content"):
        answer = await client.get(f"{API}/artifacts/{made['$artifact']}{end}")
        assert problem(answer, 404)["code"] == "artifact_not_found"
    with pytest.raises(NodeError) as caught:
        await service.store_for(tenant_id, "run-1").path(made["$artifact"])
    assert caught.value.code == "artifact_missing"


async def test_what_is_over_the_quota_is_refused_and_gone(
    client: Client, tenant_id: str, any_settings: Settings
) -> None:
    quota = {"artifact_quota_bytes": 1024**2}
    assert (await client.patch(f"{API}/tenants/current", json=quota)).status_code == 200
    kept = service.store_for(tenant_id, "run-1")
    await json_artifact(kept, b"x" * 600_000)
    with pytest.raises(NodeError) as caught:
        await json_artifact(kept, b"x" * 600_000)
    assert caught.value.code == "quota_exceeded"
    assert "1,048,576" in caught.value.message
    assert await service.used_bytes(tenant_id) == 600_000
    assert len(list((any_settings.data_dir / "artifacts" / tenant_id).iterdir())) == 1


async def json_artifact(kept: ArtifactStore, raw: bytes) -> Artifact:
    path = kept.new_path(".json")
    await asyncio.to_thread(path.write_bytes, raw)
    return await kept.keep(path, ArtifactKind.JSON, "application/json")


async def test_artifacts_go_with_the_last_run_that_uses_them(
    client: Client, tenant_id: str, any_settings: Settings
) -> None:
    """Deleting a run hands what it made to all of its forks."""
    workflow = await made_workflow(client, [{"id": "a", "type": "start"}], [])
    first = await finished(client, workflow)
    artifact = await json_artifact(service.store_for(tenant_id, first["id"]), b"{}")
    url = f"{API}/artifacts/{artifact.id}"
    checkpoints = await client.get(f"{API}/runs/{first['id']}/checkpoints")
    fork = {"checkpoint": checkpoints.json()["items"][0]["id"]}
    forks: list[str] = []
    for _ in range(2):
        made = await client.post(f"{API}/runs/{first['id']}/fork", json=fork)
        assert made.status_code == 202, made.text
        forks.append(made.json()["id"])
    for run_id in forks:
        await ended(client, run_id)
    for run_id in (first["id"], forks[1]):
        assert (await client.delete(f"{API}/runs/{run_id}")).status_code == 204
        await service.close_artifacts()
        assert (await client.get(f"{url}/content")).content == b"{}"
    assert (await client.delete(f"{API}/runs/{forks[0]}")).status_code == 204
    await service.close_artifacts()
    assert problem(await client.get(url), 404)
    assert list((any_settings.data_dir / "artifacts" / tenant_id).iterdir()) == []


async def test_what_a_dead_process_left_is_swept(
    client: Client, tenant_id: str, any_settings: Settings
) -> None:
    kept = service.store_for(tenant_id, "run-1")
    artifact = await json_artifact(kept, b"{}")
    orphan, young, work = (
        kept.new_path(".parquet"),
        kept.new_path(".parquet"),
        kept.new_path(".work"),
    )
    work.mkdir()
    for path in (orphan, young):
        path.write_bytes(b"x")
    known = await kept.path(artifact.id)
    for path in (orphan, work, known):
        os.utime(path, (1, 1))
    assert await store.sweep(any_settings.data_dir / "artifacts") == 2
    assert sorted(path.exists() for path in (orphan, work)) == [False, False]
    assert young.exists()
    assert known.exists()


async def made_workflow(client: Client, nodes: list[Any], edges: list[Any]) -> str:
    body = {"name": "w", "definition": {"nodes": nodes, "edges": edges}}
    made = await client.post(f"{API}/workflows", json=body)
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def finished(client: Client, workflow_id: str, **inputs: Any) -> dict[str, Any]:
    run = await client.post(
        f"{API}/workflows/{workflow_id}/runs",
        json={"inputs": inputs},
        headers={"Prefer": "wait=20"},
    )
    assert run.json()["status"] == "completed", run.text
    return run.json()


async def ended(client: Client, run_id: str) -> None:
    for _ in range(200):
        run = (await client.get(f"{API}/runs/{run_id}")).json()
        if run["finished_at"] is not None:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(run)


class TestInRuns:
    """A file is uploaded, cleaned, grouped and charted by a run."""

    @pytest.fixture
    async def run(self, client: Client) -> dict[str, Any]:
        (workspace,) = (await client.get(f"{API}/workspaces")).json()["items"]
        files = f"{API}/workspaces/{workspace['id']}/files"
        rows = "\n".join(f"{n},{'north' if n % 3 else 'south'},{n}.5" for n in range(300))
        put = await client.put(f"{files}/in/sales.csv", content=f"id,region,amount\n{rows}\n")
        assert put.status_code == 201, put.text
        conditions = [{"column": "amount", "operator": "greater", "value": "10"}]
        sums = [{"column": "amount", "function": "sum", "as": "revenue"}]
        nodes = [
            {"id": "start", "type": "start"},
            {"id": "read", "type": "read_file", "params": {"name": "in/sales.csv"}},
            {"id": "big", "type": "filter_rows", "params": {"conditions": conditions}},
            {"id": "group", "type": "group_by", "params": {"by": ["region"], "aggregates": sums}},
            {"id": "chart", "type": "chart", "params": {"x": "region", "y": "revenue"}},
            {"id": "write", "type": "write_file", "params": {"name": "out/revenue.png"}},
        ]
        ids = [node["id"] for node in nodes]
        edges = [
            {"id": f"e{at}", "source": one, "target": two}
            for at, (one, two) in enumerate(itertools.pairwise(ids))
        ]
        return await finished(client, await made_workflow(client, nodes, edges))

    async def test_the_run_passes_references_on(self, client: Client, run: dict[str, Any]) -> None:
        steps = (await client.get(f"{API}/runs/{run['id']}/steps")).json()["items"]
        outputs = {step["node_id"]: step["output"] for step in steps}
        assert outputs["read"]["row_count"] == 300
        assert outputs["big"]["row_count"] == 290
        assert {row["region"] for row in outputs["group"]["preview"]} == {"north", "south"}
        rows = await client.get(f"{API}/artifacts/{outputs['big']['$artifact']}/rows?limit=1")
        assert rows.json()["items"] == [{"id": 10, "region": "north", "amount": 10.5}]
        assert run["outputs"]["write"]["name"] == "out/revenue.png"
        workspace = (await client.get(f"{API}/workspaces")).json()["items"][0]["id"]
        png = await client.get(f"{API}/workspaces/{workspace}/files/out/revenue.png")
        assert png.content.startswith(b"\x89PNG")
        assert png.headers["content-type"] == "image/png"

    async def test_the_chart_is_had_as_a_picture(self, client: Client, run: dict[str, Any]) -> None:
        steps = (await client.get(f"{API}/runs/{run['id']}/steps")).json()["items"]
        ids = {step["node_id"]: step["id"] for step in steps}
        url = f"{API}/runs/{run['id']}/steps/{ids['chart']}/chart"
        svg = await client.get(url)
        assert svg.headers["content-type"].startswith("image/svg+xml")
        assert "revenue" in svg.text
        assert "north" in svg.text
        png = await client.get(url, params={"format": "png"})
        assert png.content.startswith(b"\x89PNG")
        dark = await client.get(url, params={"theme": "dark"})
        assert "#1b1e25" in dark.text
        assert "#1b1e25" not in svg.text
        assert (await client.get(url, params={"theme": "pink"})).status_code in (400, 422)
        none = await client.get(f"{API}/runs/{run['id']}/steps/{ids['group']}/chart")
        assert problem(none, 404)["code"] == "no_chart"
