"""Health, metrics, request ids, headers, documentation and logs."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog

from backend import database
from backend.app import create_app
from backend.settings import Settings
from backend.system import service as system
from backend.system.logs import configure_logs
from tests.conftest import PASSWORD, application, client_of, running

EVERYWHERE = ("/health", "/metrics", "/openapi.json", "/docs", "/api/v1/auth/me", "/api/nothing")


class TestHealth:
    async def test_it_is_ready(self, app_client: httpx.AsyncClient) -> None:
        for path in ("/health", "/health/ready"):
            answer = await app_client.get(path)
            assert answer.status_code == 200
            report = answer.json()
            assert report["status"] == "ok"
            assert [(check["name"], check["status"]) for check in report["checks"]] == [
                ("database", "ok"),
                ("writes", "ok"),
                ("free space", "ok"),
            ]
        assert (await app_client.get("/health/live")).json() == {"status": "ok"}

    async def test_a_stopping_server_wants_no_work(self, app_client: httpx.AsyncClient) -> None:
        system.set_draining(True)
        answer = await app_client.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
        assert (await app_client.get("/health/live")).status_code == 200

    async def test_without_its_database_it_is_down(
        self, app_client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "_engine", None)
        answer = await app_client.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, "down")
        assert (await app_client.get("/health/live")).status_code == 200

    async def test_operators_are_told_more(self, client: httpx.AsyncClient) -> None:
        report = (await client.get("/api/v1/system/health")).json()
        assert (report["status"], report["database"]) == ("ok", "sqlite")
        assert re.fullmatch(r"\d+\.\d+.*|0", report["version"])


class TestMetrics:
    async def test_requests_are_counted_by_route_and_status(
        self, client: httpx.AsyncClient
    ) -> None:
        def count(text: str, labels: str) -> float:
            found = re.search(rf"^heddle_http_requests_total{{{labels}}} (\S+)$", text, re.M)
            return float(found[1]) if found else 0.0

        refused = 'method="DELETE",route="/api/v1/users/{user_id}",status="404"'
        unmatched = 'method="GET",route="unmatched",status="404"'
        stranger = 'method="GET",route="/api/v1/auth/me",status="401"'
        labels = [re.escape(text) for text in (refused, unmatched, stranger)]
        before = (await client.get("/metrics")).text
        await client.delete("/api/v1/users/some-id")
        await client.get("/api/v1/nothing")
        await client.get("/api/v1/auth/me", headers={"Authorization": "Bearer x"})
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        for label in labels:
            assert count(answer.text, label) == count(before, label) + 1
        assert "some-id" not in answer.text


class TestEveryAnswer:
    @pytest.mark.parametrize("path", EVERYWHERE)
    async def test_it_has_an_id(self, app_client: httpx.AsyncClient, path: str) -> None:
        first, second = [await app_client.get(path) for _ in range(2)]
        assert len(first.headers.get_list("x-request-id")) == 1
        assert first.headers["x-request-id"] != second.headers["x-request-id"]
        sent = {"X-Request-ID": "my-trace:1.2_3"}
        assert (await app_client.get(path, headers=sent)).headers["x-request-id"] == sent[
            "X-Request-ID"
        ]

    @pytest.mark.parametrize("bad", ["", "x" * 65, "a b", '{"a":1}', "<script>", "é"])
    async def test_a_strange_id_is_replaced(self, app_client: httpx.AsyncClient, bad: str) -> None:
        headers = {"X-Request-ID": bad.encode()}
        answer = await app_client.get("/health", headers=headers)  # type: ignore[arg-type]
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])

    @pytest.mark.parametrize("path", EVERYWHERE)
    async def test_browsers_are_told_to_be_careful(
        self, app_client: httpx.AsyncClient, path: str
    ) -> None:
        headers = (await app_client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]

    async def test_nobody_else_may_read(self, app_client: httpx.AsyncClient) -> None:
        headers = {"Origin": "https://evil.example"}
        answer = await app_client.get("/health", headers=headers)
        assert "access-control-allow-origin" not in answer.headers

    async def test_pages_only_load_from_here(self, app_client: httpx.AsyncClient) -> None:
        answer = await app_client.get("/login")
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert not re.search(r"https?:", policy)


async def openapi(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


class TestDocumentation:
    async def test_every_operation_has_its_own_id_and_a_summary(
        self, app_client: httpx.AsyncClient
    ) -> None:
        schema = await openapi(app_client)
        assert schema["openapi"].startswith("3.1")
        ids = [operation["operationId"] for _, _, operation in operations(schema)]
        assert len(ids) == len(set(ids)) > 30
        for path, method, operation in operations(schema):
            assert operation.get("description"), (method, path)
            assert operation.get("tags"), (method, path)

    async def test_every_operation_declares_its_errors(self, app_client: httpx.AsyncClient) -> None:
        schema = await openapi(app_client)
        for path, method, operation in operations(schema):
            responses = operation["responses"]
            assert "500" in responses, (method, path)
            if path.startswith("/api/v1") and operation["security"]:
                assert {"400", "401", "403", "404", "422"} <= set(responses), (method, path)
            if "requestBody" in operation:
                assert {"413", "415"} <= set(responses), (method, path)
        problem = schema["components"]["responses"]["Invalid"]["content"]
        assert list(problem) == ["application/problem+json"]

    async def test_every_reference_leads_somewhere(self, app_client: httpx.AsyncClient) -> None:
        schema = await openapi(app_client)
        for reference in set(re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(schema))):
            place: Any = schema
            for part in reference.split("/"):
                place = place[part.replace("~1", "/")]

    async def test_closed_objects_say_so(self, app_client: httpx.AsyncClient) -> None:
        schemas = (await openapi(app_client))["components"]["schemas"]
        assert schemas["Login"]["additionalProperties"] is False
        assert schemas["Login"]["properties"]["username"]["examples"] == ["admin"]

    async def test_only_what_is_public_needs_no_account(
        self, app_client: httpx.AsyncClient
    ) -> None:
        schema = await openapi(app_client)
        public = {
            path
            for path, _, operation in operations(schema)
            if not operation["security"] and path.startswith("/api/")
        }
        assert public == {"/api/v1/auth/login", "/api/v1/auth/setup", "/api/v1/auth/logout"}
        for path, method, operation in operations(schema):
            if operation["security"]:
                url = re.sub(r"\{[^}]+\}", "1", path)
                answer = await app_client.request(method, url, content=b"{")
                assert answer.status_code == 401, (method, path)

    async def test_no_route_is_left_out(self, app_client: httpx.AsyncClient) -> None:
        schema = await openapi(app_client)
        routed = {
            route.path_format
            for route in application(app_client).routes
            if route.path_format.startswith("/api/v1/") and hasattr(route, "route_handler_map")
        }
        assert routed == {path for path in schema["paths"] if path.startswith("/api/")}

    @pytest.mark.parametrize("path", ["/docs", "/redoc"])
    async def test_the_pages_load_nothing_from_elsewhere(
        self, app_client: httpx.AsyncClient, path: str
    ) -> None:
        page = await app_client.get(path)
        assert page.headers["content-type"].startswith("text/html")
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page.text)
        assets = re.findall(r'(?:src|href)="(/docs/assets/[^"]+)"', page.text)
        assert assets
        for asset in assets:
            answer = await app_client.get(asset)
            assert answer.status_code == 200
            assert len(answer.content) > 10_000
            assert b"cdn.redoc.ly" not in answer.content
        missing = await app_client.get("/docs/assets/..%2f..%2fservice.py")
        assert missing.status_code == 404


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged at the lowest level, as JSON lines."""
    stream = io.StringIO()
    before = structlog.get_config()
    configure_logs("debug", stream)
    yield stream
    structlog.configure(**before)
    configure_standard_logging_back()


