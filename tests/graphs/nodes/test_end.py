"""`end` puts out what it is told to, else what arrives."""

from tests.graphs.conftest import FakeContext, execute


async def test_without_an_output_it_passes_on_what_arrives(ctx: FakeContext) -> None:
    ctx.prev = [1, 2]
    assert (await execute("end", {}, ctx)).value == [1, 2]


async def test_its_output_may_be_anything_null_included(ctx: FakeContext) -> None:
    ctx.prev = {"a": 1}
    output = {"answer": "{{ prev.a + 1 }}", "list": ["${prev.a}"]}
    assert (await execute("end", {"output": output}, ctx)).value == {"answer": 2, "list": [1]}
    assert (await execute("end", {"output": None}, ctx)).value is None
    assert (await execute("end", {"output": "{{ null }}"}, ctx)).value is None
