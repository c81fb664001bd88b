"""A run's events as Server-Sent Events."""

from collections.abc import AsyncIterator
from typing import Any, cast

import anyio
from litestar.response import Response
from sse_starlette import EventSourceResponse

from backend.runs.stream import RunStream

PING_S = 15
SEND_TIMEOUT_S = 30
"""A viewer who takes nothing for so long is let go; it comes back with its last event's id."""

GOODBYE_S = 2.0
"""How long streams may take to end when the server is being stopped."""

RETRY_MS = 1000

# sent at once, so that the viewer has its headers before the first event
HELLO = b"retry: %d\n\n" % RETRY_MS
END = b"event: end\ndata: {}\n\n"


class EventStream(Response[Any]):
    """Litestar's shape around sse-starlette's response."""

    def __init__(self, stream: RunStream, headers: dict[str, str] | None = None) -> None:
        super().__init__(content=None, media_type="text/event-stream", headers=headers)
        self._stream = stream

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> Any:
        """The ASGI application that streams."""
        return EventSourceResponse(
            _blocks(self._stream),
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store", **self.headers},
            ping=PING_S,
            sep="\n",
            send_timeout=SEND_TIMEOUT_S,
            shutdown_event=cast("anyio.Event", _Goodbye(self._stream)),
            shutdown_grace_period=GOODBYE_S,
        )


class _Goodbye:
    """What sse-starlette sets when the server is being stopped: the stream ends, without `end`."""

    def __init__(self, stream: RunStream) -> None:
        self._stream = stream

    def set(self) -> None:
        self._stream.close()


async def _blocks(stream: RunStream) -> AsyncIterator[bytes]:
    yield HELLO
    async for delivery in stream:
        yield delivery.sse
    if stream.ended:
        yield END
