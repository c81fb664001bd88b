"""`template` writes a text with values filled in."""

import pytest

from tests.graphs.conftest import FakeContext, execute


async def test_fills_values_in(ctx: FakeContext) -> None:
    ctx.inputs = {"name": "Ada", "tags": ["x", 1], "none": None, "yes": True}
    text = "Dear {{ input.name }}: {{ input.tags }}{{ input.none }} ${ input.yes }"
    assert (await execute("template", {"text": text}, ctx)).value == {
        "text": 'Dear Ada: ["x",1] true'
    }


@pytest.mark.parametrize(
    ("value", "text"), [(5, "5"), (None, ""), ({"a": [1]}, '{"a":[1]}'), (False, "false")]
)
async def test_a_single_expression_is_text_too(ctx: FakeContext, value: object, text: str) -> None:
    ctx.inputs = {"value": value}
    output = await execute("template", {"text": "{{ input.value }}"}, ctx)
    assert output.value == {"text": text}
