"""One resolution under way: the names it may use and what budget is left."""

from collections.abc import Callable, Mapping
from typing import Any

from graphs.language.values import Budget


class Frame(Budget):
    """Names' values are plain JSON; `locals` holds the variables of comprehensions."""

    __slots__ = ("locals", "names")

    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__()
        self.names = names
        self.locals: dict[str, Any] = {}


Evaluate = Callable[[Frame], Any]
"""A compiled part of an expression."""
