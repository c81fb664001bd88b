"""One condition on a column as SQL, its value read as the column's type has it."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast

from graphs.artifacts import Column
from graphs.errors import NodeError
from graphs.language.values import as_text
from graphs.tables.names import find_column, literal, quoted
from graphs.tables.values import is_nested

_SIZES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WHOLE = {*_SIZES, *(f"U{size}" for size in _SIZES)}
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
_PLAIN_NUMBER = r"-?(0|[1-9]\d*)(\.\d+)?"
"""A number as it is usually written; what has leading zeros or an exponent may be a code."""

_EXACT_DIGITS = 15
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
_ORDERS = {
    Operator.GREATER,
    Operator.GREATER_OR_EQUAL,
    Operator.LESS,
    Operator.LESS_OR_EQUAL,
    Operator.BETWEEN,
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
        found = " OR ".join(
            f"{quoted(column.name)} IS NULL" if each is None else compare.with_value("=", each)
            for each in values
        )
        found = f"coalesce({found or 'false'}, false)"
        return f"({found})" if operator is Operator.IN else f"(NOT {found})"
    if operator is Operator.BETWEEN:
        lower, upper = _limits(column, operator, value, upper)
        compare.look_at(lower, upper)
        return f"({compare.with_value('>=', lower)} AND {compare.with_value('<=', upper)})"
    if value is None:
        if operator is Operator.EQUALS:
            return f"({quoted(column.name)} IS NULL)"
        if operator is not Operator.NOT_EQUALS:
            raise _unfit(column, operator, "needs a value")
        return f"({quoted(column.name)} IS NOT NULL)"
    compare.look_at(value)
    return f"({compare.with_value(_SIGNS[operator], value)})"


def misfit_sql(
    columns: Sequence[Column], name: str, operator: Operator, value: Any, upper: Any = None
) -> tuple[str, str] | None:
    """For texts put in order by a number or a date: which of them is none, as SQL, and the word."""
    column = find_column(columns, name)
    if column.type != "VARCHAR" or operator not in _ORDERS or value is None:
        return None
    limits = [value]
    if operator is Operator.BETWEEN:
        limits = list(_limits(column, operator, value, upper))
    kind = _kind_of_texts(limits)
    if kind is Kind.TEXT:
        return None
    text = quoted(name := column.name)
    if kind is Kind.NUMBER:
        reads = f"regexp_full_match(trim({text}), {literal(_NUMBER)})"
    else:
        reads = f"TRY_CAST({text} AS TIMESTAMP) IS NOT NULL"
    return f"trim({text}) <> '' AND NOT {reads}", f"{name!r} ({column.type}) with a {kind}"


def text_of(cell: str, type_name: str) -> str:
    """SQL of a cell as text: 2.0 is 2, and a large whole number has all its digits."""
    if is_nested(type_name):
        return f"CAST(to_json({cell}) AS VARCHAR)"
    text = f"CAST({cell} AS VARCHAR)"
    if type_name.startswith("DECIMAL"):
        return plain_number(text)
    if type_name not in ("DOUBLE", "FLOAT"):
        return text
    whole = f"CAST(CAST({cell} AS HUGEINT) AS VARCHAR)"
    return f"CASE WHEN {cell} = trunc({cell}) AND abs({cell}) < 1e21 THEN {whole} ELSE {text} END"


def plain_number(text: str) -> str:
    """SQL of a text without the zeros that end its fraction; texts that are no number stay."""
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(_PLAIN_NUMBER)}) AND contains({text}, '.') "
        f"THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
    )


class _Comparison:
    """Both sides of a comparison, in one type."""

    def __init__(self, column: Column, operator: Operator, match_case: bool) -> None:
        self._column = column
        self._operator = operator
        self._match_case = match_case
        self._kind = kind_of(column.type)
        self._name = quoted(column.name)
        self._texts_are = Kind.TEXT

    def look_at(self, *limits: Any) -> None:
        """A column of texts is put in order as what the limits are: by letters only for texts."""
        if self._column.type == "VARCHAR" and self._operator in _ORDERS:
            self._texts_are = _kind_of_texts(limits)

    def with_value(self, sign: str, value: Any) -> str:
        match self._kind:
            case Kind.NUMBER:
                return f"{self._name} {sign} {self._number(value)}"
            case Kind.MOMENT:
                return self._moments(self._name, self._column.type, sign, value)
            case Kind.TRUTH:
                return f"{self._name} {sign} {self._truth(value)}"
            case _:
                return self._texts(sign, value)

    def _texts(self, sign: str, value: Any) -> str:
        if self._texts_are is Kind.MOMENT:
            text = f"TRY_CAST({self._name} AS TIMESTAMP)"
            return self._moments(text, "TIMESTAMP", sign, value)
        if self._texts_are is Kind.NUMBER:
            return self._numbers(_NUMBER, sign, self._number(value))
        if self._operator in _ORDERS and self._column.type != "VARCHAR" and _is_number(value):
            raise _unfit(self._column, self._operator, "needs a column of numbers or texts")
        if self._column.type == "VARCHAR" and _is_number(value):
            return self._numbers(_PLAIN_NUMBER, sign, self._number(value))
        text = as_text(value)
        wanted = literal(text if self._match_case else text.lower())
        return f"{_text(self._column, self._match_case)} {sign} {wanted}"

    def _numbers(self, pattern: str, sign: str, number: str) -> str:
        """The texts that are numbers compared as such, and large ones in all their digits."""
        text = f"trim({self._name})"
        near, exact = f"TRY_CAST({text} AS DOUBLE)", f"TRY_CAST({text} AS DECIMAL(38,6))"
        other = "true" if sign == _SIGNS[Operator.NOT_EQUALS] else "false"
        return (
            f"CASE WHEN {self._name} IS NULL OR NOT regexp_full_match({text}, {literal(pattern)}) "
            f"THEN {other} WHEN abs({near}) < 1e{_EXACT_DIGITS} OR {exact} IS NULL "
            f"THEN {near} {sign} {number} ELSE {exact} {sign} {number} END"
        )

    def _number(self, value: Any) -> str:
        text = repr(value) if isinstance(value, float) else as_text(value).strip()
        if isinstance(value, bool) or not re.fullmatch(_NUMBER, text):
            raise self._no(value, "a number")
        number = Decimal(text)
        if number == number.to_integral_value() and abs(number) < 10**38:
            return literal(int(number))
        # a DECIMAL, if it is not too long for one: a DOUBLE would be near it only
        _, digits, exponent = number.as_tuple()
        short = len(digits) <= _EXACT_DIGITS and -_EXACT_DIGITS <= int(exponent) <= 0
        return literal(number if short else float(text))

    def _truth(self, value: Any) -> str:
        read = value if isinstance(value, bool) else _TRUTH.get(as_text(value).strip().lower())
        if read is None:
            raise self._no(value, "true or false")
        return literal(read)

    def _moments(self, cell: str, type_name: str, sign: str, value: Any) -> str:
        """A date given for a moment means its whole day."""
        text = as_text(value).strip()
        try:
            if type_name == "TIME":
                time.fromisoformat(text)
            elif len(text) == 10:
                date.fromisoformat(text)
                if type_name != "DATE":
                    cell, type_name = f"CAST({cell} AS DATE)", "DATE"
            else:
                read = datetime.fromisoformat(text)
                type_name = "TIMESTAMP" if read.tzinfo is None else "TIMESTAMPTZ"
        except ValueError:
            wanted = "a time such as 14:30" if type_name == "TIME" else "a date such as 2026-01-31"
            raise self._no(value, wanted) from None
        return f"{cell} {sign} {literal(text)}::{type_name}"

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
    text = name if column.type == "VARCHAR" else text_of(name, column.type)
    return text if match_case else f"lower({text})"


def _limits(column: Column, operator: Operator, lower: Any, upper: Any) -> tuple[Any, Any]:
    given: list[Any] = [lower, upper]
    if upper is None and isinstance(lower, list):
        given = cast("list[Any]", lower)
    if len(given) != 2 or None in given:
        raise _unfit(column, operator, "needs a lower and an upper limit")
    return given[0], given[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind_of_texts(limits: Iterable[Any]) -> Kind:
    """What the texts of a column are compared as, by the values that they are compared with."""
    texts = [as_text(limit).strip() for limit in limits]
    if all(re.fullmatch(_NUMBER, text) for text in texts):
        return Kind.NUMBER
    return Kind.MOMENT if all(_is_moment(text) for text in texts) else Kind.TEXT


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return re.match(r"\d{4}-\d\d-\d\d", text) is not None


def _several(value: Any) -> list[Any]:
    if isinstance(value, list):
        return cast("list[Any]", value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return [value]
