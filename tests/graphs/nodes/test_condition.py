"""`if` chooses one of two ports and passes on what arrives."""

import pytest

from tests.graphs.conftest import FakeContext, execute, failure


@pytest.mark.parametrize(
    ("condition", "port"),
    [
        ("{{ input.amount > 100 }}", "true"),
        ("{{ input.amount > 1000 }}", "false"),
        ("{{ input.rows }}", "false"),
        ("{{ null }}", "false"),
        ("{{ input.yes }}", "true"),
        (True, "true"),
        (False, "false"),
    ],
)
async def test_chooses_a_port(ctx: FakeContext, condition: object, port: str) -> None:
    ctx.inputs = {"amount": 200, "rows": [], "yes": "true"}
    ctx.prev = {"a": 1}
    output = await execute("if", {"condition": condition}, ctx)
    assert output.ports == (port,)
    assert output.value == {"a": 1}


async def test_a_text_is_no_condition(ctx: FakeContext) -> None:
    ctx.inputs = {"name": "Ada"}
    error = await failure("if", {"condition": "{{ input.name }}"}, ctx)
    assert "Condition" in error.message
    assert "a text" in error.message
