"""What a hand-written LangGraph graph tells of itself, and what its nodes may use.

A graph is one module with a `GRAPH`. Its state holds plain JSON only, because every node's update
is recorded and read back after a restart; its nodes take `runtime: Runtime[Context]`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import Struct

RECURSION_LIMIT = 60


class Model(Protocol):
    """The model that the workflow's author chose; nodes reach it as `runtime.context.model`.

    Its answers stream into the step of the inner node that asks.
    """

    async def ask(self, prompt: str, *, system: str = "", example: str | None = None) -> str:
        """The model's answer. Raises NodeError.

        `example` is what the built-in mock model answers, here as below.
        """
        ...

    async def ask_for_data(
        self, prompt: str, schema: dict[str, Any], *, system: str = "", example: Any = None
    ) -> Any:
        """An answer that satisfies the JSON Schema; a wrong one is corrected twice."""
        ...


@dataclass(frozen=True)
class Context:
    """What a graph's nodes find in `runtime.context`."""

    model: Model


class LibraryGraph(Struct, frozen=True, kw_only=True):
    """A graph that the node `graph` runs.

    `build` makes a new, not yet compiled StateGraph; its input is what `input_schema` describes,
    with defaults, and its output what `output_schema` does. `pure`: nothing happens outside but
    that the model is asked; others answer with an example in mock mode. `recursion_limit` is the
    most supersteps of an execution.
    """

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    build: Callable[[], Any]
    pure: bool = False
    recursion_limit: int = RECURSION_LIMIT
