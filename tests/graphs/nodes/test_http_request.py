"""`http_request` against a real server on this machine."""

import gzip
import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from graphs.events import now
from graphs.node_type import Services
from graphs.nodes.http_request import HttpRequest, HttpRequestParams
from tests.graphs.conftest import (
    FakeContext,
    Received,
    Reply,
    Server,
    execute,
    failure,
    json_reply,
    serving,
)


def echo(request: Received) -> Reply:
    return json_reply({"method": request.method, "target": request.target})


async def test_reads_json(ctx: FakeContext) -> None:
    async with serving(echo) as server:
        output = await execute("http_request", {"url": f"{server.url}/a"}, ctx)
    assert output.value["status"] == 200
    assert output.value["body"] == {"method": "GET", "target": "/a"}
    assert output.value["headers"]["content-type"] == "application/json"


async def test_sends_query_headers_and_a_json_body(ctx: FakeContext) -> None:
    ctx.inputs = {"id": 7}
    async with serving(echo) as server:
        params = {
            "url": f"{server.url}/a?x=1",
            "method": "POST",
            "query": {"id": "{{ input.id }}", "tag": ["a", "b c"], "none": None, "yes": True},
            "headers": {"X-Count": "{{ input.id }}"},
            "body": {"id": "{{ input.id }}"},
        }
        await execute("http_request", params, ctx)
    request = server.received[0]
    assert request.target == "/a?x=1&id=7&tag=a&tag=b+c&yes=true"
    assert request.headers["x-count"] == "7"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "run-1:node"
    assert json.loads(request.body) == {"id": 7}


async def test_sends_a_text_as_it_is(ctx: FakeContext) -> None:
    async with serving(echo) as server:
        params = {"url": server.url, "method": "PUT", "body": "a=1"}
        await execute("http_request", params, ctx)
    assert server.received[0].body == b"a=1"


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": "{{ secrets.KEY }}"}, "authorization", "Bearer s3cret"),
        (
            {"type": "basic", "username": "ada", "password": "{{ secrets.KEY }}"},
            "authorization",
            "Basic YWRhOnMzY3JldA==",
        ),
        ({"type": "header", "name": "X-API-Key", "value": "k"}, "x-api-key", "k"),
    ],
)
async def test_signs_in(ctx: FakeContext, auth: dict[str, str], header: str, value: str) -> None:
    async with serving(echo) as server:
        await execute("http_request", {"url": server.url, "auth": auth}, ctx)
    assert server.received[0].headers[header] == value


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (429, True), (500, True), (503, True)],
)
async def test_answers_of_400_and_above_fail(
    ctx: FakeContext, status: int, retryable: bool
) -> None:
    async with serving(lambda _: json_reply({"why": "because"}, status)) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.code == f"http_{status}"
    assert error.retryable is retryable
    assert str(status) in error.message


@pytest.mark.parametrize(
    ("kind", "content", "body"),
    [
        ("text/plain; charset=latin-1", "é".encode("latin-1"), "é"),
        ("application/json", b"{broken", "{broken"),
        ("application/problem+json", b'{"a":1}', {"a": 1}),
        ("text/html", b"", None),
    ],
)
async def test_bodies(ctx: FakeContext, kind: str, content: bytes, body: Any) -> None:
    async with serving(lambda _: Reply(headers={"content-type": kind}, chunks=[content])) as server:
        output = await execute("http_request", {"url": server.url}, ctx)
    assert output.value["body"] == body


async def test_follows_redirects_unless_told_not_to(ctx: FakeContext) -> None:
    def answer(request: Received) -> Reply:
        if request.target == "/old":
            return Reply(302, {"location": "/new"})
        return echo(request)

    async with serving(answer) as server:
        output = await execute("http_request", {"url": f"{server.url}/old"}, ctx)
        params = {"url": f"{server.url}/old", "follow_redirects": False}
        first = await execute("http_request", params, ctx)
    assert output.value["body"]["target"] == "/new"
    assert (first.value["status"], first.value["headers"]["location"]) == (302, "/new")


async def test_gives_up_an_endless_redirect(ctx: FakeContext) -> None:
    async with serving(lambda _: Reply(302, {"location": "/again"})) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.code == "too_many_redirects"
    assert len(server.received) == 11


async def test_a_redirect_to_a_private_host_is_refused(ctx: FakeContext) -> None:
    async with serving(echo) as inside:
        target = f"{inside.url}/secret"
        async with serving(lambda _: Reply(302, {"location": target})) as outside:
            ctx.services = Services(allow_hosts=(f"127.0.0.1:{outside.port}",))
            error = await failure("http_request", {"url": outside.url}, ctx)
    assert error.code == "host_refused"
    assert not error.retryable
    assert inside.received == []


