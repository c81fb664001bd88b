"""Every refusal is a problem+json that tells all that is wrong and nothing of our insides."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import HTTPException
from msgspec import UNSET, Meta, Struct, UnsetType, json

from backend import errors
from backend.body_errors import body_errors
from backend.errors import AppError, FieldError, Invalid
from backend.problems import MEDIA_TYPE, as_app_error, handle_exception
from backend.requests import MAX_NESTING
from graphs.errors import DefinitionError, ExpressionError, Problem

LOGIN = "/api/v1/auth/login"
MIB = 1024 * 1024


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == f"/help/errors/{body['code']}"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["instance"] == answer.request.url.path
    assert body["title"]
    assert body["detail"]
    return body


class TestRequests:
    async def test_an_unknown_address(self, client: httpx.AsyncClient) -> None:
        for path in ("/api", "/api/v1/nothing", "/api/v2/workflows", "/health/nothing"):
            for method in ("GET", "POST", "DELETE"):
                answer = await client.request(method, path)
                assert problem(answer, 404)["code"] == "not_found"

    async def test_a_wrong_method(self, client: httpx.AsyncClient) -> None:
        answer = await client.put("/api/v1/users", json={})
        assert problem(answer, 405)["code"] == "method_not_allowed"
        assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))

    @pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"a":1}}', b'{"a": "\xff"}', b"NaN"])
    async def test_malformed_json(self, app_client: httpx.AsyncClient, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        answer = await app_client.post(LOGIN, content=body, headers=headers)
        assert problem(answer, 400)["code"] == "malformed_json"

    async def test_no_body_at_all(self, app_client: httpx.AsyncClient) -> None:
        problem(await app_client.post(LOGIN), 400)

    @pytest.mark.parametrize("depth", [MAX_NESTING + 1, 1000, 100_000])
    async def test_deep_json(self, app_client: httpx.AsyncClient, depth: int) -> None:
        body = b'{"username":' + b"[" * depth + b"]" * depth + b"}"
        headers = {"Content-Type": "application/json"}
        answer = await app_client.post(LOGIN, content=body, headers=headers)
        assert problem(answer, 400)["code"] == "nested_too_deeply"

    async def test_brackets_in_text_are_not_depth(self, app_client: httpx.AsyncClient) -> None:
        body = {"username": '\\"' + "[" * 250, "password": "{" * 500}
        problem(await app_client.post(LOGIN, json=body), 401)

    async def test_a_large_body(self, app_client: httpx.AsyncClient) -> None:
        headers = {"Content-Type": "application/json"}
        answer = await app_client.post(LOGIN, content=b" " * (20 * MIB), headers=headers)
        assert problem(answer, 413)["code"] == "too_large"

    async def test_a_large_body_in_pieces(self, app_client: httpx.AsyncClient) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * MIB
                await asyncio.sleep(0)

        headers = {"Content-Type": "application/json"}
        answer = await app_client.post(LOGIN, content=pieces(), headers=headers)
        assert "content-length" not in answer.request.headers
        problem(answer, 413)

    @pytest.mark.parametrize(
        "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
    )
    async def test_another_media_type(self, app_client: httpx.AsyncClient, media_type: str) -> None:
        headers = {"Content-Type": media_type}
        answer = await app_client.post(LOGIN, content=b'{"username": "x"}', headers=headers)
        assert problem(answer, 415)["code"] == "unsupported_media_type"

    async def test_everything_wrong_with_a_body_is_told(self, client: httpx.AsyncClient) -> None:
        body = {"username": 5, "role": "king", "admin": True}
        told = problem(await client.post("/api/v1/users", json=body), 422)
        assert {(error["pointer"], error["code"]) for error in told["errors"]} == {
            ("/username", "invalid"),
            ("/role", "invalid"),
            ("/admin", "unknown_field"),
            ("/password", "missing"),
        }

    async def test_nothing_is_made_to_fit(self, client: httpx.AsyncClient) -> None:
        body = {"disabled": "true"}
        told = problem(await client.patch("/api/v1/users/x", json=body), 422)
        assert told["errors"][0]["pointer"] == "/disabled"

    @pytest.mark.parametrize(
        ("query", "pointer", "code"),
        [
            ("limit=0", "?limit", "invalid_parameter"),
            ("limit=201", "?limit", "invalid_parameter"),
            ("limit=x", "?limit", "invalid_parameter"),
            ("sort=password_hash", "?sort", "unknown_sort"),
            ("sort=username;drop", "?sort", "unknown_sort"),
            ("cursor=nonsense", "?cursor", "invalid_cursor"),
            ("colour=red", "?colour", "unknown_parameter"),
            ("token=x", "?token", "unknown_parameter"),
        ],
    )
    async def test_bad_parameters(
        self, client: httpx.AsyncClient, query: str, pointer: str, code: str
    ) -> None:
        told = problem(await client.get(f"/api/v1/users?{query}"), 422)
        assert [(error["pointer"], error["code"]) for error in told["errors"]] == [(pointer, code)]


class Inner(Struct, forbid_unknown_fields=True):
    size: Annotated[int, Meta(le=3)]


class Outer(Struct, forbid_unknown_fields=True):
    name: str
    inner: Inner | None = None
    many: list[Inner] = []
    loose: dict[str, int] = {}
    maybe: Inner | UnsetType = UNSET


class TestBodies:
    def test_every_place_is_named(self) -> None:
        value = {
            "inner": {"size": 9, "colour": 1},
            "many": [{"size": 1}, {"size": "2"}, {}, 5],
            "loose": {"a": "b"},
            "maybe": {"a/b~c": 1},
        }
        assert {error.pointer for error in body_errors(value, Outer)} == {
            "/name",
            "/inner/size",
            "/inner/colour",
            "/many/1/size",
            "/many/2/size",
            "/many/3",
            "/loose/...",
            "/maybe/size",
            "/maybe/a~1b~0c",
        }

    @pytest.mark.parametrize("value", [None, 5, "text", [], [{}]])
    def test_no_object_at_all(self, value: object) -> None:
        (error,) = body_errors(value, Outer)
        assert error.pointer == ""

    def test_not_more_than_anybody_reads(self) -> None:
        assert len(body_errors({"name": "x", "many": [{}] * 500}, Outer)) == 50


@get("/app-error")
async def raise_app_error() -> None:
    raise errors.PreconditionFailed(
        "Somebody else saved.", extra={"revision": 7}, headers={"ETag": '"7"'}
    )


@get("/crash")
async def crash() -> None:
    raise RuntimeError("SELECT secret FROM /etc/passwd")


@get("/teapot")
async def teapot() -> None:
    raise HTTPException("short and stout", status_code=418)


@post("/definition")
async def definition() -> None:
    raise DefinitionError(
        [
            Problem("a", "/nodes/0/params/url", "missing", "url is missing"),
            Problem(None, "", "cycle", "the graph has a cycle"),
        ]
    )


@pytest.fixture
def small_client() -> httpx.AsyncClient:
    app = Litestar(
        [raise_app_error, crash, teapot, definition],
        exception_handlers={Exception: handle_exception},
        logging_config=None,
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


class TestRefusals:
    async def test_extra_facts_and_headers(self, small_client: httpx.AsyncClient) -> None:
        answer = await small_client.get("/app-error")
        assert answer.status_code == 412
        assert answer.headers["etag"] == '"7"'
        body = answer.json()
        assert (body["code"], body["revision"]) == ("stale", 7)
        assert body["detail"] == "Somebody else saved."

    async def test_a_crash_shows_nothing(self, small_client: httpx.AsyncClient) -> None:
        answer = await small_client.get("/crash")
        assert answer.status_code == 500
        assert answer.json()["code"] == "internal_error"
        for secret in ("SELECT", "passwd", "RuntimeError", "Traceback", ".py"):
            assert secret not in answer.text

    async def test_any_other_status(self, small_client: httpx.AsyncClient) -> None:
        body = (await small_client.get("/teapot")).json()
        assert (body["status"], body["code"]) == (418, "http_418")
        assert body["detail"] == "short and stout"

    async def test_every_problem_of_a_definition(self, small_client: httpx.AsyncClient) -> None:
        answer = await small_client.post("/definition")
        assert answer.status_code == 422
        assert answer.json()["code"] == "definition_invalid"
        assert answer.json()["errors"] == [
            {
                "pointer": "/definition/nodes/0/params/url",
                "code": "missing",
                "detail": "url is missing",
                "node_id": "a",
            },
            {"pointer": "/definition", "code": "cycle", "detail": "the graph has a cycle"},
        ]


def test_every_refusal_has_a_status_and_a_code_of_its_own() -> None:
    kinds = [AppError, *AppError.__subclasses__()]
    assert len({kind.status for kind in kinds}) == len(kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_an_expression_keeps_its_code() -> None:
    refusal = as_app_error(ExpressionError("unexpected )", 3))
    assert (refusal.status, refusal.code) == (422, "expression_invalid")


def test_one_field() -> None:
    refusal = Invalid.field("/name", "blank", "The name is blank.")
    assert refusal.detail == "The name is blank."
    assert json.encode(refusal.errors) == json.encode(
        [FieldError("/name", "blank", "The name is blank.")]
    )
