"""The node type `sort_rows`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from duckdb import DuckDBPyConnection
from msgspec import Meta, Struct

from graphs.node_type import NodeContext, Output, Params
from graphs.tables.names import find_column, quoted
from graphs.tables.node import Noted, TableNode, TableSetting, transform
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
        def query(tables: Mapping[str, Relation], connection: DuckDBPyConnection) -> Noted:
            return _query(params, tables["input"], connection)

        named = {key.column: "VARCHAR" for key in params.by}
        return await transform(params.table, ctx, query, named)


def _query(params: SortRowsParams, table: Relation, connection: DuckDBPyConnection) -> Noted:
    keys: list[str] = []
    notes: list[str] = []
    for key in params.by:
        column = find_column(table.columns, key.column)
        way = "DESC" if key.direction is Direction.DESCENDING else "ASC"
        keys.append(f"{quoted(column.name)} {way} NULLS LAST")
        if column.type == "VARCHAR" and _are_numbers(column.name, table, connection):
            notes.append(
                f"the column {column.name!r} is text and sorted by its letters: 10 comes before 9; "
                "to sort by the numbers, convert it before with the node Select columns"
            )
    order = ", ".join([*keys, table.order])
    limit = "" if params.limit is None else f" LIMIT {params.limit}"
    return Noted(f"SELECT * FROM {table.scan} ORDER BY {order}{limit}", tuple(notes))


def _are_numbers(name: str, table: Relation, connection: DuckDBPyConnection) -> bool:
    column = quoted(name)
    found = connection.execute(
        f"SELECT bool_and(TRY_CAST({column} AS DOUBLE) IS NOT NULL) FROM {table.scan} "
        f"WHERE {column} IS NOT NULL"
    ).fetchone()
    return found is not None and found[0] is True
