"""What hostile and careless input gets, beyond what every route is asked in `test_contract`."""

import json
from typing import Any

import httpx
import pytest

from tests.backend.test_errors import problem

Client = httpx.AsyncClient
API = "/api/v1"
JSON = {"Content-Type": "application/json"}

EVERYTHING_WRONG: dict[str, Any] = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "again", "type": "start"},
        {"id": "odd", "type": "teleport"},
        {"id": "text", "type": "template", "params": {}},
        {"id": "names", "type": "template", "params": {"text": "{{ steps.nobody.x }}"}},
        {"id": "roots", "type": "template", "params": {"text": "{{ os.environ }}"}},
        {"id": "a", "type": "merge"},
        {"id": "b", "type": "merge"},
    ],
    "edges": [
        {"id": "e1", "source": "start", "target": "text"},
        {"id": "e2", "source": "a", "target": "b"},
        {"id": "e3", "source": "b", "target": "a"},
        {"id": "e4", "source": "start", "target": "nowhere"},
    ],
}
WRONG_NODES = {"again", "odd", "text", "names", "roots"}


async def workflow(client: Client, definition: dict[str, Any]) -> str:
    """The address of a new workflow whose drawing may have problems."""
    body = {"name": "w", "definition": definition, "validate": "none"}
    made = await client.post(f"{API}/workflows", json=body)
    assert made.status_code == 201, made.text
    return f"{API}/workflows/{made.json()['id']}"


def template(text: str) -> dict[str, Any]:
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "t", "type": "template", "params": {"text": text}},
        ],
        "edges": [{"id": "e", "source": "start", "target": "t"}],
    }


async def test_a_newcomer_runs_what_was_never_published(client: Client) -> None:
    url = await workflow(client, template("Hello {{ 1 + 1 }}"))
    for request in ({}, {"json": {}}, {"content": b"null", "headers": JSON}):
        started = await client.post(f"{url}/runs", **request)
        assert started.status_code == 202, started.text
        assert started.json()["version"] is None
    empty = problem(await client.post(f"{API}/workflows"), 400)
    assert "body is expected" in empty["detail"]


class TestDrawings:
    async def test_one_with_problems_is_saved_but_neither_published_nor_run(
        self, client: Client
    ) -> None:
        url = await workflow(client, EVERYTHING_WRONG)
        headers = {"If-Match": (await client.get(url)).headers["etag"]}
        saved = await client.put(
            f"{url}/draft", json={"definition": EVERYTHING_WRONG}, headers=headers
        )
        assert saved.status_code == 200
        published = problem(await client.post(f"{url}/versions", json={}), 422)
        started = problem(await client.post(f"{url}/runs", json={}), 422)
        strict = {"name": "w", "definition": EVERYTHING_WRONG}
        created = problem(await client.post(f"{API}/workflows", json=strict), 422)
        told = [sorted(map(json.dumps, found["errors"])) for found in (published, started, created)]
        assert told[0] == told[1] == told[2]
        errors = published["errors"]
        assert {error.get("node_id") for error in errors} >= WRONG_NODES
        assert {"cycle", "unknown_type"} & {error["code"] for error in errors}
        assert any("nowhere" in error["detail"] for error in errors)
        assert any(error.get("node_id") in ("a", "b") for error in errors)
        assert all(error["pointer"].startswith("/definition/") for error in errors)
        assert len(saved.json()["problems"]) == len(errors)
        assert (await client.get(f"{API}/runs")).json()["total"] == 0

    @pytest.mark.parametrize(
        "text",
        [
            "{{ __import__('os').system('true') }}",
            "{{ ''.__class__.__mro__ }}",
            "{{ input.__class__ }}",
            "{{ '{0.__globals__}'.format(input) }}",
            "{{ (lambda: 1)() }}",
            "{{ open('/etc/passwd') }}",
            "{{ [].append.__self__ }}",
            "{{ secrets.KEY }}",
            "{{ 1 +",
        ],
    )
    async def test_an_expression_that_reaches_out_is_refused_or_inert(
        self, client: Client, text: str
    ) -> None:
        url = await workflow(client, template(text))
        answer = await client.post(f"{url}/runs", json={}, headers={"Prefer": "wait=10"})
        if answer.status_code == 422:
            assert {error["node_id"] for error in answer.json()["errors"]} == {"t"}
            return
        run = answer.json()
        assert run["status"] == "failed" or run["outputs"] == {"t": ""}, run
        assert "root:" not in answer.text

    @pytest.mark.parametrize(
        "text",
        [
            "{{ range(10 ** 9) | length }}",
            "{{ 9 ** 9 ** 9 }}",
            "{{ 'a' * 10 ** 10 }}",
            "{{ [[0 for a in range(9999)] for b in range(9999)] }}",
        ],
    )
    async def test_an_expression_that_never_ends_is_cut_off(
        self, client: Client, text: str
    ) -> None:
        url = await workflow(client, template(text))
        answer = await client.post(f"{url}/runs", json={}, headers={"Prefer": "wait=20"})
        if answer.status_code != 422:
            assert answer.json()["status"] == "failed", answer.text

    async def test_a_serialised_object_is_plain_data(self, client: Client) -> None:
        odd = {"lc": 1, "type": "constructor", "id": ["builtins", "eval"], "kwargs": {"x": "1"}}
        definition = {"nodes": [{"id": "s", "type": "start"}], "edges": []}
        url = await workflow(client, definition)
        answer = await client.post(
            f"{url}/runs", json={"inputs": {"odd": odd}}, headers={"Prefer": "wait=10"}
        )
        assert answer.json()["outputs"] == {"s": {"odd": odd}}

    async def test_nul_and_strange_text_come_back_as_they_were(self, client: Client) -> None:
        strange = "a\0b\u2028\U0001f600\ufeff\x1b[0m<img src=x onerror=alert(1)>"
        url = await workflow(client, {"nodes": [{"id": "s", "type": "start"}], "edges": []})
        body = {"inputs": {"x": strange}, "metadata": {"y": strange}}
        run = (await client.post(f"{url}/runs", json=body, headers={"Prefer": "wait=10"})).json()
        assert run["outputs"] == {"s": {"x": strange}}
        assert run["metadata"] == {"y": strange}
        steps = (await client.get(f"{API}/runs/{run['id']}/steps")).json()["items"]
        assert steps[0]["output"] == {"x": strange}

    @pytest.mark.parametrize("number", [2**53, 2**63, 2**64, -(2**70), 10**400])
    async def test_huge_numbers_never_break_anything(self, client: Client, number: int) -> None:
        url = await workflow(client, {"nodes": [{"id": "s", "type": "start"}], "edges": []})
        body = b'{"inputs": {"n": %d}}' % number
        headers = {"Content-Type": "application/json", "Prefer": "wait=10"}
        answer = await client.post(f"{url}/runs", content=body, headers=headers)
        assert answer.status_code in (200, 400, 422), answer.text
        if answer.status_code == 200:
            assert answer.json()["status"] in ("completed", "failed")
            found = await client.get(f"{API}/runs/{answer.json()['id']}")
            assert found.json()["outputs"] == answer.json()["outputs"]
        version = b'{"version": %d}' % number
        refused = await client.post(f"{url}/runs", content=version, headers=headers)
        assert refused.status_code in (400, 422)


