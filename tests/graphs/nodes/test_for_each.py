"""`for_each` runs its body for every item, some at the same time, and keeps their order."""

import asyncio
from typing import Any

import pytest

from graphs.errors import NodeError, RunCancelled
from tests.graphs.conftest import FakeContext, execute, failure


async def test_results_keep_the_order_of_the_items(ctx: FakeContext) -> None:
    async def body(item: int, index: int) -> Any:
        await asyncio.sleep((5 - index) / 500)
        return [index, item * 2]

    ctx.body = body
    ctx.inputs = {"rows": [1, 2, 3, 4, 5]}
    output = await execute("for_each", {"items": "{{ input.rows }}"}, ctx)
    assert output.value == [[0, 2], [1, 4], [2, 6], [3, 8], [4, 10]]


async def test_no_items_no_results(ctx: FakeContext) -> None:
    assert (await execute("for_each", {"items": []}, ctx)).value == []


@pytest.mark.parametrize("limit", [1, 3])
async def test_at_most_so_many_at_the_same_time(ctx: FakeContext, limit: int) -> None:
    running = most = 0

    async def body(item: int, index: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1

    ctx.body = body
    await execute("for_each", {"items": list(range(9)), "max_concurrency": limit}, ctx)
    assert most == limit


async def test_a_failing_item_fails_the_node_after_those_begun(ctx: FakeContext) -> None:
    finished: list[int] = []

    async def body(item: int, index: int) -> int:
        if item == 1:
            raise NodeError("item 1 is bad")
        await asyncio.sleep(0.01)
        finished.append(item)
        return item

    ctx.body = body
    error = await failure("for_each", {"items": list(range(10)), "max_concurrency": 2}, ctx)
    assert error.message == "item 1 is bad"
    assert finished == [0]


async def test_a_failing_item_may_be_left_out(ctx: FakeContext) -> None:
    async def body(item: int, index: int) -> int | None:
        if item == 1:
            raise NodeError("bad")
        return None if item == 2 else item

    ctx.body = body
    params = {"items": [0, 1, 2, 3], "on_item_error": "skip"}
    assert (await execute("for_each", params, ctx)).value == [0, None, 3]
    assert ctx.logs == [("warning", "item 1 is left out: bad")]


async def test_a_gracefully_cancelled_run_finishes_the_items_begun_and_begins_no_other(
    ctx: FakeContext,
) -> None:
    begun: list[int] = []
    finished: list[int] = []

    async def body(item: int, index: int) -> None:
        begun.append(item)
        if item == 0:
            raise RunCancelled("enough")
        await asyncio.sleep(0.002)
        finished.append(item)
        raise RunCancelled("enough")

    ctx.body = body
    with pytest.raises(RunCancelled):
        await execute("for_each", {"items": [0, 1, 2, 3, 4], "max_concurrency": 3}, ctx)
    assert begun == [0, 1, 2]
    assert finished == [1, 2]


async def test_a_run_cancelled_now_stops_all_items(ctx: FakeContext) -> None:
    stopped: list[int] = []
    all_begun = asyncio.Event()

    async def body(item: int, index: int) -> None:
        try:
            if item == 2:
                all_begun.set()
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            stopped.append(item)
            raise

    ctx.body = body
    task = asyncio.create_task(execute("for_each", {"items": [0, 1, 2], "max_concurrency": 3}, ctx))
    await all_begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(stopped) == [0, 1, 2]


@pytest.mark.parametrize("items", [{"a": 1}, "text", None, 3])
async def test_goes_through_lists_only(ctx: FakeContext, items: object) -> None:
    ctx.inputs = {"items": items}
    error = await failure("for_each", {"items": "{{ input.items }}"}, ctx)
    assert "Items" in error.message


async def test_goes_through_the_rows_of_a_table(table_ctx: FakeContext) -> None:
    async def body(item: dict[str, Any], index: int) -> Any:
        return [index, item["n"], item["day"]]

    table_ctx.body = body
    query = "SELECT range AS n, DATE '2026-01-01' AS day FROM range({})"
    table = await execute("sql", {"query": query.format(3)}, table_ctx)
    table_ctx.inputs = {"table": table.value}
    output = await execute("for_each", {"items": "{{ input.table }}"}, table_ctx)
    assert output.value == [[0, 0, "2026-01-01"], [1, 1, "2026-01-01"], [2, 2, "2026-01-01"]]
    table = await execute("sql", {"query": query.format(10_001)}, table_ctx)
    table_ctx.inputs = {"table": table.value}
    error = await failure("for_each", {"items": "{{ input.table }}"}, table_ctx)
    assert error.code == "table_too_large"
    assert "10,001 rows" in error.message
