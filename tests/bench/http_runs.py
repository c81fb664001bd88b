"""Runs over HTTP, awaited and stored: the server's CPU a run, and runs a second."""

from collections.abc import Mapping
from typing import Any

from tests.bench import drawings
from tests.bench.area import Area
from tests.bench.load import Connection, spread
from tests.bench.server import Server, ServerError, running_server, succeeded

CLIENTS = 16
WARM_UP = 100
RUNS = 1600
ONE_BY_ONE = 300
INPUTS = {"n": 0, "city": "Oslo"}
COMPLETED = b'"status":"completed"'


async def measure(area: Area) -> None:
    """Fills the rows of its area, like every module's `measure`."""
    async with running_server(area.place("data")) as server:
        workflows = {
            "one": drawings.chain(1),
            "ten": drawings.chain(10),
            "fork": drawings.fork(),
        }
        for name, definition in workflows.items():
            workflow_id = await server.publish(name, definition)
            await run_many(server, workflow_id, CLIENTS, area.times(WARM_UP))
            alone_ms, _ = await run_many(server, workflow_id, 1, area.times(ONE_BY_ONE))
            cpu_ms, rate = await run_many(server, workflow_id, CLIENTS, area.times(RUNS))
            about = f"one client: {alone_ms:.1f} ms; {CLIENTS} clients: {rate:.0f} runs/s"
            area.found(f"{name}.cpu", cpu_ms, about)
            area.found(f"{name}.rate", rate)
            await _all_stored(
                server, workflow_id, sum(map(area.times, (WARM_UP, ONE_BY_ONE, RUNS)))
            )


async def run_many(
    server: Server,
    workflow_id: str,
    clients: int,
    runs: int,
    inputs: Mapping[str, Any] = INPUTS,
) -> tuple[float, float]:
    """Start runs and wait for each. Returns the server's CPU in ms a run, and runs a second."""
    request = server.request(
        "POST",
        f"/workflows/{workflow_id}/runs",
        {"inputs": inputs, "version": "active"},
        {"Prefer": "wait=30"},
    )

    async def one(connection: Connection) -> None:
        response = succeeded(await connection.send(request))
        if response.status != 200 or COMPLETED not in response.body:
            raise ServerError(f"a run did not complete: {response.body[:500].decode()}")

    before_ms = server.cpu_ms()
    seconds = await spread(server.port, clients, runs, one)
    return (server.cpu_ms() - before_ms) / runs, runs / seconds


async def _all_stored(server: Server, workflow_id: str, runs: int) -> None:
    page = await server.call("GET", f"/runs?workflow_id={workflow_id}&status=completed&limit=1")
    if page["total"] != runs:
        raise ServerError(f"{runs} runs were made and {page['total']} are stored")
