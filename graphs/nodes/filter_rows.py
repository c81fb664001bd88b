"""The node type `filter_rows`."""

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from graphs.node_type import NodeContext, Output, Params
from graphs.tables.conditions import Operator, condition_sql
from graphs.tables.node import TableNode, TableSetting, transform


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
                "A text, number or date. Several for `in`, with commas between them or as a list; "
                "the lower limit for `between`; none for `is_empty`."
            ),
            examples=["100", "2026-01-31", "{{ input.region }}"],
        ),
    ] = None
    to: Annotated[
        Any,
        Meta(title="Upper limit", description="For `between`, included.", examples=["200"]),
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
    ]
    match: Annotated[
        Match,
        Meta(title="Match", description="all: every condition holds. any: at least one does."),
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
        word = " AND " if params.match is Match.ALL else " OR "
        return await transform(
            params.table,
            ctx,
            lambda tables, _: (
                f"SELECT * FROM {tables['input'].scan} WHERE "
                + (
                    word.join(
                        condition_sql(
                            tables["input"].columns,
                            each.column,
                            each.operator,
                            each.value,
                            each.to,
                            match_case=params.match_case,
                        )
                        for each in params.conditions
                    )
                    or "true"
                )
            ),
        )
