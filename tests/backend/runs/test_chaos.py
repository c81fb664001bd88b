"""Killed at every delicate point and at many random moments, a run ends as if nothing had been.

The ledger stands outside: what it counts has really happened.
"""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from backend.database import close_database, fetch, open_database
from backend.run_hooks import run_hooks
from backend.runs import service as runs
from backend.runs.executor import close_executor, open_executor
from backend.runs.schemas import StartRun
from backend.settings import Settings
from graphs.definition import Body, Definition, Node
from tests.backend.runs.conftest import Editor
from tests.backend.runs.drawings import chain, edge, node
from tests.backend.runs.ledger import Ledger
from tests.backend.runs.mortal import POINTS, Life

TICKET = {"type": "object", "properties": {"ticket": {"type": "string"}}}
EFFECTS = ("first", "fan1", "fan2", "fan3", "each", "inner1", "inner2", "last")
EFFECTS_OF_A_RUN = len(EFFECTS) + 2  # "each" has three items
RUNS_UNDER_FIRE = 40
ENDS_WITHIN_S = 60


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = Ledger(delay_s=0.01)
    yield made
    made.close()


@pytest.fixture
def chaos_settings(any_settings: Settings) -> Settings:
    """Settings of either kind of database that may call this machine."""
    return msgspec.structs.replace(any_settings, allow_hosts=("127.0.0.1",))


def effect(ledger: Ledger, node_id: str, part: str = "") -> Node:
    url = f"{ledger.url}/{{{{ input.ticket }}}}/{node_id}{part}"
    return node(node_id, "http_request", method="POST", url=url)


def inner(ledger: Ledger) -> Definition:
    """The workflow that the drawing calls."""
    return chain(effect(ledger, "inner1"), effect(ledger, "inner2"), inputs=TICKET)


def drawing(ledger: Ledger, inner_id: str) -> Definition:
    """An effect, three at once, a loop of three, a pause, a question, a sub-workflow, an effect."""
    loop = Node(
        id="loop",
        type="for_each",
        params={"items": "{{ [1, 2, 3] }}"},
        body=Body(nodes=[effect(ledger, "each", "{{ index }}")], edges=[]),
    )
    call = node("call", "workflow", workflow_id=inner_id, inputs={"ticket": "{{ input.ticket }}"})
    nodes = [
        Node(id="start", type="start"),
        effect(ledger, "first"),
        *(effect(ledger, f"fan{number}") for number in (1, 2, 3)),
        node("join", "merge", mode="all"),
        loop,
        node("pause", "wait", duration_ms=60),
        node("ask", "approval", message="Go on?"),
        call,
        effect(ledger, "last"),
    ]
    edges = [
        edge("start", "first"),
        *(edge("first", f"fan{number}") for number in (1, 2, 3)),
        *(edge(f"fan{number}", "join") for number in (1, 2, 3)),
        edge("join", "loop"),
        edge("loop", "pause"),
        edge("pause", "ask"),
        edge("ask", "call", "yes"),
        edge("call", "last"),
    ]
    return Definition(inputs=TICKET, nodes=nodes, edges=edges)


