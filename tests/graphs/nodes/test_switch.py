"""`switch` chooses the port of the first case that equals its value."""

from typing import Any

import pytest

from graphs.registry import registry
from tests.graphs.conftest import FakeContext, execute, failure

CASES = [{"equals": "NO", "port": "norway"}, {"equals": 2, "port": "two"}]


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("{{ input.country }}", "norway"),
        ("{{ 1 + 1 }}", "two"),
        ("2", "two"),
        ("{{ null }}", "default"),
        ("{{ true }}", "default"),
        ("SE", "default"),
    ],
)
async def test_chooses_a_port(ctx: FakeContext, value: str, port: str) -> None:
    ctx.inputs = {"country": "NO"}
    ctx.prev = 7
    output = await execute("switch", {"value": value, "cases": CASES}, ctx)
    assert (output.value, output.ports) == (7, (port,))


@pytest.mark.parametrize(
    ("value", "equals", "equal"),
    [
        (True, "true", True),
        (1, True, False),
        ([1], [1.0], True),
        (None, "", False),
        (None, None, True),
    ],
)
async def test_equality(ctx: FakeContext, value: Any, equals: Any, equal: bool) -> None:
    params = {"value": value, "cases": [{"equals": equals, "port": "yes"}]}
    assert (await execute("switch", params, ctx)).ports == ("yes" if equal else "default",)


def test_has_a_port_for_every_case_and_one_for_the_rest() -> None:
    assert registry()["switch"].ports({"cases": CASES}) == ("norway", "two", "default")
    assert registry()["switch"].ports({"cases": "broken"}) == ("default",)


async def test_a_port_has_a_name(ctx: FakeContext) -> None:
    error = await failure("switch", {"value": 1, "cases": [{"equals": 1, "port": ""}]}, ctx)
    assert "Cases" in error.message