async def test_a_redirect_to_a_file_is_refused(ctx: FakeContext) -> None:
    async with serving(lambda _: Reply(302, {"location": "file:///etc/passwd"})) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert not error.retryable


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "header", "name": "X-API-Key", "value": "s3cret"},
        {"type": "bearer", "token": "s3cret"},
    ],
)
async def test_credentials_stay_with_their_host(ctx: FakeContext, auth: dict[str, str]) -> None:
    async with (
        serving(echo) as other,
        serving(lambda _: Reply(307, {"location": other.url})) as server,
    ):
        await execute("http_request", {"url": server.url, "auth": auth}, ctx)
    assert "s3cret" in str(server.received[0].headers)
    assert "s3cret" not in str(other.received[0].headers)


async def test_time_limit(ctx: FakeContext) -> None:
    slow = Reply(headers={"content-type": "text/plain"}, chunks=[b"a"] * 100, pause_s=0.02)
    async with serving(lambda _: slow) as server:
        error = await failure("http_request", {"url": server.url, "timeout_ms": 100}, ctx)
    assert error.code == "node_timeout"
    assert error.retryable


async def test_a_long_answer_is_cut_off_with_a_reason(ctx: FakeContext) -> None:
    endless = Reply(headers={"content-type": "text/plain"}, chunks=[b"x" * 1_000_000] * 3)
    async with serving(lambda _: endless) as server:
        error = await failure("http_request", {"url": server.url, "max_answer_mb": 2}, ctx)
    assert error.code == "response_too_large"


async def test_a_compressed_bomb_is_no_exception(ctx: FakeContext) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    headers = {"content-type": "text/plain", "content-encoding": "gzip"}
    async with serving(lambda _: Reply(200, headers, [bomb])) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.code == "response_too_large"


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "example.com", "http://", "file:///etc/passwd"]
)
async def test_an_address_that_is_none(ctx: FakeContext, url: str) -> None:
    error = await failure("http_request", {"url": url}, ctx)
    assert error.code == "request_invalid"
    assert not error.retryable


async def test_a_header_with_a_line_break_is_refused(ctx: FakeContext) -> None:
    async with serving(echo) as server:
        params = {"url": server.url, "headers": {"X-A": "1\r\nX-B: 2"}}
        error = await failure("http_request", params, ctx)
    assert not error.retryable
    assert server.received == []


async def test_nobody_answers(ctx: FakeContext) -> None:
    async with serving(echo) as server:
        gone = Server(echo)
        gone.port = server.port
    error = await failure("http_request", {"url": gone.url}, ctx)
    assert error.code == "connection_failed"
    assert error.retryable


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_requests_that_change_something_carry_a_key_for_all_attempts(
    ctx: FakeContext, method: str
) -> None:
    async with serving(echo) as server:
        given = {"url": server.url, "method": method}
        await execute("http_request", given, ctx)
        await execute("http_request", {**given, "idempotency_key": False}, ctx)
        await execute("http_request", {**given, "headers": {"Idempotency-Key": "mine"}}, ctx)
    keys = [request.headers.get("idempotency-key") for request in server.received]
    assert keys == [None if method == "GET" else "run-1:node", None, "mine"]


@pytest.mark.parametrize(
    ("status", "asked", "expected"),
    [
        (429, "7", 7000),
        (503, "Fri, 31 Dec 1999 23:59:59 GMT", 0),
        (503, "soon", None),
        (429, "", None),
        (500, "7", None),
    ],
)
async def test_a_server_may_ask_to_be_left_alone_for_a_while(
    ctx: FakeContext, status: int, asked: str, expected: int | None
) -> None:
    answer = Reply(status, {"retry-after": asked} if asked else {}, [])
    async with serving(lambda request: answer) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.retry_after_ms == expected


async def test_a_date_to_wait_for_counts_from_now(ctx: FakeContext) -> None:
    moment = format_datetime(now() + timedelta(seconds=60), usegmt=True)
    answer = Reply(503, {"retry-after": moment}, [])
    async with serving(lambda request: answer) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.retry_after_ms is not None
    assert 50_000 < error.retry_after_ms <= 60_000


async def test_mocked_nothing_is_called(ctx: FakeContext) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer", "const": 7}}}
    params = HttpRequestParams(url="https://example.com", response_schema=schema)
    output = await HttpRequest().mock(params, ctx)
    assert output.value == {"status": 200, "headers": {}, "body": {"id": 7}}
    empty = await HttpRequest().mock(HttpRequestParams(url="https://example.com"), ctx)
    assert empty.value == {"status": 200, "headers": {}, "body": None}
    ctx.services = Services(recorded={"node": {"status": 200, "headers": {}, "body": "real"}})
    assert (await HttpRequest().mock(params, ctx)).value["body"] == "real"
