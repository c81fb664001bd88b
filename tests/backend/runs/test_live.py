"""Streams of the real server: SSE and WebSocket, many viewers, and a stop while they watch."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.backend.runs.drawings import greeting, looping, slow
from tests.backend.runs.sse import messages
from tests.live_server import LiveServer

STREAM = {"Accept": "text/event-stream"}


class Visitor:
    """Somebody who is signed in to the live server."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.token = server.token()
        self.http = httpx.AsyncClient(
            base_url=f"{server.url}/api/v1",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=20,
        )

    async def publish(self, definition: Any) -> str:
        body = {"name": "Live", "definition": msgspec.to_builtins(definition)}
        made = (await self.http.post("/workflows", json=body)).raise_for_status().json()
        (await self.http.post(f"/workflows/{made['id']}/versions")).raise_for_status()
        return made["id"]

    async def start(self, definition: Any, **inputs: Any) -> str:
        workflow_id = await self.publish(definition)
        answer = await self.http.post(f"/workflows/{workflow_id}/runs", json={"inputs": inputs})
        return answer.raise_for_status().json()["id"]

    async def log(self, run_id: str) -> list[Any]:
        answer = await self.http.get(f"/runs/{run_id}/events")
        return answer.raise_for_status().json()["items"]

    def socket(self, **headers: str) -> connect:
        url = f"{self.server.url.replace('http', 'ws', 1)}/api/v1/ws"
        given = headers or {"Authorization": f"Bearer {self.token}"}
        # a client whose queue is full cannot close its connection
        return connect(url, additional_headers=given, proxy=None, max_queue=None)


@pytest.fixture
async def visitor(live_server: LiveServer) -> AsyncIterator[Visitor]:
    made = Visitor(live_server)
    yield made
    await made.http.aclose()


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(msgspec.json.encode(message).decode())


async def hear(socket: ClientConnection) -> Any:
    return msgspec.json.decode(await asyncio.wait_for(socket.recv(), 20))


async def until_silent(socket: ClientConnection) -> None:
    while True:
        await hear(socket)


async def test_a_run_started_as_a_stream_ends_with_an_end(visitor: Visitor) -> None:
    workflow_id = await visitor.publish(greeting())
    async with visitor.http.stream(
        "POST", f"/workflows/{workflow_id}/runs", json={}, headers=STREAM
    ) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        run_id = response.headers["location"].rpartition("/")[2]
        seen = [message async for message in messages(response)]
    assert seen[-1].event == "end"
    log = await visitor.log(run_id)
    assert [message.data for message in seen[:-1]] == log
    assert [message.id for message in seen[:-1]] == [event["seq"] for event in log]
    assert [message.event for message in seen[:-1]] == [event["kind"] for event in log]


async def test_many_viewers_of_both_kinds_that_drop_out_see_exactly_the_log(
    visitor: Visitor,
) -> None:
    names = [f"name {number}" for number in range(40)]
    run_id = await visitor.start(looping(), names=names)

    async def by_sse(chance: random.Random) -> list[Any]:
        seen: list[Any] = []
        while True:
            headers = {**STREAM, "Last-Event-ID": str(len(seen))}
            async with visitor.http.stream(
                "GET", f"/runs/{run_id}/events", headers=headers
            ) as response:
                async for message in messages(response):
                    if message.event == "end":
                        return seen
                    seen.append(message.data)
                    if chance.random() < 0.03:
                        break

    async def by_socket(chance: random.Random) -> list[Any]:
        seen: list[Any] = []
        while True:
            async with visitor.socket() as socket:
                await say(socket, type="subscribe", run_id=run_id, after=len(seen))
                assert (await hear(socket))["type"] == "subscribed"
                while chance.random() >= 0.03:
                    message = await hear(socket)
                    if message["type"] == "end":
                        return seen
                    assert message["seq"] == message["event"]["seq"]
                    seen.append(message["event"])

    logs = await asyncio.gather(
        *(by_sse(random.Random(seed)) for seed in range(12)),
        *(by_socket(random.Random(seed)) for seed in range(12)),
    )
    log = await visitor.log(run_id)
    assert len(log) == 4 * len(names) + 7
    for seen in logs:
        assert seen == log


