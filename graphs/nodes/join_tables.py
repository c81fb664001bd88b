"""The node type `join_tables`."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, cast

from duckdb import DuckDBPyConnection
from msgspec import Meta, Struct, field

from graphs.artifacts import Column
from graphs.errors import NodeError
from graphs.node_type import NodeContext, Output, Params
from graphs.tables.conditions import Kind, kind_of, plain_number, text_of
from graphs.tables.names import UNKNOWN_COLUMNS, find_column, near, quoted, unique
from graphs.tables.node import TableNode, make_table
from graphs.tables.sources import Relation, given_table, is_table


class How(StrEnum):
    """Which rows of both tables are in the result."""

    INNER = "inner"
    LEFT = "left"
    RIGHT = "right"
    FULL = "full"
    CROSS = "cross"
    SEMI = "semi"
    ANTI = "anti"


class On(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    left: Annotated[
        str,
        Meta(
            title="Column of the left table",
            description="Its cells are compared with those of the right table.",
            min_length=1,
            examples=["customer_id"],
            extra_json_schema={"x-widget": "column"},
        ),
    ]
    right: Annotated[
        str,
        Meta(
            title="Column of the right table",
            description="Left empty: the one with the same name.",
            examples=["id"],
            extra_json_schema={"x-widget": "column"},
        ),
    ] = ""


class JoinTablesParams(Params, frozen=True):
    left: Annotated[
        Any,
        Meta(
            title="Left table",
            description="A table, or the id of the node it comes from.",
            examples=["{{ steps.orders }}", "orders"],
            extra_json_schema={"x-widget": "expression", "x-placeholder": "{{ steps.orders }}"},
        ),
    ]
    right: Annotated[
        Any,
        Meta(
            title="Right table",
            description="A table, or the id of the node it comes from.",
            examples=["{{ steps.customers }}", "customers"],
            extra_json_schema={"x-widget": "expression", "x-placeholder": "{{ steps.customers }}"},
        ),
    ]
    on: Annotated[
        list[On],
        Meta(
            title="Where these are equal",
            description=(
                "Rows belong together when all of these are. A number equals a text by its value, "
                "so that 2 is 2.0, but not 002. None for `cross`."
            ),
            max_length=20,
            examples=[[{"left": "customer_id", "right": "id"}]],
        ),
    ] = field(default_factory=list[On])
    how: Annotated[
        How,
        Meta(
            title="Kind",
            description=(
                "inner: rows with a partner. left, right, full: also those without one, of that "
                "side or both. semi, anti: rows of the left table with or without a partner, "
                "nothing added. cross: every pair."
            ),
        ),
    ] = How.INNER
    suffix: Annotated[
        str,
        Meta(
            title="Ending for doubled names",
            description="What a right column's name ends in when the left table has it too.",
            min_length=1,
            max_length=50,
        ),
    ] = "_right"


class JoinTables(TableNode[JoinTablesParams]):
    """Puts two tables side by side, row by row, where columns are equal. Its output is a table."""

    name = "join_tables"
    title = "Join tables"
    icon = "join_inner"
    keywords = ("lookup", "vlookup", "merge tables", "combine")
    params_type = JoinTablesParams

    def check(self, params: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
        if (params.get("how") == How.CROSS) == bool(params.get("on")):
            yield ("on",), "Say which columns must be equal; only a cross join has none"

    async def run(self, params: JoinTablesParams, ctx: NodeContext) -> Output:
        store = ctx.services.artifacts
        given = {
            "left": await given_table(store, _named(params.left, ctx), "the left table"),
            "right": await given_table(store, _named(params.right, ctx), "the right table"),
        }

        def query(tables: Mapping[str, Relation], _: DuckDBPyConnection) -> str:
            return _query(params, tables["left"], tables["right"])

        named = {
            "left": {on.left: "VARCHAR" for on in params.on},
            "right": {on.right or on.left: "VARCHAR" for on in params.on},
        }
        return await make_table(ctx, given, query, named)


def _named(value: Any, ctx: NodeContext) -> Any:
    """The output of the node whose id the value is, or the value itself."""
    if not isinstance(value, str):
        return value
    prev: Any = ctx.prev
    arrived = cast("dict[str, Any]", prev) if isinstance(prev, dict) else {}
    found = None if is_table(prev) else arrived.get(value)
    if found is None:
        found = ctx.steps.get(value)
    if found is None:
        raise NodeError(
            f"there is no output of a node {value!r}; {near(value, list(ctx.steps))}",
            code="table_unknown",
            retryable=False,
        )
    return found


def _query(params: JoinTablesParams, left: Relation, right: Relation) -> str:
    pairs = [
        (
            find_column(left.columns, on.left, "The left table"),
            find_column(right.columns, on.right or on.left, "The right table"),
        )
        for on in params.on
    ]
    if not pairs and params.how is not How.CROSS:
        raise NodeError(
            "say which columns must be equal; only a cross join has none",
            code="params_invalid",
            retryable=False,
        )
    equal: list[str] = []
    mixed: set[str] = set()
    for one, other in pairs:
        if one.name in left.assumed or other.name in right.assumed:
            equal.append("false")
            continue
        sides = [f"l.{quoted(one.name)}", f"r.{quoted(other.name)}"]
        if kind_of(one.type) is not kind_of(other.type):
            sides = _comparable(sides, one, other)
            mixed.add(other.name)
        equal.append(" = ".join(sides))
        equal += _exactly(sides, one, other)
    on = f" ON {' AND '.join(equal)}" if equal else ""
    tables = (
        f'(SELECT *, {left.order} AS "\x01l" FROM {left.scan}) AS l {params.how.upper()} JOIN '
        f'(SELECT *, {right.order} AS "\x01r" FROM {right.scan}) AS r{on}'
    )
    if params.how in (How.SEMI, How.ANTI):
        listed = [f"l.{quoted(column.name)}" for column in left.columns]
        if left.unsure:
            listed.append(f"l.{quoted(UNKNOWN_COLUMNS)}")
        return f'SELECT {", ".join(listed)} FROM {tables} ORDER BY l."\x01l"'
    merged = {
        other.name: one.name for one, other in pairs if one.name.lower() == other.name.lower()
    }
    expressions: list[str] = []
    names: list[str] = []
    for column in left.columns:
        cell = f"l.{quoted(column.name)}"
        partner = next((theirs for theirs, ours in merged.items() if ours == column.name), None)
        if partner is not None and params.how in (How.RIGHT, How.FULL):
            sides = [cell, f"r.{quoted(partner)}"]
            if partner in mixed:
                types = (column.type, find_column(right.columns, partner).type)
                sides = [text_of(side, kind) for side, kind in zip(sides, types, strict=True)]
            cell = sides[0] if partner in right.assumed else f"coalesce({', '.join(sides)})"
        if partner is not None and column.name in left.assumed:
            cell = f"r.{quoted(partner)}"
        expressions.append(cell)
        names.append(column.name)
    taken = {name.lower() for name in names}
    for column in right.columns:
        if column.name not in merged:
            expressions.append(f"r.{quoted(column.name)}")
            doubled = column.name.lower() in taken
            names.append(f"{column.name}{params.suffix}" if doubled else column.name)
    listed = [
        f"{expression} AS {quoted(name)}"
        for expression, name in zip(expressions, unique(names), strict=True)
    ]
    if left.unsure or right.unsure:
        listed.append(f"NULL::VARCHAR AS {quoted(UNKNOWN_COLUMNS)}")
    order = 'ORDER BY l."\x01l" NULLS LAST, r."\x01r" NULLS LAST'
    return f"SELECT {', '.join(listed)} FROM {tables} {order}"


def _comparable(sides: list[str], one: Column, other: Column) -> list[str]:
    """Both sides as texts or moments. Raises NodeError for kinds that have nothing in common."""
    kinds = {kind_of(one.type), kind_of(other.type)}
    columns = (one, other)
    if Kind.MOMENT in kinds and Kind.TEXT in kinds:
        moment = next(each.type for each in columns if kind_of(each.type) is Kind.MOMENT)
        return [
            f"TRY_CAST({side} AS {moment})" if kind_of(each.type) is Kind.TEXT else side
            for side, each in zip(sides, columns, strict=True)
        ]
    if not kinds & {Kind.TEXT, Kind.OTHER}:
        raise NodeError(
            f"the columns {one.name!r} ({one.type}) and {other.name!r} ({other.type}) cannot be "
            "equal; convert one of them before, with the node Select columns",
            code="params_invalid",
            retryable=False,
        )
    return [
        plain_number(text_of(side, each.type)) for side, each in zip(sides, columns, strict=True)
    ]


def _exactly(sides: list[str], one: Column, other: Column) -> list[str]:
    """A number that is no float equals the float's exact value, not one that rounds to it."""
    if kind_of(one.type) is not Kind.NUMBER or kind_of(other.type) is not Kind.NUMBER:
        return []
    floats = [each.type in ("FLOAT", "DOUBLE") for each in (one, other)]
    if floats == [True, False]:
        return [f"TRY_CAST({sides[0]} AS {other.type}) = {sides[1]}"]
    if floats == [False, True]:
        return [f"{sides[0]} = TRY_CAST({sides[1]} AS {one.type})"]
    return []
