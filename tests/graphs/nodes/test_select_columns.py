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


@pytest.mark.parametrize(
    ("to", "settings", "cells", "made"),
    [
        ("number", {"decimal_sign": "comma"}, ["1.234,56", "1,5", "7"], [1234.56, 1.5, 7.0]),
        (
            "number",
            {"decimal_sign": "comma"},
            ["€ 5", "-€1,50", "5 €", "+2"],
            [5.0, -1.5, 5.0, 2.0],
        ),
        ("number", {"decimal_sign": "comma"}, ["1 234 567,8", "1'000"], [1234567.8, 1000.0]),
        ("number", {"thousands_sign": "comma"}, ["$1,234.5", "12"], [1234.5, 12.0]),
        ("number", {"thousands_sign": "apostrophe"}, ["1'234.5", "1\u2019000"], [1234.5, 1000.0]),
        ("number", {}, ["12345678901234567.89", "0.1"], ["12345678901234567.89", 0.1]),
        ("integer", {}, ["34043416109404255712", "2.0", "+7"], [34043416109404255712, 2, 7]),
        ("integer", {"decimal_sign": "comma"}, ["1.000", "2,0"], [1000, 2]),
        ("integer", {}, [2.0, None], [2, None]),
        ("text", {}, [2.0, 2.5, 1e20], ["2", "2.5", "100000000000000000000"]),
        ("number", {}, [9007199254740993, 1], [9007199254740993, 1]),
        ("boolean", {}, ["yes", "No", "true", "0"], [True, False, True, False]),
        ("date", {"date_order": "mdy"}, ["12/31/2024", "1-2-24"], ["2024-12-31", "2024-01-02"]),
        ("date", {"date_order": "dmy"}, ["31.12.2024", "2024-02-01"], ["2024-12-31", "2024-02-01"]),
        ("timestamp", {"date_order": "dmy"}, ["31/12/2024 10:30"], ["2024-12-31T10:30:00"]),
        ("date", {"date_format": "%d %b %Y"}, ["3 Jan 2025"], ["2025-01-03"]),
    ],
)
async def test_numbers_and_dates_as_they_are_written(
    ctx: FakeContext, to: str, settings: dict[str, Any], cells: list[Any], made: list[Any]
) -> None:
    ctx.prev = [{"v": cell} for cell in cells]
    params = {"columns": [{"name": "v", "type": to}], **settings}
    assert [row["v"] for row in await table("select_columns", params, ctx)] == made


@pytest.mark.parametrize(
    ("to", "settings", "cell"),
    [
        ("date", {}, "12/31/2024"),
        ("date", {"date_order": "dmy"}, "12/31/2024"),
        ("number", {}, "1,234.5"),
        ("number", {"decimal_sign": "comma"}, "1.23,4"),
        ("number", {}, "nan"),
        ("integer", {}, "2.5"),
        ("integer", {}, 2.5),
        ("integer", {}, "9" * 50),
        ("boolean", {}, "perhaps"),
    ],
)
async def test_a_bad_cell_is_named_or_counted(
    ctx: FakeContext, to: str, settings: dict[str, Any], cell: Any
) -> None:
    ctx.prev = [{"v": None}, {"v": cell}, {"v": cell}]
    params = {"columns": [{"name": "v", "type": to}], **settings}
    error = await failure("select_columns", params, ctx)
    assert f"'{cell}' in row 2 of the column 'v'" in error.message
    rows = await table("select_columns", {**params, "bad_cells": "empty"}, ctx)
    assert [row["v"] for row in rows] == [None] * 3
    assert "2 cells of the column 'v' became empty" in ctx.logs[-1][1]


def test_the_signs_must_differ() -> None:
    kind = registry()["select_columns"]
    columns = [{"name": "a", "type": "number"}]
    (problem,) = kind.check({"columns": columns, "thousands_sign": "point"})
    assert problem[0] == ("thousands_sign",)
    both = {"decimal_sign": "comma", "thousands_sign": "point"}
    assert list(kind.check({"columns": columns, **both})) == []
