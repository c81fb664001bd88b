"""Empty lists: nodes find in them the columns that their settings name, and go on."""

from typing import Any

import pytest

from tests.graphs.conftest import FakeContext, execute, failure, table

ORDERS = [{"id": 1, "total": 5}]


@pytest.mark.parametrize(
    ("type_name", "params", "columns", "rows"),
    [
        ("filter_rows", {"conditions": [{"column": "a", "value": 1}]}, ["a"], []),
        ("filter_rows", {"conditions": []}, [], []),
        ("sort_rows", {"by": [{"column": "a"}]}, ["a"], []),
        ("select_columns", {"columns": [{"name": "a", "type": "date"}]}, ["a"], []),
        ("select_columns", {"drop": ["a"]}, [], []),
        ("group_by", {"by": ["a"], "aggregates": [{"function": "sum", "column": "b"}]}, None, []),
        ("group_by", {"aggregates": [{}]}, ["count"], [{"count": 0}]),
        (
            "group_by",
            {"aggregates": [{"function": "sum", "column": "b"}]},
            ["sum_b"],
            [{"sum_b": None}],
        ),
    ],
)
async def test_nodes_work_on_an_empty_list(
    table_ctx: FakeContext,
    type_name: str,
    params: dict[str, Any],
    columns: list[str] | None,
    rows: list[Any],
) -> None:
    table_ctx.prev = []
    value = (await execute(type_name, params, table_ctx)).value
    assert value["preview"] == rows
    assert value["row_count"] == len(rows)
    if columns is not None:
        assert [column["name"] for column in value["columns"]] == columns


@pytest.mark.parametrize("kind", ["bar", "line", "area", "scatter", "pie", "histogram"])
async def test_a_chart_of_an_empty_list_is_empty(table_ctx: FakeContext, kind: str) -> None:
    table_ctx.prev = []
    params = {"kind": kind, "x": "a", "y": "b", "series": "c"}
    value = (await execute("chart", params, table_ctx)).value
    assert value["spec"]["data"]["values"] == []
    assert "an empty list has no columns of its own" in table_ctx.logs[-1][1]


@pytest.mark.parametrize(
    ("how", "right_rows", "left_rows"),
    [
        ("inner", [], []),
        ("left", [{"id": 1, "total": 5}], []),
        ("right", [], [{"id": 1, "total": 5}]),
        ("full", [{"id": 1, "total": 5}], [{"id": 1, "total": 5}]),
        ("semi", [], []),
        ("anti", [{"id": 1, "total": 5}], []),
    ],
)
async def test_joins_with_an_empty_side(
    table_ctx: FakeContext, how: str, right_rows: list[Any], left_rows: list[Any]
) -> None:
    params = {"how": how, "on": [{"left": "id"}]}
    without_right = {**params, "left": ORDERS, "right": []}
    assert await table("join_tables", without_right, table_ctx) == right_rows
    without_left = {**params, "left": [], "right": ORDERS}
    assert await table("join_tables", without_left, table_ctx) == left_rows
    assert await table("join_tables", {**params, "left": [], "right": []}, table_ctx) == []


async def test_columns_may_be_named_further_on(table_ctx: FakeContext) -> None:
    on = [{"left": "id", "right": "customer"}]
    params = {"left": ORDERS, "right": [], "how": "left", "on": on}
    joined = (await execute("join_tables", params, table_ctx)).value
    assert joined["preview"] == [{"id": 1, "total": 5, "customer": None}]
    table_ctx.prev = joined
    columns = [{"name": "id"}, {"name": "city"}]
    rows = await table("select_columns", {"columns": columns}, table_ctx)
    assert rows == [{"id": 1, "city": None}]
    table_ctx.prev = (await execute("sort_rows", {"by": [{"column": "city"}]}, table_ctx)).value
    query = "SELECT id, upper(region) AS region FROM input WHERE city IS NULL"
    assert await table("sql", {"query": query}, table_ctx) == [{"id": 1, "region": None}]
    # what was chosen is all there is
    table_ctx.prev = (await execute("select_columns", {"columns": columns}, table_ctx)).value
    error = await failure("sort_rows", {"by": [{"column": "region"}]}, table_ctx)
    assert error.code == "column_unknown"


async def test_a_filter_that_left_nothing_still_knows_its_columns(table_ctx: FakeContext) -> None:
    table_ctx.prev = ORDERS
    condition = {"column": "total", "operator": "less", "value": 0}
    table_ctx.prev = (await execute("filter_rows", {"conditions": [condition]}, table_ctx)).value
    assert await table("group_by", {"by": ["id"]}, table_ctx) == []
    error = await failure("group_by", {"by": ["idd"]}, table_ctx)
    assert error.code == "column_unknown"
    assert "did you mean 'id'?" in error.message


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT * FROM input", []),
        ("SELECT count(*) AS n FROM input", [{"n": 0}]),
        ("SELECT sum(x) AS s, max(day) AS d FROM input", [{"s": None, "d": None}]),
        ("SELECT name, sum(amount) AS t FROM input GROUP BY name HAVING t > 5 ORDER BY t", []),
        ("SELECT year(day) AS y, lower(name) AS name FROM input WHERE price > 1.5", []),
        ("SELECT o.id, i.city FROM o LEFT JOIN input i USING (id)", [{"id": 1, "city": None}]),
        ("SELECT o.id FROM o LEFT JOIN input i ON i.who.id = o.id", [{"id": 1}]),
        ("SELECT id FROM o WHERE id NOT IN (SELECT customer FROM input)", [{"id": 1}]),
        ("SELECT * FROM o UNION ALL SELECT * FROM Input", [{"id": 1, "total": 5}]),
        ("WITH a AS (SELECT city AS c FROM input) SELECT count(c) AS n FROM a", [{"n": 0}]),
    ],
)
async def test_queries_of_an_empty_list(
    table_ctx: FakeContext, query: str, rows: list[Any]
) -> None:
    table_ctx.prev = []
    table_ctx.steps = {"o": ORDERS}
    assert await table("sql", {"query": query}, table_ctx) == rows


async def test_a_query_that_is_wrong_anyway_says_so(table_ctx: FakeContext) -> None:
    table_ctx.prev = []
    error = await failure("sql", {"query": "SELECT nope(x) FROM input"}, table_ctx)
    assert error.code == "query_failed"
    assert "nope" in error.message
    assert "came from an empty list" in error.message


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "jsonl"])
async def test_an_empty_list_is_written_as_nothing(table_ctx: FakeContext, ending: str) -> None:
    files = table_ctx.services.files
    assert files is not None
    empty = (await execute("filter_rows", {"conditions": [], "table": []}, table_ctx)).value
    for content in ([], empty):
        params = {"name": f"none.{ending}", "content": content}
        assert (await execute("write_file", params, table_ctx)).value["rows"] == 0
        text = (await files.path(f"none.{ending}")).read_text()
        assert text.strip() == ("[]" if ending == "json" else "")


async def test_an_empty_list_is_an_empty_sheet(table_ctx: FakeContext) -> None:
    import openpyxl

    files = table_ctx.services.files
    assert files is not None
    await execute("write_file", {"name": "none.xlsx", "content": []}, table_ctx)
    sheet = openpyxl.load_workbook(await files.path("none.xlsx")).worksheets[0]
    assert [cell for row in sheet.iter_rows(values_only=True) for cell in row if cell] == []
