"""`wait` takes its time, counted from the step's start, and passes on what arrived."""

from datetime import timedelta

import pytest

from graphs.definition import Node
from graphs.events import RunCompleted, now
from graphs.node_type import Output
from graphs.nodes.wait import Wait, WaitParams
from tests.graphs.conftest import FakeContext, execute, failure
from tests.graphs.engine import Execution, chain


async def test_waits_and_passes_on(ctx: FakeContext) -> None:
    ctx.prev = "x"
    output = await execute("wait", {"duration_ms": "{{ 20 + 10 }}"}, ctx)
    assert ctx.waited_until == [ctx.started_at + timedelta(milliseconds=30)]
    assert output.value == "x"


async def test_the_time_passes() -> None:
    before = now()
    drawn = chain(Node(id="x", type="wait", params={"duration_ms": 30}))
    assert isinstance(await Execution(drawn).finish(), RunCompleted)
    assert now() - before >= timedelta(milliseconds=29)


async def test_mocked_no_time_passes(ctx: FakeContext) -> None:
    ctx.prev = "x"
    assert await Wait().mock(WaitParams(duration_ms=1000), ctx) == Output("x")
    assert ctx.waited_until == []


@pytest.mark.parametrize("duration", [-1, 86_400_001, "soon"])
async def test_from_nothing_to_a_day(ctx: FakeContext, duration: object) -> None:
    assert "Duration" in (await failure("wait", {"duration_ms": duration}, ctx)).message
