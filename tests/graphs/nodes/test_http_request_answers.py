"""`http_request`: what becomes of answers: charsets, exact numbers, files, errors, cookies."""

import base64
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import zstandard
from msgspec.structs import replace

from graphs.artifacts import FolderArtifacts
from graphs.definition import Node, OnError
from graphs.events import RunCompleted
from graphs.node_type import Services
from tests.graphs.conftest import FakeContext, execute, failure
from tests.graphs.engine import Execution, chain
from tests.graphs.http_server import Answer, Asked, keeping

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def web_ctx(table_ctx: FakeContext) -> FakeContext:
    table_ctx.services = replace(table_ctx.services, allow_hosts=("127.0.0.1", "localhost"))
    return table_ctx


async def answered(ctx: FakeContext, answer: Answer, **params: Any) -> dict[str, Any]:
    async with keeping(lambda _: answer) as server:
        return (await execute("http_request", {"url": server.url, **params}, ctx)).value


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ('{"a":"å"}'.encode("latin-1"), "application/json; charset=iso-8859-1"),
        ('{"a":"å"}'.encode("utf-16"), "application/json; charset=utf-16"),
        ('{"a":"å"}'.encode("utf-16-le"), "application/json"),
        ('{"a":"å"}'.encode("utf-8-sig"), "application/json; charset=utf-8"),
        ('{"a":"å"}'.encode("utf-8-sig"), "application/json"),
        ('{"a":"å"}'.encode("cp1252"), 'application/vnd.api+json; charset="windows-1252"'),
        ('{"a":"å"}'.encode(), "application/json; charset=nonsense"),
        ('{"a":"å"}'.encode(), "application/json; charset=base64"),
    ],
)
async def test_json_is_read_in_its_charset(ctx: FakeContext, raw: bytes, kind: str) -> None:
    assert (await answered(ctx, Answer(raw, kind)))["body"] == {"a": "å"}


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        ("blåbær".encode("latin-1"), "text/plain; charset=iso-8859-1", "blåbær"),
        ("blåbær €".encode("cp1252"), "text/plain", "blåbær €"),
        ("blå".encode("utf-16"), "text/plain", "blå"),
        ("blå".encode("utf-8-sig"), "text/csv", "blå"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe5</a>', "application/xml", "å"),
        (b'<html><meta charset="windows-1251">\xe4</html>', "text/html", "д"),
        (b"bl\xe5", "text/plain; charset=utf-8", "bl�"),
        (b"plain", "", "plain"),
    ],
)
async def test_texts_are_read_in_their_charset(
    ctx: FakeContext, raw: bytes, kind: str, text: str
) -> None:
    assert text in (await answered(ctx, Answer(raw, kind)))["body"]


async def test_bytes_that_are_no_text_are_said(ctx: FakeContext) -> None:
    await answered(ctx, Answer(b"bl\xe5", "text/plain; charset=utf-8"))
    assert "not utf-8" in ctx.logs[0][1]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("34043416109404255712", 34043416109404255712),
        ("-7615917337495251231", -7615917337495251231),
        ("1.10", 1.1),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("12345678901234567890.12", "12345678901234567890.12"),
        ("0.10000000000000001", 0.1),
        ("1e400", "1e400"),
        ("1E+3", 1000.0),
        ('"1234567890.12345678901"', "1234567890.12345678901"),
    ],
)
async def test_numbers_keep_their_digits(ctx: FakeContext, literal: str, value: Any) -> None:
    got = await answered(ctx, Answer(f'{{"n":{literal}}}'.encode(), "application/json"))
    assert got["body"] == {"n": value}
    assert type(got["body"]["n"]) is type(value)


async def test_six_megabytes_of_json(ctx: FakeContext) -> None:
    rows = [{"id": number, "t": "x" * 60} for number in range(80_000)]
    got = await answered(ctx, Answer(json.dumps(rows).encode(), "application/json"))
    assert len(got["body"]) == 80_000


