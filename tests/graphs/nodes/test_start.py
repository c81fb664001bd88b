"""`start` puts out the run's inputs."""

from tests.graphs.conftest import FakeContext, execute


async def test_puts_out_the_inputs(ctx: FakeContext) -> None:
    ctx.inputs = {"city": "Oslo"}
    output = await execute("start", {}, ctx)
    assert output.value == {"city": "Oslo"}
    assert output.ports is None
