"""The node type `group_by`."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, cast

from duckdb import DuckDBPyConnection
from msgspec import Meta, Struct, field

from graphs.node_type import NodeContext, Output, Params
from graphs.tables.aggregates import OF_NUMBERS, Function, aggregate_sql
from graphs.tables.names import find_column, quoted
from graphs.tables.node import TableNode, TableSetting, transform
from graphs.tables.sources import Relation


class Aggregate(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"as_": "as"}
):
    function: Annotated[
        Function,
        Meta(title="Function", description="What is made of the cells of each group."),
    ] = Function.COUNT
    column: Annotated[
        str,
        Meta(
            title="Column",
            description="Of which column. Left empty, `count` counts the rows.",
            examples=["amount"],
            extra_json_schema={"x-widget": "column"},
        ),
    ] = ""
    as_: Annotated[
        str,
        Meta(
            title="Name",
            description="Left empty: such as `sum_amount`.",
            max_length=200,
            examples=["revenue"],
        ),
    ] = ""


class GroupByParams(Params, frozen=True):
    by: Annotated[
        list[
            Annotated[
                str, Meta(min_length=1, title="Column", extra_json_schema={"x-widget": "column"})
            ]
        ],
        Meta(
            title="Group by",
            description="One row is made for each combination of these columns' values. "
            "Left empty: one row of all.",
            max_length=20,
            examples=[["region"]],
        ),
    ] = field(default_factory=list[str])
    aggregates: Annotated[
        list[Aggregate],
        Meta(
            title="Aggregates",
            description="The further columns of the result.",
            max_length=100,
            examples=[[{"column": "amount", "function": "sum", "as": "revenue"}]],
        ),
    ] = field(default_factory=lambda: [Aggregate()])
    table: TableSetting = None


class GroupBy(TableNode[GroupByParams]):
    """Makes one row of each group: counts, sums, means … They come in the order of appearance."""

    name = "group_by"
    title = "Group by"
    icon = "workspaces"
    keywords = ("aggregate", "sum", "count", "average", "pivot", "summarise")
    params_type = GroupByParams

    def check(self, params: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
        aggregates: Any = params.get("aggregates")
        for at, each in enumerate(cast("list[Any]", aggregates or [])):
            if isinstance(each, dict):
                given = cast("dict[str, Any]", each)
                if given.get("function", "count") != "count" and not given.get("column"):
                    yield ("aggregates", at, "column"), "Choose the column that it is made of"

    async def run(self, params: GroupByParams, ctx: NodeContext) -> Output:
        def query(tables: Mapping[str, Relation], _: DuckDBPyConnection) -> str:
            return _query(params, tables["input"])

        named = {name: "VARCHAR" for name in params.by}
        for each in params.aggregates:
            if each.column and (each.function in OF_NUMBERS or each.column not in named):
                named[each.column] = "DOUBLE" if each.function in OF_NUMBERS else "VARCHAR"
        return await transform(params.table, ctx, query, named)


def _query(params: GroupByParams, table: Relation) -> str:
    keys = [quoted(find_column(table.columns, name).name) for name in params.by]
    made = [
        aggregate_sql(table, each.function, each.column, each.as_) for each in params.aggregates
    ]
    listed = ", ".join([*keys, *made])
    if not keys:
        return f"SELECT {listed} FROM {table.scan}"
    grouped = ", ".join(keys)
    return f"SELECT {listed} FROM {table.scan} GROUP BY {grouped} ORDER BY min({table.order})"