async def test_what_is_too_long_for_memory_names_the_remedy(ctx: FakeContext) -> None:
    big = Answer(b"x" * 1_100_000, "text/plain")
    async with keeping(lambda _: big) as server:
        params = {"url": server.url, "max_answer_mb": 1}
        error = await failure("http_request", params, ctx)
    assert error.code == "response_too_large"
    assert "Save as" in error.message


@pytest.mark.parametrize(
    ("status", "method"), [(204, "GET"), (200, "HEAD"), (304, "GET"), (200, "GET")]
)
async def test_no_body_is_null(ctx: FakeContext, status: int, method: str) -> None:
    got = await answered(ctx, Answer(b"", "application/json", status), method=method)
    assert (got["status"], got["body"]) == (status, None)


async def test_the_answer_format_can_be_told(ctx: FakeContext) -> None:
    answer = Answer(b'{"a":1}', "text/plain")
    assert (await answered(ctx, answer))["body"] == '{"a":1}'
    assert (await answered(ctx, answer, response="json"))["body"] == {"a": 1}
    assert (await answered(ctx, answer, response="none"))["body"] is None
    kept = Answer(b'{"a":1}', "application/octet-stream")
    assert (await answered(ctx, kept, response="text"))["body"] == '{"a":1}'
    async with keeping(lambda _: Answer(b"<html>", "application/json")) as server:
        params = {"url": server.url, "response": "json"}
        error = await failure("http_request", params, ctx)
        got = await execute("http_request", {"url": server.url}, ctx)
    assert error.code == "response_invalid"
    assert got.value["body"] == "<html>"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (PNG, "image/png"),
        (b"%PDF-1.7 \0\xff", "application/pdf"),
        (gzip.compress(b"a,b", mtime=0), "application/gzip"),
        (b"PK\3\4\0", "application/octet-stream"),
        (b"\0\1\2", ""),
    ],
)
async def test_binary_answers_are_written_to_a_file(
    web_ctx: FakeContext, tmp_path: Path, raw: bytes, kind: str
) -> None:
    got = await answered(web_ctx, Answer(raw, kind))
    assert (got["body"]["kind"], got["body"]["size_bytes"]) == ("file", len(raw))
    for content in (got["body"], got):
        await execute("write_file", {"name": "logo.png", "content": content}, web_ctx)
        assert (tmp_path / "files" / "logo.png").read_bytes() == raw
        (tmp_path / "files" / "logo.png").unlink()


async def test_base64_is_written_as_its_bytes(web_ctx: FakeContext, tmp_path: Path) -> None:
    content = {"base64": base64.b64encode(PNG).decode()}
    await execute("write_file", {"name": "a.png", "content": content}, web_ctx)
    assert (tmp_path / "files" / "a.png").read_bytes() == PNG
    broken = {"name": "a.png", "content": {"base64": "***"}}
    assert (await failure("write_file", broken, web_ctx)).code == "file_unreadable"


async def test_a_downloaded_csv_is_written_as_it_is(web_ctx: FakeContext, tmp_path: Path) -> None:
    await execute("write_file", {"name": "a.csv", "content": "id;n\n1;Å\n"}, web_ctx)
    assert (tmp_path / "files" / "a.csv").read_text(encoding="utf-8") == "id;n\n1;Å\n"


@pytest.mark.parametrize("kind", ["image/png", "text/plain", "application/json"])
async def test_an_answer_is_saved_as_it_comes(
    web_ctx: FakeContext, tmp_path: Path, kind: str
) -> None:
    got = await answered(web_ctx, Answer(PNG, kind), save_as="in/logo.png")
    assert got["body"] == {"name": "in/logo.png", "size_bytes": 264, "media_type": kind}
    assert (tmp_path / "files" / "in" / "logo.png").read_bytes() == PNG


async def test_an_error_does_not_replace_a_saved_file(web_ctx: FakeContext, tmp_path: Path) -> None:
    (tmp_path / "files" / "a.bin").write_bytes(PNG)
    gone = Answer(b"gone", "text/plain", 404)
    got = await answered(web_ctx, gone, save_as="a.bin", fail_on="never")
    assert (got["status"], got["body"]) == (404, "gone")
    assert (tmp_path / "files" / "a.bin").read_bytes() == PNG


