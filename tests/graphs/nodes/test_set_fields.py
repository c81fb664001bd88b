"""`set_fields` makes an object, from nothing or over what arrives."""

import pytest

from tests.graphs.conftest import FakeContext, execute, failure


async def test_makes_an_object_of_values_and_expressions(ctx: FakeContext) -> None:
    ctx.inputs = {"city": "Oslo", "n": 2}
    fields = {"text": "Hello {{ input.city }}", "n": "{{ input.n * 2 }}", "fixed": [True, None]}
    output = await execute("set_fields", {"fields": fields}, ctx)
    assert output.value == {"text": "Hello Oslo", "n": 4, "fixed": [True, None]}


async def test_keeps_the_inputs_fields_when_told_to(ctx: FakeContext) -> None:
    ctx.prev = {"a": 1, "b": 2}
    output = await execute("set_fields", {"fields": {"b": 3}, "keep_input": True}, ctx)
    assert output.value == {"a": 1, "b": 3}
    assert ctx.prev == {"a": 1, "b": 2}


async def test_keeps_nothing_when_nothing_arrives(ctx: FakeContext) -> None:
    output = await execute("set_fields", {"fields": {"b": 3}, "keep_input": True}, ctx)
    assert output.value == {"b": 3}


@pytest.mark.parametrize(("prev", "word"), [([1], "a list"), ("text", "a text"), (7, "a number")])
async def test_only_fields_of_objects_can_be_kept(
    ctx: FakeContext, prev: object, word: str
) -> None:
    ctx.prev = prev
    error = await failure("set_fields", {"fields": {}, "keep_input": True}, ctx)
    assert word in error.message
    assert not error.retryable
