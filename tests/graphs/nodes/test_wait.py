"""`wait` takes its time and passes on what arrives."""

from datetime import timedelta

import pytest

from graphs.events import now
from tests.graphs.conftest import FakeContext, execute, failure


async def test_waits_and_passes_on(ctx: FakeContext) -> None:
    ctx.prev = "x"
    output = await execute("wait", {"duration_ms": "{{ 20 + 10 }}"}, ctx)
    assert now() - ctx.started_at >= timedelta(milliseconds=29)
    assert output.value == "x"


@pytest.mark.parametrize("duration", [-1, 86_400_001, "soon"])
async def test_from_nothing_to_a_day(ctx: FakeContext, duration: object) -> None:
    assert "Duration" in (await failure("wait", {"duration_ms": duration}, ctx)).message
