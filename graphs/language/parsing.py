"""An expression's text → Python's syntax tree, of bounded size."""

import ast
import warnings
from collections.abc import Mapping

from graphs.errors import ExpressionBudgetError, ExpressionError
from graphs.language import lexer

MAX_SOURCE = 10_000
MAX_DEPTH = 60
MAX_NODES = 3_000


def parse(source: str, offset: int) -> ast.expr:
    """The tree of one expression. Raises ExpressionError with the place of what is wrong."""
    if not source:
        raise ExpressionError("there is no expression between the braces", offset)
    if len(source) > MAX_SOURCE:
        raise ExpressionBudgetError(
            f"the expression is longer than {MAX_SOURCE} characters", offset
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(lexer.prepare(source), mode="eval").body
    except SyntaxError as error:
        column = min(max((error.offset or 1) - 1, 0), len(source))
        reason = (error.msg or "syntax").split(". Perhaps")[0]
        raise ExpressionError(f"cannot be read: {reason}", offset + column) from None
    except (ValueError, MemoryError, RecursionError, OverflowError):
        raise ExpressionError("cannot be read: it is nested too deeply", offset) from None
    _check_size(body, offset)
    return body


def _check_size(body: ast.expr, offset: int) -> None:
    level: list[ast.AST] = [body]
    count = depth = 0
    while level:
        count += len(level)
        depth += 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise ExpressionBudgetError("the expression is too large or nested too deeply", offset)
        level = [child for node in level for child in ast.iter_child_nodes(node)]


_NAMES: Mapping[type[ast.AST], str] = {
    ast.Lambda: "lambda",
    ast.NamedExpr: ":=",
    ast.JoinedStr: "an f-text",
    ast.Set: "a set",
    ast.SetComp: "a set",
    ast.Starred: "*",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Slice: "a : here",
    ast.Constant: "this kind of constant",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitXor: "^",
    ast.MatMult: "@",
}


def what(node: ast.AST) -> str:
    """What an analyst would call a piece of syntax."""
    return _NAMES.get(type(node), type(node).__name__)
