"""`http_request`: what is sent: forms, files, charsets, addresses and headers."""

import asyncio
import json
import socket
from decimal import Decimal
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from msgspec.structs import replace

from graphs.json_numbers import decimal
from tests.graphs.conftest import FakeContext, execute, failure
from tests.graphs.http_server import Answer, Asked, keeping

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def web_ctx(table_ctx: FakeContext, tmp_path: Path) -> FakeContext:
    table_ctx.services = replace(table_ctx.services, allow_hosts=("127.0.0.1", "localhost"))
    (tmp_path / "files" / "å.png").write_bytes(bytes(range(256)) * 1000)
    return table_ctx


async def sent(ctx: FakeContext, **params: Any) -> Asked:
    async with keeping(lambda _: Answer()) as server:
        await execute("http_request", {"url": server.url, "method": "POST", **params}, ctx)
    return server.asked[-1]


def parts_of(asked: Asked) -> list[Message]:
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    payload: Any = message_from_bytes(head + asked.body).get_payload()
    return payload


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"grant_type": "refresh_token", "scope": "a b"}, "grant_type=refresh_token&scope=a+b"),
        ({"id": [1, 2], "none": None, "yes": True}, "id=1&id=2&yes=true"),
        ({"q": "å&=", "n": 34043416109404255712}, "q=%C3%A5%26%3D&n=34043416109404255712"),
        ({}, ""),
        ("a=1&b=2", "a=1&b=2"),
    ],
)
async def test_a_form_is_sent_as_one(ctx: FakeContext, body: Any, expected: str) -> None:
    for given in ({"headers": {"content-type": FORM}}, {"body_format": "form"}):
        asked = await sent(ctx, body=body, **given)
        assert asked.body.decode() == expected
        assert asked.headers["content-type"] == FORM
    nested = await sent(ctx, body={"a": {"b": [1]}}, body_format="form")
    assert parse_qsl(nested.body.decode()) == [("a", '{"b":[1]}')]


async def test_a_form_needs_fields(ctx: FakeContext) -> None:
    for form in ("form", "multipart"):
        params = {"url": "http://127.0.0.1:9", "body": [1], "body_format": form}
        error = await failure("http_request", params, ctx)
        assert error.code == "request_invalid"


@pytest.mark.parametrize("header", [{}, {"Content-Type": "multipart/form-data"}])
async def test_a_multipart_body_with_texts_and_files(
    web_ctx: FakeContext, header: dict[str, str]
) -> None:
    body = {
        "title": "blå",
        "tag": ["a", "b"],
        "none": None,
        "photo": {"file": "å.png"},
        "note": {"text": "hi", "filename": "n.txt"},
        "raw": {"base64": "AAE=", "filename": "r.bin", "content_type": "x/y"},
        "meta": {"a": 1},
    }
    asked = await sent(web_ctx, body=body, body_format="multipart", headers=header)
    found = parts_of(asked)
    names = [part.get_param("name", header="content-disposition") for part in found]
    assert names == ["title", "tag", "tag", "photo", "note", "raw", "meta"]
    contents: list[Any] = [part.get_payload(decode=True) for part in found]
    assert contents[0] == "blå".encode()
    assert contents[3] == bytes(range(256)) * 1000
    assert (contents[5], found[5].get_content_type()) == (b"\0\1", "x/y")
    assert json.loads(contents[6]) == {"a": 1}
    assert found[3].get_content_type() == "image/png"


async def test_a_file_goes_as_it_is(web_ctx: FakeContext) -> None:
    for body in ("å.png", {"file": "å.png"}):
        asked = await sent(web_ctx, body=body, body_format="file")
        assert asked.body == bytes(range(256)) * 1000
        assert asked.headers["content-type"] == "image/png"
        assert asked.headers["content-length"] == "256000"
    params = {"url": "http://127.0.0.1:9", "body": "gone", "body_format": "file"}
    assert (await failure("http_request", params, web_ctx)).code == "file_missing"


async def test_a_downloaded_file_is_sent_on(web_ctx: FakeContext) -> None:
    async with keeping(lambda _: Answer(b"%PDF\0", "application/pdf")) as server:
        got = await execute("http_request", {"url": f"{server.url}/a.pdf"}, web_ctx)
    file = got.value["body"]
    asked = await sent(web_ctx, body=file)
    assert (asked.body, asked.headers["content-type"]) == (b"%PDF\0", "application/pdf")
    asked = await sent(web_ctx, body={"f": file}, body_format="multipart")
    (part,) = parts_of(asked)
    assert (part.get_filename(), part.get_payload(decode=True)) == ("a.pdf", b"%PDF\0")


async def test_a_file_is_sent_again_after_a_redirect(web_ctx: FakeContext) -> None:
    def answer(request: Asked) -> Answer:
        moved = [("location", "/new")]
        return Answer(b"", "", 307, moved) if request.target == "/" else Answer()

    for form, body in (("file", "å.png"), ("multipart", {"f": {"file": "å.png"}})):
        async with keeping(answer) as server:
            params = {"url": server.url, "method": "PUT", "body": body, "body_format": form}
            await execute("http_request", params, web_ctx)
        assert len(server.asked[1].body) >= 256_000
        assert server.asked[1].body == server.asked[0].body


