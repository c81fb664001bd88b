"""Workflows through the API: create, find, edit with If-Match, validate, copy, delete, restore."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient as Client
from httpx import Response

from backend.workflows.slugs import is_id
from tests.conftest import PASSWORD, application, client_of, sign_in

GREETING: dict[str, Any] = {
    "inputs": {
        "type": "object",
        "properties": {"city": {"type": "string", "default": "Oslo"}, "age": {"type": "integer"}},
        "required": ["city"],
    },
    "nodes": [
        {"id": "start", "type": "start"},
        {
            "id": "greet",
            "type": "set_fields",
            "params": {"fields": {"text": "Hello {{ input.city }}"}},
            "position": {"x": 320, "y": 0},
        },
    ],
    "edges": [{"id": "e1", "source": "start", "target": "greet"}],
}
BROKEN: dict[str, Any] = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "a", "type": "no_such_type"},
        {"id": "b", "type": "set_fields", "params": {}},
    ],
    "edges": [
        {"id": "e1", "source": "start", "target": "a"},
        {"id": "e2", "source": "a", "target": "b"},
        {"id": "e3", "source": "b", "target": "ghost"},
    ],
}


async def create(client: Client, name: str = "Greeting", **fields: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/workflows", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def names(client: Client, **filters: Any) -> list[str]:
    answer = await client.get("/api/v1/workflows", params=filters)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == code, told
    return told


def draft_url(workflow: dict[str, Any]) -> str:
    return f"/api/v1/workflows/{workflow['id']}/draft"


async def test_a_new_workflow_has_a_draft_that_can_run(client: Client) -> None:
    answer = await client.post("/api/v1/workflows", json={"name": " Orders, daily "})
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["Location"] == f"/api/v1/workflows/{made['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert (made["name"], made["slug"]) == ("Orders, daily", "orders-daily")
    assert (made["status"], made["revision"], made["active_version"]) == ("draft", 1, None)
    assert [node["type"] for node in made["definition"]["nodes"]] == ["start"]
    assert made["problems"] == []
    assert made["created_at"].endswith("Z")


async def test_a_workflow_is_found_by_id_and_by_slug(client: Client) -> None:
    made = await create(client, definition=GREETING)
    for reference in (made["id"], made["slug"]):
        answer = await client.get(f"/api/v1/workflows/{reference}")
        assert answer.status_code == 200
        assert answer.headers["ETag"] == '"1"'
        assert answer.json()["definition"]["edges"] == made["definition"]["edges"]
    problem(await client.get("/api/v1/workflows/none"), 404, "workflow_not_found")
    problem(await client.get("/api/v1/workflows/no%00ne"), 404, "not_found")


async def test_slugs_are_unique_and_stay(client: Client) -> None:
    slugs = [(await create(client, name))["slug"] for name in ("Über uns", "uber uns", "日本")]
    assert slugs == ["uber-uns", "uber-uns-2", "workflow"]
    assert (await create(client, "Import"))["slug"] == "workflow-import"
    looks_like_an_id = await create(client, "01a1f8b9-68d3-7480-9f52-251eed4b847b")
    assert not is_id(looks_like_an_id["slug"])
    answer = await client.patch(
        "/api/v1/workflows/uber-uns", json={"name": "About"}, headers={"If-Match": '"1"'}
    )
    assert (answer.json()["name"], answer.json()["slug"]) == ("About", "uber-uns")


async def test_creations_at_the_same_moment_get_slugs_of_their_own(client: Client) -> None:
    made = await asyncio.gather(*(create(client, "Twin") for _ in range(6)))
    assert len({workflow["slug"] for workflow in made}) == 6


async def test_a_strict_creation_tells_every_problem_with_its_node(client: Client) -> None:
    answer = await client.post("/api/v1/workflows", json={"name": "X", "definition": BROKEN})
    errors = problem(answer, 422, "definition_invalid")["errors"]
    assert {"unknown_node_type", "param_missing"} <= {error["code"] for error in errors}
    assert {error.get("node_id") for error in errors} >= {"a", "b"}
    assert all(error["pointer"].startswith("/definition/") for error in errors)
    assert await names(client) == []


async def test_a_creation_without_validation_tells_the_problems(client: Client) -> None:
    made = await create(client, definition=BROKEN, validate="none")
    assert {found["node_id"] for found in made["problems"]} >= {"a", "b"}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/name"}),
        ({"name": ""}, {"/name"}),
        ({"name": " "}, {"/name"}),
        ({"name": "a\0b"}, {"/name"}),
        ({"name": "x" * 201}, {"/name"}),
        ({"name": "x", "tags": [""]}, {"/tags/0"}),
        ({"name": "x", "validate": "maybe"}, {"/validate"}),
        ({"name": "x", "revision": 7, "tenant_id": "t"}, {"/revision", "/tenant_id"}),
        (
            {"name": 1, "definition": {"nodes": [{"id": "a", "type": "if", "parms": {}}, {}]}},
            {
                "/name",
                "/definition/nodes/0/parms",
                "/definition/nodes/1/id",
                "/definition/nodes/1/type",
            },
        ),
    ],
)
async def test_bad_fields_are_told_all_at_once(
    client: Client, body: dict[str, Any], pointers: set[str]
) -> None:
    answer = await client.post("/api/v1/workflows", json=body)
    assert {e["pointer"] for e in problem(answer, 422, answer.json()["code"])["errors"]} == pointers


async def test_a_draft_is_saved_under_if_match(client: Client) -> None:
    made = await create(client)
    url = draft_url(made)
    problem(await client.put(url, json={"definition": GREETING}), 428, "if_match_required")
    answer = await client.put(url, json={"definition": GREETING}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    assert (answer.json()["revision"], answer.json()["problems"]) == (2, [])

    stale = await client.put(url, json={"definition": BROKEN}, headers={"If-Match": '"1"'})
    told = problem(stale, 412, "stale")
    assert (told["etag"], told["revision"], stale.headers["ETag"]) == ('"2"', 2, '"2"')
    assert told["definition_hash"] == answer.json()["definition_hash"]
    kept = (await client.get(f"/api/v1/workflows/{made['id']}")).json()
    assert [node["id"] for node in kept["definition"]["nodes"]] == ["start", "greet"]


@pytest.mark.parametrize(
    ("header", "status"),
    [('"1"', 200), ("*", 200), ('"9", "1"', 200), ('W/"1"', 412), ('"one"', 412), ("1", 400)],
)
async def test_if_match_follows_the_rules_of_http(client: Client, header: str, status: int) -> None:
    made = await create(client)
    answer = await client.put(
        draft_url(made), json={"definition": GREETING}, headers={"If-Match": header}
    )
    assert answer.status_code == status, answer.text


async def test_of_savers_at_the_same_moment_one_wins(client: Client) -> None:
    made = await create(client)
    answers = await asyncio.gather(
        *(
            client.put(draft_url(made), json={"definition": GREETING}, headers={"If-Match": '"1"'})
            for _ in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_a_draft_with_problems_is_saved(client: Client) -> None:
    made = await create(client)
    answer = await client.put(
        draft_url(made), json={"definition": BROKEN}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200
    assert {found["node_id"] for found in answer.json()["problems"]} >= {"a", "b"}
    kept = (await client.get(f"/api/v1/workflows/{made['id']}")).json()
    assert kept["definition"]["nodes"][1]["type"] == "no_such_type"


async def test_the_order_of_inputs_stays_as_drawn(client: Client) -> None:
    properties = {name: {"type": "string"} for name in ("zulu", "alpha", "mike")}
    definition = {**GREETING, "inputs": {"type": "object", "properties": properties}}
    definition["nodes"] = [{"id": "start", "type": "start"}]
    definition["edges"] = []
    made = await create(client, definition=definition)
    schema = await client.get(f"/api/v1/workflows/{made['id']}/input-schema")
    assert list(schema.json()["properties"]) == ["zulu", "alpha", "mike"]


async def test_details_are_changed_and_the_rest_stays(client: Client) -> None:
    made = await create(client, description="Old", tags=["a"], category="Ops")
    url = f"/api/v1/workflows/{made['id']}"
    problem(await client.patch(url, json={"name": "New"}), 428, "if_match_required")
    answer = await client.patch(
        url,
        json={"name": "New", "tags": ["b", "b", " c "], "status": "archived"},
        headers={"If-Match": '"1"'},
    )
    changed = answer.json()
    assert answer.headers["ETag"] == '"2"'
    assert (changed["name"], changed["tags"], changed["status"]) == ("New", ["b", "c"], "archived")
    assert (changed["description"], changed["category"]) == ("Old", "Ops")
    stale = await client.patch(url, json={"name": "Newer"}, headers={"If-Match": '"1"'})
    problem(stale, 412, "stale")
    null = await client.patch(url, json={"name": None}, headers={"If-Match": '"2"'})
    problem(null, 422, "invalid")


async def test_the_draft_or_a_definition_sent_is_validated(client: Client) -> None:
    made = await create(client, definition=GREETING)
    url = f"/api/v1/workflows/{made['id']}/validate"
    assert (await client.post(url)).json() == {"valid": True, "problems": []}
    told = (await client.post(url, json={"definition": BROKEN})).json()
    assert not told["valid"]
    for found in told["problems"]:
        assert set(found) == {"node_id", "pointer", "code", "detail"}
    assert "/nodes/1/type" in {found["pointer"] for found in told["problems"]}


async def test_inputs_are_checked_and_filled(client: Client) -> None:
    made = await create(client, definition=GREETING)
    url = f"/api/v1/workflows/{made['id']}/validate-input"
    good = await client.post(url, json={"inputs": {"age": 3}})
    assert good.json() == {"valid": True, "problems": [], "inputs": {"city": "Oslo", "age": 3}}
    bad = (await client.post(url, json={"inputs": {"city": 1, "age": "x"}})).json()
    assert not bad["valid"]
    assert {found["pointer"] for found in bad["problems"]} == {"/city", "/age"}


async def test_the_list_searches_names_descriptions_and_tags(client: Client) -> None:
    await create(client, "Ärger im Lager", description="Finds lost parcels")
    await create(client, "Bills", tags=["Finance", "100%"])
    await create(client, "under_score", category="Ops")
    assert await names(client, search="ärger") == ["Ärger im Lager"]
    assert await names(client, search="PARCELS lager") == ["Ärger im Lager"]
    assert await names(client, search="finance") == ["Bills"]
    assert await names(client, search="100%") == ["Bills"]
    assert await names(client, search="%") == ["Bills"]
    assert await names(client, search="r_s") == ["under_score"]
    assert await names(client, search="\\") == []
    assert await names(client, tag="Finance") == ["Bills"]
    assert await names(client, tag="Fin") == []
    assert await names(client, category="Ops") == ["under_score"]


async def test_the_list_is_sorted_and_paged_without_gaps(client: Client) -> None:
    for name in ("b", "a", "d", "c", "e"):
        await create(client, name)
    assert await names(client) == ["e", "c", "d", "a", "b"]
    assert await names(client, sort="-name") == ["e", "d", "c", "b", "a"]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2, "sort": "name"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/v1/workflows", params=params)).json()
        assert page["total"] == 5
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    "query", ["nope=1", "sort=revision", "status=gone", "limit=0", "cursor=x", "search=%00"]
)
async def test_a_wrong_parameter_of_the_list_is_refused(client: Client, query: str) -> None:
    answer = await client.get(f"/api/v1/workflows?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == f"?{query.split('=')[0]}"


async def test_the_list_draws_without_the_drawing(client: Client) -> None:
    made = await create(client, definition=GREETING)
    (item,) = (await client.get("/api/v1/workflows")).json()["items"]
    assert "definition" not in item
    assert item["node_count"] == 2
    assert item["preview"] == {
        "nodes": [
            {"id": "start", "type": "start", "x": 0, "y": 0},
            {"id": "greet", "type": "set_fields", "x": 320, "y": 0},
        ],
        "edges": [{"source": "start", "target": "greet"}],
    }
    assert item["last_run"] is None
    run = await client.post(
        f"/api/v1/workflows/{made['id']}/runs",
        json={"version": "draft"},
        headers={"Prefer": "wait=10"},
    )
    assert run.json()["outputs"] == {"greet": {"text": "Hello Oslo"}}, run.text
    (item,) = (await client.get("/api/v1/workflows")).json()["items"]
    assert (item["last_run"]["id"], item["last_run"]["status"]) == (run.json()["id"], "completed")


async def test_statuses_follow_publishing_switching_and_deleting(client: Client) -> None:
    draft, active, inactive, archived, deleted = [
        await create(client, name)
        for name in ("draft", "active", "inactive", "archived", "deleted")
    ]
    for workflow in (active, inactive):
        await client.post(f"/api/v1/workflows/{workflow['id']}/versions", json={})
    for workflow, status in ((inactive, "inactive"), (archived, "archived")):
        await client.patch(
            f"/api/v1/workflows/{workflow['id']}",
            json={"status": status},
            headers={"If-Match": "*"},
        )
    await client.delete(f"/api/v1/workflows/{deleted['id']}", headers={"If-Match": "*"})
    assert draft["status"] == "draft"
    for status in ("draft", "active", "inactive", "archived", "deleted"):
        assert await names(client, status=status) == [status]
    assert await names(client) == ["archived", "inactive", "active", "draft"]


async def test_a_workflow_that_is_not_in_use_refuses_runs(client: Client) -> None:
    made = await create(client, definition=GREETING)
    await client.post(f"/api/v1/workflows/{made['id']}/versions", json={})
    for status in ("inactive", "archived"):
        await client.patch(
            f"/api/v1/workflows/{made['id']}", json={"status": status}, headers={"If-Match": "*"}
        )
        answer = await client.post(f"/api/v1/workflows/{made['id']}/runs", json={})
        problem(answer, 409, "workflow_inactive")


async def test_a_deleted_workflow_is_gone_until_it_is_restored(client: Client) -> None:
    made = await create(client, "Twin", definition=GREETING)
    url = f"/api/v1/workflows/{made['id']}"
    problem(await client.delete(url), 428, "if_match_required")
    problem(await client.delete(url, headers={"If-Match": '"7"'}), 412, "stale")
    answer = await client.delete(url, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await client.get(url), 404, "workflow_not_found")
    problem(await client.delete(url, headers={"If-Match": "*"}), 404, "workflow_not_found")
    (item,) = (await client.get("/api/v1/workflows?status=deleted")).json()["items"]
    assert (item["id"], item["status"]) == (made["id"], "deleted")
    assert item["deleted_at"] is not None

    assert (await create(client, "Twin"))["slug"] == "twin"
    back = (await client.post(f"{url}/restore")).json()
    assert (back["slug"], back["status"], back["deleted_at"]) == ("twin-2", "draft", None)
    assert [node["id"] for node in back["definition"]["nodes"]] == ["start", "greet"]
    problem(await client.post(f"{url}/restore"), 404, "workflow_not_found")


async def test_several_are_deleted_at_once(client: Client) -> None:
    made = [await create(client, name) for name in ("a", "b", "c")]
    ids = [made[0]["id"], made[1]["slug"], "nobody", made[0]["id"]]
    answer = await client.post("/api/v1/workflows/bulk-delete", json={"ids": ids})
    assert answer.json() == {"deleted": [made[0]["id"], made[1]["id"]], "not_found": ["nobody"]}
    assert await names(client) == ["c"]
    empty = await client.post("/api/v1/workflows/bulk-delete", json={"ids": []})
    problem(empty, 422, "invalid")


async def test_a_copy_has_the_draft_and_a_name_of_its_own(client: Client) -> None:
    made = await create(client, "Greeting", definition=GREETING, tags=["t"], description="D")
    await client.post(f"/api/v1/workflows/{made['id']}/versions", json={})
    answer = await client.post(f"/api/v1/workflows/{made['id']}/duplicate")
    copy = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/workflows/{copy['id']}"
    assert (copy["name"], copy["slug"]) == ("Greeting (copy)", "greeting-copy")
    assert (copy["status"], copy["tags"], copy["description"]) == ("draft", ["t"], "D")
    assert copy["definition"] == made["definition"]
    named = await client.post(f"/api/v1/workflows/{made['id']}/duplicate", json={"name": "Mine"})
    assert named.json()["name"] == "Mine"


async def test_nobody_sees_or_touches_another_tenants_workflows(
    client: Client, other_tenant_client: Client
) -> None:
    made = await create(client, definition=GREETING)
    await client.post(f"/api/v1/workflows/{made['id']}/versions", json={})
    url = f"/api/v1/workflows/{made['id']}"
    definition = {"definition": GREETING}
    match = {"If-Match": "*"}
    requests = [
        ("GET", url, None),
        ("GET", f"/api/v1/workflows/{made['slug']}", None),
        ("PATCH", url, {"name": "Mine"}),
        ("DELETE", url, None),
        ("PUT", f"{url}/draft", definition),
        ("POST", f"{url}/validate", definition),
        ("POST", f"{url}/validate-input", {"inputs": {}}),
        ("GET", f"{url}/input-schema", None),
        ("GET", f"{url}/export", None),
        ("POST", f"{url}/duplicate", {}),
        ("POST", f"{url}/extract", {"node_ids": ["greet"], "name": "x"}),
        ("POST", f"{url}/restore", None),
        ("POST", f"{url}/versions", {}),
        ("GET", f"{url}/versions", None),
        ("GET", f"{url}/versions/1", None),
        ("DELETE", f"{url}/versions/1", None),
        ("GET", f"{url}/versions/compare?from=1", None),
        ("POST", f"{url}/versions/1/activate", None),
        ("POST", f"{url}/versions/1/restore", None),
        ("POST", f"{url}/rollback", {}),
        ("POST", f"{url}/runs", {}),
    ]
    for method, address, body in requests:
        answer = await other_tenant_client.request(method, address, json=body, headers=match)
        problem(answer, 404, "workflow_not_found")
    bulk = await other_tenant_client.post(
        "/api/v1/workflows/bulk-delete", json={"ids": [made["id"]]}
    )
    assert bulk.json() == {"deleted": [], "not_found": [made["id"]]}
    assert await names(other_tenant_client) == []
    assert (await create(other_tenant_client))["slug"] == made["slug"]
    assert (await client.get(url)).json()["revision"] == 1


async def test_a_viewer_reads_and_changes_nothing(client: Client) -> None:
    made = await create(client, definition=GREETING)
    await client.post(f"/api/v1/workflows/{made['id']}/versions", json={})
    created = await client.post(
        "/api/v1/users", json={"username": "vera", "password": PASSWORD, "role": "viewer"}
    )
    assert created.status_code == 201, created.text
    url = f"/api/v1/workflows/{made['id']}"
    async with client_of(application(client)) as viewer:
        await sign_in(viewer, "vera", PASSWORD)
        for address in ("/api/v1/workflows", url, f"{url}/versions", f"{url}/export"):
            assert (await viewer.get(address)).status_code == 200
        assert (await viewer.post(f"{url}/validate", json={})).status_code == 200
        for method, address, body in [
            ("POST", "/api/v1/workflows", {"name": "x"}),
            ("POST", "/api/v1/workflows/import", {"nodes": []}),
            ("POST", "/api/v1/workflows/bulk-delete", {"ids": [made["id"]]}),
            ("POST", "/api/v1/templates/first-steps/use", {}),
            ("PATCH", url, {"name": "x"}),
            ("PUT", f"{url}/draft", {"definition": GREETING}),
            ("DELETE", url, None),
            ("POST", f"{url}/restore", None),
            ("POST", f"{url}/duplicate", {}),
            ("POST", f"{url}/extract", {"node_ids": ["greet"], "name": "x"}),
            ("POST", f"{url}/versions", {}),
            ("POST", f"{url}/versions/1/activate", None),
            ("POST", f"{url}/versions/1/restore", None),
            ("POST", f"{url}/rollback", {}),
            ("DELETE", f"{url}/versions/1", None),
        ]:
            answer = await viewer.request(method, address, json=body, headers={"If-Match": "*"})
            problem(answer, 403, "forbidden")


async def test_steps_become_a_workflow_of_their_own_and_nothing_is_saved(client: Client) -> None:
    made = await create(client, definition=GREETING)
    url = f"/api/v1/workflows/{made['id']}/extract"
    before = (await client.get("/api/v1/workflows")).json()["total"]
    answer = await client.post(url, json={"node_ids": ["greet"], "name": "Say hello"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["inputs"] == [
        {
            "key": "input.city",
            "name": "city",
            "value": "{{ input.city }}",
            "schema": {"type": "string"},
        }
    ]
    assert [node["type"] for node in found["extracted"]["nodes"]] == ["start", "set_fields", "end"]
    assert [node["id"] for node in found["definition"]["nodes"]] == ["start", found["node_id"]]
    assert (await client.get("/api/v1/workflows")).json()["total"] == before
    named = await client.post(
        url,
        json={
            "node_ids": ["greet"],
            "name": "Say hello",
            "inputs": {"input.city": {"name": "town", "schema": {}}},
        },
    )
    assert named.json()["extracted"]["inputs"]["properties"] == {"town": {}}


async def test_an_extracted_pair_runs_once_it_is_saved(client: Client) -> None:
    made = await create(client, definition=GREETING)
    url = f"/api/v1/workflows/{made['id']}"
    body = {"node_ids": ["greet"], "name": "Say hello"}
    found = (await client.post(f"{url}/extract", json=body)).json()
    inner = await create(client, "Say hello", definition=found["extracted"], validate="strict")
    published = await client.post(f"/api/v1/workflows/{inner['id']}/versions", json={})
    assert published.status_code == 201, published.text
    for node in found["definition"]["nodes"]:
        if node["id"] == found["node_id"]:
            node["params"]["workflow_id"] = inner["id"]
    saved = await client.put(
        f"{url}/draft", json={"definition": found["definition"]}, headers={"If-Match": "*"}
    )
    assert saved.json()["problems"] == []
    run = await client.post(
        f"{url}/runs",
        json={"inputs": {"city": "Bergen"}, "version": "draft"},
        headers={"Prefer": "wait=30"},
    )
    assert run.json()["outputs"] == {"greet": {"text": "Hello Bergen"}}


async def test_steps_that_cannot_be_a_workflow_are_refused_with_the_reasons(
    client: Client,
) -> None:
    made = await create(client, definition=GREETING)
    url = f"/api/v1/workflows/{made['id']}/extract"
    body = {"node_ids": ["start", "greet"], "name": "All"}
    told = problem(await client.post(url, json=body), 422, "selection_unsound")
    assert told["errors"][0]["node_id"] == "start"
    ghost = {"node_ids": ["ghost"], "name": "All"}
    told = problem(await client.post(url, json=ghost), 422, "selection_unsound")
    assert "no step 'ghost'" in told["detail"]
