"""The only way out: an httpx client that reaches public addresses and hosts named by the operator.

Checks happen where the connection is made: the host is resolved, every address is checked, and
exactly a checked address is connected to. So neither a redirect nor a name that resolves
differently the second time leads inside. TLS still verifies the host's name.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any

import anyio
import httpcore
import httpx
from msgspec import Struct

from graphs.errors import NodeError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_CONNECTIONS = 20

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")


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


def is_public(address: Address) -> bool:
    """Whether anyone on the internet would reach the same host there.

    IPv4 addresses wrapped in IPv6 ones (mapped, NAT64, 6to4, Teredo) count as what they lead to.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address in _LOCAL_NAT64 or address.is_site_local:
            return False
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
    )


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _IPV4_COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


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
            plain = (_embedded(address) if address.version == 6 else None) or address
            if not is_public(address) and not any(
                candidate.version == network.version and candidate in network
                for network in networks
                for candidate in (address, plain)
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


class GuardedTransport(httpx.AsyncHTTPTransport):
    """An httpx transport that reaches public addresses and what `allow_hosts` names."""

    def __init__(self, allow_hosts: Iterable[str] = ()) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        # httpx has no argument for the network backend
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=MAX_CONNECTIONS,
            network_backend=_GuardedBackend(allow_hosts),
        )


def client(allow_hosts: Iterable[str] = (), **options: Any) -> httpx.AsyncClient:
    """An httpx client for calls on behalf of a workflow; `options` are those of AsyncClient.

    Proxies of the environment are not used. A refused host raises OutboundRefused.
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


async def read_limited(response: httpx.Response, limit_bytes: int) -> bytes:
    """The decoded body of a streamed response. Raises NodeError when it is longer."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > limit_bytes:
            raise NodeError(
                f"the answer is longer than {limit_bytes:,} bytes",
                code="response_too_large",
                retryable=False,
            )
        parts.append(part)
    return b"".join(parts)
