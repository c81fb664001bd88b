"""The node type `sql`."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from duckdb import DuckDBPyConnection
from msgspec import Meta, field

from graphs.errors import NodeError
from graphs.language.values import dump
from graphs.node_type import NodeContext, Output, Params
from graphs.tables.names import near
from graphs.tables.node import Noted, TableNode, make_table
from graphs.tables.sources import Given, Relation, given_table, is_table
from graphs.tables.statements import Query, read_query
from graphs.tables.unknown_columns import with_unknown_columns

ARRIVED = "input"

_LARGEST = 2**127
"""Whole numbers from here on are bound as texts."""


class SqlParams(Params, frozen=True):
    query: Annotated[
        str,
        Meta(
            title="Query",
            description=(
                "A SELECT in DuckDB's SQL. Tables are called like the nodes they come from; what "
                "arrives is also called input. A name with a hyphen stands in double quotes. "
                "$name stands for a value of the setting Values."
            ),
            min_length=1,
            max_length=100_000,
            examples=["SELECT region, sum(amount) AS revenue FROM input GROUP BY region"],
            extra_json_schema={"x-widget": "code"},
        ),
    ]
    tables: Annotated[
        dict[str, Any],
        Meta(
            title="Further tables",
            description="Names of your own for tables and lists of objects.",
            examples=[{"orders": "{{ steps.fetch.body.orders }}"}],
            extra_json_schema={"x-widget": "key_value"},
        ),
    ] = field(default_factory=dict[str, Any])
    values: Annotated[
        dict[str, Any],
        Meta(
            title="Values",
            description=(
                "What $name stands for in the query. A value can hold quotes or anything else: it "
                "never becomes part of the query's text, as an expression in the query does."
            ),
            examples=[{"region": "{{ input.region }}"}],
            extra_json_schema={"x-widget": "key_value"},
        ),
    ] = field(default_factory=dict[str, Any])


class Sql(TableNode[SqlParams]):
    """Queries the tables of earlier nodes with SQL. It can only read them; it reaches no file, no
    network and no setting. Its output is a table.
    """

    name = "sql"
    title = "SQL query"
    icon = "storage"
    keywords = ("query", "database", "duckdb", "select")
    params_type = SqlParams

    async def run(self, params: SqlParams, ctx: NodeContext) -> Output:
        read = read_query(params.query)
        given = {name: await _find(name, params, ctx) for name in read.tables}

        values = _values(read, params.values)

        def query(tables: Mapping[str, Relation], connection: DuckDBPyConnection) -> str | Noted:
            if not any(table.unsure for table in tables.values()):
                return read.sql
            return with_unknown_columns(connection, read, tables, values)

        return await make_table(ctx, given, query, values=values)


def _values(read: Query, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the query's parameters, as DuckDB takes them."""
    found: dict[str, Any] = {}
    for name in read.parameters:
        known = next((each for each in given if each.lower() == name.lower()), None)
        known = name if name in given else known
        if known is None:
            raise NodeError(
                f"the query has ${name}, and Values has no {name!r}; {near(name, list(given))}",
                code="params_invalid",
                retryable=False,
            )
        found[name] = _bound(given[known])
    return found


def _bound(value: Any) -> Any:
    """Scalars and lists of one kind as they are, other values as JSON."""
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list):
        items = cast("list[Any]", value)
        kinds: set[type] = {type(item) for item in items if item is not None}
        if kinds in ({str}, {bool}) or kinds <= {int, float}:
            return [_bound(item) for item in items]
    return dump(value)


async def _find(name: str, params: SqlParams, ctx: NodeContext) -> Given:
    several = cast("dict[str, Any]", ctx.prev) if _is_several(ctx.prev) else {}
    places: tuple[Mapping[str, Any], ...] = (
        params.tables,
        several,
        {} if several else {ARRIVED: ctx.prev},
        ctx.steps,
    )
    for place in places:
        for known in (name, *(each for each in place if each.lower() == name.lower())):
            if known in place and place[known] is not None:
                what = f"the table {known!r}"
                return await given_table(ctx.services.artifacts, place[known], what)
    names = [*dict.fromkeys(known for place in places for known in place)]
    hint = near(name, names)
    if several and name.lower() == ARRIVED:
        hint = f"several nodes lead here; name one of them: {', '.join(several)}"
    raise NodeError(f"there is no table {name!r}; {hint}", code="table_unknown", retryable=False)


def _is_several(prev: Any) -> bool:
    """Whether outputs of several nodes arrived, by their ids."""
    if not isinstance(prev, dict) or is_table(prev):
        return False
    outputs = cast("dict[str, Any]", prev)
    return bool(outputs) and all(is_table(output) for output in outputs.values())
