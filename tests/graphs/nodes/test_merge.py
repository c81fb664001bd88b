"""`merge` passes on what arrives; its mode says what it waits for."""

from graphs.node_type import Join
from graphs.registry import registry
from tests.graphs.conftest import FakeContext, execute, failure


async def test_passes_on_what_arrives(ctx: FakeContext) -> None:
    ctx.prev = {"a": 1, "b": 2}
    output = await execute("merge", {"mode": "all"}, ctx)
    assert output.value == {"a": 1, "b": 2}


def test_its_mode_decides_the_join() -> None:
    merge = registry()["merge"]
    assert merge.join({}) is Join.ANY
    assert merge.join({"mode": "any"}) is Join.ANY
    assert merge.join({"mode": "all"}) is Join.ALL


async def test_there_is_no_third_mode(ctx: FakeContext) -> None:
    assert "Go on when" in (await failure("merge", {"mode": "most"}, ctx)).message
