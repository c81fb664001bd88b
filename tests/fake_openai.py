"""A server that speaks OpenAI's chat API on the loopback interface and does what a test tells it.

It stands for every provider: whole and broken streams, usage or none, refusals, silence.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import uvicorn
from msgspec import Struct


class Ending(StrEnum):
    """How a streamed answer ends."""

    DONE = "done"
    ERROR = "error"
    """With an event that says that something went wrong."""
    DISCONNECT = "disconnect"
    HANG = "hang"
    """Never, until the client goes away."""
    GARBAGE = "garbage"
    """With an event that is no JSON."""


class Say(Struct, frozen=True, kw_only=True):
    """An answer in pieces. `usage`: tokens of the prompt and of the answer, None for none told."""

    texts: tuple[str, ...]
    usage: tuple[int, int] | None = (11, 4)
    ending: Ending = Ending.DONE
    before_s: float = 0


class Refuse(Struct, frozen=True, kw_only=True):
    """An answer that is an error."""

    status: int
    message: str = "computer says no"
    headers: dict[str, str] = {}


Act = Say | Refuse
Request = dict[str, Any]


def say(*texts: str, **options: Any) -> Say:
    """An answer of these pieces."""
    return Say(texts=texts, **options)


def say_json(value: Any, **options: Any) -> Say:
    """An answer that is JSON, in two pieces."""
    plain = json.dumps(value)
    return Say(texts=(plain[:5], plain[5:]), **options)


class FakeOpenAI:
    """The running server. `requests` are the bodies it got, `headers` those that came with them.

    `act` decides what each is answered; a list is played in order, its last act for ever.
    """

    def __init__(self, act: Callable[[Request], Act] | list[Act] | Act) -> None:
        self.requests: list[Request] = []
        self.headers: list[dict[str, str]] = []
        self.port = 0
        self._act = act

    @property
    def url(self) -> str:
        """What a node's `base_url` is."""
        return f"http://127.0.0.1:{self.port}/v1"

    def asked(self, number: int = -1) -> list[str]:
        """The texts of a request's messages."""
        return [message["content"] for message in self.requests[number]["messages"]]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        request = json.loads(body)
        self.requests.append(request)
        pairs = ((name.decode(), value.decode()) for name, value in scope["headers"])
        self.headers.append(dict(pairs))
        act = self._next(request)
        if isinstance(act, Refuse):
            await self._refuse(act, send)
        else:
            await self._stream(act, request, receive, send)

    def _next(self, request: Request) -> Act:
        if isinstance(self._act, list):
            return self._act.pop(0) if len(self._act) > 1 else self._act[0]
        return self._act(request) if callable(self._act) else self._act

    async def _refuse(self, act: Refuse, send: Any) -> None:
        content = json.dumps({"error": {"message": act.message, "type": "x"}}).encode()
        headers = {"content-type": "application/json", **act.headers}
        await send(_start(act.status, headers))
        await send({"type": "http.response.body", "body": content})

    async def _stream(self, act: Say, request: Request, receive: Any, send: Any) -> None:
        await asyncio.sleep(act.before_s)
        await send(_start(200, {"content-type": "text/event-stream"}))
        base = {"id": "c", "object": "chat.completion.chunk", "created": 1}
        base["model"] = request["model"]

        async def event(value: Any) -> None:
            content = value if isinstance(value, str) else json.dumps({**base, **value})
            body = f"data: {content}\n\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})

        for text in act.texts:
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            await event({"choices": [choice]})
        match act.ending:
            case Ending.DISCONNECT:
                return
            case Ending.HANG:
                while (await receive())["type"] != "http.disconnect":
                    pass
                return
            case Ending.ERROR:
                await event({"error": {"message": "the model has crashed", "type": "server_error"}})
            case Ending.GARBAGE:
                await event("{no json")
            case Ending.DONE:
                await event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                if act.usage is not None:
                    asked, answered = act.usage
                    usage = {"prompt_tokens": asked, "completion_tokens": answered}
                    usage["total_tokens"] = asked + answered
                    await event({"choices": [], "usage": usage})
        await event("[DONE]")
        await send({"type": "http.response.body", "body": b""})


def _start(status: int, headers: dict[str, str]) -> dict[str, Any]:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield  # they are the test runner's


@asynccontextmanager
async def fake_openai(
    act: Callable[[Request], Act] | list[Act] | Act,
) -> AsyncIterator[FakeOpenAI]:
    """A running server that acts like this."""
    fake = FakeOpenAI(act)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        fake.port = listener.getsockname()[1]
        config = uvicorn.Config(fake, log_level="critical", lifespan="off", ws="none")
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        await server.ready.wait()
        try:
            yield fake
        finally:
            server.should_exit = server.force_exit = True
            await serving
