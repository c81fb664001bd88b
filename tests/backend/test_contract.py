"""What holds for every route, asked of every route: nothing new can be forgotten here."""

import json
from typing import Any

import httpx
import pytest
import schemathesis

from backend.accounts.authentication import CSRF_COOKIE
from tests.backend.api_operations import JSON, SAFE, Operation, operations
from tests.backend.test_errors import problem
from tests.conftest import PASSWORD, application, client_of, sign_in

Client = httpx.AsyncClient

SHARED = {"getTemplate", "useTemplate", "getGraph"}
"""Operations on what belongs to no tenant."""

NAMED_BY_CALLERS = {"putModelPrice", "putFile"}
"""Operations that make what is called like that, when there is none."""

FOR_VIEWERS = {"changePassword", "previewFile", "validateWorkflow", "validateInput"}
"""Operations that write nothing of the tenant's, although they are no GET."""

DEFINITION = {
    "nodes": [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}],
    "edges": [{"id": "e", "source": "start", "target": "end"}],
}
READING = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "read", "type": "read_file", "params": {"name": "a.csv"}},
    ],
    "edges": [{"id": "e", "source": "start", "target": "read"}],
}
ASKING = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "ask", "type": "approval", "params": {"message": "Go on?"}},
    ],
    "edges": [{"id": "e", "source": "start", "target": "ask"}],
}
HEADERS = {"Content-Type": JSON}
ODD_IDS = (
    "x",
    "0",
    "-1",
    "99999999999999999999999",
    "%00",
    "%F0%9F%98%80",
    "'%20OR%20'1'='1",
    "..%2F..%2Fetc",
    "%25",
    "a" * 3000,
    "01a1f8e9-528d-7318-83b8-3a638a6befcf",
)


async def things(client: Client) -> dict[str, str]:
    """A workflow with two versions, a run with steps, a file …, by their parameters' names."""
    made = await client.post("/api/v1/workflows", json={"name": "w", "definition": DEFINITION})
    url = f"/api/v1/workflows/{made.json()['id']}"
    for label in ("a", "b"):
        await client.post(f"{url}/versions", json={"label": label})
    run = await client.post(f"{url}/runs", json={}, headers={"Prefer": "wait=10"})
    assert run.json()["status"] == "completed", run.text
    steps = (await client.get(f"/api/v1/runs/{run.json()['id']}/steps")).json()
    body = {"username": "somebody", "password": PASSWORD}
    user = await client.post("/api/v1/users", json=body)
    asking = await client.post("/api/v1/workflows", json={"name": "a", "definition": ASKING})
    await client.post(
        f"/api/v1/workflows/{asking.json()['id']}/runs",
        json={"version": "draft"},
        headers={"Prefer": "wait=10"},
    )
    questions = (await client.get("/api/v1/approvals")).json()
    price = {"input_usd_per_million": "1", "output_usd_per_million": "2"}
    await client.put("/api/v1/model-prices/a/model", json=price)
    workspace = (await client.get("/api/v1/workspaces")).json()["items"][0]
    for path in ("a.csv", "b.csv"):
        await client.put(f"/api/v1/workspaces/{workspace['id']}/files/{path}", content="n\n1\n2\n")
    made_table = await client.post("/api/v1/workflows", json={"name": "t", "definition": READING})
    url_of_runs = f"/api/v1/workflows/{made_table.json()['id']}/runs"
    read = await client.post(url_of_runs, json={}, headers={"Prefer": "wait=10"})
    return {
        "model": "a/model",
        "workflow_id": made.json()["id"],
        "number": "1",
        "run_id": run.json()["id"],
        "step_id": steps["items"][0]["id"],
        "user_id": user.json()["id"],
        "approval_id": questions["items"][0]["id"],
        "name": "first-steps",
        "workspace_id": workspace["id"],
        "path": "a.csv",
        "artifact_id": read.json()["outputs"]["read"]["$artifact"],
    }


async def test_strangers_are_refused_before_anything_is_read(app_client: Client) -> None:
    for operation in await operations(app_client):
        if operation.public:
            continue
        answer = await operation.send(
            app_client, content=b'{"broken', headers=HEADERS, params={"surprise": "1"}
        )
        assert problem(answer, 401)["code"] == "unauthorized", operation
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_only_signing_in_and_out_is_public(app_client: Client) -> None:
    public = {operation.id for operation in await operations(app_client) if operation.public}
    assert public == {"login", "setUp", "logout"}


