"""How soon a run starts, and how soon viewers of its event stream see a node finish."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec

from tests.bench import drawings
from tests.bench.area import Area
from tests.bench.http_runs import run_many
from tests.bench.load import MICROSECONDS, Sighting, Viewer, percentile
from tests.bench.server import Server, ServerError, running_server

STARTS = 100
WARM_UP = 10
PAUSE_S = 0.03
NODES = 100
WATCHED = ((1, 4, 25, 300), (20, 2, 50, 700), (200, 1, 100, 3000))
"""Viewers, runs, ms between nodes, ms before the first: time for all viewers to come."""
STREAM_ENDS_WITHIN_S = 40


async def measure(area: Area) -> None:
    """Fills the rows of its area, like every module's `measure`."""
    async with running_server(area.place("data")) as server:
        await _starts(server, area)
        nodes = area.times(NODES)
        workflow_id = await server.publish("watched", drawings.waits(nodes))
        missed = compared = 0
        for viewers, runs, pace_ms, lead_ms in WATCHED:
            delays: list[float] = []
            for _ in range(area.times(runs)):
                inputs = {"pace_ms": pace_ms, "lead_ms": lead_ms}
                found, lost, of = await _watched_run(server, workflow_id, inputs, viewers)
                delays += found
                missed += lost
                compared += of
            if not delays:
                raise ServerError(f"{viewers} viewers saw no node finish while they watched")
            p50, p99 = percentile(delays, 0.5), percentile(delays, 0.99)
            about = f"p50 {p50:.1f}, most {max(delays):.1f}; {len(delays)} sightings"
            area.found(f"seen.{viewers}.p50", p50)
            area.found(f"seen.{viewers}.p99", p99, about)
        area.found("missed", missed, f"of {compared:,}, compared with the stored ones")


async def _starts(server: Server, area: Area) -> None:
    """Runs one after the other on an idle server: from `created_at` to the first step's start."""
    workflow_id = await server.publish("started", drawings.chain(1))
    await run_many(server, workflow_id, 1, WARM_UP)
    delays: list[float] = []
    for _ in range(area.times(STARTS)):
        await asyncio.sleep(PAUSE_S)
        path = f"/workflows/{workflow_id}/runs"
        run = await server.call("POST", path, {"inputs": {}}, {"Prefer": "wait=30"})
        events = await _stored_events(server, run["id"])
        first = next(event for event in events if event["kind"] == "step.started")
        delays.append((_us(first["at"]) - _us(run["created_at"])) / 1000)
    area.found("start", percentile(delays, 0.95), f"p50 {percentile(delays, 0.5):.1f}")


async def _watched_run(
    server: Server, workflow_id: str, inputs: dict[str, Any], count: int
) -> tuple[list[float], int, int]:
    """Run once with so many viewers.

    Returns each sighting's delay in ms, how many events were missed, and of how many.
    Raises ServerError when an event came twice or out of order.
    """
    run = await server.call("POST", f"/workflows/{workflow_id}/runs", {"inputs": inputs})
    accept = {"Accept": "text/event-stream"}
    request = server.request("GET", f"/runs/{run['id']}/events", headers=accept)
    viewers = [await Viewer.open(server.port, request) for _ in range(count)]
    try:
        async with asyncio.timeout(STREAM_ENDS_WITHIN_S):
            await asyncio.gather(*(viewer.answered for viewer in viewers))
            await asyncio.gather(*(viewer.closed for viewer in viewers))
    finally:
        for viewer in viewers:
            viewer.abort()
    stored = await _stored_events(server, run["id"])
    ids = [str(event["seq"]) for event in stored]
    delays: list[float] = []
    missed = 0
    for viewer in viewers:
        sightings = viewer.sightings()
        got = [each.id for each in sightings if each.id and each.event != "end"]
        if got != [each for each in ids if each in set(got)]:
            raise ServerError(f"events came twice or out of order: {got}")
        missed += len(ids) - len(got)
        delays += _delays(sightings)
    return delays, missed, len(ids) * count


def _delays(sightings: list[Sighting]) -> list[float]:
    """What a viewer saw after it had come; what it caught up with says nothing about delay."""
    came_us = min((each.seen_us for each in sightings), default=0)
    ends = [each for each in sightings if each.event == "step.completed"]
    finished = [(_us(msgspec.json.decode(each.data)["at"]), each.seen_us) for each in ends]
    return [(seen - at) / 1000 for at, seen in finished if at > came_us]


async def _stored_events(server: Server, run_id: str) -> list[dict[str, Any]]:
    """All events of a run, as GET …/events gives them page by page."""
    events: list[dict[str, Any]] = []
    while True:
        after = events[-1]["seq"] if events else 0
        page = await server.call("GET", f"/runs/{run_id}/events?after={after}")
        items = page["items"] if isinstance(page, dict) else page
        if not items:
            return events
        events += items


def _us(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() * MICROSECONDS