class Arena:
    """Runs that were started and then left to processes that die."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self.editor = Editor()
        self.tickets: dict[str, str] = {}
        self.in_flight: Counter[tuple[str, str]] = Counter()

    async def start(self, count: int) -> None:
        """Store runs and stop before they have got far."""
        await open_database(self.settings)
        await open_executor(self.settings, run_hooks())
        inner_id = await self.editor.publish(inner(self.ledger), "Inner")
        workflow_id = await self.editor.publish(drawing(self.ledger, inner_id))
        for number in range(count):
            request = StartRun(inputs={"ticket": f"t{number}"})
            run = await runs.start(self.editor.actor, workflow_id, request)
            self.tickets[run.id] = f"t{number}"
        await close_executor()
        await close_database()
        await self.note_death()

    def life(self, die_at: str | None = None) -> Life:
        return Life(self.settings, self.editor.actor, die_at, blames=False)

    async def ended(self) -> bool:
        rows = await self._fetch(
            "SELECT count(*) AS n FROM run WHERE status IN ('completed', 'failed', 'cancelled')"
        )
        return rows[0]["n"] == len(self.tickets)

    async def note_death(self) -> None:
        """Steps with an effect and no recorded end were in flight: these alone may be repeated."""
        rows = await self._fetch(
            "SELECT run_id, node_id, path FROM run_event WHERE kind = 'step.completed'"
        )
        finished = {(self.tickets[row["run_id"]], effect_name(row)) for row in rows}
        self.in_flight.update(step for step in self.ledger.counts if step not in finished)

    async def check(self) -> None:
        """Every run completed, no finished step ran twice, each log is whole."""
        rows = await self._fetch("SELECT id, status, last_seq FROM run")
        statuses = Counter(row["status"] for row in rows)
        assert statuses == {"completed": len(self.tickets)}
        counts = self.ledger.counts
        assert len(counts) == EFFECTS_OF_A_RUN * len(self.tickets)
        repeated = {step: count for step, count in counts.items() if count > 1}
        for step, count in repeated.items():
            assert count <= 1 + self.in_flight[step], step
        for row in rows:
            events = await self._fetch(
                "SELECT seq, kind, node_id, path FROM run_event WHERE run_id = ? ORDER BY seq",
                row["id"],
            )
            assert [event["seq"] for event in events] == list(range(1, row["last_seq"] + 1))
            ends = Counter(
                (event["path"], event["node_id"])
                for event in events
                if event["kind"] in ("step.completed", "step.failed", "step.skipped")
            )
            assert set(ends.values()) == {1}, row["id"]
            kinds = Counter(event["kind"] for event in events)
            assert kinds["run.completed"] == 1
            assert kinds["approval.requested"] == kinds["approval.answered"] == 1

    async def _fetch(self, sql: str, *values: Any) -> list[Any]:
        await open_database(self.settings)
        try:
            return list(await fetch(sql, *values))
        finally:
            await close_database()


def effect_name(row: Any) -> str:
    """What the ledger calls a step: its node, in a loop with the iteration's number."""
    if row["node_id"] == "each":
        return f"each{row['path'].removeprefix('loop[').removesuffix(']')}"
    return row["node_id"]


@pytest.mark.parametrize("point", POINTS)
async def test_a_process_that_dies_at_a_delicate_point_loses_nothing(
    chaos_settings: Settings, ledger: Ledger, point: str
) -> None:
    arena = Arena(chaos_settings, ledger)
    await arena.start(3)
    doomed = arena.life(die_at=point)
    assert doomed.wait(ENDS_WITHIN_S) == -9, "it never came to that point"
    await arena.note_death()
    await finish(arena)
    await arena.check()


@pytest.mark.parametrize("kills", [12, pytest.param(50, marks=pytest.mark.soak)])
async def test_processes_that_die_at_random_moments_lose_nothing(
    chaos_settings: Settings, ledger: Ledger, kills: int
) -> None:
    """Random, but never idle: each process has had effects of its own when it dies."""
    arena = Arena(chaos_settings, ledger)
    await arena.start(RUNS_UNDER_FIRE)
    chance = random.Random(20)
    for _ in range(kills):
        life = arena.life()
        ledger.wait_for(ledger.counts.total() + chance.randint(1, 4))
        life.wait(chance.uniform(0, 0.05))
        life.kill()
        await arena.note_death()
    assert not await arena.ended()
    await finish(arena)
    await arena.check()


async def finish(arena: Arena) -> None:
    """A last process brings all runs to their end."""
    life = arena.life()
    try:
        for _ in range(ENDS_WITHIN_S * 10):
            if await arena.ended():
                return
            assert life.wait(0.1) is None, "it ended by itself"
        raise AssertionError("some runs never end")
    finally:
        life.kill()
