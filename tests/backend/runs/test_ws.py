"""A follower whose events break says so, and its connection goes on and follows the run again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from litestar.exceptions import WebSocketDisconnect

from backend.accounts import service as accounts
from backend.runs import ws
from backend.runs.stream import Delivery, RunStream
from tests.backend.runs.door import Door
from tests.backend.runs.drawings import greeting


class Connection:
    """The server's side of a WebSocket whose client is this test."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str | None] = asyncio.Queue()
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    async def receive_data(self, mode: str) -> str:
        said = await self.said.get()
        if said is None:
            raise WebSocketDisconnect(detail="gone", code=1000)
        return said

    async def send_data(self, data: str, mode: str) -> None:
        self.heard.put_nowait(data)

    async def say(self, **message: Any) -> None:
        await self.said.put(msgspec.json.encode(message).decode())

    async def until(self, kind: str) -> list[Any]:
        """What is heard until a message of this kind, which is the last."""
        heard: list[Any] = []
        while not heard or heard[-1]["type"] != kind:
            heard.append(msgspec.json.decode(await asyncio.wait_for(self.heard.get(), 20)))
        return heard


@pytest.fixture
async def connection(door: Door) -> AsyncIterator[Connection]:
    actor = await accounts.identify(door.client.headers["Authorization"].split()[1])
    made = Connection()
    serving = asyncio.create_task(ws.Viewer(made, actor).serve())  # type: ignore[arg-type]
    yield made
    made.said.put_nowait(None)
    await serving


@pytest.mark.parametrize(
    ("after", "fault"),
    [(0, OSError("the disk is gone")), (1, RuntimeError("a bug")), (3, KeyError(7))],
)
async def test_a_broken_stream_is_told_and_followed_again(
    door: Door,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    fault: Exception,
) -> None:
    run_id = await door.run(greeting(), inputs={"city": "Oslo"})
    await door.completed(run_id)
    whole = RunStream.__aiter__

    async def breaking(self: RunStream) -> AsyncIterator[Delivery]:
        left = after
        async for delivery in whole(self):
            if not left:
                raise fault
            left -= 1
            yield delivery

    monkeypatch.setattr(RunStream, "__aiter__", breaking)
    await connection.say(type="subscribe", run_id=run_id)
    *_, told = first = await connection.until("error")
    assert (told["code"], told["run_id"]) == ("stream_broken", run_id)
    seen = [message["seq"] for message in first if message["type"] == "event"]
    assert len(seen) == after
    monkeypatch.undo()

    await connection.say(type="subscribe", run_id=run_id, after=seen[-1] if seen else 0)
    rest = [m["seq"] for m in await connection.until("end") if m["type"] == "event"]
    events = (await door.call("GET", f"/runs/{run_id}/events"))["items"]
    assert seen + rest == [event["seq"] for event in events]
