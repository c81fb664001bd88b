"""The node type `select_columns`."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from duckdb import DuckDBPyConnection
from msgspec import Meta, Struct, field

from graphs.errors import NodeError
from graphs.node_type import NodeContext, Output, Params
from graphs.tables.casts import (
    Cast,
    ColumnType,
    DateOrder,
    DecimalSign,
    Texts,
    ThousandsSign,
    cast_of,
)
from graphs.tables.names import UNKNOWN_COLUMNS, find_column, quoted
from graphs.tables.node import Noted, TableNode, TableSetting, transform
from graphs.tables.sources import Relation

_WORDS = {
    ColumnType.TEXT: "no text",
    ColumnType.INTEGER: "no whole number",
    ColumnType.NUMBER: "no number",
    ColumnType.BOOLEAN: "neither true nor false",
    ColumnType.DATE: "no date",
    ColumnType.TIMESTAMP: "no date with a time",
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
            description=(
                "fail: the node fails and names it. empty: such cells become empty; the log counts "
                "them."
            ),
        ),
    ] = OnBadCell.FAIL
    decimal_sign: Annotated[
        DecimalSign,
        Meta(
            title="Decimal sign",
            description="What stands before the decimals in texts that become numbers.",
        ),
    ] = DecimalSign.POINT
    thousands_sign: Annotated[
        ThousandsSign,
        Meta(
            title="Thousands sign",
            description=(
                "What stands between groups of three digits in such texts. auto: none, or with "
                "decimal commas a point, an apostrophe or a space."
            ),
        ),
    ] = ThousandsSign.AUTO
    date_order: Annotated[
        DateOrder,
        Meta(
            title="Order of dates",
            description=(
                "Of texts that become dates: ymd as in 2026-12-31, dmy as in 31.12.2026, mdy as in "
                "12/31/2026."
            ),
        ),
    ] = DateOrder.YEAR_FIRST
    date_format: Annotated[
        str,
        Meta(
            title="Date format",
            description="Instead of the order, for what is written otherwise.",
            max_length=100,
            examples=["%d %b %Y", "%Y%m%d"],
        ),
    ] = ""
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
        decimal, thousands = params.get("decimal_sign"), params.get("thousands_sign")
        if thousands == (decimal or DecimalSign.POINT):
            yield ("thousands_sign",), "It must be another sign than that of the decimals"

    async def run(self, params: SelectColumnsParams, ctx: NodeContext) -> Output:
        def query(tables: Mapping[str, Relation], connection: DuckDBPyConnection) -> Noted:
            return _query(params, tables["input"], connection)

        named = dict.fromkeys([each.name for each in params.columns] or params.drop, "VARCHAR")
        return await transform(params.table, ctx, query, named)


def _query(params: SelectColumnsParams, table: Relation, connection: DuckDBPyConnection) -> Noted:
    if not params.columns:
        return Noted(f"SELECT {_kept(params, table)} FROM {table.scan}")
    texts = Texts(
        decimal_sign=params.decimal_sign,
        thousands_sign=params.thousands_sign,
        date_order=params.date_order,
        date_format=params.date_format,
    )
    listed: list[str] = []
    casts: list[tuple[ColumnChoice, Cast]] = []
    for choice in params.columns:
        column = find_column(table.columns, choice.name)
        made = quoted(column.name)
        if choice.type is not ColumnType.KEEP:
            cast = cast_of(connection, table, column, choice.type, texts)
            casts.append((choice, cast))
            made = cast.made
        listed.append(f"{made} AS {quoted(choice.rename or column.name)}")
    notes = _bad_cells(params, table, connection, casts)
    return Noted(f"SELECT {', '.join(listed)} FROM {table.scan}", tuple(notes))


def _kept(params: SelectColumnsParams, table: Relation) -> str:
    dropped = {find_column(table.columns, name).name for name in params.drop}
    kept = [column.name for column in table.columns if column.name not in dropped]
    if table.unsure:
        kept.append(UNKNOWN_COLUMNS)
    if not kept:
        raise NodeError("no column would be left", code="params_invalid", retryable=False)
    return ", ".join(map(quoted, kept))


def _bad_cells(
    params: SelectColumnsParams,
    table: Relation,
    connection: DuckDBPyConnection,
    casts: list[tuple[ColumnChoice, Cast]],
) -> Iterator[str]:
    """What became of cells that do not fit. Raises NodeError where they are to make it fail."""
    if not casts:
        return
    asked: list[str] = []
    for _, cast in casts:
        bad = f"FILTER (WHERE {cast.given} IS NOT NULL AND {cast.made} IS NULL)"
        asked += [f"count(*) {bad}", f"min({table.order}) {bad}"]
    found = connection.execute(f"SELECT {', '.join(asked)} FROM {table.scan}").fetchone() or ()
    for (choice, cast), count, at in zip(casts, found[::2], found[1::2], strict=True):
        if not count:
            continue
        cell = connection.execute(
            f"SELECT CAST({cast.given} AS VARCHAR) FROM {table.scan} WHERE {table.order} = {at}"
        ).fetchone()
        shown = "" if cell is None else f"{str(cell[0])[:100]!r}"
        if params.bad_cells is OnBadCell.FAIL:
            more = "" if count == 1 else f", and {count - 1:,} more cells are none"
            raise NodeError(
                f"{shown} in row {at + 1:,} of the column {choice.name!r} is {_WORDS[choice.type]}"
                f"{more}; set how numbers and dates are written, or let such cells become empty",
                code="query_failed",
                retryable=False,
            )
        yield (
            f"{count:,} cells of the column {choice.name!r} became empty: they are "
            f"{_WORDS[choice.type]}, the first of them in row {at + 1:,}: {shown}"
        )
