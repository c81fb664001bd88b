"""A small asyncio HTTP/1.1 client, so that the client's CPU does not spoil what is measured.

It knows loopback, keep-alive, Content-Length and chunked bodies, and nothing else.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

HOST = "127.0.0.1"
MICROSECONDS = 1_000_000
READ_LIMIT = 32 * 1024 * 1024


class Response(NamedTuple):
    """An answer that was read to its end; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Connection:
    """One keep-alive connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection(HOST, port, limit=READ_LIMIT))

    async def close(self) -> None:
        self._writer.close()
        await asyncio.wait([asyncio.ensure_future(self._writer.wait_closed())])

    async def send(self, request: bytes) -> Response:
        """Send a request made by `encode_request`. Raises ConnectionError when it breaks off."""
        self._writer.write(request)
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            status, headers = _parse_head(head)
            body = await self._body(headers)
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server closed the connection") from error
        return Response(status, headers, body)

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(headers.get("content-length", "0")))
        parts: list[bytes] = []
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return b"".join(parts)


def encode_request(
    method: str, target: str, headers: Mapping[str, str] | None = None, body: Any = None
) -> bytes:
    """The bytes of a request; `body` is sent as JSON."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    content = b""
    if body is not None:
        content = msgspec.json.encode(body)
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def spread(
    port: int, clients: int, requests: int, work: Callable[[Connection], Awaitable[None]]
) -> float:
    """Do `work` so often in all, on so many connections at once. Returns the seconds it took."""
    connections = [await Connection.open(port) for _ in range(clients)]
    turns = iter(range(requests))

    async def client(connection: Connection) -> None:
        for _ in turns:
            await work(connection)

    began = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(client(connection))
        return time.perf_counter() - began
    finally:
        for connection in connections:
            await connection.close()


class Sighting(NamedTuple):
    """An SSE message and when its last byte reached this process, in µs since 1970."""

    id: str
    event: str
    data: bytes
    seen_us: float


class Viewer(asyncio.Protocol):
    """Follows one event stream; notes when bytes come and reads them only afterwards."""

    def __init__(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._request = request
        self._received = bytearray()
        self._arrivals: list[tuple[int, float]] = []
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def open(cls, port: int, request: bytes) -> "Viewer":
        loop = asyncio.get_running_loop()
        _, viewer = await loop.create_connection(lambda: cls(request), HOST, port)
        return viewer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time() * MICROSECONDS
        self._received += data
        self._arrivals.append((len(self._received), now))
        if not self.answered.done():
            self.answered.set_result(None)
        if self._received.endswith(b"\r\n0\r\n\r\n") and self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.answered, self.closed):
            if not future.done():
                future.set_result(None)

    def abort(self) -> None:
        """Leave, whatever is still to come."""
        if self._transport is not None:
            self._transport.close()

    def sightings(self) -> list[Sighting]:
        """All messages so far. Raises ConnectionError when the answer was no event stream."""
        raw = bytes(self._received)
        head, separator, _ = raw.partition(b"\r\n\r\n")
        status, headers = _parse_head(head) if separator else (0, {})
        if status != 200 or headers.get("transfer-encoding") != "chunked":
            raise ConnectionError(f"no event stream but: {raw[:300]!r}")
        found: list[Sighting] = []
        pending = b""
        at = len(head) + 4
        while (line_end := raw.find(b"\r\n", at)) >= 0:
            begin, size = line_end + 2, int(raw[at:line_end], 16)
            if not size or len(raw) < begin + size:
                break
            pending = (pending + raw[begin : begin + size]).replace(b"\r\n", b"\n")
            at = begin + size + 2
            *blocks, pending = pending.split(b"\n\n")
            if blocks:
                seen_us = self._arrivals[bisect_left(self._arrivals, (begin + size,))][1]
                found += [_message(block, seen_us) for block in blocks]
        return [each for each in found if each.event]


def _message(block: bytes, seen_us: float) -> Sighting:
    fields: dict[bytes, bytes] = {}
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        fields[name] = value.removeprefix(b" ")
    event, id_ = fields.get(b"event", b""), fields.get(b"id", b"")
    return Sighting(id_.decode(), event.decode(), fields.get(b"data", b""), seen_us)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share (0 to 1) of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
