"""What the simple nodes of an exported file share.

Exported files hold copies of what they use of this module; nothing here is run by the server.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.errors import NodeError
from graphs.exporting.runtime import Run
from graphs.language.values import as_text, describe


def kept(run: Run, fields: dict[str, Any]) -> dict[str, Any]:
    """What arrived, with these fields added or replaced."""
    if run.prev is not None and not isinstance(run.prev, Mapping):
        message = f"only an object's fields can be kept, and {describe(run.prev)} arrived"
        raise NodeError(message, retryable=False)
    return {**(run.prev or {}), **fields}


def port_of(value: Any, cases: Sequence[tuple[Any, str]]) -> str:
    """The port of the first case that equals the value; a number and its text are equal."""
    for wanted, port in cases:
        texts = isinstance(value, str) != isinstance(wanted, str) and None not in (value, wanted)
        if isinstance(value, bool) or isinstance(wanted, bool) or texts:
            if as_text(value) == as_text(wanted):
                return port
        elif value == wanted:
            return port
    return "default"


def fail(message: str) -> None:
    """End the workflow as failed."""
    raise NodeError(message, code="failed_by_workflow", retryable=False)


def run_code(code: str, prev: Any, inputs: dict[str, Any]) -> Any:
    """What the code's `main(prev, inputs)` returns, or its `result`."""
    names: dict[str, Any] = {"__name__": "heddle_node", "prev": prev, "inputs": inputs}
    exec(code, names)
    main = names.get("main")
    return main(prev, inputs) if callable(main) else names.get("result")
