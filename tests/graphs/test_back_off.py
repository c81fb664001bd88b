"""Between two attempts a step holds nothing: no place, no pause, no cancelling."""

import asyncio
from typing import Any

import pytest

from graphs.definition import Body, Definition, Edge, Node, Retry
from graphs.errors import NodeError
from graphs.events import (
    ResumeReason,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    StepRetrying,
    StepStarted,
    now,
)
from graphs.node_type import NodeContext
from graphs.run_options import RunConfig, RunMode, RunOptions
from tests.graphs.engine import Execution, Scripted, chain, failing

HOUR_MS = 3_600_000


def patient(delay_ms: int = HOUR_MS, attempts: int = 2) -> Node:
    return Node(id="x", type="x", retry=Retry(max_attempts=attempts, delay_ms=delay_ms))


def looping() -> Definition:
    loop = Node(
        id="loop", type="for_each", params={"items": "{{ [1] }}"}, body=Body(nodes=[patient()])
    )
    return chain(loop)


@pytest.mark.parametrize("drawn", [chain(patient()), looping()])
async def test_a_pause_does_not_wait_for_the_next_attempt(drawn: Definition) -> None:
    first = Execution(drawn, Scripted("x", failing(1)))
    await first.begin()
    await first.until(lambda: first.of(StepRetrying))
    first.control.pause("ann")
    paused = await first.ended()
    assert isinstance(paused, RunPaused)
    [retrying] = first.of(StepRetrying)
    assert retrying.data.next_at is not None
    # taken up again, it still waits; the time that has passed counts
    second = first.next()
    await second.begin()
    await second.until(lambda: second.control._parked)
    assert len(second.of(StepStarted)) == len(first.of(StepStarted)) + (drawn.nodes[1].id == "loop")
    second.control.cancel("enough")
    assert isinstance(await second.ended(), RunCancelled)


async def test_after_a_pause_the_attempts_go_on_where_they_were() -> None:
    first = Execution(chain(patient(150, attempts=3)), Scripted("x", failing(2)))
    await first.begin()
    await first.until(lambda: first.of(StepRetrying))
    first.control.pause("ann")
    assert isinstance(await first.ended(), RunPaused)
    [retrying] = first.of(StepRetrying)
    second = first.next()
    end = await second.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": {"attempt": 3}}
    starts = [event for event in second.of(StepStarted) if event.node_id == "x"]
    assert [event.attempt for event in starts] == [1, 2]
    assert retrying.data.next_at is not None
    assert starts[1].at >= retrying.data.next_at
    assert [event.attempt for event in second.of(StepRetrying)] == [1, 2]


async def test_a_pause_while_an_attempt_fails_unwinds_before_the_back_off() -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def script(ctx: NodeContext) -> Any:
        entered.set()
        await go.wait()
        raise NodeError("no luck")

    execution = Execution(chain(patient(0)), Scripted("x", script))
    await execution.begin()
    await entered.wait()
    execution.control.pause("ann")
    go.set()
    assert isinstance(await execution.ended(), RunPaused)
    assert [event.attempt for event in execution.of(StepRetrying)] == [1]


@pytest.mark.parametrize("graceful", [True, False])
async def test_a_cancel_does_not_wait_either(graceful: bool) -> None:
    execution = Execution(chain(patient()), Scripted("x", failing(1)))
    await execution.begin()
    await execution.until(lambda: execution.of(StepRetrying))
    execution.control.cancel("enough", graceful=graceful)
    assert isinstance(await execution.ended(), RunCancelled)


async def test_a_step_between_two_attempts_is_cancelled_alone() -> None:
    execution = Execution(chain(patient()), Scripted("x", failing(1)))
    await execution.begin()
    [retrying] = await execution.until(lambda: execution.of(StepRetrying))
    assert execution.control.cancel_step(retrying.step_id, "ann")
    end = await execution.ended()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "step_cancelled"


async def test_others_have_its_place_meanwhile() -> None:
    nodes = [Node(id="start", type="start"), patient(), Node(id="y", type="y")]
    other = Edge(id="y", source="start", target="y")
    drawn = Definition(nodes=nodes, edges=[*chain(patient()).edges, other])
    options = RunOptions(config=RunConfig(max_concurrency=1))
    execution = Execution(
        drawn, Scripted("x", failing(1)), Scripted("y", lambda ctx: "done"), options=options
    )
    await execution.begin()
    await execution.until(lambda: execution.of(StepRetrying))
    await execution.until(lambda: any("y" in name for name in execution.finished()))
    execution.control.cancel("enough")
    await execution.ended()


async def test_a_long_back_off_puts_the_run_aside_until_its_moment() -> None:
    execution = Execution(chain(patient()), Scripted("x", failing(1)))
    paused = await execution.finish()
    assert isinstance(paused, RunPaused)
    assert paused.data.wake_at is not None
    assert paused.data.wake_at > now()
    again = execution.next(ResumeReason.TIMER)
    assert isinstance(await again.finish(), RunPaused)


async def test_stepping_resumes_a_back_off() -> None:
    options = RunOptions(mode=RunMode.DEBUG)
    run = Execution(chain(patient(100)), Scripted("x", failing(1)), options=options)
    await run.finish()
    while not run.of(StepRetrying):
        run = run.next(ResumeReason.STEP, options)
        await run.finish()
    assert isinstance(run.end, RunCompleted)
    assert run.end.data.outputs == {"x": {"attempt": 2}}
