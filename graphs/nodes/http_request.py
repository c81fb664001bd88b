"""The node type `http_request`."""

import asyncio
import base64
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Literal, cast

import httpx
import msgspec
from msgspec import Meta, Struct, field

from graphs import outbound
from graphs.errors import NodeError, NodeTimeoutError
from graphs.events import now
from graphs.expressions import format_value
from graphs.mock_model import example
from graphs.node_type import MASK, Category, NodeContext, NodeType, Output, Params

MAX_REDIRECTS = 10
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_TIMEOUT_MS = 600_000
RETRYABLE = frozenset({408, 425, 429})
ASKING_TO_WAIT = frozenset({429, 503})
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_SECRET: dict[str, Any] = {"x-secret": True}
_OPTIONS: dict[str, Any] = {"frozen": True, "forbid_unknown_fields": True, "kw_only": True}


class Bearer(Struct, tag_field="type", tag="bearer", **_OPTIONS):
    """`Authorization: Bearer …`"""

    token: Annotated[str, Meta(title="Token", extra_json_schema=_SECRET)]


class Basic(Struct, tag_field="type", tag="basic", **_OPTIONS):
    """User name and password."""

    username: Annotated[str, Meta(title="User name", extra_json_schema=_SECRET)]
    password: Annotated[str, Meta(title="Password", extra_json_schema=_SECRET)]


class Header(Struct, tag_field="type", tag="header", **_OPTIONS):
    """A header of its own, such as `X-API-Key`."""

    name: Annotated[str, Meta(title="Header", examples=["X-API-Key"])]
    value: Annotated[str, Meta(title="Value", extra_json_schema=_SECRET)]


class HttpRequestParams(Params, frozen=True):
    url: Annotated[
        str,
        Meta(
            title="Address",
            description="A whole address with http:// or https://.",
            min_length=1,
            examples=["https://example.com/api/customers/{{ input.id | url_encode }}"],
            extra_json_schema={"x-placeholder": "https://example.com/api"},
        ),
    ]
    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
        Meta(title="Method", description="What the request does."),
    ] = "GET"
    headers: Annotated[
        dict[str, Any],
        Meta(
            title="Headers",
            description="Header fields to send.",
            extra_json_schema={"x-widget": "key_value"},
        ),
    ] = field(default_factory=dict[str, Any])
    query: Annotated[
        dict[str, Any],
        Meta(
            title="Query",
            description="What is put after the ? of the address; null is left out.",
            extra_json_schema={"x-widget": "key_value"},
        ),
    ] = field(default_factory=dict[str, Any])
    body: Annotated[
        Any,
        Meta(
            title="Body",
            description="Sent as JSON, or as it is when it is a text.",
            extra_json_schema={"x-widget": "json"},
        ),
    ] = None
    auth: Annotated[
        Bearer | Basic | Header | None,
        Meta(title="Sign in with", description="How the server knows who asks."),
    ] = None
    timeout_ms: Annotated[
        int,
        Meta(
            title="Time limit",
            description="Milliseconds until the request is given up.",
            ge=1,
            le=MAX_TIMEOUT_MS,
        ),
    ] = 30_000
    follow_redirects: Annotated[
        bool, Meta(title="Follow redirects", description="Go on to where the server points.")
    ] = True
    idempotency_key: Annotated[
        bool,
        Meta(
            title="Tell repeated requests apart",
            description="Send the header Idempotency-Key with POST, PUT, PATCH and DELETE: the "
            "same for every attempt of this step, so that the server acts once.",
        ),
    ] = True
    response_schema: Annotated[
        dict[str, Any] | None,
        Meta(
            title="Expected answer",
            description="A JSON Schema of the answer's body; mock runs make their data from it.",
            extra_json_schema={
                "x-widget": "json",
                "x-expression": False,
                "x-json-schema": True,
            },
        ),
    ] = None


class HttpRequest(NodeType[HttpRequestParams]):
    """Calls a web address. Its output is `{"status", "headers", "body"}`, JSON already read.

    An answer other than 2xx fails the node; it is worth another attempt for 429 and 5xx.
    Addresses inside private networks are refused unless the administrator allows them.
    """

    name = "http_request"
    title = "HTTP request"
    category = Category.INTEGRATION
    icon = "http"
    keywords = ("api", "fetch", "rest", "webhook", "url", "get", "post", "curl")
    params_type = HttpRequestParams

    async def run(self, params: HttpRequestParams, ctx: NodeContext) -> Output:
        try:
            async with (
                asyncio.timeout(params.timeout_ms / 1000),
                outbound.client(ctx.services.allow_hosts, timeout=None) as client,
            ):
                return Output(await _exchange(client, _request(client, params, ctx), params))
        except TimeoutError:
            raise NodeTimeoutError(f"no answer within {params.timeout_ms} ms") from None
        except (
            httpx.InvalidURL,
            httpx.UnsupportedProtocol,
            httpx.LocalProtocolError,
            ValueError,
        ) as error:
            raise NodeError(
                f"the address or a header cannot be used: {error}",
                code="request_invalid",
                retryable=False,
            ) from None
        except httpx.RequestError as error:
            raise NodeError(f"no answer: {error}", code="connection_failed") from None

    async def mock(self, params: HttpRequestParams, ctx: NodeContext) -> Output:
        """What it put out in an earlier real run, or data made from the expected answer."""
        if ctx.node_id in ctx.services.recorded:
            return Output(ctx.services.recorded[ctx.node_id])
        schema = params.response_schema
        body = None if schema is None else example(schema, f"{params.method} {params.url}")
        return Output({"status": 200, "headers": {}, "body": body})


