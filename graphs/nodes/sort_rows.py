"""The node type `sort_rows`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from duckdb import DuckDBPyConnection
from msgspec import Meta, Struct

from graphs.node_type import NodeContext, Output, Params
from graphs.tables.names import find_column, quoted
from graphs.tables.node import TableNode, TableSetting, transform
from graphs.tables.sources import Relation


class Direction(StrEnum):
    ASCENDING = "ascending"
    DESCENDING = "descending"


class SortKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    column: Annotated[
        str,
        Meta(
            title="Column",
            description="Which column decides.",
            min_length=1,
            examples=["amount"],
            extra_json_schema={"x-widget": "column"},
        ),
    ]
    direction: Annotated[
        Direction, Meta(title="Direction", description="Empty cells come last either way.")
    ] = Direction.ASCENDING


class SortRowsParams(Params, frozen=True):
    by: Annotated[
        list[SortKey],
        Meta(
            title="Sort by",
            description="The first column decides, the next ones where it is equal.",
            min_length=1,
            max_length=20,
            examples=[[{"column": "amount", "direction": "descending"}]],
        ),
    ]
    limit: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(title="Keep only", description="How many rows from the top; empty: all."),
    ] = None
    table: TableSetting = None


class SortRows(TableNode[SortRowsParams]):
    """Sorts the rows; equal ones keep their order. It can keep only the first ones."""

    name = "sort_rows"
    title = "Sort rows"
    icon = "sort"
    keywords = ("order", "rank", "top")
    params_type = SortRowsParams

    async def run(self, params: SortRowsParams, ctx: NodeContext) -> Output:
        def query(tables: Mapping[str, Relation], _: DuckDBPyConnection) -> str:
            table = tables["input"]
            keys = [
                quoted(find_column(table.columns, key.column).name)
                + (" DESC" if key.direction is Direction.DESCENDING else " ASC")
                + " NULLS LAST"
                for key in params.by
            ]
            order = ", ".join([*keys, table.order])
            limit = "" if params.limit is None else f" LIMIT {params.limit}"
            return f"SELECT * FROM {table.scan} ORDER BY {order}{limit}"

        return await transform(params.table, ctx, query)
