"""The WebSocket: the events of any number of runs over one connection.

In: `subscribe` {run_id, after?}, `unsubscribe` {run_id}, `ping`. Out: `subscribed`, `event`
{run_id, seq, event}, `end` {run_id} after a run's last event, `unsubscribed`, `pong`, and `error`
{code, detail, run_id?}, after which the connection stays open. After `stream_broken` the run is not
followed any more: subscribe again, with `after` the last `seq` that arrived.
"""

import asyncio
from typing import Annotated, Any

import msgspec
import structlog
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from msgspec import Meta, Struct

from backend.actor import Actor
from backend.errors import AppError
from backend.runs.stream import START, RunStream, follow

MAX_SUBSCRIPTIONS = 100
MAX_MESSAGE_BYTES = 10_000
SEND_TIMEOUT_S = 30
"""A viewer who takes nothing for so long is let go; it comes back with its last event's seq."""

TOO_SLOW = 1013

log: Any = structlog.get_logger("heddle.runs")


class _TooSlow(Exception):
    """The viewer has taken nothing for too long."""


class Subscribe(Struct, frozen=True, forbid_unknown_fields=True, tag="subscribe", tag_field="type"):
    run_id: str
    after: Annotated[int, Meta(ge=0)] = START


class Unsubscribe(
    Struct, frozen=True, forbid_unknown_fields=True, tag="unsubscribe", tag_field="type"
):
    run_id: str


class Ping(Struct, frozen=True, forbid_unknown_fields=True, tag="ping", tag_field="type"):
    pass


_decoder = msgspec.json.Decoder(Subscribe | Unsubscribe | Ping)
_encode = msgspec.json.Encoder().encode


@websocket("/ws")
async def run_events(socket: WebSocket[Any, Any, Any]) -> None:
    """Follow runs until the client leaves."""
    await socket.accept()
    await Viewer(socket, socket.user).serve()


class Viewer:
    """One connection and the runs that it follows."""

    def __init__(self, socket: WebSocket[Any, Any, Any], actor: Actor) -> None:
        self._socket = socket
        self._actor = actor
        self._following: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        """Answer messages until the client leaves or is too slow."""
        try:
            while True:
                await self._answer(await self._socket.receive_data(mode="text"))
        except (WebSocketDisconnect, _TooSlow):
            pass
        finally:
            tasks = list(self._following.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, raw: str | bytes) -> None:
        if len(raw) > MAX_MESSAGE_BYTES:
            await self._refuse("too_large", "The message is too long.")
            return
        try:
            message: Subscribe | Unsubscribe | Ping = _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeError) as error:
            await self._refuse("invalid", f"The message cannot be read: {error}")
            return
        match message:
            case Subscribe():
                await self._subscribe(message)
            case Unsubscribe(run_id=run_id):
                task = self._following.pop(run_id, None)
                if task is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                await self._send({"type": "unsubscribed", "run_id": run_id})
            case Ping():
                await self._send({"type": "pong"})

    async def _subscribe(self, message: Subscribe) -> None:
        run_id = message.run_id
        if run_id in self._following:
            await self._refuse("conflict", "This connection follows the run already.", run_id)
        elif len(self._following) >= MAX_SUBSCRIPTIONS:
            detail = f"One connection follows at most {MAX_SUBSCRIPTIONS} runs."
            await self._refuse("too_many_subscriptions", detail, run_id)
        else:
            try:
                stream = await follow(self._actor, run_id, message.after)
            except AppError as error:
                await self._refuse(error.code, error.detail, run_id)
            else:
                await self._send({"type": "subscribed", "run_id": run_id})
                self._following[run_id] = asyncio.create_task(self._follow(stream))

    async def _follow(self, stream: RunStream) -> None:
        try:
            try:
                async for delivery in stream:
                    await self._send_text(delivery.text)
            except (_TooSlow, WebSocketDisconnect):
                raise
            except Exception as error:
                log.warning("run_stream_broke", run_id=stream.run_id, exc_info=error)
            self._following.pop(stream.run_id, None)
            if stream.ended:
                await self._send({"type": "end", "run_id": stream.run_id})
            else:
                detail = "The run's events stopped arriving: subscribe again."
                await self._refuse(code="stream_broken", detail=detail, run_id=stream.run_id)
        except _TooSlow:
            await self._socket.close(TOO_SLOW)
        except WebSocketDisconnect:
            pass

    async def _refuse(self, code: str, detail: str, run_id: str | None = None) -> None:
        about = {} if run_id is None else {"run_id": run_id}
        await self._send({"type": "error", "code": code, "detail": detail, **about})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(_encode(message).decode())

    async def _send_text(self, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S), self._sending:
                await self._socket.send_data(text, mode="text")
        except TimeoutError as error:
            raise _TooSlow from error
