"""`join_tables` puts tables side by side; names that both have stay apart."""

from typing import Any

import pytest

from graphs.registry import registry
from tests.graphs.conftest import FakeContext, execute, failure, table

ORDERS = [
    {"id": 1, "customer": 7, "amount": 10},
    {"id": 2, "customer": 8, "amount": 20},
    {"id": 3, "customer": 9, "amount": 30},
]
CUSTOMERS = [
    {"id": 7, "name": "Ada", "amount": 1},
    {"id": 8, "name": "Bo", "amount": 2},
    {"id": 5, "name": "Cy", "amount": 3},
]
ON = [{"left": "customer", "right": "id"}]


@pytest.fixture
def ctx(table_ctx: FakeContext) -> FakeContext:
    table_ctx.prev = {"orders": ORDERS, "customers": CUSTOMERS}
    table_ctx.inputs = {"orders": ORDERS, "customers": CUSTOMERS}
    return table_ctx


SIDES = {"left": "orders", "right": "customers"}


@pytest.mark.parametrize(
    ("how", "pairs"),
    [
        ("inner", [(1, "Ada"), (2, "Bo")]),
        ("left", [(1, "Ada"), (2, "Bo"), (3, None)]),
        ("right", [(1, "Ada"), (2, "Bo"), (None, "Cy")]),
        ("full", [(1, "Ada"), (2, "Bo"), (3, None), (None, "Cy")]),
    ],
)
async def test_each_kind(ctx: FakeContext, how: str, pairs: list[Any]) -> None:
    rows = await table("join_tables", {**SIDES, "on": ON, "how": how}, ctx)
    assert [(row["id"], row["name"]) for row in rows] == pairs
    assert list(rows[0]) == ["id", "customer", "amount", "id_right", "name", "amount_right"]


@pytest.mark.parametrize(("how", "ids"), [("semi", [1, 2]), ("anti", [3])])
async def test_filtering_kinds_add_nothing(ctx: FakeContext, how: str, ids: list[int]) -> None:
    rows = await table("join_tables", {**SIDES, "on": ON, "how": how}, ctx)
    assert [row["id"] for row in rows] == ids
    assert list(rows[0]) == ["id", "customer", "amount"]


async def test_every_pair(ctx: FakeContext) -> None:
    rows = await table("join_tables", {**SIDES, "how": "cross"}, ctx)
    assert [(row["id"], row["name"]) for row in rows][:4] == [
        (1, "Ada"),
        (1, "Bo"),
        (1, "Cy"),
        (2, "Ada"),
    ]
    assert len(rows) == 9


@pytest.mark.parametrize(("how", "ids"), [("inner", [1]), ("right", [1, 4]), ("full", [1, 2, 4])])
async def test_a_column_with_the_same_name_comes_once(
    ctx: FakeContext, how: str, ids: list[int]
) -> None:
    ctx.inputs = {
        "one": [{"id": 1, "a": 1}, {"id": 2, "a": 2}],
        "two": [{"id": 1, "b": 1}, {"id": 4, "b": 4}],
    }
    params = {"left": "{{ input.one }}", "right": "{{ input.two }}", "on": [{"left": "id"}]}
    rows = await table("join_tables", {**params, "how": how}, ctx)
    assert [row["id"] for row in rows] == ids
    assert list(rows[0]) == ["id", "a", "b"]


async def test_a_number_equals_a_text_that_reads_the_same(ctx: FakeContext) -> None:
    ctx.inputs = {"one": [{"id": 1}, {"id": 2}], "two": [{"id": "1", "b": "x"}]}
    params = {"left": "{{ input.one }}", "right": "{{ input.two }}", "on": [{"left": "id"}]}
    assert await table("join_tables", params, ctx) == [{"id": 1, "b": "x"}]
    rows = await table("join_tables", {**params, "how": "full"}, ctx)
    assert rows == [{"id": "1", "b": "x"}, {"id": "2", "b": None}]


async def test_tables_are_found_by_the_node_they_come_from(ctx: FakeContext) -> None:
    ctx.prev = None
    orders = await execute("filter_rows", {"conditions": [], "table": "{{ input.orders }}"}, ctx)
    ctx.steps = {"orders": orders.value, "customers": CUSTOMERS, "late": None}
    assert len(await table("join_tables", {**SIDES, "on": ON}, ctx)) == 2
    error = await failure("join_tables", {**SIDES, "left": "oders", "on": ON}, ctx)
    assert error.code == "table_unknown"
    assert "did you mean 'orders'" in error.message


async def test_an_unknown_column_is_told_with_its_table(ctx: FakeContext) -> None:
    on = [{"left": "customer", "right": "nam"}]
    error = await failure("join_tables", {**SIDES, "on": on}, ctx)
    assert error.message == "The right table has no column 'nam'; did you mean 'name'?"


@pytest.mark.parametrize("params", [{"how": "inner"}, {"how": "cross", "on": ON}, {}])
def test_columns_must_be_equal_except_for_a_cross_join(params: dict[str, Any]) -> None:
    (problem,) = registry()["join_tables"].check(params)
    assert problem[0] == ("on",)


async def test_numbers_and_texts_are_equal_by_value(table_ctx: FakeContext) -> None:
    right = [
        {"id": "2", "n": 1},
        {"id": "2.50", "n": 2},
        {"id": "002", "n": 3},
        {"id": "x", "n": 4},
    ]
    for left in ([2.0, 2.5], [2, 2.5]):
        params = {"left": [{"id": each} for each in left], "right": right, "on": [{"left": "id"}]}
        assert [row["n"] for row in await table("join_tables", params, table_ctx)] == [1, 2]
    large = {"left": [{"id": 1e20}], "right": [{"id": str(10**20)}], "on": [{"left": "id"}]}
    rows = await table("join_tables", {**large, "how": "full"}, table_ctx)
    assert rows == [{"id": str(10**20)}]


async def test_dates_and_texts_are_equal_by_value(table_ctx: FakeContext) -> None:
    query = "SELECT DATE '2026-01-31' AS day, TIMESTAMP '2026-01-31 10:00' AS at"
    left = (await execute("sql", {"query": query}, table_ctx)).value
    right = [{"text": "2026-01-31"}, {"text": "2026-01-31T10:00:00"}, {"text": "soon"}]
    for column, found in (("day", 2), ("at", 1)):
        params = {"left": left, "right": right, "on": [{"left": column, "right": "text"}]}
        assert len(await table("join_tables", params, table_ctx)) == found


async def test_columns_that_cannot_be_equal_are_told(table_ctx: FakeContext) -> None:
    params = {"left": [{"id": True}], "right": [{"id": 1}], "on": [{"left": "id"}]}
    error = await failure("join_tables", params, table_ctx)
    assert error.code == "params_invalid"
    assert "'id' (BOOLEAN) and 'id' (BIGINT)" in error.message
