"""The operators of the expression language: Python's, over JSON values, with a budget."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from graphs.errors import ExpressionBudgetError, ExpressionError
from graphs.language.functions.lists import contains
from graphs.language.values import MAX_BITS, NUMBERS, Budget, describe, number, same, too_large

Operator = Callable[[Any, Any, Budget], Any]


def _arithmetic(sign: str, apply: Callable[[Any, Any], Any]) -> Operator:
    def calculate(left: Any, right: Any, budget: Budget) -> Any:
        if type(left) not in NUMBERS or type(right) not in NUMBERS:
            raise _mismatch(sign, left, right)
        try:
            return number(apply(left, right))
        except ZeroDivisionError:
            raise ExpressionError("division by zero") from None
        except OverflowError:
            raise ExpressionError("the result is not a finite number") from None

    return calculate


def _mismatch(sign: str, left: Any, right: Any) -> ExpressionError:
    with_text = sign == "+" and (isinstance(left, str) or isinstance(right, str))
    hint = "; use str(…) to make a text of both" if with_text else ""
    return ExpressionError(f"{describe(left)} {sign} {describe(right)} cannot be calculated{hint}")


_plus = _arithmetic("+", operator.add)
_times = _arithmetic("*", operator.mul)
_raised = _arithmetic("**", lambda left, right: left**right)


def _add(left: Any, right: Any, budget: Budget) -> Any:
    if (isinstance(left, str) and isinstance(right, str)) or (
        isinstance(left, list) and isinstance(right, list)
    ):
        size = len(cast("str", left)) + len(cast("str", right))
        budget.allocate(size)
        budget.spend(1 + (size >> 6))
        return cast("str", left) + cast("str", right)
    return _plus(left, right, budget)


def _multiply(left: Any, right: Any, budget: Budget) -> Any:
    swapped = type(right) in (str, list)
    repeated: Any = right if swapped else left
    times: Any = left if swapped else right
    if type(repeated) in (str, list) and type(times) is int:
        size = len(cast("str", repeated)) * max(0, times)
        budget.allocate(size)
        budget.spend(1 + (size >> 6))
        return cast("str", repeated) * times
    return _times(left, right, budget)


def _power(left: Any, right: Any, budget: Budget) -> Any:
    if (
        isinstance(left, int)
        and isinstance(right, int)
        and right > 1
        and left not in (0, 1, -1)
        and (right > MAX_BITS or (left.bit_length() - 1) * right > MAX_BITS)
    ):
        raise ExpressionBudgetError(too_large())
    return _raised(left, right, budget)


BINARY: Mapping[type[ast.operator], Operator] = {
    ast.Add: _add,
    ast.Sub: _arithmetic("-", operator.sub),
    ast.Mult: _multiply,
    ast.Div: _arithmetic("/", lambda left, right: left / right),
    ast.FloorDiv: _arithmetic("//", lambda left, right: left // right),
    ast.Mod: _arithmetic("%", operator.mod),
    ast.Pow: _power,
}


def _ordering(sign: str, apply: Callable[[Any, Any], bool]) -> Operator:
    def compare(left: Any, right: Any, budget: Budget) -> bool:
        if type(left) in NUMBERS and type(right) in NUMBERS:
            return apply(left, right)
        if isinstance(left, str) and isinstance(right, str):
            budget.spend(1 + (min(len(left), len(right)) >> 6))
            return apply(left, right)
        raise ExpressionError(f"{describe(left)} {sign} {describe(right)} cannot be compared")

    return compare


COMPARE: Mapping[type[ast.cmpop], Operator] = {
    ast.Eq: same,
    ast.NotEq: lambda left, right, budget: not same(left, right, budget),
    ast.Lt: _ordering("<", operator.lt),
    ast.LtE: _ordering("<=", operator.le),
    ast.Gt: _ordering(">", operator.gt),
    ast.GtE: _ordering(">=", operator.ge),
    ast.In: lambda left, right, budget: contains(budget, right, left),
    ast.NotIn: lambda left, right, budget: not contains(budget, right, left),
}


def negative(value: Any) -> Any:
    """`-value`."""
    if type(value) not in NUMBERS:
        raise ExpressionError(f"-{describe(value)} cannot be calculated")
    return number(-value)


def positive(value: Any) -> Any:
    """`+value`."""
    if type(value) not in NUMBERS:
        raise ExpressionError(f"+{describe(value)} cannot be calculated")
    return +value
