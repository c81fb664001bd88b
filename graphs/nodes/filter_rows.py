"""The node type `filter_rows`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from duckdb import DuckDBPyConnection
from msgspec import Meta, Struct, field

from graphs.errors import NodeError
from graphs.node_type import NodeContext, Output, Params
from graphs.tables.conditions import Operator, condition_sql, misfit_sql
from graphs.tables.names import find_column, quoted
from graphs.tables.node import TableNode, TableSetting, transform
from graphs.tables.sources import Relation


class Match(StrEnum):
    ALL = "all"
    ANY = "any"


class Condition(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    column: Annotated[
        str,
        Meta(
            title="Column",
            description="Which column is looked at.",
            min_length=1,
            examples=["amount"],
            extra_json_schema={"x-widget": "column"},
        ),
    ]
    operator: Annotated[
        Operator, Meta(title="Operator", description="How it is compared with the value.")
    ] = Operator.EQUALS
    value: Annotated[
        Any,
        Meta(
            title="Value",
            description=(
                "A text, number or date; several with commas between them or as a list, where one "
                "of them is meant; the lower limit where it is between two. A date means its whole "
                "day; a number is compared with texts by their value."
            ),
            examples=["100", "2026-01-31", "{{ input.region }}"],
            extra_json_schema={"x-unless": {"operator": ["is_empty", "is_not_empty"]}},
        ),
    ] = None
    to: Annotated[
        Any,
        Meta(
            title="Upper limit",
            description="Included, as the lower one is.",
            examples=["200"],
            extra_json_schema={"x-when": {"operator": ["between"]}},
        ),
    ] = None


class FilterRowsParams(Params, frozen=True):
    conditions: Annotated[
        list[Condition],
        Meta(
            title="Conditions",
            description="Which rows go on. Without a condition all do.",
            max_length=50,
            examples=[[{"column": "amount", "operator": "greater", "value": 100}]],
        ),
    ] = field(default_factory=list[Condition])
    match: Annotated[
        Match,
        Meta(title="Match", description="Whether every condition holds, or at least one does."),
    ] = Match.ALL
    match_case: Annotated[
        bool,
        Meta(
            title="Tell capitals apart",
            description="Whether `Oslo` and `oslo` are different texts.",
        ),
    ] = True
    table: TableSetting = None


class FilterRows(TableNode[FilterRowsParams]):
    """Lets the rows through that meet the conditions. Its output is a table."""

    name = "filter_rows"
    title = "Filter rows"
    icon = "filter_alt"
    keywords = ("where", "keep", "remove rows")
    params_type = FilterRowsParams

    async def run(self, params: FilterRowsParams, ctx: NodeContext) -> Output:
        def query(tables: Mapping[str, Relation], connection: DuckDBPyConnection) -> str:
            return _query(params, tables["input"], connection)

        named = {each.column: "VARCHAR" for each in params.conditions}
        return await transform(params.table, ctx, query, named)


def _query(params: FilterRowsParams, table: Relation, connection: DuckDBPyConnection) -> str:
    conditions = [
        condition_sql(
            table.columns,
            each.column,
            each.operator,
            each.value,
            each.to,
            match_case=params.match_case,
        )
        for each in params.conditions
    ]
    for each in params.conditions:
        _refuse_misfits(each, table, connection)
    word = " AND " if params.match is Match.ALL else " OR "
    return f"SELECT * FROM {table.scan} WHERE {word.join(conditions) or 'true'}"


def _refuse_misfits(condition: Condition, table: Relation, connection: DuckDBPyConnection) -> None:
    """Texts are not put in order by their letters when a number or a date is meant."""
    misfit = misfit_sql(
        table.columns, condition.column, condition.operator, condition.value, condition.to
    )
    if misfit is None:
        return
    where, told = misfit
    name = quoted(find_column(table.columns, condition.column).name)
    found = connection.execute(
        f"SELECT {name}, {table.order} + 1 FROM {table.scan} WHERE {where} LIMIT 1"
    ).fetchone()
    if found is not None:
        raise NodeError(
            f"the condition {condition.operator} compares the texts of the column {told}, and "
            f"{str(found[0])[:100]!r} in row {found[1]:,} is none; convert the column before, with "
            "the node Select columns",
            code="params_invalid",
            retryable=False,
        )
