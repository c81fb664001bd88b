"""What can go wrong in a graph, as a tree.

GraphError                    code, message: the base of all
├── DefinitionError           the drawing cannot run; carries every Problem
├── SelectionError            chosen steps cannot become a workflow; carries every Reason
├── Reason                    one of those reasons
├── ExpressionError           an expression cannot be parsed or evaluated
│   └── ExpressionBudgetError it would take too many steps or too much memory
├── NodeError                 a node failed while running; a message for the analyst
│   ├── NodeTimeoutError      it took longer than its timeout_ms
│   └── OutputError           what it returned cannot be stored
├── RunCancelled              somebody cancelled the run
└── RunSuspended              the run is being put aside; it goes on another time
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct


class Problem(Struct, frozen=True, omit_defaults=True):
    """One thing wrong with a definition. `pointer` is a JSON pointer from the definition's root."""

    node_id: str | None
    pointer: str
    code: str
    detail: str


class GraphError(Exception):
    """Something in a graph went wrong. `code` is stable and part of the API."""

    code: str = "graph_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DefinitionError(GraphError):
    """The drawing cannot run; `problems` holds everything that is wrong with it."""

    code = "definition_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.problems = tuple(problems)


class Reason(GraphError):
    """Why a selection cannot become a workflow. `node_id` is the step that it is about."""

    code = "selection_unsound"

    def __init__(self, message: str, node_id: str | None = None) -> None:
        super().__init__(message)
        self.node_id = node_id


class SelectionError(GraphError):
    """The selection cannot become a workflow; `reasons` are all that was found."""

    code = "selection_unsound"

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(reason.message for reason in self.reasons))


class ExpressionError(GraphError):
    """An expression cannot be parsed or evaluated. `offset` counts characters from its start."""

    code = "expression_invalid"

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


class ExpressionBudgetError(ExpressionError):
    """An expression would take more steps or more memory than it is allowed."""

    code = "expression_budget"


class NodeError(GraphError):
    """A node failed while running. `retryable` tells whether another attempt makes sense.

    `retry_after_ms`: how long the other side wants to be left alone before it. `data`: what nodes
    that go on after the error find beside it, such as the answer of a server.
    """

    code = "node_failed"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retryable: bool = True,
        retry_after_ms: int | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.data = data
        if code is not None:
            self.code = code


class NodeTimeoutError(NodeError):
    """A node took longer than its `timeout_ms`."""

    code = "node_timeout"


class OutputError(NodeError):
    """A node returned something that cannot be stored: no JSON, or too large."""

    code = "output_invalid"


class RunCancelled(GraphError):
    """Somebody cancelled the run; `message` is the reason given."""

    code = "run_cancelled"


class RunSuspended(GraphError):
    """The run is being put aside: whoever waits in it unwinds, and is executed again later."""

    code = "run_suspended"

    def __init__(self) -> None:
        super().__init__("the run is being put aside")
