"""`filter_rows` lets rows through by conditions that an analyst chooses from a form."""

from typing import Any

import pytest

from tests.graphs.conftest import FakeContext, execute, failure, table

ROWS = [
    {"id": 1, "name": "Oslo", "amount": 10.5, "paid": True, "day": "2026-01-05"},
    {"id": 2, "name": "oslo west", "amount": 200, "paid": False, "day": "2026-02-05"},
    {"id": 3, "name": "", "amount": None, "paid": None, "day": "2026-03-05"},
    {"id": 4, "name": None, "amount": -3, "paid": True, "day": None},
]


@pytest.fixture
def ctx(table_ctx: FakeContext) -> FakeContext:
    table_ctx.prev = ROWS
    return table_ctx


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ({"column": "name", "value": "Oslo"}, [1]),
        ({"column": "NAME", "value": "Oslo"}, [1]),
        ({"column": "name", "operator": "not_equals", "value": "Oslo"}, [2, 3, 4]),
        ({"column": "name", "operator": "contains", "value": "slo"}, [1, 2]),
        ({"column": "name", "operator": "not_contains", "value": "slo"}, [3, 4]),
        ({"column": "name", "operator": "starts_with", "value": "os"}, [2]),
        ({"column": "name", "operator": "ends_with", "value": "west"}, [2]),
        ({"column": "name", "operator": "is_empty"}, [3, 4]),
        ({"column": "name", "operator": "is_not_empty"}, [1, 2]),
        ({"column": "amount", "operator": "is_empty"}, [3]),
        ({"column": "name", "operator": "in", "value": "Oslo, oslo west"}, [1, 2]),
        ({"column": "name", "operator": "in", "value": []}, []),
        ({"column": "name", "operator": "not_in", "value": ["Oslo"]}, [2, 3, 4]),
        ({"column": "name", "operator": "in", "value": ["Oslo", None]}, [1, 4]),
        ({"column": "id", "operator": "in", "value": "1,4"}, [1, 4]),
        ({"column": "amount", "operator": "greater", "value": "10.5"}, [2]),
        ({"column": "amount", "operator": "greater_or_equal", "value": 10.5}, [1, 2]),
        ({"column": "amount", "operator": "less", "value": 0}, [4]),
        ({"column": "amount", "operator": "less_or_equal", "value": -3}, [4]),
        ({"column": "amount", "operator": "between", "value": 0, "to": 20}, [1]),
        ({"column": "id", "operator": "between", "value": [2, 3]}, [2, 3]),
        ({"column": "id", "operator": "less", "value": "2.5"}, [1, 2]),
        ({"column": "paid", "value": "yes"}, [1, 4]),
        ({"column": "paid", "value": None}, [3]),
        ({"column": "day", "operator": "contains", "value": "-02-"}, [2]),
    ],
)
async def test_each_operator(ctx: FakeContext, condition: dict[str, Any], ids: list[int]) -> None:
    rows = await table("filter_rows", {"conditions": [condition]}, ctx)
    assert [row["id"] for row in rows] == ids


async def test_all_or_any_and_capitals(ctx: FakeContext) -> None:
    conditions = [
        {"column": "name", "value": "OSLO"},
        {"column": "amount", "operator": "less", "value": 0},
    ]
    params = {"conditions": conditions, "match": "any", "match_case": False}
    assert [row["id"] for row in await table("filter_rows", params, ctx)] == [1, 4]
    assert await table("filter_rows", {**params, "match": "all"}, ctx) == []
    assert len(await table("filter_rows", {"conditions": []}, ctx)) == 4


async def test_dates_of_a_table_are_compared_as_dates(ctx: FakeContext) -> None:
    ctx.prev = await _with_dates(ctx)
    params: dict[str, Any] = {"column": "day", "operator": "greater", "value": "2026-01-31"}
    assert [row["id"] for row in await table("filter_rows", {"conditions": [params]}, ctx)] == [
        2,
        3,
    ]
    params["value"] = "2026-02-05T00:00:00"
    assert [row["id"] for row in await table("filter_rows", {"conditions": [params]}, ctx)] == [3]
    error = await failure("filter_rows", {"conditions": [{**params, "value": "soon"}]}, ctx)
    assert "needs a date such as 2026-01-31, and 'soon' is none" in error.message


async def _with_dates(ctx: FakeContext) -> Any:
    columns = [{"name": "id"}, {"name": "day", "type": "date"}]
    return (await execute("select_columns", {"columns": columns}, ctx)).value


@pytest.mark.parametrize(
    ("condition", "code", "message"),
    [
        ({"column": "amout"}, "column_unknown", "did you mean 'amount'?"),
        ({"column": "zzz"}, "column_unknown", "there is: id, name, amount, paid, day"),
        ({"column": "amount", "value": "many"}, "params_invalid", "needs a number"),
        ({"column": "amount", "operator": "between", "value": 1}, "params_invalid", "upper limit"),
        ({"column": "amount", "operator": "less"}, "params_invalid", "needs a value"),
        ({"column": "paid", "value": "perhaps"}, "params_invalid", "true or false"),
    ],
)
async def test_what_does_not_fit_is_told(
    ctx: FakeContext, condition: dict[str, Any], code: str, message: str
) -> None:
    error = await failure("filter_rows", {"conditions": [condition]}, ctx)
    assert error.code == code
    assert not error.retryable
    assert message in error.message