async def test_one_socket_follows_several_runs(visitor: Visitor) -> None:
    runs = [await visitor.start(slow(50, 50)) for _ in range(3)]
    seen: dict[str, list[Any]] = {run_id: [] for run_id in runs}
    ended: set[str] = set()
    async with visitor.socket() as socket:
        for run_id in runs:
            await say(socket, type="subscribe", run_id=run_id)
        await say(socket, type="ping")
        kinds = set[str]()
        while ended != set(runs):
            message = await hear(socket)
            kinds.add(message["type"])
            if message["type"] == "event":
                seen[message["run_id"]].append(message["event"])
            elif message["type"] == "end":
                ended.add(message["run_id"])
    assert kinds == {"subscribed", "event", "end", "pong"}
    for run_id in runs:
        assert seen[run_id] == await visitor.log(run_id)


async def test_what_a_socket_refuses_it_says_and_stays_open(visitor: Visitor) -> None:
    run_id = await visitor.start(slow(20_000))
    async with visitor.socket() as socket:
        for raw, code in [
            ("{", "invalid"),
            ('{"type": "dance"}', "invalid"),
            ('{"type": "subscribe"}', "invalid"),
            ('{"type": "subscribe", "run_id": "x", "after": -1}', "invalid"),
            ('{"type": "subscribe", "run_id": "x", "more": 1}', "invalid"),
            ('{"type": "subscribe", "run_id": "nobody\'s"}', "run_not_found"),
            (f'{{"type": "subscribe", "run_id": "{run_id}", "after": 9999}}', "cursor_gone"),
            ('"' + "x" * 20_000 + '"', "too_large"),
        ]:
            await socket.send(raw)
            answer = await hear(socket)
            assert (answer["type"], answer["code"]) == ("error", code), raw[:80]
        await say(socket, type="subscribe", run_id=run_id)
        assert (await hear(socket))["type"] == "subscribed"
        await say(socket, type="subscribe", run_id=run_id)
        answers = [await hear(socket)]
        while answers[-1]["type"] == "event":
            answers.append(await hear(socket))
        assert answers[-1]["code"] == "conflict"
        await say(socket, type="unsubscribe", run_id=run_id)
        while answers[-1]["type"] != "unsubscribed":
            answers.append(await hear(socket))
        await visitor.http.post(f"/runs/{run_id}/cancel")
        await say(socket, type="ping")
        assert (await hear(socket))["type"] == "pong"


async def test_a_socket_needs_a_token_or_a_cookie_from_our_own_origin(visitor: Visitor) -> None:
    host = visitor.server.url.removeprefix("http://")
    cookie = f"heddle_token={visitor.token}"

    async def closed_with(**headers: str) -> int:
        async with visitor.socket(**headers) as socket:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            return closed.value.rcvd.code

    assert await closed_with(X="nobody") == 4401
    assert await closed_with(Authorization="Bearer nonsense") == 4401
    assert await closed_with(Cookie=cookie, Origin="http://evil.example") == 4403
    async with visitor.socket(Cookie=cookie, Origin=f"http://{host}") as socket:
        await say(socket, type="ping")
        assert (await hear(socket))["type"] == "pong"


async def test_a_reader_that_sleeps_misses_nothing(visitor: Visitor) -> None:
    names = ["a long name " * 40] * 300
    run_id = await visitor.start(looping(), names=names)
    host, port = visitor.server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=4096)
    writer.write(
        f"GET /api/v1/runs/{run_id}/events HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {visitor.token}\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    await writer.drain()
    async with visitor.http.stream("GET", f"/runs/{run_id}/events", headers=STREAM) as quick:
        assert [message.event async for message in messages(quick)][-1] == "end"
    raw = b""
    while b"event: end\n" not in raw:
        raw += await asyncio.wait_for(reader.read(65_536), 20)
    writer.close()
    ids = [int(line.split()[1]) for line in raw.split(b"\n") if line.startswith(b"id: ")]
    assert ids == list(range(1, 4 * len(names) + 8))


async def test_the_server_stops_quickly_with_viewers_watching(visitor: Visitor) -> None:
    run_id = await visitor.start(slow(60_000))

    async def view() -> list[str]:
        async with visitor.http.stream("GET", f"/runs/{run_id}/events", headers=STREAM) as stream:
            return [message.event async for message in messages(stream)]

    viewers = [asyncio.create_task(view()) for _ in range(5)]
    async with visitor.socket() as socket:
        await say(socket, type="subscribe", run_id=run_id)
        while (await hear(socket)).get("seq") != 5:
            pass
        took_s = await asyncio.to_thread(visitor.server.stop)
        with pytest.raises(websockets.ConnectionClosed):
            await until_silent(socket)
    assert took_s < 5
    for seen in await asyncio.gather(*viewers):
        assert seen[:2] == ["run.queued", "run.started"]
        assert "end" not in seen
    assert "Traceback" not in visitor.server.log
