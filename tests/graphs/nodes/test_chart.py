"""`chart` puts out a Vega-Lite chart of few points, whatever the number of rows."""

from typing import Any

import msgspec
import pytest

from tests.graphs.conftest import FakeContext, execute, failure

ROWS = [
    {"region": "west", "year": 2025, "amount": 10, "day": "2026-01-01"},
    {"region": "east", "year": 2025, "amount": 5, "day": "2026-01-02"},
    {"region": "west", "year": 2026, "amount": 2, "day": "2026-01-03"},
    {"region": None, "year": 2026, "amount": 1, "day": "2026-01-03"},
]


@pytest.fixture
def ctx(table_ctx: FakeContext) -> FakeContext:
    table_ctx.prev = ROWS
    return table_ctx


async def chart(params: dict[str, Any], ctx: FakeContext) -> dict[str, Any]:
    value = (await execute("chart", params, ctx)).value
    assert set(value) == {"$chart", "title", "spec"}
    assert value["$chart"] == "vega-lite"
    spec = value["spec"]
    assert len(msgspec.json.encode(value)) < 64 * 1024
    assert len(spec["data"]["values"]) <= 5000
    if "x" in spec["encoding"]:
        assert spec["encoding"]["x"]["title"]
        assert spec["encoding"]["y"]["title"]
    return value


async def test_bars_add_up_what_has_the_same_name(ctx: FakeContext) -> None:
    value = await chart({"kind": "bar", "x": "region", "y": "amount"}, ctx)
    assert value["title"] == "Sum of amount by region"
    assert value["spec"]["data"]["values"] == [
        {"x": "west", "y": 12},
        {"x": "east", "y": 5},
        {"x": "(empty)", "y": 1},
    ]
    assert "are added up" in ctx.logs[0][1]


async def test_without_y_rows_are_counted(ctx: FakeContext) -> None:
    value = await chart({"kind": "bar", "x": "region", "series": "year", "title": "How many"}, ctx)
    assert value["title"] == "How many"
    assert value["spec"]["data"]["values"][0] == {"x": "west", "s": "2025", "y": 1}
    assert value["spec"]["encoding"]["color"]["title"] == "year"
    assert ctx.logs == []


@pytest.mark.parametrize(
    ("aggregate", "west"), [("mean", 6), ("median", 6), ("min", 2), ("max", 10), ("count", 2)]
)
async def test_each_aggregate(ctx: FakeContext, aggregate: str, west: float) -> None:
    value = await chart({"x": "region", "y": "amount", "aggregate": aggregate}, ctx)
    assert value["spec"]["data"]["values"][0] == {"x": "west", "y": west}


@pytest.mark.parametrize("kind", ["line", "area", "scatter"])
async def test_moments_lie_on_a_scale_of_time_in_utc(ctx: FakeContext, kind: str) -> None:
    columns = [{"name": "day", "type": "date"}, {"name": "amount"}]
    ctx.prev = (await execute("select_columns", {"columns": columns}, ctx)).value
    value = await chart({"kind": kind, "x": "day", "y": "amount"}, ctx)
    x = value["spec"]["encoding"]["x"]
    assert (x["type"], x["scale"]) == ("temporal", {"type": "utc"})
    assert value["spec"]["data"]["values"][0] == {"x": "2026-01-01", "y": 10}


async def test_a_pie_puts_small_slices_together(ctx: FakeContext) -> None:
    ctx.prev = [{"x": f"n{number}", "y": number} for number in range(100)]
    value = await chart({"kind": "pie", "x": "x", "y": "y", "limit": 3}, ctx)
    assert value["spec"]["data"]["values"] == [
        {"x": "n98", "y": 98},
        {"x": "n99", "y": 99},
        {"x": "Other", "y": sum(range(98))},
    ]
    assert "'Other'" in ctx.logs[0][1]


async def test_bars_are_limited_to_the_largest(ctx: FakeContext) -> None:
    ctx.prev = [{"x": f"n{number}", "y": number} for number in range(1000)]
    value = await chart({"x": "x", "y": "y"}, ctx)
    assert [row["y"] for row in value["spec"]["data"]["values"]] == list(range(950, 1000))
    assert "the 50 largest are shown" in ctx.logs[0][1]


async def test_many_points_are_thinned_and_it_is_said(ctx: FakeContext) -> None:
    ctx.prev = [{"x": number, "y": number % 7, "s": number % 2} for number in range(30_000)]
    value = await chart({"kind": "scatter", "x": "x", "y": "y", "series": "s"}, ctx)
    assert len(value["spec"]["data"]["values"]) > 500
    assert "30,000 points: every 6th is shown" in ctx.logs[0][1]
    value = await chart({"kind": "line", "x": "x", "y": "y"}, ctx)
    xs = [row["x"] for row in value["spec"]["data"]["values"]]
    assert xs == sorted(xs)