def _request(
    client: httpx.AsyncClient, params: HttpRequestParams, ctx: NodeContext
) -> httpx.Request:
    headers = httpx.Headers({name: format_value(value) for name, value in params.headers.items()})
    if params.idempotency_key and params.method in CHANGING:
        headers.setdefault("Idempotency-Key", ctx.idempotency_key)
    content: bytes | None = None
    if isinstance(params.body, str):
        content = params.body.encode()
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
    elif params.body is not None:
        content = msgspec.json.encode(params.body)
        headers.setdefault("Content-Type", "application/json")
    query: list[tuple[str, Any]] = []
    for name, value in params.query.items():
        parts = cast("list[Any]", value) if isinstance(value, list) else [value]
        query += [(name, format_value(part)) for part in parts if part is not None]
    url = httpx.URL(params.url)
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.UnsupportedProtocol("it must begin with http:// or https:// and name a host")
    request = client.build_request(
        params.method,
        url.copy_merge_params(query) if query else url,
        headers=headers,
        content=content,
    )
    match params.auth:
        case Bearer(token=token):
            request.headers["Authorization"] = f"Bearer {token}"
        case Basic(username=username, password=password):
            request.headers["Authorization"] = f"Basic {_pair(username, password)}"
        case Header(name=name, value=value):
            request.headers[name] = value
        case None:
            pass
    return request


def _pair(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


async def _exchange(
    client: httpx.AsyncClient, request: httpx.Request, params: HttpRequestParams
) -> dict[str, Any]:
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            following = response.next_request if params.follow_redirects else None
            if following is None:
                content = await outbound.read_limited(response, MAX_ANSWER_BYTES)
                if isinstance(params.auth, Basic):
                    # an echo of it would be stored: only a secret's plain text is masked later
                    pair = _pair(params.auth.username, params.auth.password)
                    content = content.replace(pair.encode(), MASK.encode())
                return _answer(response, content)
        finally:
            await response.aclose()
        if isinstance(params.auth, Header) and _origin(following.url) != _origin(request.url):
            following.headers.pop(params.auth.name, None)
        request = following
    raise NodeError(
        f"redirected more than {MAX_REDIRECTS} times", code="too_many_redirects", retryable=False
    )


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _answer(response: httpx.Response, content: bytes) -> dict[str, Any]:
    kind = response.headers.get("content-type", "")
    body = _body(kind, content, response.encoding)
    status = response.status_code
    if not 200 <= status < 300:
        words = content.decode(response.encoding or "utf-8", "replace").strip()
        brief = f": {words[:300]}" if words and _is_text(kind) else ""
        raise NodeError(
            f"the server answered {status} {response.reason_phrase}{brief}",
            code=f"http_{status}",
            retryable=status >= 500 or status in RETRYABLE,
            retry_after_ms=_wait_ms(response.headers) if status in ASKING_TO_WAIT else None,
        )
    answer: dict[str, Any] = {
        "status": status,
        "headers": _headers(response.headers),
        "body": body,
    }
    if content and not _is_text(kind):
        answer["encoding"] = "base64"
    return answer


def _wait_ms(headers: Mapping[str, str]) -> int | None:
    """How long the server wants to be left alone: seconds, or until a date."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return int(asked[:9]) * 1000
    try:
        left = parsedate_to_datetime(asked) - now()
    except (ValueError, TypeError):
        return None
    return max(0, round(left.total_seconds() * 1000))


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "set-cookie"}


def _is_text(kind: str) -> bool:
    plain = kind.partition(";")[0].strip().lower()
    return (
        not plain
        or plain.startswith("text/")
        or plain.endswith(("json", "xml", "javascript", "yaml", "x-www-form-urlencoded"))
    )


def _body(kind: str, content: bytes, encoding: str | None) -> Any:
    if not content:
        return None
    if "json" in kind.lower():
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            pass  # the server's mistake: the analyst sees the text
    if not _is_text(kind):
        return base64.b64encode(content).decode()
    return content.decode(encoding or "utf-8", "replace")