def configure_standard_logging_back() -> None:
    logging.getLogger().handlers = []
    logging.getLogger().setLevel(logging.WARNING)


class TestLogs:
    async def test_a_request_is_one_line_with_its_id(
        self, written: io.StringIO, app_client: httpx.AsyncClient
    ) -> None:
        await app_client.get("/health", headers={"X-Request-ID": "find-me"})
        lines = [json.loads(line) for line in written.getvalue().splitlines()]
        (line,) = [line for line in lines if line.get("request_id") == "find-me"]
        assert (line["method"], line["path"], line["status"]) == ("GET", "/health", 200)

    async def test_no_secret_is_ever_written(
        self, written: io.StringIO, make_settings: Callable[..., Settings]
    ) -> None:
        app = create_app(make_settings(admin_password="canary-password-1"))
        async with running(app), client_of(app) as client:
            for password in ("canary-password-1", "canary-password-2"):
                body = {"username": "admin", "password": password}
                await client.post("/api/v1/auth/login?canary-query=1", json=body)
                answer = await client.post("/api/v1/auth/login", json=body)
            token = client.cookies["heddle_token"]
            await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
            await client.post("/api/v1/auth/login", content=b'{"canary-body": 1}')
            assert answer.status_code == 401
        assert "request" in written.getvalue()
        assert "canary" not in written.getvalue()
        assert token not in written.getvalue()

    def test_a_traceback_shows_no_variables(self, written: io.StringIO) -> None:
        def fail(password: str) -> None:
            raise ValueError("broken")

        try:
            fail(PASSWORD)
        except ValueError:
            structlog.get_logger().exception("it_broke")
        assert "ValueError: broken" in written.getvalue()
        assert PASSWORD not in written.getvalue()