class TestChanges:
    async def test_a_stale_change_is_told_what_is_current(self, client: Client) -> None:
        url = await workflow(client, template("x"))
        first = (await client.get(url)).headers["etag"]
        changed = await client.patch(url, json={"name": "new"}, headers={"If-Match": first})
        requests = [
            ("PUT", f"{url}/draft", {"definition": template("y")}),
            ("PATCH", url, {"name": "other"}),
            ("DELETE", url, None),
        ]
        for method, address, body in requests:
            without = await client.request(method, address, json=body)
            assert problem(without, 428)["code"] == "if_match_required"
            stale = await client.request(method, address, json=body, headers={"If-Match": first})
            told = problem(stale, 412)
            assert stale.headers["etag"] == told["etag"] == changed.headers["etag"]
            assert told["revision"] == changed.json()["revision"]
        assert (await client.get(url)).json()["name"] == "new"

    @pytest.mark.parametrize(
        "body",
        [{"tenant_id": "x"}, {"revision": 1}, {"slug": "x"}, {"draft": {}}, {"status": "draft"}],
    )
    async def test_what_is_not_the_callers_cannot_be_set(
        self, client: Client, body: dict[str, Any]
    ) -> None:
        url = await workflow(client, template("x"))
        told = problem(await client.patch(url, json=body, headers={"If-Match": "*"}), 422)
        assert told["errors"][0]["pointer"] == f"/{next(iter(body))}"


class TestSearches:
    @pytest.mark.parametrize("path", ["workflows", "runs"])
    async def test_wildcards_and_sql_are_text(self, client: Client, path: str) -> None:
        url = await workflow(client, {"nodes": [{"id": "s", "type": "start"}], "edges": []})
        await client.post(f"{url}/runs", json={}, headers={"Prefer": "wait=10"})
        assert (await client.get(f"{API}/{path}?search=w")).json()["total"] == 1
        for text in ("%", "_", "!", "\\", "' OR '1'='1", "w'; DROP TABLE run;--", "x') OR 1=1--"):
            answer = await client.get(f"{API}/{path}", params={"search": text})
            assert answer.status_code == 200, answer.text
            assert answer.json()["total"] == 0, text
        assert (await client.get(f"{API}/{path}")).json()["total"] == 1

    @pytest.mark.parametrize("name", ["created_after", "created_before"])
    async def test_moments_are_moments(self, client: Client, name: str) -> None:
        for bad in ("yesterday", "0.5", "99999999999999", "", "2026-13-01T00:00:00Z"):
            told = problem(await client.get(f"{API}/runs", params={name: bad}), 422)
            assert told["errors"][0]["pointer"] == f"?{name}"
        for good in (
            "2026-11-20T12:00:00Z",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59.999999-12:00",
        ):
            answer = await client.get(f"{API}/runs", params={name: good})
            assert answer.status_code == 200, (good, answer.text)