async def test_another_tenants_ids_are_like_ids_that_nobody_has(
    client: Client, other_tenant_client: Client
) -> None:
    ids = await things(client)
    nobodys = {name: "01a1f8e9-528d-7318-83b8-3a638a6befcf" for name in ids} | {"number": "1"}
    workflow, run = f"/api/v1/workflows/{ids['workflow_id']}", f"/api/v1/runs/{ids['run_id']}"
    watched = (workflow, f"{workflow}/versions", run, f"{run}/events", "/api/v1/users")
    before = [(await client.get(url)).text for url in watched]
    asked = 0
    for operation in await operations(client):
        if not operation.names("path") or operation.id in SHARED | NAMED_BY_CALLERS:
            continue
        theirs = problem(await operation.send(other_tenant_client, ids), 404)
        nobody = problem(await operation.send(other_tenant_client, nobodys), 404)
        for answer in (theirs, nobody):
            del answer["instance"], answer["request_id"]
        assert theirs == nobody, operation
        asked += 1
    assert asked > 25
    assert [(await client.get(url)).text for url in watched] == before


async def test_ids_that_are_none_are_not_found(client: Client) -> None:
    ids = await things(client)
    for operation in await operations(client):
        if operation.id in NAMED_BY_CALLERS:
            continue
        for name in operation.names("path"):
            for odd in ODD_IDS:
                if (name, odd) in {("name", ids["name"])}:
                    continue
                answer = await operation.send(client, {**ids, name: odd})
                assert answer.status_code in (404, 405, 422), (operation, odd, answer.text)
                problem(answer, answer.status_code)


async def test_a_cookie_alone_changes_nothing(app_client: Client) -> None:
    body = {"username": "admin", "password": PASSWORD}
    await app_client.post("/api/v1/auth/login", json=body)
    assert CSRF_COOKIE in app_client.cookies
    for operation in await operations(app_client):
        if operation.public or operation.method in SAFE:
            continue
        for extra in ({}, {"X-CSRF-Token": "guess"}, {"Origin": "https://evil.example"}):
            answer = await operation.send(
                app_client, content=b"{", headers={"Content-Type": "text/plain", **extra}
            )
            assert problem(answer, 403)["code"] == "csrf", operation


async def test_a_viewer_changes_nothing(client: Client) -> None:
    ids = await things(client)
    body = {"username": "viewer", "password": PASSWORD, "role": "viewer"}
    await client.post("/api/v1/users", json=body)
    async with client_of(application(client)) as viewer:
        await sign_in(viewer, "viewer", PASSWORD)
        for operation in await operations(client):
            if operation.public or operation.method in SAFE or operation.id in FOR_VIEWERS:
                continue
            assert problem(await operation.send(viewer, ids), 403)["code"] == "forbidden", operation


async def test_unknown_query_parameters_are_refused(client: Client) -> None:
    for operation in await operations(client):
        for name in ("surprise", "tenant_id", "a'b;--", "\0"):
            told = problem(await operation.send(client, params={name: "1"}), 422)
            assert told["code"] == "unknown_parameter", operation
            assert told["errors"][0]["pointer"] == f"?{name}"


async def test_bodies_are_read_strictly(client: Client) -> None:
    deep = b'{"name":' + b"[" * 1000 + b"]" * 1000 + b"}"
    for operation in await operations(client):
        if not operation.takes_json:
            continue

        async def refused(
            content: bytes, status: int, operation: Operation = operation, **headers: str
        ) -> dict[str, Any]:
            sent = {**HEADERS, **headers}
            return problem(await operation.send(client, content=content, headers=sent), status)

        assert (await refused(b'{"name": ', 400))["code"] == "malformed_json"
        assert (await refused(deep, 400))["code"] == "nested_too_deeply"
        assert (await refused(b'{"name": "\\ud800"}', 400))["code"] == "malformed_json"
        assert (await refused(b'{"name": "\xff"}', 400))["code"] == "malformed_json"
        await refused(b"[]", 422)
        await refused(b'"text"', 422)
        await refused(b"{}", 413, **{"Content-Length": str(20 * 2**20)})
        await refused(b"<a/>", 415, **{"Content-Type": "text/xml"})
        await refused(b"a=1", 415, **{"Content-Type": "application/x-www-form-urlencoded"})


async def test_unknown_fields_are_refused_and_named(client: Client) -> None:
    extra = {"tenant_id": "x", "revision": 7, "password_hash": "x"}
    for operation in await operations(client):
        if not operation.takes_json:
            continue
        told = problem(await operation.send(client, json={**operation.example, **extra}), 422)
        pointers = {error["pointer"] for error in told["errors"]}
        assert {f"/{name}" for name in extra} <= pointers, (operation, told)


