"""DNS rebinding: a page of another site whose name leads here is not taken for one of ours."""

from collections.abc import Callable

import httpx
import pytest

from backend.app import create_app
from backend.hosts import accepted_hosts, is_accepted
from backend.settings import Settings
from tests.conftest import PASSWORD, client_of, running

SETUP = {"username": "mallory", "password": PASSWORD}


async def test_no_stranger_makes_the_first_account(make_settings: Callable[..., Settings]) -> None:
    app = create_app(make_settings(admin_password=None, allowed_hosts=()))
    async with running(app), client_of(app) as client:
        for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.e"):
            answer = await client.post("/api/v1/auth/setup", json=SETUP, headers={"Host": host})
            assert (answer.status_code, answer.json()["code"]) == (403, "host_not_allowed"), host
            for path in ("/setup", "/login", "/health", "/openapi.json", "/_nicegui/x"):
                assert (await client.get(path, headers={"Host": host})).status_code == 403
        for host in ("localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "localhost."):
            answer = await client.get("/setup", headers={"Host": host})
            assert answer.status_code == 200, host


@pytest.mark.parametrize(
    ("changes", "host", "expected"),
    [
        ({"host": "0.0.0.0"}, b"anything.example", True),
        ({"host": "192.0.2.7"}, b"anything.example", True),
        ({"host": "::1"}, b"evil.example", False),
        ({"host": "localhost"}, b"evil.example", False),
        ({"host": "127.0.0.2"}, b"127.0.0.2:80", True),
        ({"host": "0.0.0.0", "allowed_hosts": ("heddle.example",)}, b"evil.example", False),
        ({"allowed_hosts": ("heddle.example",)}, b"heddle.example:443", True),
        ({"allowed_hosts": ("heddle.example",)}, b"localhost:8080", True),
        ({"allowed_hosts": (".heddle.example",)}, b"a.b.heddle.example", True),
        ({"allowed_hosts": (".heddle.example",)}, b"notheddle.example", False),
        ({"allowed_hosts": ("*",)}, b"evil.example", True),
        ({}, b"", False),
        ({}, b"\xff\xfe", False),
        ({}, None, True),
    ],
)
def test_whose_names_are_taken(
    make_settings: Callable[..., Settings],
    changes: dict[str, object],
    host: bytes | None,
    expected: bool,
) -> None:
    settings = make_settings(**{"allowed_hosts": (), **changes})
    assert is_accepted(host, accepted_hosts(settings)) is expected


async def test_every_json_answer_of_the_api_is_kept_nowhere(client: httpx.AsyncClient) -> None:
    made = await client.post("/api/v1/workflows", json={"name": "x"})
    at = f"/api/v1/workflows/{made.json()['id']}"
    answers = [
        made,
        await client.get(at),
        await client.get("/api/v1/runs"),
        await client.get("/api/v1/nothing"),
        await client.get("/api/v1/users/none"),
        await client.post("/api/v1/users", json={}),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.url
    assert (await client.get(at)).headers["etag"]


async def test_passwords_are_typed_where_nothing_is_evaluated(
    app_client: httpx.AsyncClient,
) -> None:
    for path in ("/login", "/help"):
        assert "unsafe-eval" not in (await app_client.get(path)).headers["content-security-policy"]
