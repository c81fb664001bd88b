"""The node type `sql`."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from duckdb import DuckDBPyConnection
from msgspec import Meta, field

from graphs.errors import NodeError
from graphs.node_type import NodeContext, Output, Params
from graphs.tables.names import near
from graphs.tables.node import TableNode, make_table
from graphs.tables.sources import Given, Relation, given_table, is_table
from graphs.tables.statements import read_query

ARRIVED = "input"


class SqlParams(Params, frozen=True):
    query: Annotated[
        str,
        Meta(
            title="Query",
            description=(
                "A SELECT in DuckDB's SQL. Tables are called like the nodes they come from; what "
                "arrives is also called input. A name with a hyphen stands in double quotes."
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

        def query(_: Mapping[str, Relation], __: DuckDBPyConnection) -> str:
            return read.sql

        return await make_table(ctx, given, query)


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
