"""The public door: runs started, steered and looked at over HTTP, as programs do it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from graphs.definition import Definition

ENDED = ("completed", "failed", "cancelled")
Json = dict[str, Any]


class Door:
    """A signed-in client with short ways to what tests do."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Json:
        """The answer's JSON; it must have the status."""
        answer = await self.client.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else {}

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """The status and the code of a refusal."""
        answer = await self.client.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    async def publish(self, definition: Definition, **fields: Any) -> str:
        """A published workflow's id."""
        body = {"name": "Flow", "definition": msgspec.to_builtins(definition), **fields}
        made = await self.call("POST", "/workflows", body, 201)
        await self.call("POST", f"/workflows/{made['id']}/versions", {}, 201)
        return made["id"]

    async def start(self, workflow_id: str, **body: Any) -> str:
        """A run's id."""
        return (await self.call("POST", f"/workflows/{workflow_id}/runs", body, 202))["id"]

    async def run(self, definition: Definition, **body: Any) -> str:
        """The id of a run of a new workflow."""
        return await self.start(await self.publish(definition), **body)

    async def get(self, run_id: str) -> Json:
        return await self.call("GET", f"/runs/{run_id}")

    async def until(self, run_id: str, *statuses: str) -> Json:
        """The run once it has one of the statuses."""
        for _ in range(1500):
            run = await self.get(run_id)
            if run["status"] in statuses:
                return run
            assert run["status"] not in ENDED, run
            await asyncio.sleep(0.01)
        raise AssertionError(f"the run stays {run['status']}")

    async def completed(self, run_id: str) -> Json:
        return await self.until(run_id, "completed")

    async def steps(self, run_id: str) -> list[Json]:
        return (await self.call("GET", f"/runs/{run_id}/steps?limit=200"))["items"]

    async def until_step(self, run_id: str, wanted: Callable[[Json], bool]) -> Json:
        """The first step that is as wanted, once there is one."""
        for _ in range(1500):
            for step in await self.steps(run_id):
                if wanted(step):
                    return step
            await asyncio.sleep(0.01)
        raise AssertionError("never such a step")

    async def until_running(self, run_id: str, node_id: str) -> Json:
        """A node's step once it is running."""
        return await self.until_step(
            run_id, lambda step: step["node_id"] == node_id and step["status"] == "running"
        )

    async def events(self, run_id: str) -> list[Json]:
        """The run's events; that they are gap-free is checked on the way."""
        items = (await self.call("GET", f"/runs/{run_id}/events"))["items"]
        assert [event["seq"] for event in items] == list(range(1, len(items) + 1))
        return items

    async def kinds(self, run_id: str) -> list[str]:
        return [event["kind"] for event in await self.events(run_id)]

    async def completions(self, run_id: str) -> list[str]:
        """The nodes in the order in which their steps completed."""
        events = await self.events(run_id)
        return [event["node_id"] for event in events if event["kind"] == "step.completed"]
