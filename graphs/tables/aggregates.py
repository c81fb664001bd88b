"""What can be made of the cells of a group, as SQL."""

from enum import StrEnum

from graphs.errors import NodeError
from graphs.tables.conditions import Kind, kind_of
from graphs.tables.names import find_column, quoted
from graphs.tables.sources import Relation


class Function(StrEnum):
    """What is made of the cells of a group; empty cells are left out."""

    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    SUM = "sum"
    MEAN = "mean"
    MEDIAN = "median"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    LIST = "list"


_SQL = {
    Function.COUNT: "count({})",
    Function.COUNT_DISTINCT: "count(DISTINCT {})",
    Function.SUM: "sum({})",
    Function.MEAN: "avg({})",
    Function.MEDIAN: "median({})",
    Function.MIN: "min({})",
    Function.MAX: "max({})",
    Function.FIRST: "first({} ORDER BY {order}) FILTER ({} IS NOT NULL)",
    Function.LAST: "last({} ORDER BY {order}) FILTER ({} IS NOT NULL)",
    Function.LIST: "list({} ORDER BY {order}) FILTER ({} IS NOT NULL)",
}
OF_NUMBERS = frozenset({Function.SUM, Function.MEAN, Function.MEDIAN})
"""Those that a column of numbers is needed for."""


def aggregate_expression(table: Relation, function: Function, name: str) -> str:
    """The SQL expression. Raises NodeError for an unknown column, or one that is no number."""
    if not name:
        if function is Function.COUNT:
            return "count(*)"
        raise _unfit(f"{function} needs a column")
    column = find_column(table.columns, name)
    if function in OF_NUMBERS and kind_of(column.type) is not Kind.NUMBER:
        raise _unfit(
            f"{function} needs a column of numbers, and {column.name!r} is {column.type}; "
            "convert it before, with the node Select columns"
        )
    cell = quoted(column.name)
    return _SQL[function].replace("{}", cell).replace("{order}", table.order)


def aggregate_sql(table: Relation, function: Function, name: str, given: str) -> str:
    """The SQL expression with its name: the given one, or such as `sum_amount`."""
    made = aggregate_expression(table, function, name)
    plain = f"{function}_{find_column(table.columns, name).name}" if name else str(function)
    return f"{made} AS {quoted(given or plain)}"


def _unfit(message: str) -> NodeError:
    return NodeError(message, code="params_invalid", retryable=False)
