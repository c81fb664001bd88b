"""Export and import through the API: what goes out comes in again, JSON or YAML, body or file."""

import json
from typing import Any

import pytest
from httpx import AsyncClient as Client

from tests.backend.test_workflows import BROKEN, GREETING, create, names, problem

IMPORT = "/api/v1/workflows/import"


async def exported(client: Client, format: str) -> tuple[dict[str, Any], bytes]:
    made = await create(
        client, "Größe: 1", definition=GREETING, description="a\nb", tags=["on"], category="Ops"
    )
    answer = await client.get(f"/api/v1/workflows/{made['id']}/export?format={format}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(f"application/{format}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="groe-1.{format}"'
    return made, answer.content


@pytest.mark.parametrize("format", ["json", "yaml"])
@pytest.mark.parametrize("way", ["body", "file"])
async def test_an_exported_workflow_is_imported_as_it_was(
    client: Client, format: str, way: str
) -> None:
    made, raw = await exported(client, format)
    if way == "body":
        headers = {"Content-Type": f"application/{format}"}
        answer = await client.post(IMPORT, content=raw, headers=headers)
    else:
        answer = await client.post(IMPORT, files={"file": (f"workflow.{format}", raw)})
    assert answer.status_code == 201, answer.text
    copy = answer.json()
    assert answer.headers["Location"] == f"/api/v1/workflows/{copy['id']}"
    same = ("name", "description", "tags", "category", "definition", "definition_hash")
    assert {key: copy[key] for key in same} == {key: made[key] for key in same}
    assert copy["id"] != made["id"]


async def test_an_export_names_no_place_and_no_owner(client: Client) -> None:
    made, raw = await exported(client, "json")
    text = raw.decode()
    assert set(json.loads(text)) == {
        "heddle",
        "name",
        "description",
        "category",
        "tags",
        "definition",
    }
    assert made["id"] not in text
    assert made["created_by"] not in text


async def test_a_bare_definition_is_imported_under_a_given_name(client: Client) -> None:
    answer = await client.post(IMPORT, json=GREETING, params={"name": "Mine"})
    assert answer.json()["name"] == "Mine"
    assert (await client.post(IMPORT, json=GREETING)).json()["name"] == "Imported workflow"
    blank = await client.post(IMPORT, json=GREETING, params={"name": " "})
    assert problem(blank, 422, "invalid")["errors"][0]["pointer"] == "?name"


async def test_a_broken_drawing_is_imported_and_told_unless_strict(client: Client) -> None:
    answer = await client.post(IMPORT, json=BROKEN)
    assert answer.status_code == 201
    assert {found["node_id"] for found in answer.json()["problems"]} >= {"a", "b"}
    strict = await client.post(IMPORT, json=BROKEN, params={"validate": "strict"})
    problem(strict, 422, "definition_invalid")
    assert len(await names(client)) == 1


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"name: x", "application/json", 400),
        (b"[" * 1000 + b"]" * 1000, "application/json", 400),
        (b"a: [", "application/yaml", 400),
        (b"a: &a [1]\nb: *a", "text/yaml", 400),
        (b"", "application/json", 400),
        (b"name: x", "application/yaml", 422),
        (b'{"name": "x", "definition": {"nodes": [1]}}', "application/json", 422),
        (b"name: x", "text/plain", 415),
        (b"x" * 2_000_001, "application/yaml", 413),
    ],
)
async def test_what_is_no_workflow_is_refused(
    client: Client, content: bytes, media_type: str, status: int
) -> None:
    answer = await client.post(IMPORT, content=content, headers={"Content-Type": media_type})
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert await names(client) == []


async def test_one_file_is_expected(client: Client) -> None:
    two = [("a", ("a.json", b"{}")), ("b", ("b.json", b"{}"))]
    problem(await client.post(IMPORT, files=two), 400, "one_file_expected")
    problem(await client.post(IMPORT, files={"a": (None, b"x")}), 400, "one_file_expected")