async def test_a_file_has_its_limit_and_leaves_nothing(
    web_ctx: FakeContext, tmp_path: Path
) -> None:
    big = Answer(b"\0" * 1_100_000, "application/zip")
    for more in ({}, {"save_as": "a.zip"}):
        async with keeping(lambda _: big) as server:
            params = {"url": server.url, "max_answer_mb": 1, **more}
            error = await failure("http_request", params, web_ctx)
        assert error.code == "response_too_large"
    assert list((tmp_path / "files").iterdir()) == []
    assert list((tmp_path / "artifacts").iterdir()) == []


async def test_saving_needs_a_workspace(ctx: FakeContext) -> None:
    async with keeping(lambda _: Answer()) as server:
        error = await failure("http_request", {"url": server.url, "save_as": "a"}, ctx)
    assert error.code == "files_unavailable"
    assert server.asked == []


@pytest.mark.parametrize(
    ("disposition", "path", "name"),
    [
        ('attachment; filename="a b.pdf"', "/x", "a b.pdf"),
        ("attachment; filename*=UTF-8''%C3%A5.pdf", "/x", "å.pdf"),
        ('attachment; filename="../../etc/passwd"', "/x", "passwd.pdf"),
        ("", "/files/report.pdf", "report.pdf"),
        ("", "/", "answer.pdf"),
    ],
)
async def test_files_are_called_as_the_server_says(
    ctx: FakeContext, disposition: str, path: str, name: str
) -> None:
    headers = [("content-disposition", disposition)] if disposition else []
    answer = Answer(b"%PDF\0", "application/pdf", headers=headers)
    async with keeping(lambda _: answer) as server:
        got = (await execute("http_request", {"url": server.url + path}, ctx)).value
    assert got["body"]["name"] == name


ERROR = {"error": {"code": "no_such", "message": "not here"}}


@pytest.mark.parametrize("status", [400, 404, 422, 500])
async def test_an_error_is_an_error_with_its_answer(ctx: FakeContext, status: int) -> None:
    answer = Answer(json.dumps(ERROR).encode(), "application/json", status, [("x-id", "7")])
    async with keeping(lambda _: answer) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.data is not None
    assert (error.data["status"], error.data["body"]) == (status, ERROR)
    assert error.data["headers"]["x-id"] == "7"
    got = await answered(ctx, answer, fail_on="never")
    assert (got["status"], got["body"]) == (status, ERROR)


@pytest.mark.parametrize("on_error", [OnError.CONTINUE, OnError.ERROR])
async def test_what_goes_on_after_an_error_finds_the_answer(on_error: OnError) -> None:
    answer = Answer(json.dumps(ERROR).encode(), "application/json", 404)
    async with keeping(lambda _: answer) as server:
        node = Node(id="ask", type="http_request", params={"url": server.url}, on_error=on_error)
        taken = {
            "s": "{{ prev.status }}",
            "c": "{{ prev.body.error.code }}",
            "e": "{{ prev.error.code }}",
        }
        after = Node(id="after", type="set_fields", params={"fields": taken})
        drawn = chain(node, after)
        if on_error is OnError.ERROR:
            drawn.edges[-1] = replace(drawn.edges[-1], source_port="error")
        end = await Execution(drawn, services=Services(allow_hosts=("127.0.0.1",))).finish()
    assert isinstance(end, RunCompleted), end
    assert end.data.outputs == {"after": {"s": 404, "c": "no_such", "e": "http_404"}}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_without_following_a_redirect_is_data(ctx: FakeContext, status: int) -> None:
    answer = Answer(b"", "", status, [("location", "/echo")])
    got = await answered(ctx, answer, follow_redirects=False)
    assert (got["status"], got["headers"]["location"]) == (status, "/echo")


