"""The only way out: an httpx client that reaches public addresses and hosts named by the operator.

Checks happen where the connection is made: the host is resolved, every address is checked, and
exactly a checked address is connected to. So neither a redirect nor a name that resolves
differently the second time leads inside. TLS still verifies the host's name. Connections are kept
and used again; they stay with the address that was checked.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable
from contextlib import aclosing, contextmanager
from functools import cache
from typing import Any, cast
from weakref import WeakKeyDictionary

import anyio
import httpcore
import httpx
from msgspec import Struct

from graphs.addresses import Address, Network, embedded, is_public
from graphs.decompression import codings, unpacked
from graphs.errors import NodeError

MAX_CONNECTIONS = 500
MAX_IDLE_CONNECTIONS = 50
IDLE_S = 4
"""Shorter than servers keep a silent connection, so that none is used that is being closed."""


class OutboundRefused(NodeError):
    """The host is, or resolves to, an address that workflows may not reach."""

    code = "host_refused"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is inside a private network, and workflows may only call public hosts; "
            "an administrator can allow it with HEDDLE_ALLOW_HOSTS",
            retryable=False,
        )


class Allowed(Struct, frozen=True):
    """One entry of the operator's list; `port` None stands for every port."""

    host: str | None
    network: Network | None
    port: int | None


def parse_allowed(entry: str) -> Allowed:
    """An entry such as `wiki.corp`, `10.0.0.0/8`, `127.0.0.1:11434`, `[::1]:80`.

    Raises ValueError when it is none of these.
    """
    text = entry.strip()
    host, port = text, None
    bracketed = text.startswith("[")
    if bracketed:
        host, closed, rest = text[1:].partition("]")
        if not closed or rest[:1] not in ("", ":"):
            raise ValueError(f"{entry!r} is neither a host nor a network")
        port = rest.removeprefix(":") or None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    number = int(port) if port is not None else None
    if number is not None and not 0 < number < 65536:
        raise ValueError(f"{entry!r} has no port from 1 to 65535")
    try:
        return Allowed(None, ipaddress.ip_network(host, strict=False), number)
    except ValueError:
        if bracketed or not host or "/" in host or ":" in host:
            raise ValueError(f"{entry!r} is neither a host nor a network") from None
    return Allowed(_plain(host), None, number)


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").casefold()


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, allow_hosts: Iterable[str]) -> None:
        self._allowed = [parse_allowed(entry) for entry in allow_hosts if entry.strip()]
        self._network: Any = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        options = list(socket_options or ())
        try:
            with anyio.fail_after(timeout):
                addresses = await self._checked(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} could not be resolved in time") from None
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise OutboundRefused(path)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[Address]:
        addresses = await _resolve(host, port)
        allowed = [entry for entry in self._allowed if entry.port in (None, port)]
        if any(entry.host == _plain(host) for entry in allowed):
            return addresses
        networks = [entry.network for entry in allowed if entry.network is not None]
        for address in addresses:
            if not is_public(address) and not any(
                candidate.version == network.version and candidate in network
                for network in networks
                for candidate in (address, *embedded(address))
            ):
                raise OutboundRefused(host)
        return addresses


async def _resolve(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpcore.ConnectError(f"{host} cannot be resolved to an address") from None
    texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
    return [ipaddress.ip_address(text) for text in texts]


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # takes 10 ms and more, so all clients share it


class _Pool:
    """The connections of one event loop to whatever one list of allowed hosts lets through.

    A connection leads to the address that was checked when it was made, and holds no cookies and
    no credentials, so that whoever has the same list may use it again.
    """

    def __init__(self, allow_hosts: tuple[str, ...]) -> None:
        self.connections = httpcore.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_S,
            network_backend=_GuardedBackend(allow_hosts),
        )
        self._sweeping: asyncio.Task[None] | None = None
        # the event loop closes its asynchronous generators before it ends, and with it the pool
        self._until_the_end = self._close_at_the_end(allow_hosts)

    async def open(self) -> None:
        await anext(self._until_the_end)

    async def _close_at_the_end(self, allow_hosts: tuple[str, ...]) -> AsyncGenerator[None]:
        loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            if self._sweeping is not None:
                self._sweeping.cancel()
            _pools.get(loop, {}).pop(allow_hosts, None)
            await self.connections.aclose()

    def sweep_later(self) -> None:
        """Close what stays idle; the pool itself looks only when it is used."""
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        while self.connections.connections:
            await asyncio.sleep(IDLE_S + 1)
            for connection in self.connections.connections:
                if connection.has_expired():
                    await connection.aclose()
            if all(connection.is_closed() for connection in self.connections.connections):
                return


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, ...], _Pool]] = (
    WeakKeyDictionary()
)


