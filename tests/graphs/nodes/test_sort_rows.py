"""`sort_rows` sorts by several columns, keeps the order of equals, and may cut."""

from tests.graphs.conftest import FakeContext, failure, table


async def test_sorts_by_several_columns_empty_cells_last(table_ctx: FakeContext) -> None:
    table_ctx.prev = [
        {"id": 1, "a": 2, "b": "x"},
        {"id": 2, "a": None, "b": "x"},
        {"id": 3, "a": 1, "b": "y"},
        {"id": 4, "a": 2, "b": "a"},
    ]
    by = [{"column": "a", "direction": "descending"}, {"column": "b"}]
    rows = await table("sort_rows", {"by": by}, table_ctx)
    assert [row["id"] for row in rows] == [4, 1, 3, 2]
    rows = await table("sort_rows", {"by": by[:1], "limit": 2}, table_ctx)
    assert [row["id"] for row in rows] == [1, 4]


async def test_equal_rows_keep_their_order(table_ctx: FakeContext) -> None:
    table_ctx.prev = [{"id": number, "same": number % 2} for number in range(50_000)]
    params = {"by": [{"column": "same"}], "limit": 20}
    rows = await table("sort_rows", params, table_ctx)
    assert [row["id"] for row in rows] == list(range(0, 40, 2))


async def test_an_unknown_column_is_told(table_ctx: FakeContext) -> None:
    table_ctx.prev = [{"amount": 1}]
    error = await failure("sort_rows", {"by": [{"column": "amuont"}]}, table_ctx)
    assert error.message == "The table has no column 'amuont'; did you mean 'amount'?"


async def test_texts_of_numbers_are_sorted_by_letters_and_told(table_ctx: FakeContext) -> None:
    table_ctx.prev = [{"n": "9"}, {"n": "10"}]
    rows = await table("sort_rows", {"by": [{"column": "n"}]}, table_ctx)
    assert [row["n"] for row in rows] == ["10", "9"]
    assert "'n' is text and sorted by its letters" in table_ctx.logs[-1][1]
    table_ctx.prev = [{"n": "b"}, {"n": "a"}]
    await table("sort_rows", {"by": [{"column": "n"}]}, table_ctx)
    assert len(table_ctx.logs) == 1
