"""The node type `select_columns`."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from duckdb import DuckDBPyConnection
from msgspec import Meta, Struct, field

from graphs.errors import NodeError
from graphs.node_type import NodeContext, Output, Params
from graphs.tables.names import find_column, quoted
from graphs.tables.node import TableNode, TableSetting, transform
from graphs.tables.sources import Relation
from graphs.tables.values import is_nested


class ColumnType(StrEnum):
    """What a column is turned into."""

    KEEP = "keep"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


_SQL = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}


class OnBadCell(StrEnum):
    FAIL = "fail"
    EMPTY = "empty"


class ColumnChoice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[
        str,
        Meta(
            title="Column",
            description="A column of the table.",
            min_length=1,
            examples=["amount"],
            extra_json_schema={"x-widget": "column"},
        ),
    ]
    rename: Annotated[
        str, Meta(title="New name", description="Left empty: it keeps its name.", max_length=200)
    ] = ""
    type: Annotated[
        ColumnType, Meta(title="Type", description="What its cells are turned into.")
    ] = ColumnType.KEEP


class SelectColumnsParams(Params, frozen=True):
    columns: Annotated[
        list[ColumnChoice],
        Meta(
            title="Columns",
            description="The columns to keep, in this order. Left empty: all but the dropped ones.",
            max_length=500,
            examples=[[{"name": "region"}, {"name": "amount", "rename": "revenue"}]],
        ),
    ] = field(default_factory=list[ColumnChoice])
    drop: Annotated[
        list[Annotated[str, Meta(extra_json_schema={"x-widget": "column"})]],
        Meta(
            title="Columns to drop",
            description="Instead of naming those to keep.",
            max_length=500,
            examples=[["internal_note"]],
        ),
    ] = field(default_factory=list[str])
    bad_cells: Annotated[
        OnBadCell,
        Meta(
            title="A cell that does not fit the type",
            description="fail: the node fails and names it. empty: the cell becomes empty.",
        ),
    ] = OnBadCell.FAIL
    table: TableSetting = None


class SelectColumns(TableNode[SelectColumnsParams]):
    """Keeps, renames, converts and reorders columns, or drops some. Its output is a table."""

    name = "select_columns"
    title = "Select columns"
    icon = "view_column"
    keywords = ("rename", "drop", "pick", "columns")
    params_type = SelectColumnsParams

    def check(self, params: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
        if bool(params.get("columns")) == bool(params.get("drop")):
            yield ("columns",), "Name the columns to keep, or else those to drop"

    async def run(self, params: SelectColumnsParams, ctx: NodeContext) -> Output:
        def query(tables: Mapping[str, Relation], _: DuckDBPyConnection) -> str:
            table = tables["input"]
            return f"SELECT {_listed(params, table)} FROM {table.scan}"

        return await transform(params.table, ctx, query)


def _listed(params: SelectColumnsParams, table: Relation) -> str:
    if not params.columns:
        dropped = {find_column(table.columns, name).name for name in params.drop}
        kept = [column.name for column in table.columns if column.name not in dropped]
        if not kept:
            raise NodeError("no column would be left", code="params_invalid", retryable=False)
        return ", ".join(map(quoted, kept))
    cast = "TRY_CAST" if params.bad_cells is OnBadCell.EMPTY else "CAST"
    listed: list[str] = []
    for choice in params.columns:
        column = find_column(table.columns, choice.name)
        name = quoted(column.name)
        if choice.type is not ColumnType.KEEP:
            of = f"to_json({name})" if is_nested(column.type) else name
            if column.type == "VARCHAR" and choice.type is not ColumnType.TEXT:
                of = f"nullif(trim({name}), '')"
            name = f"{cast}({of} AS {_SQL[choice.type]})"
        listed.append(f"{name} AS {quoted(choice.rename or column.name)}")
    return ", ".join(listed)
