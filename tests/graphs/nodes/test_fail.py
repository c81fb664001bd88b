"""`fail` fails with the given message, and another attempt makes no sense."""

from graphs.registry import registry
from tests.graphs.conftest import FakeContext, failure


async def test_fails_with_its_message(ctx: FakeContext) -> None:
    ctx.inputs = {"id": 7}
    error = await failure("fail", {"message": "no customer {{ input.id }}"}, ctx)
    assert error.message == "no customer 7"
    assert error.code == "failed_by_workflow"
    assert not error.retryable


def test_nothing_comes_after_it() -> None:
    assert registry()["fail"].ports({}) == ()
