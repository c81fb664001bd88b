"""Named functions in an exported file that holds the whole expression language.

Exported files hold copies of what they use of this module; nothing here is run by the server.
"""

from collections.abc import Callable
from typing import Any

from graphs.language.functions.registry import FUNCTIONS
from graphs.language.values import Budget


def free(name: str) -> Callable[..., Any]:
    """A named function of the expressions, with a new budget for each call."""
    call = FUNCTIONS[name].call
    return lambda *given, **named: call(Budget(), *given, **named)
