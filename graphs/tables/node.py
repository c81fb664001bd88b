"""What the node types on tables share: the setting `table`, and how their result is kept."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from duckdb import DuckDBPyConnection
from msgspec import Meta, Struct

from graphs.artifacts import Artifact, ArtifactKind
from graphs.node_type import Category, NodeContext, NodeType, Output, P
from graphs.tables.results import Written, write_result
from graphs.tables.sources import (
    Given,
    Named,
    Relation,
    assumed_note,
    given_table,
    open_tables,
)
from graphs.tables.work import Work, run_work

PARQUET = "application/vnd.apache.parquet"

T = TypeVar("T")


class Noted(Struct, frozen=True):
    """A query with what the log is to say of it."""

    sql: str
    notes: tuple[str, ...] = ()


Query = Callable[[Mapping[str, Relation], DuckDBPyConnection], str | Noted]
"""Makes the query from the tables by name. Raises NodeError for settings that do not fit them."""


TableSetting = Annotated[
    Any,
    Meta(
        title="Table",
        description="A table or a list of objects. Left empty: what arrives.",
        examples=["{{ steps.read }}"],
        extra_json_schema={"x-widget": "expression", "x-placeholder": "{{ prev }}"},
    ),
]
"""The type of the setting `table`, the last one of every node that works on one table."""


class TableNode(NodeType[P]):
    """Base of the node types that make a table from tables; nothing happens outside the run."""

    category = Category.TABLES

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return params.get("table") in (None, "")

    async def mock(self, params: P, ctx: NodeContext) -> Output:
        return await self.run(params, ctx)


def chosen(setting: Any, ctx: NodeContext) -> Any:
    """The value that the node is to work on: the setting's, or what arrives if it is empty."""
    return ctx.prev if setting is None or setting == "" else setting


async def transform(
    setting: Any, ctx: NodeContext, query: Query, named: Named | None = None
) -> Output:
    """Execute a query over the one table `input` and put the result out as a table.

    `named` are the columns that the settings name.
    """
    table = await given_table(ctx.services.artifacts, chosen(setting, ctx))
    return await make_table(ctx, {"input": table}, query, {"input": named or {}})


async def make_table(
    ctx: NodeContext,
    given: Mapping[str, Given],
    query: Query,
    named: Mapping[str, Named] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Output:
    """Execute a query over tables, with the values of its parameters, and put out the result."""
    path = ctx.services.artifacts.new_path(".parquet")

    def job(work: Work) -> Written:
        connection, relations = open_tables(work, given, [path], named)
        made = query(relations, connection)
        noted = Noted(made) if isinstance(made, str) else made
        written = write_result(work, connection, noted.sql, path, values)
        notes = (*noted.notes, *assumed_note(relations.values()))
        return Written(path, written.columns, written.row_count, written.preview, notes)

    return Output((await written_table(ctx, path, job)).to_json())


async def written_table(
    ctx: NodeContext, path: Any, job: Callable[[Work], Written], name: str = ""
) -> Artifact:
    """The table that a job writes to a path of the run's store; no file is left when it fails."""

    def declared(work: Work) -> Written:
        return job(work)

    return await kept_table(ctx, await work_result(ctx, path, declared), name)


async def work_result(ctx: NodeContext, path: Any, job: Callable[[Work], T]) -> T:
    """What a job that writes to a path of the run's store gives; no file is left when it fails."""
    try:
        return await run_work(ctx.services.artifacts.new_path(".work"), job, say=ctx.log)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def kept_table(ctx: NodeContext, written: Written, name: str = "") -> Artifact:
    """The table that has been written, as an artifact of the run."""
    for note in written.notes:
        ctx.log(note)
    return await ctx.services.artifacts.keep(
        written.path,
        ArtifactKind.TABLE,
        PARQUET,
        name=name,
        columns=written.columns,
        row_count=written.row_count,
        preview=written.preview,
    )
