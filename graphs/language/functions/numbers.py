"""Functions over numbers."""

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from graphs.errors import ExpressionBudgetError, ExpressionError
from graphs.language.functions.registry import a_list, a_number, a_text, a_whole_number, named
from graphs.language.values import MAX_BITS, NUMBERS, Budget, describe, number, too_large


@named("sum")
def _sum(budget: Budget, values: list[Any]) -> Any:
    """The numbers of a list added up."""
    budget.spend(len(a_list(values, "sum")))
    total: Any = 0
    for value in values:
        total = number(total + a_number(value, "sum"))
    return total


@named("avg")
def _avg(budget: Budget, values: list[Any]) -> Any:
    """The mean of a list of numbers; null for an empty list."""
    return _sum(budget, values) / len(values) if a_list(values, "avg") else None


def ordered(budget: Budget, values: list[Any], where: str) -> list[Any]:
    budget.spend(4 * len(values))
    if all(type(value) in NUMBERS for value in values):
        return values
    if all(isinstance(value, str) for value in values):
        budget.spend(sum(len(value) for value in values) >> 3)
        return values
    raise ExpressionError(f"{where}() needs only numbers or only texts")


@named("min")
def _min(budget: Budget, *values: Any) -> Any:
    """The smallest of a list or of the arguments; null when there is none."""
    items = a_list(values[0], "min") if len(values) == 1 else list(values)
    return min(ordered(budget, items, "min"), default=None)


@named("max")
def _max(budget: Budget, *values: Any) -> Any:
    """The largest of a list or of the arguments; null when there is none."""
    items = a_list(values[0], "max") if len(values) == 1 else list(values)
    return max(ordered(budget, items, "max"), default=None)


@named("round")
def _round(budget: Budget, value: Any, digits: Any = 0) -> Any:
    """Rounded to so many digits after the point."""
    places = a_whole_number(digits, "round")
    if not -20 <= places <= 20:
        raise ExpressionError("round() takes -20 to 20 digits")
    rounded = round(a_number(value, "round"), places)
    return number(int(rounded) if places <= 0 else rounded)


@named("abs")
def _abs(budget: Budget, value: Any) -> Any:
    """The number without its sign."""
    return number(abs(a_number(value, "abs")))


@named("floor")
def _floor(budget: Budget, value: Any) -> Any:
    """The next lower whole number."""
    return number(math.floor(a_number(value, "floor")))


@named("ceil")
def _ceil(budget: Budget, value: Any) -> Any:
    """The next higher whole number."""
    return number(math.ceil(a_number(value, "ceil")))


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_MAX_DIGITS = 400
_EXACT = Context(prec=_MAX_DIGITS + 20)


def _read(value: Any, point: Any, name: str) -> Decimal:
    """A text or number without loss. Raises ExpressionError, which names the text."""
    if not isinstance(value, str | int | float):
        raise ExpressionError(f"{describe(value)} cannot be made a number")
    sign = a_text(point, name)
    if sign not in (".", ","):
        raise ExpressionError(f"{name}() knows the decimal signs '.' and ',', not {sign!r}")
    if not isinstance(value, str):
        number(value)
        return Decimal(repr(value) if isinstance(value, float) else int(value))
    if len(value) > _MAX_DIGITS:
        raise ExpressionError(f"this text is too long to be a number: {value[:20]}…")
    plain = _without_groups(value.strip(), sign)
    if _NUMBER.fullmatch(plain) is None:
        raise ExpressionError(f"{name}() cannot read {value!r} as a number{_hint(value, sign)}")
    return Decimal(plain)


def _without_groups(text: str, point: str) -> str:
    """The text as Python writes numbers, when its decimal sign is said to be a comma."""
    if point == ".":
        return text
    whole, comma, part = text.partition(",")
    if _THOUSANDS.fullmatch(whole):
        whole = re.sub(r"[^\d+-]", "", whole)
    # what is left with a point is no number here, and 1.5 must not become 15
    return f"{whole}{'.' if comma else ''}{part}" if "." not in whole + part else "?"


_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:([.' \u2019\u00a0\u202f])\d{3})(?:\1\d{3})*", re.ASCII)


def _hint(text: str, point: str) -> str:
    if point == "." and "," in text:
        return "; a comma as the decimal sign is said with point=','"
    return "; its decimal sign is not the comma" if point == "," and "." in text else ""


@named("int")
def _int(budget: Budget, value: Any, point: Any = ".") -> Any:
    """A text or a number as a whole number, the part after the decimal sign `point` cut off."""
    if type(value) is bool:
        return int(value)
    read = _read(value, point, "int")
    if read.adjusted() > MAX_BITS:
        raise ExpressionBudgetError(too_large())
    return number(int(read))


@named("float")
def _float(budget: Budget, value: Any, point: Any = ".") -> Any:
    """A text or a number as a number with a point; `point` is the decimal sign of the text."""
    return number(float(_read(value, point, "float")))


@named("bool")
def _bool(budget: Budget, value: Any) -> bool:
    """False for null, 0, false and what is empty; true for the rest."""
    return bool(value)


@named("range")
def _range(budget: Budget, start: Any, stop: Any = None, step: Any = 1) -> list[int]:
    """Whole numbers from `start` (0 when left out) up to, not with, `stop`."""
    bounds = (0, start) if stop is None else (start, stop)
    if a_whole_number(step, "range") == 0:
        raise ExpressionError("range() needs a step other than 0")
    numbers = range(a_whole_number(bounds[0], "range"), a_whole_number(bounds[1], "range"), step)
    try:
        budget.spend(len(numbers))
    except OverflowError:
        raise ExpressionBudgetError("range() makes too many numbers") from None
    return list(numbers)


@named("format_number")
def _format_number(
    budget: Budget, value: Any, digits: Any = 0, separator: Any = ",", point: Any = None
) -> str:
    """A number with `digits` after the `point` (a comma beside a '.') and grouped thousands."""
    places = a_whole_number(digits, "format_number")
    if not 0 <= places <= 20:
        raise ExpressionError("format_number() takes 0 to 20 digits")
    between = a_text(separator, "format_number")[:3]
    mark = ("," if between == "." else ".") if point is None else a_text(point, "format_number")[:3]
    if mark == between and places:
        raise ExpressionError(
            f"format_number() cannot use {mark!r} for both thousands and decimals"
        )
    exact = _read(a_number(value, "format_number"), ".", "format_number")
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _EXACT)
    text = f"{abs(rounded) if rounded.is_zero() else rounded:,f}"
    whole, _, part = text.partition(".")
    return whole.replace(",", between) + (mark + part if part else "")