async def _pool(allow_hosts: tuple[str, ...]) -> _Pool:
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    pool = pools.get(allow_hosts)
    if pool is None:
        pool = pools[allow_hosts] = _Pool(allow_hosts)
        await pool.open()
    return pool


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that reaches public addresses and what `allow_hosts` names.

    Connections are shared by all transports of the process and kept open for a while. Compressed
    answers come out unpacked, within bounds (`graphs.decompression`).
    """

    def __init__(self, allow_hosts: Iterable[str] = ()) -> None:
        self._allow_hosts = tuple(allow_hosts)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pool = await _pool(self._allow_hosts)
        headers = request.headers.raw
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
        if scheme in ("ntlm", "negotiate"):
            # they sign in the connection itself: nobody else may go on with it
            headers = [*headers, (b"Connection", b"close")]
        while True:
            connected: list[str] = []

            async def note(event: str, _: Any, connected: list[str] = connected) -> None:
                if event == "connection.connect_tcp.started":
                    connected.append(event)

            sent = httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=headers,
                content=request.stream,
                extensions={**request.extensions, "trace": note},
            )
            with _as_httpx():
                try:
                    response = await pool.connections.handle_async_request(sent)
                    break
                except (httpcore.RemoteProtocolError, httpcore.NetworkError):
                    # the server may have closed a kept connection at the same moment
                    if connected or not _may_repeat(request):
                        raise
        stream = _Stream(cast("Any", response.stream), pool)
        received = httpx.Headers(response.headers)
        try:
            names = codings(received.get("content-encoding", ""))
        except NodeError:
            await stream.aclose()
            raise
        if names and request.method != "HEAD" and response.status not in (204, 304):
            stream.names = names
            received = httpx.Headers(
                [pair for pair in response.headers if pair[0].lower() not in _OF_THE_PACKED]
            )
        return httpx.Response(
            response.status,
            headers=received,
            stream=stream,
            extensions=cast("Any", response).extensions,
        )


def _may_repeat(request: httpx.Request) -> bool:
    return request.method in _IDEMPOTENT and isinstance(request.stream, httpx.ByteStream)


_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_OF_THE_PACKED = (b"content-encoding", b"content-length")


class _Stream(httpx.AsyncByteStream):
    def __init__(self, body: Any, pool: _Pool) -> None:
        self.names: tuple[str, ...] = ()
        self._body = body
        self._pool = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            if not self.names:
                async for part in self._body:
                    yield part
                return
            async with aclosing(unpacked(self._body, self.names)) as pieces:
                async for piece in pieces:
                    yield piece

    async def aclose(self) -> None:
        with _as_httpx():
            await self._body.aclose()
        self._pool.sweep_later()


@contextmanager
def _as_httpx() -> Generator[None]:
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        # both packages give their errors the same names
        raise getattr(httpx, type(error).__name__)(str(error)) from error


def client(allow_hosts: Iterable[str] = (), **options: Any) -> httpx.AsyncClient:
    """An httpx client for calls on behalf of a workflow; `options` are those of AsyncClient.

    Cookies and credentials are its own, connections are shared. Proxies of the environment are
    not used. A refused host raises OutboundRefused.
    """
    return httpx.AsyncClient(transport=GuardedTransport(allow_hosts), trust_env=False, **options)


def refusal(error: BaseException | None) -> OutboundRefused | None:
    """The refusal behind an error that a client library wrapped around it."""
    seen = 0
    while error is not None and seen < 20:
        if isinstance(error, OutboundRefused):
            return error
        error = error.__cause__ or error.__context__
        seen += 1
    return None
