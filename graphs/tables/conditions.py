"""One condition on a column as SQL, its value read as the column's type has it."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, cast

from graphs.artifacts import Column
from graphs.errors import NodeError
from graphs.language.values import as_text
from graphs.tables.names import find_column, literal, quoted

_SIZES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WHOLE = {*_SIZES, *(f"U{size}" for size in _SIZES)}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Operator(StrEnum):
    """How a column's cell is compared with a value."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    GREATER = "greater"
    GREATER_OR_EQUAL = "greater_or_equal"
    LESS = "less"
    LESS_OR_EQUAL = "less_or_equal"
    BETWEEN = "between"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


_SIGNS = {
    Operator.EQUALS: "=",
    Operator.NOT_EQUALS: "IS DISTINCT FROM",
    Operator.GREATER: ">",
    Operator.GREATER_OR_EQUAL: ">=",
    Operator.LESS: "<",
    Operator.LESS_OR_EQUAL: "<=",
}
_TEXT_FUNCTIONS = {
    Operator.CONTAINS: "contains",
    Operator.NOT_CONTAINS: "NOT contains",
    Operator.STARTS_WITH: "starts_with",
    Operator.ENDS_WITH: "ends_with",
}


class Kind(StrEnum):
    """What the cells of a column are to an analyst."""

    NUMBER = "number"
    MOMENT = "date"
    TRUTH = "true/false"
    TEXT = "text"
    OTHER = "other"


def kind_of(type_name: str) -> Kind:
    """The kind of a column of that type."""
    if type_name in _WHOLE or type_name in {"FLOAT", "DOUBLE"} or type_name.startswith("DECIMAL"):
        return Kind.NUMBER
    if type_name == "DATE" or type_name == "TIME" or type_name.startswith("TIMESTAMP"):
        return Kind.MOMENT
    if type_name == "BOOLEAN":
        return Kind.TRUTH
    return Kind.TEXT if type_name == "VARCHAR" else Kind.OTHER


def condition_sql(
    columns: Sequence[Column],
    name: str,
    operator: Operator,
    value: Any,
    upper: Any = None,
    *,
    match_case: bool = True,
) -> str:
    """An SQL expression in brackets. Raises NodeError for a column or value that does not fit."""
    column = find_column(columns, name)
    if operator in (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY):
        empty = f"({_text(column, True)} IS NULL OR {_text(column, True)} = '')"
        return empty if operator is Operator.IS_EMPTY else f"(NOT {empty})"
    if operator in _TEXT_FUNCTIONS:
        wanted = as_text(value)
        text = literal(wanted if match_case else wanted.lower())
        missing = (
            "" if operator is not Operator.NOT_CONTAINS else f" OR {quoted(column.name)} IS NULL"
        )
        return f"({_TEXT_FUNCTIONS[operator]}({_text(column, match_case)}, {text}){missing})"
    compare = _Comparison(column, operator, match_case)
    if operator in (Operator.IN, Operator.NOT_IN):
        values = _several(value)
        listed = ", ".join(compare.right(each) for each in values if each is not None)
        found = f"{compare.left} IN ({listed})" if listed else "false"
        if None in values:
            found = f"{found} OR {compare.left} IS NULL"
        found = f"coalesce({found}, false)"
        return f"({found})" if operator is Operator.IN else f"(NOT {found})"
    if operator is Operator.BETWEEN:
        if isinstance(value, list) and upper is None and len(cast("list[Any]", value)) == 2:
            value, upper = cast("list[Any]", value)
        if value is None or upper is None:
            raise _unfit(column, operator, "needs a lower and an upper limit")
        return f"({compare.left} BETWEEN {compare.right(value)} AND {compare.right(upper)})"
    if value is None:
        if operator is Operator.EQUALS:
            return f"({compare.left} IS NULL)"
        if operator is not Operator.NOT_EQUALS:
            raise _unfit(column, operator, "needs a value")
    return f"({compare.left} {_SIGNS[operator]} {compare.right(value)})"


class _Comparison:
    """Both sides of a comparison, in one type."""

    def __init__(self, column: Column, operator: Operator, match_case: bool) -> None:
        self._column = column
        self._operator = operator
        self._match_case = match_case
        self._kind = kind_of(column.type)
        plain = self._kind not in (Kind.TEXT, Kind.OTHER)
        self.left = quoted(column.name) if plain else _text(column, match_case)

    def right(self, value: Any) -> str:
        if value is None:
            return "NULL"
        match self._kind:
            case Kind.NUMBER:
                return self._number(value)
            case Kind.MOMENT:
                return self._moment(value)
            case Kind.TRUTH:
                return self._truth(value)
            case _:
                text = as_text(value)
                return literal(text if self._match_case else text.lower())

    def _number(self, value: Any) -> str:
        if isinstance(value, int | float):
            return literal(value)
        text = as_text(value).strip()
        if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text):
            raise self._no(value, "a number")
        return literal(int(text)) if re.fullmatch(r"[+-]?\d+", text) else literal(float(text))

    def _truth(self, value: Any) -> str:
        read = value if isinstance(value, bool) else _TRUTH.get(as_text(value).strip().lower())
        if read is None:
            raise self._no(value, "true or false")
        return literal(read)

    def _moment(self, value: Any) -> str:
        text = as_text(value).strip()
        type_name = self._column.type
        try:
            if type_name == "TIME":
                time.fromisoformat(text)
            elif type_name == "DATE" and len(text) == 10:
                date.fromisoformat(text)
            else:
                read = datetime.fromisoformat(text)
                type_name = "TIMESTAMP" if read.tzinfo is None else "TIMESTAMPTZ"
        except ValueError:
            wanted = "a time such as 14:30" if type_name == "TIME" else "a date such as 2026-01-31"
            raise self._no(value, wanted) from None
        return f"{literal(text)}::{type_name}"

    def _no(self, value: Any, wanted: str) -> NodeError:
        column = self._column
        return _unfit(column, self._operator, f"needs {wanted}, and {as_text(value)!r} is none")


def _unfit(column: Column, operator: Operator, problem: str) -> NodeError:
    return NodeError(
        f"the condition {operator} on the column {column.name!r} ({column.type}) {problem}",
        code="params_invalid",
        retryable=False,
    )


def _text(column: Column, match_case: bool) -> str:
    name = quoted(column.name)
    text = name if column.type == "VARCHAR" else f"CAST({name} AS VARCHAR)"
    return text if match_case else f"lower({text})"


def _several(value: Any) -> list[Any]:
    if isinstance(value, list):
        return cast("list[Any]", value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return [value]
