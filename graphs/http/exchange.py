"""Sends a request, and goes on where the server points; cookies and credentials stay where they
belong."""

import asyncio
import base64
from contextlib import ExitStack
from http.cookiejar import CookieJar
from typing import Any, cast

import httpx

from graphs import outbound
from graphs.errors import NodeError, NodeTimeoutError
from graphs.expressions import format_value
from graphs.http.answer import answer_of
from graphs.http.bodies import body_of
from graphs.http.params import Basic, Bearer, Header, HttpRequestParams
from graphs.masking import MASK
from graphs.node_type import NodeContext

MAX_REDIRECTS = 10
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


async def exchange(params: HttpRequestParams, ctx: NodeContext) -> dict[str, Any]:
    """The answer to the request, as the node's output. Raises NodeError."""
    with ExitStack() as opened:
        sending = Exchange(params, ctx)
        try:
            async with asyncio.timeout(params.timeout_ms / 1000), sending.client as client:
                return await sending.run(client, opened)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise sending.too_slow(error) from None
        except httpx.ConnectError as error:
            raise NodeError(
                f"no connection to {sending.host}: {error}; check the address, and that the server "
                "runs and can be reached from here",
                code="connection_failed",
            ) from None
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise _invalid(f"the request to {sending.host} cannot be sent: {error}") from None
        except httpx.RequestError as error:
            raise NodeError(
                f"no answer from {sending.host}: {error or 'the connection broke'}",
                code="connection_failed",
            ) from None


class Exchange:
    """One request with the redirects that follow from it."""

    def __init__(self, params: HttpRequestParams, ctx: NodeContext) -> None:
        self.params = params
        self.ctx = ctx
        self.host = "the server"
        self.answering = False
        self.own_cookies = ""
        limits = httpx.Timeout(None, connect=params.connect_timeout_ms / 1000)
        # httpx notes cookies in the jar itself; an empty jar of its own where none are kept
        self.jar = ctx.services.cookies if params.cookies else CookieJar()
        self.client = outbound.client(
            ctx.services.allow_hosts, timeout=limits, cookies=cast("Any", self.jar)
        )

    async def run(self, client: httpx.AsyncClient, opened: ExitStack) -> dict[str, Any]:
        """The node's output. Raises NodeError and httpx's errors."""
        request = await self._request(client, opened)
        for _ in range(MAX_REDIRECTS + 1):
            self.host = request.url.netloc.decode("ascii", "replace")
            self.answering = False
            signed = self.params.auth is not None or "authorization" in request.headers
            # else httpx signs in as the user whom the address names
            auth = httpx.Auth() if signed else httpx.USE_CLIENT_DEFAULT
            response = await client.send(request, stream=True, auth=auth)
            self.answering = True
            try:
                following = response.next_request if self.params.follow_redirects else None
                if following is None:
                    return await answer_of(response, self.params, self.ctx, self._hidden())
            finally:
                await response.aclose()
            request = self._followed(request, following)
        raise NodeError(
            f"redirected more than {MAX_REDIRECTS} times, at last to {self.host}",
            code="too_many_redirects",
            retryable=False,
        )

    def too_slow(self, error: Exception) -> NodeTimeoutError:
        """What the time was lost with."""
        params = self.params
        if isinstance(error, httpx.ConnectTimeout):
            limit_ms = min(params.connect_timeout_ms, params.timeout_ms)
            return NodeTimeoutError(
                f"no connection to {self.host} within {limit_ms} ms; check the address, and that "
                "the server runs and can be reached from here"
            )
        if self.answering:
            return NodeTimeoutError(
                f"the answer of {self.host} had begun, and had not ended within "
                f"{params.timeout_ms} ms"
            )
        return NodeTimeoutError(f"no answer from {self.host} within {params.timeout_ms} ms")

    async def _request(self, client: httpx.AsyncClient, opened: ExitStack) -> httpx.Request:
        params, ctx = self.params, self.ctx
        if params.save_as and ctx.services.files is None:
            raise NodeError(
                "this run has no workspace to save the answer to",
                code="files_unavailable",
                retryable=False,
            )
        url = _address(params)
        self.host = url.netloc.decode("ascii", "replace")
        headers = httpx.Headers(
            [
                _field(name, format_value(value))
                for name, value in params.headers.items()
                if value is not None
            ]
        )
        if params.idempotency_key and params.method in CHANGING:
            headers.setdefault("Idempotency-Key", ctx.idempotency_key)
        body = await body_of(params, headers.get("content-type", ""), ctx, opened)
        if body.drop_content_type:
            headers.pop("Content-Type", None)
        if body.content_type:
            headers.setdefault("Content-Type", body.content_type)
        if body.size_bytes is not None:
            headers["Content-Length"] = str(body.size_bytes)
        match params.auth:
            case Bearer(token=token):
                _set(headers, "Authorization", f"Bearer {token}")
            case Basic(username=username, password=password):
                _set(headers, "Authorization", f"Basic {_pair(username, password)}")
            case Header(name=name, value=value):
                _set(headers, name, value)
            case None:
                pass
        self.own_cookies = headers.pop("Cookie", "")
        request = client.build_request(
            params.method, url, headers=headers, content=body.content, files=body.parts
        )
        self._add_cookies(request, self.own_cookies)
        return request

    def _followed(self, before: httpx.Request, following: httpx.Request) -> httpx.Request:
        if not _same_site(before.url, following.url):
            self.own_cookies = ""
            for name in self._private(following):
                following.headers.pop(name, None)
        self._add_cookies(following, self.own_cookies)
        return following

    def _private(self, request: httpx.Request) -> list[str]:
        """The headers that must not reach another host: credentials, and whatever is secret."""
        auth = self.params.auth
        names = ["Authorization", "Proxy-Authorization"]
        if isinstance(auth, Header):
            names.append(auth.name)
        secret = [name for name, value in request.headers.items() if self.ctx.mask(value) != value]
        return [*names, *secret]

    def _add_cookies(self, request: httpx.Request, own: str) -> None:
        """Give it the node's own cookies, and those that the server gave before."""
        request.headers.pop("Cookie", None)
        if self.params.cookies:
            httpx.Cookies(cast("Any", self.jar)).set_cookie_header(request)
        if not own:
            return
        names = {pair.partition("=")[0].strip() for pair in own.split(";")}
        given = request.headers.get("Cookie", "").split("; ")
        more = [pair for pair in given if pair and pair.partition("=")[0] not in names]
        _set(request.headers, "Cookie", "; ".join([own.strip().rstrip(";"), *more]))

    def _hidden(self) -> tuple[str, str]:
        # an echo of it would be stored: only a secret's plain text is masked later
        auth = self.params.auth
        return (_pair(auth.username, auth.password), MASK) if isinstance(auth, Basic) else ("", "")


