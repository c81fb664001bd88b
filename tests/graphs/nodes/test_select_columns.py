"""`select_columns` keeps, renames, converts, reorders and drops columns."""

from typing import Any

import pytest

from graphs.registry import registry
from tests.graphs.conftest import FakeContext, execute, failure, table

ROWS = [
    {"id": "1", "amount": " 10.50", "day": "2026-01-05", "paid": "true", "note": "a"},
    {"id": "2", "amount": "", "day": "2026-02-05", "paid": "false", "note": "b"},
]


@pytest.fixture
def ctx(table_ctx: FakeContext) -> FakeContext:
    table_ctx.prev = ROWS
    return table_ctx


async def test_columns_come_in_the_order_asked_for(ctx: FakeContext) -> None:
    columns = [{"name": "note", "rename": "remark"}, {"name": "id"}]
    rows = await table("select_columns", {"columns": columns}, ctx)
    assert [list(row.items()) for row in rows] == [
        [("remark", "a"), ("id", "1")],
        [("remark", "b"), ("id", "2")],
    ]


async def test_types_are_changed(ctx: FakeContext) -> None:
    columns = [
        {"name": "id", "type": "integer"},
        {"name": "amount", "type": "number"},
        {"name": "day", "type": "timestamp"},
        {"name": "paid", "type": "boolean"},
    ]
    output = (await execute("select_columns", {"columns": columns}, ctx)).value
    types = [column["type"] for column in output["columns"]]
    assert types == ["BIGINT", "DOUBLE", "TIMESTAMP", "BOOLEAN"]
    assert output["preview"] == [
        {"id": 1, "amount": 10.5, "day": "2026-01-05T00:00:00", "paid": True},
        {"id": 2, "amount": None, "day": "2026-02-05T00:00:00", "paid": False},
    ]


async def test_a_cell_that_does_not_fit_fails_or_becomes_empty(ctx: FakeContext) -> None:
    params: dict[str, Any] = {"columns": [{"name": "note", "type": "integer"}]}
    error = await failure("select_columns", params, ctx)
    assert error.code == "query_failed"
    assert "'a'" in error.message
    rows = await table("select_columns", {**params, "bad_cells": "empty"}, ctx)
    assert rows == [{"note": None}, {"note": None}]


async def test_columns_are_dropped(ctx: FakeContext) -> None:
    rows = await table("select_columns", {"drop": ["note", "PAID", "day"]}, ctx)
    assert list(rows[0]) == ["id", "amount"]
    error = await failure("select_columns", {"drop": list(ROWS[0])}, ctx)
    assert error.message == "no column would be left"
    error = await failure("select_columns", {"drop": ["nope"]}, ctx)
    assert error.code == "column_unknown"


async def test_the_same_column_twice_gets_two_names(ctx: FakeContext) -> None:
    rows = await table("select_columns", {"columns": [{"name": "id"}, {"name": "id"}]}, ctx)
    assert rows[0] == {"id": "1", "id_2": "1"}


@pytest.mark.parametrize("params", [{}, {"columns": [{"name": "a"}], "drop": ["b"]}])
def test_one_of_both_lists_is_wanted(params: dict[str, Any]) -> None:
    (problem,) = registry()["select_columns"].check(params)
    assert problem[0] == ("columns",)