@pytest.mark.parametrize(
    ("given", "content"),
    [
        ({"body": 34043416109404255712}, b"34043416109404255712"),
        ({"body": {"a": [None, True, 1.5]}}, b'{"a":[null,true,1.5]}'),
        ({"body": "å"}, "å".encode()),
        ({"body": "å", "body_format": "json"}, '"å"'.encode()),
        ({"body": {"a": 1}, "body_format": "text"}, b'{"a":1}'),
        ({"body": "x", "body_format": "none"}, b""),
        (
            {"body": "å", "headers": {"Content-Type": "text/plain; charset=iso-8859-1"}},
            b"\xe5",
        ),
        (
            {"body": {"a": "å"}, "headers": {"Content-Type": "application/json"}},
            '{"a":"å"}'.encode(),
        ),
    ],
)
async def test_values_and_texts(ctx: FakeContext, given: dict[str, Any], content: bytes) -> None:
    assert (await sent(ctx, **given)).body == content


async def test_what_a_charset_lacks_is_named(ctx: FakeContext) -> None:
    headers = {"Content-Type": "text/plain; charset=iso-8859-1"}
    params = {"url": "http://127.0.0.1:9", "body": "5 €", "headers": headers}
    error = await failure("http_request", params, ctx)
    assert error.code == "request_invalid"
    assert "€" in error.message


@pytest.mark.parametrize(
    ("address", "query", "target"),
    [
        ("/a b", {}, "/a%20b"),
        ("/å?q=ü", {}, "/%C3%A5?q=%C3%BC"),
        ("/x#part", {}, "/x"),
        (" /x ", {"a": [1, None, 2], "b": None, "c": False}, "/x?a=1&a=2&c=false"),
        ("/x", {"q": "a&b=c", "o": {"k": 1}}, "/x?q=a%26b%3Dc&o=%7B%22k%22%3A1%7D"),
    ],
)
async def test_addresses(
    ctx: FakeContext, address: str, query: dict[str, Any], target: str
) -> None:
    async with keeping(lambda _: Answer()) as server:
        url = f"{server.url}{address.strip()}"
        url = f" {url} " if address.startswith(" ") else url
        await execute("http_request", {"url": url, "query": query}, ctx)
    assert server.asked[0].target == target


async def test_a_user_in_the_address_signs_in(ctx: FakeContext) -> None:
    async with keeping(lambda _: Answer()) as server:
        url = server.url.replace("://", "://ada:pw@")
        await execute("http_request", {"url": url}, ctx)
        token = {"type": "bearer", "token": "t"}
        await execute("http_request", {"url": url, "auth": token}, ctx)
    signed = [request.headers["authorization"] for request in server.asked]
    assert signed == ["Basic YWRhOnB3", "Bearer t"]


async def test_headers_beyond_ascii_are_sent_as_utf_8(ctx: FakeContext) -> None:
    asked = await sent(ctx, headers={"X-Name": "Åse €"})
    assert asked.headers["x-name"].encode("latin-1").decode() == "Åse €"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "X-A"),
        ({"headers": {"X A": "1"}}, "X A"),
        ({"headers": {"": "1"}}, "''"),
        ({"headers": {"X-A": "a\0b"}}, "X-A"),
        ({"auth": {"type": "bearer", "token": "a\nb"}}, "Authorization"),
        ({"auth": {"type": "header", "name": "X:Y", "value": "a"}}, "X:Y"),
    ],
)
async def test_headers_that_cannot_be_sent_are_named(
    ctx: FakeContext, given: dict[str, Any], named: str
) -> None:
    error = await failure("http_request", {"url": "http://127.0.0.1:9", **given}, ctx)
    assert error.code == "request_invalid"
    assert named in error.message


async def test_slowness_says_where(ctx: FakeContext) -> None:
    waiting = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/begun" in await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx")
        await waiting.wait()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    none = await failure("http_request", {"url": url, "timeout_ms": 50}, ctx)
    begun = await failure("http_request", {"url": f"{url}/begun", "timeout_ms": 300}, ctx)
    waiting.set()
    listener.close()
    assert none.code == begun.code == "node_timeout"
    assert "no answer from 127.0.0.1" in none.message
    assert "had begun" in begun.message


async def test_no_connection_and_no_name_say_so(ctx: FakeContext) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused = await failure("http_request", {"url": f"http://127.0.0.1:{port}/"}, ctx)
    unknown = await failure("http_request", {"url": "http://nowhere.invalid/"}, ctx)
    assert refused.code == unknown.code == "connection_failed"
    assert f"no connection to 127.0.0.1:{port}" in refused.message
    assert "nowhere.invalid cannot be resolved" in unknown.message


def test_decimals_are_judged_by_their_digits() -> None:

    for number in (0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -2.5e-10, 0.0):
        assert decimal(repr(number) if "." in repr(number) else f"{number:e}") == number
        assert decimal(f"{number:.16e}") == number
        assert (
            decimal(str(Decimal(number)) + ("" if "." in str(Decimal(number)) else ".0")) == number
        )
