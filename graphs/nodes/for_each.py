"""The node type `for_each`."""

import asyncio
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

from graphs.errors import NodeError
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from graphs.tables.rows import table_rows

_LEFT_OUT: Any = object()


class OnItemError(StrEnum):
    FAIL = "fail"
    SKIP = "skip"


class ForEachParams(Params, frozen=True):
    items: Annotated[
        list[Any] | dict[str, Any],
        Meta(
            title="Items",
            description=(
                "The list to go through, or a table of at most 10,000 rows. In the body: "
                "{{ item }} and {{ index }}."
            ),
            examples=["{{ steps.rows.body }}"],
            extra_json_schema={"x-widget": "expression", "x-placeholder": "{{ input.rows }}"},
        ),
    ]
    max_concurrency: Annotated[
        int,
        Meta(
            title="At the same time", description="How many items may be worked on.", ge=1, le=100
        ),
    ] = 4
    on_item_error: Annotated[
        OnItemError,
        Meta(
            title="When an item fails",
            description="fail: this node fails. skip: the item is left out of the result.",
        ),
    ] = OnItemError.FAIL


class ForEach(NodeType[ForEachParams]):
    """Runs its body once for every item of a list. Its output is the list of the body's outputs.

    The results are in the order of the items, however many are worked on at the same time.
    """

    name = "for_each"
    title = "For each"
    category = Category.FLOW
    icon = "repeat"
    keywords = ("loop", "iterate", "map", "each", "repeat", "batch")
    params_type = ForEachParams
    container = True
    waits = True

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: ForEachParams, ctx: NodeContext) -> Output:
        items = params.items
        if isinstance(items, dict):
            items = await table_rows(ctx.services.artifacts, items, "Items", ctx.log)
        results: list[Any] = [_LEFT_OUT] * len(items)
        work = _Work(params, items, ctx, results)
        workers = [
            asyncio.create_task(work.go_on())
            for _ in range(min(params.max_concurrency, len(items)))
        ]
        try:
            # not cut short by the first that raises: a graceful cancel lets the others finish
            ends = await asyncio.gather(*workers, return_exceptions=True)
        finally:
            for worker in workers:
                worker.cancel()
        for end in ends:
            if end is not None:
                raise end
        if work.failure is not None:
            raise work.failure
        return Output([result for result in results if result is not _LEFT_OUT])

    async def mock(self, params: ForEachParams, ctx: NodeContext) -> Output:
        """The nodes of its body stand in for themselves."""
        return await self.run(params, ctx)


class _Work:
    """The items that nobody has begun yet, shared by the workers."""

    def __init__(
        self, params: ForEachParams, items: list[Any], ctx: NodeContext, results: list[Any]
    ) -> None:
        self.failure: NodeError | None = None
        self._skip = params.on_item_error is OnItemError.SKIP
        self._ctx = ctx
        self._results = results
        self._items: Iterator[tuple[int, Any]] = iter(enumerate(items))

    async def go_on(self) -> None:
        """Work on items until none is left or one failed; those begun are always finished."""
        for index, item in self._items:
            try:
                self._results[index] = await self._ctx.run_body(item, index)
            except NodeError as error:
                if not self._skip:
                    self.failure = self.failure or error
                    return
                self._ctx.log(f"item {index} is left out: {error.message}", "warning")
            if self.failure is not None:
                return
