"""Two hundred runs, each watched by a slow client that drops out and comes back at random."""

import asyncio
import random
from typing import Any

import httpx
import msgspec

from tests.backend.runs.drawings import looping, slow
from tests.backend.runs.sse import messages
from tests.live_server import LiveServer

RUNS = 200
STARTED_AT_ONCE = 16
NAMES = [f"name {number}" for number in range(5)]


class Dropper:
    """Watches one run; leaves after a random number of events, and reads them slowly."""

    def __init__(self, http: httpx.AsyncClient, run_id: str, seed: int) -> None:
        self._http = http
        self.run_id = run_id
        self._chance = random.Random(seed)
        self.seen: list[Any] = []
        self.connections = 0

    async def watch(self) -> None:
        """Return when the stream has said that it is at its end."""
        ended = False
        while not ended:
            ended = await self._look()

    async def _look(self) -> bool:
        self.connections += 1
        last = {"Last-Event-ID": str(self.seen[-1]["seq"])} if self.seen else {}
        url = f"/runs/{self.run_id}/events"
        headers = {"Accept": "text/event-stream", **last}
        patience = self._chance.randint(1, 12)
        async with self._http.stream("GET", url, headers=headers) as response:
            assert response.status_code == 200
            async for message in messages(response):
                if message.event == "end":
                    return True
                if message.id is not None:
                    self.seen.append(message.data)
                    patience -= 1
                if patience == 0:
                    return False
                if self._chance.random() < 0.1:
                    await asyncio.sleep(self._chance.random() * 0.05)
        return False


async def test_two_hundred_clients_that_drop_out_see_exactly_the_logs(
    live_server: LiveServer,
) -> None:
    headers = {"Authorization": f"Bearer {live_server.token()}"}
    limits = httpx.Limits(max_connections=RUNS + STARTED_AT_ONCE)
    async with httpx.AsyncClient(
        base_url=f"{live_server.url}/api/v1", headers=headers, timeout=60, limits=limits
    ) as http:
        drawings = [
            await _publish(http, looping()),
            await _publish(http, slow(*[20] * 6)),
        ]
        starting = asyncio.Semaphore(STARTED_AT_ONCE)

        async def start_and_watch(number: int) -> Dropper:
            body = {"inputs": {"names": NAMES} if number % 2 == 0 else {}}
            async with starting:
                answer = await http.post(f"/workflows/{drawings[number % 2]}/runs", json=body)
            dropper = Dropper(http, answer.raise_for_status().json()["id"], seed=number)
            await dropper.watch()
            return dropper

        droppers = await asyncio.gather(*(start_and_watch(number) for number in range(RUNS)))
        for dropper in droppers:
            answer = await http.get(f"/runs/{dropper.run_id}/events")
            assert dropper.seen == answer.raise_for_status().json()["items"]
        total = (await http.get("/runs/stats")).json()["by_status"]
    assert total["completed"] == RUNS
    assert sum(dropper.connections for dropper in droppers) > 2 * RUNS


async def _publish(http: httpx.AsyncClient, definition: Any) -> str:
    body = {"name": "Watched", "definition": msgspec.to_builtins(definition)}
    made = (await http.post("/workflows", json=body)).raise_for_status().json()
    (await http.post(f"/workflows/{made['id']}/versions")).raise_for_status()
    return made["id"]