def _address(params: HttpRequestParams) -> httpx.URL:
    query: list[tuple[str, Any]] = []
    for name, value in params.query.items():
        parts = cast("list[Any]", value) if isinstance(value, list) else [value]
        query += [(name, format_value(part)) for part in parts if part is not None]
    try:
        url = httpx.URL(params.url.strip())
        if url.scheme not in ("http", "https") or not url.host:
            raise _invalid(
                "the address cannot be used: it must begin with http:// or https:// and name a host"
            )
        return url.copy_merge_params(query) if query else url
    except (httpx.InvalidURL, ValueError) as error:
        raise _invalid(f"the address cannot be used: {error}") from None


def _field(name: str, value: str) -> tuple[bytes, bytes]:
    """A header as bytes. Raises NodeError when HTTP has no such header."""
    if not name or not set(name.lower()) <= _TOKEN:
        raise _invalid(f"{name!r} cannot be the name of a header: letters, digits and - only")
    content = value.strip(" \t")
    if any(character in content for character in "\r\n\0"):
        raise _invalid(f"the header {name!r} holds a line break, which HTTP does not allow")
    if not content.isprintable() and any(ord(c) < 32 and c != "\t" for c in content):
        raise _invalid(f"the header {name!r} holds a control character, which HTTP does not allow")
    return name.encode(), content.encode()


def _set(headers: httpx.Headers, name: str, value: str) -> None:
    raw_name, raw_value = _field(name, value)
    headers.pop(name, None)
    headers.update(httpx.Headers([(raw_name, raw_value)]))


def _pair(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _same_site(before: httpx.URL, after: httpx.URL) -> bool:
    """Whether a redirect stays with its server; from http to https it does."""
    if (before.scheme, before.host, before.port) == (after.scheme, after.host, after.port):
        return True
    upgraded = (before.scheme, after.scheme) == ("http", "https")
    return upgraded and before.host == after.host and before.port == after.port is None


def _invalid(message: str) -> NodeError:
    return NodeError(message, code="request_invalid", retryable=False)