async def test_a_histogram_counts_in_bins_of_round_width(ctx: FakeContext) -> None:
    ctx.prev = [{"n": number} for number in [*range(100), 0, 0, None]]
    value = await chart({"kind": "histogram", "x": "n", "limit": 10}, ctx)
    bins = value["spec"]["data"]["values"]
    assert sum(each["y"] for each in bins) == 102
    assert [each["x"] for each in bins] == list(range(0, 100, 10))
    assert bins[0] == {"x": 0, "x2": 10, "y": 12}
    assert value["title"] == "Distribution of n"


@pytest.mark.parametrize("numbers", [[5], [0, 0], [-1.5, 1.5], [1e9, 1e9 + 1], [0.001, 0.0011]])
async def test_a_histogram_of_any_numbers(ctx: FakeContext, numbers: list[float]) -> None:
    ctx.prev = [{"n": number} for number in numbers]
    value = await chart({"kind": "histogram", "x": "n"}, ctx)
    bins = value["spec"]["data"]["values"]
    assert sum(each["y"] for each in bins) == len(numbers)
    assert len(bins) <= 32


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"x": "regoin"}, "column_unknown"),
        ({"x": "region", "y": "day"}, "chart_invalid"),
        ({"x": "region", "aggregate": "sum"}, "chart_invalid"),
        ({"kind": "histogram", "x": "region"}, "chart_invalid"),
        ({"kind": "scatter", "x": "year"}, "chart_invalid"),
    ],
)
async def test_what_does_not_fit_is_told(
    ctx: FakeContext, params: dict[str, Any], code: str
) -> None:
    error = await failure("chart", params, ctx)
    assert error.code == code


@pytest.mark.parametrize("kind", ["bar", "line", "area", "scatter", "pie", "histogram"])
async def test_no_rows_make_an_empty_chart(ctx: FakeContext, kind: str) -> None:
    never = [{"column": "year", "operator": "less", "value": 0}]
    ctx.prev = (await execute("filter_rows", {"conditions": never}, ctx)).value
    value = await chart({"kind": kind, "x": "year", "y": "amount"}, ctx)
    assert value["spec"]["data"]["values"] == []


@pytest.mark.parametrize("rows", [[("a", -5), ("b", 5)], [("a", -0.5)], [("a", 5), ("a", -6)]])
async def test_a_pie_has_no_negative_slices(
    table_ctx: FakeContext, rows: list[tuple[str, float]]
) -> None:
    table_ctx.prev = [{"k": k, "v": v} for k, v in rows]
    error = await failure("chart", {"kind": "pie", "x": "k", "y": "v"}, table_ctx)
    assert error.code == "chart_invalid"
    assert "'a'" in error.message


async def test_a_pie_may_have_slices_of_nothing(table_ctx: FakeContext) -> None:
    table_ctx.prev = [{"k": "a", "v": 0}, {"k": "b", "v": 5}, {"k": "b", "v": -1}]
    value = (await execute("chart", {"kind": "pie", "x": "k", "y": "v"}, table_ctx)).value
    assert value["spec"]["data"]["values"] == [{"x": "a", "y": 0.0}, {"x": "b", "y": 4.0}]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("bar", "points left out for want of a value: 1"),
        ("line", "points left out for want of a value: 1"),
        ("scatter", "rows left out for want of a value: 1"),
        ("histogram", "rows left out for want of a value: 1"),
    ],
)
async def test_rows_without_a_value_are_counted(
    table_ctx: FakeContext, kind: str, said: str
) -> None:
    table_ctx.prev = [{"x": 1, "y": 34043416109404255712}, {"x": 2, "y": None}]
    params = {"kind": kind, "x": "y" if kind == "histogram" else "x", "y": "y"}
    await execute("chart", params, table_ctx)
    assert said in [message for _, message in table_ctx.logs]


async def test_very_long_labels_are_cut_and_told_apart(table_ctx: FakeContext) -> None:
    long = "a" * 2_000_000
    table_ctx.prev = [{"k": long + "b", "v": 1}, {"k": long + "c", "v": 2}]
    value = (await execute("chart", {"x": "k", "y": "v", "series": "k"}, table_ctx)).value
    labels = [row["x"] for row in value["spec"]["data"]["values"]]
    assert len(set(labels)) == 2
    assert all(len(label) < 200 for label in labels)


@pytest.mark.parametrize("kind", ["bar", "line", "scatter", "pie"])
async def test_exact_numbers_are_drawn(table_ctx: FakeContext, kind: str) -> None:
    query = "SELECT 1.50::DECIMAL(9,2) AS x, sum(2)::HUGEINT AS y"
    table_ctx.prev = (await execute("sql", {"query": query}, table_ctx)).value
    value = (await execute("chart", {"kind": kind, "x": "x", "y": "y"}, table_ctx)).value
    (point,) = value["spec"]["data"]["values"]
    assert float(point["x"]) == 1.5
    assert point["y"] == 2