@pytest.mark.parametrize("prev", [None, "text", 3, {"a": 1}])
async def test_works_on_tables_only(ctx: FakeContext, prev: Any) -> None:
    ctx.prev = prev
    error = await failure("filter_rows", {"conditions": []}, ctx)
    assert error.code == "table_expected"


async def test_names_and_values_cannot_break_out_of_the_query(ctx: FakeContext) -> None:
    ctx.prev = [{'a" OR 1=1 --': "x' OR '1'='1", "b": 1}]
    condition = {"column": 'a" OR 1=1 --', "value": "x' OR '1'='1"}
    assert len(await table("filter_rows", {"conditions": [condition]}, ctx)) == 1
    condition["value"] = "y' OR '1'='1"
    assert await table("filter_rows", {"conditions": [condition]}, ctx) == []


@pytest.mark.parametrize(
    ("cells", "condition", "kept"),
    [
        (["9", "10", "", None], {"operator": "greater", "value": 5}, ["9", "10"]),
        (["9", "10"], {"operator": "greater", "value": "9.5"}, ["10"]),
        (["9", "10"], {"operator": "between", "value": 9.5, "to": "11"}, ["10"]),
        (["-2", "1e3", " 7 "], {"operator": "less_or_equal", "value": 7}, ["-2", " 7 "]),
        (["2", "2.0", "002", "x"], {"value": 2}, ["2", "2.0"]),
        (["2", "2.0", "x", None], {"operator": "not_equals", "value": 2}, ["x", None]),
        (["2", "3.0", "x"], {"operator": "in", "value": [3, "x"]}, ["3.0", "x"]),
        (
            ["9007199254740993", "9007199254740992"],
            {"operator": "greater", "value": 9007199254740992},
            ["9007199254740993"],
        ),
        (["a", "c"], {"operator": "greater", "value": "b"}, ["c"]),
        ([2**64, 2**64 + 1], {"value": str(2**64 + 1)}, [2**64 + 1]),
        ([2**63, 0], {"operator": "less", "value": 0.1}, [0]),
        ([9007199254740993, 9007199254740992], {"value": 9007199254740992.0}, [2**53]),
        (
            ["2026-01-31T10:00:00", "2026-02-01", "2026-01-30"],
            {"operator": "between", "value": "2026-01-30", "to": "2026-01-31"},
            ["2026-01-31T10:00:00", "2026-01-30"],
        ),
    ],
)
async def test_numbers_and_dates_are_compared_by_value(
    ctx: FakeContext, cells: list[Any], condition: dict[str, Any], kept: list[Any]
) -> None:
    ctx.prev = [{"n": cell} for cell in cells]
    rows = await table("filter_rows", {"conditions": [{"column": "n", **condition}]}, ctx)
    assert [row["n"] for row in rows] == kept


@pytest.mark.parametrize(
    ("value", "cell"), [(5, "n/a"), ("5", "1,5"), ("2026-01-31", "12/31/2024"), (5, "nan")]
)
async def test_texts_are_not_put_in_order_by_letters(
    ctx: FakeContext, value: Any, cell: str
) -> None:
    ctx.prev = [{"n": None}, {"n": cell}]
    condition = {"column": "n", "operator": "greater", "value": value}
    error = await failure("filter_rows", {"conditions": [condition]}, ctx)
    assert error.code == "params_invalid"
    assert f"{cell!r} in row 2" in error.message
    assert "Select columns" in error.message


@pytest.mark.parametrize(
    ("condition", "hours"),
    [
        ({"operator": "between", "value": "2026-01-30", "to": "2026-01-31"}, [0, 10, 23]),
        ({"operator": "less_or_equal", "value": "2026-01-31"}, [0, 10, 23]),
        ({"operator": "greater", "value": "2026-01-31"}, [24]),
        ({"value": "2026-01-31"}, [0, 10, 23]),
        ({"operator": "in", "value": ["2026-02-01"]}, [24]),
        ({"operator": "greater", "value": "2026-01-31T10:00"}, [23, 24]),
    ],
)
async def test_a_date_means_its_whole_day(
    ctx: FakeContext, condition: dict[str, Any], hours: list[int]
) -> None:
    query = (
        "SELECT h, TIMESTAMP '2026-01-31' + to_hours(h) AS t, t::TIMESTAMPTZ AS zoned "
        "FROM (VALUES (0), (10), (23), (24)) AS v(h)"
    )
    ctx.prev = (await execute("sql", {"query": query}, ctx)).value
    for column in ("t", "zoned"):
        rows = await table("filter_rows", {"conditions": [{"column": column, **condition}]}, ctx)
        assert [row["h"] for row in rows] == hours