async def test_cookies_that_are_set_are_a_list(ctx: FakeContext) -> None:
    pairs = [
        ("set-cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2; Path=/"),
        ("x-m", "1"),
        ("x-m", "2"),
    ]
    got = await answered(ctx, Answer(b"", "", 200, pairs))
    assert got["headers"]["set-cookie"] == ["a=1; Path=/", "b=2; Path=/"]
    assert got["headers"]["x-m"] == "1, 2"


def login(request: Asked) -> Answer:
    if request.target == "/login":
        return Answer(headers=[("set-cookie", "sid=abc; Path=/")])
    if request.target == "/hop":
        return Answer(b"", "", 302, [("location", "/me"), ("set-cookie", "hop=1; Path=/")])
    return Answer(json.dumps(request.headers.get("cookie")).encode(), "application/json")


async def test_cookies_are_kept_within_a_run(ctx: FakeContext) -> None:
    async with keeping(login) as server:
        await execute("http_request", {"url": f"{server.url}/login"}, ctx)
        me = {"url": f"{server.url}/me"}
        assert (await execute("http_request", me, ctx)).value["body"] == "sid=abc"
        off = {**me, "cookies": False}
        assert (await execute("http_request", off, ctx)).value["body"] is None
        own = {**me, "headers": {"Cookie": "x=1"}}
        assert (await execute("http_request", own, ctx)).value["body"] == "x=1; sid=abc"
        other_run = FakeContext()
        assert (await execute("http_request", me, other_run)).value["body"] is None


async def test_an_own_cookie_survives_a_redirect_within_its_server(ctx: FakeContext) -> None:
    async with keeping(login) as server:
        params = {"url": f"{server.url}/hop", "headers": {"Cookie": "x=1"}}
        got = await execute("http_request", params, ctx)
        assert got.value["body"] == "x=1; hop=1"
        got = await execute("http_request", {**params, "cookies": False}, FakeContext())
        assert got.value["body"] == "x=1"


@pytest.mark.parametrize("header", ["Cookie", "X-Own-Key"])
async def test_what_is_secret_does_not_go_to_another_server(ctx: FakeContext, header: str) -> None:
    ctx.services = Services(allow_hosts=("127.0.0.1",), secrets={"KEY": "s3cret"})
    async with keeping(lambda _: Answer()) as other:
        away = Answer(b"", "", 307, [("location", other.url)])
        async with keeping(lambda _: away) as server:
            params = {"url": server.url, "headers": {header: "k={{ secrets.KEY }}", "X-Plain": "1"}}
            await execute("http_request", params, ctx)
    assert "s3cret" in server.asked[0].headers[header.lower()]
    assert "s3cret" not in str(other.asked[0].headers)


@pytest.mark.parametrize(
    ("expression", "sent"),
    [
        ("{{ secrets.KEY[3:9] }}", "ret-wo"),
        ("{{ replace(secrets.KEY, '-', '') }}", "secretword"),
        ("id {{ upper(secrets.KEY) }}", "id SECRET-WORD"),
    ],
)
async def test_what_was_made_of_a_secret_does_not_go_to_another_server(
    expression: str, sent: str
) -> None:
    services = Services(allow_hosts=("127.0.0.1",), secrets={"KEY": "secret-word"})
    async with keeping(lambda _: Answer()) as other:
        away = Answer(b"", "", 307, [("location", other.url)])
        async with keeping(lambda _: away) as server:
            auth = {"type": "header", "name": "X-Made", "value": expression}
            params = {"url": server.url, "headers": {"X-Plain": "1"}, "auth": auth}
            ask = Node(id="a", type="http_request", params=params)
            assert isinstance(await Execution(chain(ask), services=services).finish(), RunCompleted)
    assert server.asked[0].headers["x-made"] == sent
    assert "x-made" not in other.asked[0].headers
    assert other.asked[0].headers["x-plain"] == "1"


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("gzip", gzip.compress(b'{"a":1}', mtime=0)),
        ("x-gzip", gzip.compress(b'{"a"', mtime=0) + gzip.compress(b":1}", mtime=0)),
        ("deflate", zlib.compress(b'{"a":1}')),
        ("deflate", zlib.compress(b'{"a":1}', wbits=-15)),
        ("zstd", zstandard.compress(b'{"a":1}')),
        ("gzip, zstd", zstandard.compress(gzip.compress(b'{"a":1}', mtime=0))),
        ("identity", b'{"a":1}'),
    ],
)
async def test_packed_answers_are_unpacked(ctx: FakeContext, encoding: str, raw: bytes) -> None:
    answer = Answer(raw, "application/json", headers=[("content-encoding", encoding)])
    assert (await answered(ctx, answer))["body"] == {"a": 1}


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("gzip", b'{"a":1}'),
        ("zstd", b"x"),
        ("deflate", b"\xff\xff\xff"),
        ("gzip", gzip.compress(b'{"a":1}', mtime=0)[:-4]),
        ("br", b"x"),
    ],
)
async def test_wrongly_packed_answers_say_so(ctx: FakeContext, encoding: str, raw: bytes) -> None:
    answer = Answer(raw, "application/json", headers=[("content-encoding", encoding)])
    async with keeping(lambda _: answer) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.code == "response_invalid"


