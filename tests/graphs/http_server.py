"""A server on this machine that keeps connections open and answers as a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct, field


class Asked(Struct):
    """A request as the server saw it; `connection` counts from 0."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Answer(Struct):
    """What the server sends; `headers` may name one several times."""

    body: bytes = b""
    kind: str = ""
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    cut: bool = False
    """Whether the connection ends before the body does."""


class KeptOpen:
    """A small HTTP/1.1 server with keep-alive."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.port = 0
        self._answer = answer
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.connections
        self.connections += 1
        self._open.add(writer)
        try:
            while await self._one(reader, writer, number):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {
            name.lower(): value
            for name, value in (line.split(": ", 1) for line in head[1:] if line)
        }
        body = b""
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        self.asked.append(Asked(method, target, headers, body, number))
        answer = self._answer(self.asked[-1])
        length = len(answer.body) + (100 if answer.cut else 0)
        lines = [f"HTTP/1.1 {answer.status} Answer", f"content-length: {length}"]
        lines += [f"content-type: {answer.kind}"] if answer.kind else []
        lines += [f"{name}: {value}" for name, value in answer.headers]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        writer.write(b"" if method == "HEAD" else answer.body)
        await writer.drain()
        return not answer.cut and headers.get("connection") != "close"

    def hang_up(self) -> None:
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def keeping(answer: Callable[[Asked], Answer]) -> AsyncIterator[KeptOpen]:
    """A server that answers every request with what the function returns."""
    server = KeptOpen(answer)
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        server.hang_up()
