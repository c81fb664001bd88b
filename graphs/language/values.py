"""JSON values as expressions see them: what they are called, look like as text, and may cost.

A budget counts time in steps and memory in cells (a character or a list item is one cell), so
that what would run for hours or fill the memory ends at once with ExpressionBudgetError.
"""

import math
import unicodedata
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from graphs.errors import ExpressionBudgetError, ExpressionError

MAX_STEPS = 500_000
MAX_CELLS = 8_000_000
MAX_BITS = 1024
"""Of a whole number: far more than any key or amount needs, and still quick to calculate with."""

_PLAIN_FLOATS = 1e21
"""Whole floats up to here are written without a point or an exponent, as JavaScript does it."""

NUMBERS = frozenset({int, float, bool})


class MissingError(ExpressionError):
    """A field or list item that is not there; `default(…)` turns it into its second argument."""


class Confidential(Mapping[str, Any]):
    """A mapping whose names are not told, and that hears what expressions make of its values."""

    @abstractmethod
    def made(self, value: Any, source: str) -> None:
        """An expression, whose source this is, has made something of the values."""


class Budget:
    """What is left to one resolution of a template."""

    __slots__ = ("cells", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.cells = MAX_CELLS

    def spend(self, steps: int) -> None:
        """Take time. Raises ExpressionBudgetError when none is left."""
        self.steps -= steps
        if self.steps < 0:
            raise ExpressionBudgetError(
                "the expression takes too many steps; work on fewer rows at a time"
            )

    def allocate(self, cells: int) -> None:
        """Take memory before it is used. Raises ExpressionBudgetError when none is left."""
        self.cells -= cells
        if self.cells < 0:
            raise ExpressionBudgetError("the expression makes a value that is too large")

    def measure(self, value: Any) -> None:
        """Charge a value at its full size: lists that share parts are small only in memory."""
        stack: list[Any] = [value]
        while stack:
            part = stack.pop()
            if isinstance(part, list):
                items = cast("list[Any]", part)
                self.spend(len(items) + 1)
                stack.extend(items)
            elif isinstance(part, dict):
                fields = cast("dict[str, Any]", part)
                self.spend(2 * len(fields) + 1)
                stack.extend(fields)
                stack.extend(fields.values())
            elif isinstance(part, str):
                self.allocate(len(part))


def describe(value: Any) -> str:
    """What an analyst calls the value's type, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "an object"
    return f"a {type(value).__name__}"


def as_text(value: Any, budget: Budget | None = None) -> str:
    """How a value reads inside a text: null is empty, 2.0 is 2, lists and objects are JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _PLAIN_FLOATS:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if budget is not None:
        budget.measure(value)
    return dump(value)


def dump(value: Any) -> str:
    """The value as JSON. Raises ExpressionError for what JSON cannot hold."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ExpressionError(f"this value cannot be written as JSON: {error}") from None


def number(value: Any) -> Any:
    """The result of arithmetic, if JSON can hold it."""
    if type(value) is float:
        if not math.isfinite(value):
            raise ExpressionError("the result is not a finite number")
    elif type(value) is int:
        if value.bit_length() > MAX_BITS:
            raise ExpressionBudgetError(too_large())
    elif isinstance(value, complex):
        raise ExpressionError("the result is not a real number")
    return value


def too_large() -> str:
    """What is said of a whole number beyond MAX_BITS."""
    return f"the number is too large; at most {MAX_BITS} bits are kept"


def member(value: Any, key: Any) -> Any:
    """`value.key` or `value[key]`. Below null all is null; other things missing are errors."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        mapping = cast("Mapping[Any, Any]", value)
        try:
            return mapping[key]
        except KeyError:
            for name in mapping:
                if _alike(name, key):
                    return mapping[name]
            raise MissingError(_no_field(mapping, key)) from None
        except TypeError:
            raise ExpressionError(f"{describe(key)} cannot name a field") from None
    if isinstance(value, list | str):
        items = cast("list[Any] | str", value)
        if type(key) is int:
            if -len(items) <= key < len(items):
                return items[key]
            raise MissingError(f"there is no item {key}: {describe(value)} of {len(items)}")
        if isinstance(value, list):
            raise ExpressionError(
                f"a list has no field {key!r}; write [0].{key} for one item, "
                f"or pluck(…, {key!r}) for all"
            )
    raise ExpressionError(f"{describe(value)} has no field {key!r}")


def _alike(name: Any, key: Any) -> bool:
    """Whether two names look the same: Python composes the letters of names, files often do not."""
    if not isinstance(name, str) or not isinstance(key, str) or (name.isascii() and key.isascii()):
        return False
    return unicodedata.normalize("NFKC", name) == unicodedata.normalize("NFKC", key)


def _no_field(mapping: Mapping[Any, Any], key: Any) -> str:
    if isinstance(mapping, Confidential):
        return f"there is no secret {key!r} here; correct the name, or ask the operator to add it"
    names = [str(name) for name in mapping]
    if not names:
        return f"there is no field {key!r}; the object is empty"
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"there is no field {key!r}; there are: {', '.join(names[:12])}{more}"


def same(left: Any, right: Any, budget: Budget) -> bool:
    """`left == right`, charged for every part that is compared."""
    if isinstance(left, list) and isinstance(right, list):
        ours, theirs = cast("list[Any]", left), cast("list[Any]", right)
        if len(ours) != len(theirs):
            return False
        budget.spend(len(ours) + 1)
        return all(same(a, b, budget) for a, b in zip(ours, theirs, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        mine, yours = cast("dict[str, Any]", left), cast("dict[str, Any]", right)
        if len(mine) != len(yours):
            return False
        budget.spend(2 * len(mine) + 1)
        return all(key in yours and same(mine[key], yours[key], budget) for key in mine)
    if isinstance(left, str) and isinstance(right, str):
        budget.spend(1 + (len(left) >> 6))
    return left == right
