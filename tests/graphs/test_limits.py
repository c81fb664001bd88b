"""A run's own limits: its time, its steps' time, and how many nodes may work at once."""

import asyncio
from typing import Any

import pytest

from graphs.definition import Body, Definition, Edge, Node
from graphs.events import ResumeReason, RunCompleted, RunFailed, RunPaused, StepCancelled
from graphs.node_type import BoundWorkflow, NodeContext, Services
from graphs.run_options import RunConfig, RunOptions
from tests.graphs.engine import Execution, Scripted, chain
from tests.graphs.test_suspension import ASK, bound


def limits(active_ms: int = 0, **fields: int) -> RunOptions:
    return RunOptions(config=RunConfig(**fields), active_ms=active_ms)


def slow(ctx: NodeContext) -> Any:
    return asyncio.sleep(30)


async def test_a_run_over_its_time_limit_fails() -> None:
    drawn = chain(Node(id="x", type="x"), Node(id="y", type="merge"))
    execution = Execution(drawn, Scripted("x", slow), options=limits(timeout_ms=50))
    end = await execution.finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "run_timeout"
    assert "50 ms" in end.data.error.message
    assert [event.node_id for event in execution.of(StepCancelled)] == ["x"]
    assert "y:skipped" not in execution.finished()


async def test_time_before_a_pause_counts_and_the_pause_does_not() -> None:
    node = Node(id="x", type="x")
    late = Execution(chain(node), Scripted("x", slow), options=limits(9_990, timeout_ms=10_000))
    assert isinstance(await late.finish(), RunFailed)
    over = Execution(chain(node), Scripted("x", slow), options=limits(10_001, timeout_ms=10_000))
    assert isinstance(await over.finish(), RunFailed)

    options = limits(timeout_ms=10_000)
    first = Execution(chain(Node(id="ask", type="ask")), ASK, options=options)
    end = await first.finish()
    assert isinstance(end, RunPaused)
    assert end.data.active_ms < 10_000
    assert isinstance(await first.next(options=options).finish(), RunPaused)


async def test_a_retry_has_all_its_time_again() -> None:
    options = limits(timeout_ms=200)
    slowly = [True]

    async def script(ctx: NodeContext) -> None:
        await asyncio.sleep(30 if slowly[0] else 0)

    first = Execution(chain(Node(id="x", type="x")), Scripted("x", script), options=options)
    assert isinstance(await first.finish(), RunFailed)
    slowly[0] = False
    retried = first.next(ResumeReason.RETRY, options=options)
    assert isinstance(await retried.finish(), RunCompleted)


async def test_steps_without_a_time_limit_of_their_own_get_the_run_s() -> None:
    nodes = [Node(id="x", type="x"), Node(id="own", type="x", timeout_ms=20)]
    for node, limit in zip(nodes, (30, 20), strict=True):
        execution = Execution(chain(node), Scripted("x", slow), options=limits(step_timeout_ms=30))
        end = await execution.finish()
        assert isinstance(end, RunFailed)
        assert end.data.error.code == "node_timeout"
        assert f"{limit} ms" in end.data.error.message


async def test_waiting_for_a_person_is_not_limited_by_time_to_work() -> None:
    options = limits(step_timeout_ms=10)
    assert isinstance(
        await Execution(chain(Node(id="ask", type="ask")), ASK, options=options).finish(), RunPaused
    )
    own = Node(id="ask", type="ask", timeout_ms=10)
    assert isinstance(await Execution(chain(own), ASK).finish(), RunPaused)


class Counted:
    """A script that notes how many of its steps were at work at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def __call__(self, ctx: NodeContext) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.002)
        self.now -= 1


def fan(*nodes: Node) -> Definition:
    edges = [Edge(id=node.id, source="start", target=node.id) for node in nodes]
    return Definition(nodes=[Node(id="start", type="start"), *nodes], edges=edges)


@pytest.mark.parametrize("most", [1, 3])
async def test_so_many_nodes_work_at_once_and_no_more(most: int) -> None:
    counted = Counted()
    inner = Body(nodes=[Node(id="x", type="x"), Node(id="x2", type="x")])
    loop = Node(id="loop", type="for_each", params={"items": [1, 2, 3]}, body=inner)
    drawn = fan(*(Node(id=f"n{i}", type="x") for i in range(6)), loop)
    execution = Execution(drawn, Scripted("x", counted), options=limits(max_concurrency=most))
    assert isinstance(await execution.finish(), RunCompleted)
    assert counted.most == most


async def test_what_waits_takes_no_place() -> None:
    """Loops within loops, questions and calls of workflows, all with one place."""
    workflow: BoundWorkflow = bound(chain(Node(id="y", type="x")), Scripted("x", lambda ctx: "y"))
    innermost = Body(nodes=[Node(id="x", type="x")])
    within = Node(id="in", type="for_each", params={"items": [1, 2]}, body=innermost)
    drawn = fan(
        Node(id="out", type="for_each", params={"items": [1, 2]}, body=Body(nodes=[within])),
        Node(id="ask", type="ask"),
        Node(id="wait", type="wait", params={"duration_ms": 1}),
        Node(id="call", type="workflow", params={"workflow_id": "w"}),
    )
    execution = Execution(
        drawn,
        ASK,
        Scripted("x", lambda ctx: "x"),
        services=Services(workflows={"w@active": workflow}),
        options=limits(max_concurrency=1),
    )
    assert isinstance(await execution.finish(), RunPaused)
    assert {"out:completed", "wait:completed", "call:completed"} <= set(execution.finished())


async def test_a_step_that_asks_in_the_middle_of_its_work_gives_its_place_away() -> None:
    asking = Scripted("asking", ASK._script)  # type: ignore[attr-defined]
    drawn = fan(Node(id="ask", type="asking"), Node(id="x", type="x"), Node(id="x2", type="x"))
    execution = Execution(
        drawn, asking, Scripted("x", lambda ctx: "x"), options=limits(max_concurrency=1)
    )
    assert isinstance(await execution.finish(), RunPaused)
    assert {"x:completed", "x2:completed"} <= set(execution.finished())
