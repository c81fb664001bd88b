"""A real server with two tenants: one attacks it, and the other works on beside that."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from backend.accounts import service as accounts
from backend.accounts.schemas import CreateUser
from backend.actor import Actor, Role
from backend.database import close_database, open_database
from backend.settings import Settings
from backend.tenants import service as tenants
from tests.conftest import CHEAP, PASSWORD, SECRET_KEY
from tests.live_server import LiveServer
from tests.processes import Peak

BESIDE_S = 30
"""Within this a small run of another tenant ends, whatever goes on; it is no benchmark."""

ENDS_S = 60
SERVER_MB = 450
"""The server itself, with what it reads and a worker for the other tenant's small run."""

SMALL = (
    ("set_fields", {"fields": {"rows": [{"n": 1}, {"n": 2}]}}),
    (
        "sql",
        {"query": "SELECT sum(n)::INT AS n FROM t", "tables": {"t": "{{ prev.rows }}"}},
    ),
)

Nodes = Iterable[tuple[str, Mapping[str, Any]]]


def drawing(nodes: Nodes) -> dict[str, Any]:
    """A chain of nodes after a start; their ids are `n1`, `n2`, …"""
    chain: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    chain += [{"id": f"n{at}", "type": t, "params": p} for at, (t, p) in enumerate(nodes, 1)]
    pairs = pairwise(chain)
    edges = [
        {"id": f"e{at}", "source": one["id"], "target": two["id"]}
        for at, (one, two) in enumerate(pairs)
    ]
    return {"nodes": chain, "edges": edges}


class Tenant:
    """Somebody who uses the server."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        (workspace,) = client.get("/api/v1/workspaces").raise_for_status().json()["items"]
        self.files = f"/api/v1/workspaces/{workspace['id']}"

    def upload(self, name: str, content: bytes | Iterable[bytes]) -> None:
        """Put a file into the workspace."""
        url = f"{self.files}/files/{name}"
        self.client.put(url, content=content, timeout=60).raise_for_status()

    def start(self, nodes: Nodes) -> str:
        """Start a run of a new workflow; returns its id."""
        body = {"name": "w", "definition": drawing(nodes)}
        made = self.client.post("/api/v1/workflows", json=body)
        assert made.status_code == 201, made.text
        url = f"/api/v1/workflows/{made.json()['id']}/runs"
        begun = self.client.post(url, json={"version": "draft"})
        assert begun.status_code == 202, begun.text
        return begun.json()["id"]

    def run(self, run_id: str) -> dict[str, Any]:
        return self.client.get(f"/api/v1/runs/{run_id}").raise_for_status().json()

    def ended(self, run_id: str, within_s: float = ENDS_S) -> dict[str, Any]:
        """The run once it has ended, which it must within the time."""
        return self.until(run_id, lambda run: run["finished_at"] is not None, within_s)

    def until(
        self, run_id: str, holds: Callable[[dict[str, Any]], bool], within_s: float
    ) -> dict[str, Any]:
        """The run once something holds of it."""
        limit = time.monotonic() + within_s
        while not holds(run := self.run(run_id)):
            assert time.monotonic() < limit, f"still {run['status']} after {within_s} s"
            time.sleep(0.05)
        return run

    def logs(self, run_id: str) -> list[str]:
        """What the run's log says."""
        items = self.client.get(f"/api/v1/runs/{run_id}/logs").raise_for_status().json()["items"]
        return [line["message"] for line in items]


class Arena:
    """`mallory` attacks, `alice` is a neighbour; `server` is theirs and must stay the same."""

    def __init__(self, folder: Path) -> None:
        self.server = LiveServer(
            folder,
            PASSWORD,
            HEDDLE_ALLOW_HOSTS="127.0.0.1",
            HEDDLE_SECRET_KEY=SECRET_KEY,
            HEDDLE_SECRET_OTHER__TOKEN="the-neighbours-token",
            HEDDLE_LOG_LEVEL="warning",
        )
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(_second_tenant(folder))
        try:
            self.server.start()
        except AssertionError:
            self.server.kill()
            raise
        assert self.server.process is not None
        self.pid = self.server.process.pid
        self.mallory = Tenant(self.server.client())
        self.alice = Tenant(self._client("alice"))
        enable = {"python_enabled": True}
        self.mallory.client.patch("/api/v1/tenants/current", json=enable).raise_for_status()

    def close(self) -> None:
        for tenant in (self.mallory, self.alice):
            tenant.client.close()
        self.server.stop()

    def attack(
        self, *runs: Nodes, more_mb: float, within_s: float = ENDS_S, cancel: bool = False
    ) -> list[dict[str, Any]]:
        """Attack with runs at once; returns them as they ended.

        `more_mb`: what all processes may take beyond the idle server. `cancel`: they are endless,
        and cancelled once the neighbour is done.
        """
        with Peak(self.pid) as peak:
            begun = [self.mallory.start(nodes) for nodes in runs]
            self.neighbour()
            if cancel:
                for run_id in begun:
                    self.mallory.client.post(f"/api/v1/runs/{run_id}/cancel", json={})
            ended = [self.mallory.ended(run_id, within_s) for run_id in begun]
        self.check(peak, more_mb)
        return ended

    def neighbour(self) -> None:
        """The other tenant's small run, which ends in bounded time."""
        done = self.alice.ended(self.alice.start(SMALL), BESIDE_S)
        assert done["status"] == "completed", done["error"]

    def check(self, peak: Peak, more_mb: float) -> None:
        """The server is the same, still answers, and has kept to the memory."""
        assert peak.megabytes < SERVER_MB + more_mb, f"{peak.megabytes:.0f} MB"
        assert self.server.process is not None
        assert self.server.process.poll() is None, self.server.log
        assert httpx.get(f"{self.server.url}/health/ready", timeout=10).status_code == 200

    def _client(self, username: str) -> httpx.Client:
        body = {"username": username, "password": PASSWORD}
        answer = httpx.post(f"{self.server.url}/api/v1/auth/login", json=body)
        token = answer.raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.server.url, headers=headers, timeout=10)


async def _second_tenant(folder: Path) -> None:
    settings = Settings(
        data_dir=folder, secret_key=SECRET_KEY, password_cost=CHEAP, admin_password=PASSWORD
    )
    await open_database(settings)
    try:
        tenants.open_tenants(settings)
        await accounts.open_accounts(settings)
        founder = Actor("founder", "founder", await tenants.create("Other", "other"), Role.ADMIN)
        await accounts.create_user(founder, CreateUser("alice", PASSWORD, Role.ADMIN))
    finally:
        await close_database()