async def test_lists_are_alike(client: Client) -> None:
    ids = await things(client)
    paged = 0
    for operation in await operations(client):
        if not operation.id.startswith("list"):
            continue
        page = (await operation.send(client, ids)).json()
        assert set(page) == {"items", "next_cursor", "total"}, operation
        assert page["total"] >= len(page["items"])
        assert "limit" in operation.names("query"), operation
        paged += 1
        one = (await operation.send(client, ids, params={"limit": 1})).json()
        assert len(one["items"]) == min(1, page["total"])
        assert (one["next_cursor"] is None) == (page["total"] <= 1), operation
        most = next(p for p in operation.spec["parameters"] if p["name"] == "limit")
        bad: dict[str, list[Any]] = {"limit": [0, -1, most["schema"]["maximum"] + 1, "x", 10**40]}
        if "cursor" in operation.names("query"):
            assert most["schema"]["maximum"] == 200
            bad["cursor"] = ["nonsense", "e30", "\0", "W10", one["next_cursor"] or "x" * 1001]
            bad["sort"] = ["nonsense", "id;drop table run", "-", "tenant_id", "\0"]
            if one["next_cursor"]:
                more = {"limit": 1, "cursor": one["next_cursor"]}
                second = await operation.send(client, ids, params=more)
                assert second.json()["items"] != one["items"]
                bad["cursor"][-1] = f"{one['next_cursor']}A"
        for name, values in bad.items():
            for value in values:
                told = problem(await operation.send(client, ids, params={name: value}), 422)
                assert told["errors"][0]["pointer"] == f"?{name}", (operation, value, told)
    assert paged >= 5


async def test_what_is_made_has_a_place(client: Client) -> None:
    ids = await things(client)
    made = 0
    for operation in await operations(client):
        if not {"201", "202"} & operation.spec["responses"].keys() or operation.id == "setUp":
            continue
        if operation.id in NAMED_BY_CALLERS:
            continue  # what it makes is there already, and is no JSON
        if operation.id == "retryRun":
            continue  # makes nothing: it goes on with a run that failed
        checkpoint = {"json": {"checkpoint": ids["step_id"]}} if operation.id == "forkRun" else {}
        answer = await operation.send(client, ids, **checkpoint)
        if operation.id == "publishVersion":
            answer = await operation.send(client, ids, json={"label": "new"})
        assert answer.status_code in (201, 202), (operation, answer.text)
        found = await client.get(answer.headers["location"])
        assert found.status_code == 200, (operation, found.text)
        identity = "number" if operation.id == "publishVersion" else "id"
        named = "$artifact" if operation.id == "editTable" else identity  # a reference
        assert found.json()[identity] == answer.json()[named]
        made += 1
    assert made >= 7


async def test_other_methods_are_refused_and_the_right_ones_told(client: Client) -> None:
    known: dict[str, set[str]] = {}
    for operation in await operations(client):
        known.setdefault(operation.url({}), {"OPTIONS"}).add(operation.method)
    for url, methods in known.items():
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - methods:
            answer = await client.request(method, url)
            if method == "HEAD" or answer.status_code == 404:
                assert answer.status_code in (404, 405), (method, url)
            else:
                assert problem(answer, 405)["code"] == "method_not_allowed"
                assert set(answer.headers["allow"].split(", ")) == methods
        options = await client.options(url)
        assert options.status_code == 204
        assert set(options.headers["allow"].split(", ")) == methods


class TestTheDocument:
    async def test_it_is_valid(self, app_client: Client) -> None:
        document = (await app_client.get("/openapi.json")).json()
        schemathesis.openapi.from_dict(document).validate()
        assert document["openapi"].startswith("3.1")

    async def test_every_address_and_error_is_in_it(self, app_client: Client) -> None:
        found = await operations(app_client)
        assert len({operation.id for operation in found}) == len(found) > 45
        for operation in found:
            told = operation.spec["responses"]
            if not operation.public:
                assert {"401", "403", "404", "422"} <= told.keys(), operation
            if operation.takes_json:
                assert {"400", "413", "415"} <= told.keys(), operation
            if "If-Match" in operation.names("header"):
                assert {"412", "428"} <= told.keys(), operation
            assert operation.spec["summary"], operation

    async def test_the_problem_in_it_is_the_problem_that_is_sent(self, client: Client) -> None:
        schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
        told = problem(await client.post("/api/v1/users", json={"role": "king"}), 422)
        assert set(schemas["ProblemDetails"]["properties"]) == told.keys()
        assert set(schemas["FieldError"]["required"]) <= told["errors"][0].keys()

    @pytest.mark.parametrize("word", ["Page_", "backend.", "litestar"])
    async def test_it_shows_nothing_of_how_it_is_made(self, app_client: Client, word: str) -> None:
        schemas = (await app_client.get("/openapi.json")).json()["components"]["schemas"]
        assert word not in json.dumps(schemas)