async def test_an_answer_that_breaks_off_is_no_answer(ctx: FakeContext) -> None:
    async with keeping(lambda _: Answer(b'{"a":1}', "application/json", cut=True)) as server:
        error = await failure("http_request", {"url": server.url}, ctx)
    assert error.code == "connection_failed"
    assert error.retryable


async def test_connections_are_used_again_by_whoever_may(ctx: FakeContext) -> None:
    async with keeping(lambda _: Answer(b"1", "text/plain")) as server:
        for _ in range(3):
            await execute("http_request", {"url": server.url}, ctx)
        assert server.connections == 1
        ctx.services = Services(allow_hosts=())
        error = await failure("http_request", {"url": server.url}, ctx)
        assert error.code == "host_refused"
        ctx.services = Services(allow_hosts=("127.0.0.0/8",))
        params = {"url": server.url, "headers": {"Authorization": "NTLM abc"}}
        for _ in range(2):
            await execute("http_request", params, ctx)
    assert server.connections == 3


@pytest.mark.parametrize("how", [{"response": "file"}, {"save_as": "a.bin"}])
async def test_a_download_ends_where_the_room_does(
    web_ctx: FakeContext, how: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def little(_: FolderArtifacts) -> int:
        return 100_000

    monkeypatch.setattr(FolderArtifacts, "room_bytes", little)
    async with keeping(lambda _: Answer(b"x" * 5_000_000, "application/octet-stream")) as server:
        error = await failure("http_request", {"url": server.url, **how}, web_ctx)
    assert (error.code, error.retryable) == ("quota_exceeded", False)
    assert "100,000 bytes" in error.message


async def test_a_replaced_file_makes_room(
    web_ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(_: FolderArtifacts) -> int:
        return 0

    how = {"save_as": "a.bin"}
    fine = Answer(b"x" * 1000, "application/octet-stream")
    await answered(web_ctx, fine, **how)
    monkeypatch.setattr(FolderArtifacts, "room_bytes", none)
    assert (await answered(web_ctx, fine, **how))["body"]["size_bytes"] == 1000


async def test_what_is_packed_with_brotli_is_told_how_to_get(web_ctx: FakeContext) -> None:
    packed = Answer(b"x", "text/plain", 200, [("content-encoding", "br")])
    async with keeping(lambda _: packed) as server:
        error = await failure("http_request", {"url": server.url}, web_ctx)
    assert error.code == "response_invalid"
    assert "Accept-Encoding to gzip or to identity" in error.message


async def test_json_of_nothing_but_lists_is_not_kept_as_a_value(web_ctx: FakeContext) -> None:
    many = Answer(b"[" + b"[]," * 9_000_000 + b"[]]", "application/json")
    async with keeping(lambda _: many) as server:
        error = await failure("http_request", {"url": server.url}, web_ctx)
    assert error.code == "response_too_large"
    assert "keep it as a file" in error.message
