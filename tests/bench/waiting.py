"""A thousand runs that wait for people: what they cost, and how soon one goes on when answered."""

import asyncio
import time
from typing import Any

from tests.bench import drawings
from tests.bench.area import Area
from tests.bench.http_runs import CLIENTS
from tests.bench.load import Connection, percentile, spread
from tests.bench.server import Server, ServerError, running_server, succeeded

WAITING = 1000
WATCHED_S = 10
ANSWERS = 50
PUT_ASIDE_WITHIN_S = 60
POLL_S = 0.1


async def measure(area: Area) -> None:
    """Fills the rows of its area, like every module's `measure`."""
    async with running_server(area.place("data")) as server:
        workflow_id = await server.publish("waiting", drawings.question())
        await _answered(area, server, workflow_id)
        # what is done late the first time is no cost of those that wait
        before_ms = await _idle_cpu_ms(area, server)
        memory_mb = server.memory_mb()
        await _start(server, workflow_id, area.times(WAITING))
        after_ms = await _idle_cpu_ms(area, server)
        about = (
            f"{area.times(WAITING)} paused: {after_ms:.2f} ms a second, none: {before_ms:.2f};"
            f" {server.memory_mb() - memory_mb:.0f} MB more"
        )
        area.found("cpu", max(after_ms - before_ms, 0), about)


async def _start(server: Server, workflow_id: str, runs: int) -> None:
    request = server.request("POST", f"/workflows/{workflow_id}/runs", {})

    async def one(connection: Connection) -> None:
        succeeded(await connection.send(request))

    await spread(server.port, CLIENTS, runs, one)
    await _until_paused(server, runs)


async def _until_paused(server: Server, runs: int) -> None:
    until = time.monotonic() + PUT_ASIDE_WITHIN_S
    while (await server.call("GET", "/runs?status=paused&limit=1"))["total"] < runs:
        if time.monotonic() > until:
            raise ServerError(f"not all of {runs} runs were put aside")
        await asyncio.sleep(POLL_S)


async def _idle_cpu_ms(area: Area, server: Server) -> float:
    """What the server uses while nobody asks anything, in ms a second."""
    watched_s = area.times(WATCHED_S, at_least=2)
    before_ms = server.cpu_ms()
    await asyncio.sleep(watched_s)
    return (server.cpu_ms() - before_ms) / watched_s


async def _answered(area: Area, server: Server, workflow_id: str) -> None:
    """From the answer to the start of the node after it, by the server's own clock."""
    gaps: list[float] = []
    for _ in range(area.times(ANSWERS, at_least=5)):
        run = await server.call("POST", f"/workflows/{workflow_id}/runs", {})
        await _until_paused(server, 1)
        page = await server.call("GET", f"/approvals?run_id={run['id']}")
        question = page["items"][0]["id"]
        await server.call("POST", f"/approvals/{question}/respond", {"answer": True})
        gaps.append(_gap_ms(await _ended(server, run["id"])))
    about = f"p50 {percentile(gaps, 0.5):.1f} ms"
    area.found("answered", percentile(gaps, 0.95), about)


async def _ended(server: Server, run_id: str) -> list[Any]:
    while True:
        events: list[Any] = (await server.call("GET", f"/runs/{run_id}/events"))["items"]
        if events[-1]["kind"] == "run.completed":
            return events
        await asyncio.sleep(POLL_S)


def _gap_ms(events: list[Any]) -> float:
    at = {(event["kind"], event.get("node_id")): drawings.moment(event["at"]) for event in events}
    gap = at["step.started", "after"] - at["approval.answered", "ask"]
    return gap.total_seconds() * 1000
