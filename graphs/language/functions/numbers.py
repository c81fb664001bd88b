"""Functions over numbers."""

import math
from collections.abc import Callable
from typing import Any

from graphs.errors import ExpressionBudgetError, ExpressionError
from graphs.language.functions.registry import a_list, a_number, a_text, a_whole_number, named
from graphs.language.values import NUMBERS, Budget, describe, number


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


def _converted(value: Any, to: Callable[[Any], Any], name: str) -> Any:
    if isinstance(value, str) and len(value) > 100:
        raise ExpressionError(f"this text is too long to be a number: {value[:20]}…")
    if not isinstance(value, str | int | float):
        raise ExpressionError(f"{describe(value)} cannot be made a number")
    try:
        return number(to(value))
    except (ValueError, OverflowError):
        raise ExpressionError(f"{name}() cannot read {value!r} as a number") from None


@named("int")
def _int(budget: Budget, value: Any) -> Any:
    """A text or a number as a whole number, the part after the point cut off."""
    return _converted(value, int, "int")


@named("float")
def _float(budget: Budget, value: Any) -> Any:
    """A text or a number as a number with a point."""
    return _converted(value, float, "float")


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
def _format_number(budget: Budget, value: Any, digits: Any = 0, separator: Any = ",") -> str:
    """A number with so many digits after the point and a separator between thousands."""
    places = a_whole_number(digits, "format_number")
    if not 0 <= places <= 20:
        raise ExpressionError("format_number() takes 0 to 20 digits")
    text = f"{a_number(value, 'format_number'):,.{places}f}"
    return text.replace(",", a_text(separator, "format_number")[:3])
