"""`group_by` makes one row of each group with every function of the form."""

from typing import Any

import pytest

from graphs.registry import registry
from tests.graphs.conftest import FakeContext, execute, failure, table

ROWS = [
    {"region": "west", "year": 2025, "amount": 10, "who": "a"},
    {"region": "east", "year": 2025, "amount": 5, "who": "b"},
    {"region": "west", "year": 2026, "amount": 2, "who": "a"},
    {"region": "west", "year": 2025, "amount": None, "who": None},
]


@pytest.fixture
def ctx(table_ctx: FakeContext) -> FakeContext:
    table_ctx.prev = ROWS
    return table_ctx


@pytest.mark.parametrize(
    ("function", "column", "west"),
    [
        ("count", "", 3),
        ("count", "amount", 2),
        ("count_distinct", "who", 1),
        ("sum", "amount", 12),
        ("mean", "amount", 6),
        ("median", "amount", 6),
        ("min", "amount", 2),
        ("max", "amount", 10),
        ("first", "who", "a"),
        ("last", "amount", 2),
        ("list", "amount", [10, 2]),
    ],
)
async def test_each_function(ctx: FakeContext, function: str, column: str, west: Any) -> None:
    aggregate = {"function": function, "column": column, "as": "made"}
    rows = await table("group_by", {"by": ["region"], "aggregates": [aggregate]}, ctx)
    assert [row["region"] for row in rows] == ["west", "east"]
    assert rows[0]["made"] == west


async def test_sums_of_whole_numbers_stay_whole(ctx: FakeContext) -> None:
    aggregates = [{"function": "sum", "column": "amount"}, {"function": "count"}]
    output = await execute("group_by", {"by": ["region"], "aggregates": aggregates}, ctx)
    assert [(column["name"], column["type"]) for column in output.value["columns"]] == [
        ("region", "VARCHAR"),
        ("sum_amount", "BIGINT"),
        ("count", "BIGINT"),
    ]


async def test_sums_beyond_64_bits_become_numbers(ctx: FakeContext) -> None:
    ctx.prev = [{"n": 2**62}] * 4
    rows = await table("group_by", {"aggregates": [{"function": "sum", "column": "n"}]}, ctx)
    assert rows == [{"sum_n": float(2**64)}]


async def test_several_keys_and_none(ctx: FakeContext) -> None:
    rows = await table("group_by", {"by": ["region", "year"]}, ctx)
    assert [(row["region"], row["year"], row["count"]) for row in rows] == [
        ("west", 2025, 2),
        ("east", 2025, 1),
        ("west", 2026, 1),
    ]
    assert await table("group_by", {}, ctx) == [{"count": 4}]


async def test_what_does_not_fit_is_told(ctx: FakeContext) -> None:
    sums = [{"function": "sum", "column": "who"}]
    error = await failure("group_by", {"by": ["region"], "aggregates": sums}, ctx)
    assert "'who' is VARCHAR; convert it before" in error.message
    error = await failure("group_by", {"by": ["regoin"]}, ctx)
    assert error.code == "column_unknown"
    (problem,) = registry()["group_by"].check({"aggregates": [{"function": "sum"}]})
    assert problem[0] == ("aggregates", 0, "column")
