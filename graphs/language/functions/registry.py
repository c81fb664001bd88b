"""What a named function of the expression language is, where it is found, how it checks arguments.

A function takes the budget first and then its arguments, and charges what it reads and makes
before doing so. Its docstring is the help shown to analysts.
"""

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

from graphs.errors import ExpressionError
from graphs.language.values import NUMBERS, describe

FUNCTIONS: dict[str, "Function"] = {}
"""All functions by name, filled when the modules of this package are imported."""


class UnknownFunctionError(ExpressionError):
    """The expression calls something that is not one of the named functions."""

    code = "expression_unknown_function"


class Function:
    """A named function with its signature, the budget left out."""

    __slots__ = ("call", "help", "name", "signature")

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name = name
        self.call = call
        self.help = (call.__doc__ or "").strip()
        full = inspect.signature(call)
        parameters = [
            parameter.replace(annotation=inspect.Parameter.empty)
            for parameter in list(full.parameters.values())[1:]
        ]
        self.signature = full.replace(
            parameters=parameters, return_annotation=inspect.Signature.empty
        )

    def check(self, count: int, keywords: list[str]) -> None:
        """Raise ExpressionError unless it can be called with so many arguments."""
        try:
            self.signature.bind(*[None] * count, **dict.fromkeys(keywords))
        except TypeError as error:
            raise ExpressionError(f"{self.name}{self.signature}: {error}") from None


def lookup(name: str) -> Function:
    """The function of that name. Raises UnknownFunctionError with the nearest one."""
    function = FUNCTIONS.get(name)
    if function is None:
        near = difflib.get_close_matches(name, FUNCTIONS, n=1)
        hint = f"; did you mean {near[0]}()?" if near else ""
        raise UnknownFunctionError(f"there is no function {name}(){hint}")
    return function


def named(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(call: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[name] = Function(name, call)
        return call

    return add


def a_text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ExpressionError(f"{where}() needs a text, not {describe(value)}")
    return value


def a_list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ExpressionError(f"{where}() needs a list, not {describe(value)}")
    return cast("list[Any]", value)


def an_object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ExpressionError(f"{where}() needs an object, not {describe(value)}")
    return cast("Mapping[str, Any]", value)


def a_number(value: Any, where: str) -> Any:
    if type(value) not in NUMBERS:
        raise ExpressionError(f"{where}() needs a number, not {describe(value)}")
    return value


def a_whole_number(value: Any, where: str) -> int:
    if type(value) is not int:
        raise ExpressionError(f"{where}() needs a whole number, not {describe(value)}")
    return value
