"""Connections that dawdle, sockets of strangers, and addresses that a header made up."""

import asyncio
from pathlib import Path

import httpx
import pytest
import uvicorn
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from backend.errors import RequestTimeout
from backend.system.http_protocol import PunctualProtocol
from backend.system.slow_bodies import in_time
from tests.conftest import PASSWORD
from tests.live_server import LiveServer


async def test_a_body_that_trickles_is_given_up() -> None:
    async def trickle() -> dict[str, object]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    receive = in_time(trickle, grace_s=0.05)  # type: ignore[arg-type]

    async def read_on() -> None:
        while True:
            await receive()

    with pytest.raises(RequestTimeout):
        await read_on()


async def test_a_body_that_keeps_coming_is_taken_however_long() -> None:
    left = [b"x" * 100_000] * 5 + [b""]

    async def steady() -> dict[str, object]:
        await asyncio.sleep(0.02)
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(body)}

    receive = in_time(steady, grace_s=0.05)  # type: ignore[arg-type]
    while (await receive())["body"]:  # type: ignore[typeddict-item]
        pass


async def test_an_answered_request_may_be_listened_to_for_ever() -> None:
    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, object]:
        if messages:
            return messages.pop()
        await asyncio.sleep(0.1)
        return {"type": "http.disconnect"}

    wrapped = in_time(receive, grace_s=0.01)  # type: ignore[arg-type]
    await wrapped()
    assert (await wrapped())["type"] == "http.disconnect"


@pytest.mark.parametrize(
    "sent", [b"", b"G", b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: ", b"\r\n", b"POST "]
)
async def test_a_head_that_does_not_arrive_is_given_up(sent: bytes) -> None:
    class Impatient(PunctualProtocol):
        head_within_s = 0.2

    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError

    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=Impatient, lifespan="off", log_config=None)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    server.should_exit = True
    await serving


def test_strangers_get_no_socket_and_no_address_of_their_choice(live_server: LiveServer) -> None:
    at = f"127.0.0.1:{live_server.port}"
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://{at}{path}"):
        pass
    assert refused.value.response.status_code == 403
    polled = httpx.get(f"http://{at}{path.replace('websocket', 'polling')}")
    assert polled.status_code == 401
    token = live_server.token()
    headers = {"Cookie": f"heddle_token={token}"}
    with connect(f"ws://{at}{path}", additional_headers=headers) as opened:
        assert str(opened.recv(10)).startswith("0")
    with pytest.raises(InvalidStatus):
        connect(f"ws://{at}{path}", additional_headers={**headers, "Host": "evil.example"})
    # a made-up address per attempt gets nobody around the throttle
    statuses = [
        httpx.post(
            f"{live_server.url}/api/v1/auth/login",
            json={"username": "admin", "password": f"wrong {n}"},
            headers={"X-Forwarded-For": f"198.51.100.{n}"},
        ).status_code
        for n in range(12)
    ]
    assert statuses[-1] == 429


def test_a_trusted_proxy_is_believed(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "live", PASSWORD, HEDDLE_TRUSTED_PROXIES="127.0.0.1")
    server.start()
    try:
        statuses = {
            httpx.post(
                f"{server.url}/api/v1/auth/login",
                json={"username": "admin", "password": f"wrong {n}"},
                headers={"X-Forwarded-For": f"198.51.100.{n}"},
            ).status_code
            for n in range(12)
        }
        assert statuses == {401}
    finally:
        server.stop()
