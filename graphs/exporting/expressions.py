"""Expressions as Python: `{{ input.order.total * 2 }}` → `dig(run.input, "order", "total") * 2`.

Paths and named functions call what `graphs.exporting.runtime` and the language itself define;
operators become Python's own.
"""

import ast
import keyword
from collections.abc import Mapping
from typing import Any, cast

from graphs.errors import ExpressionError
from graphs.exporting.layout import Chain, Code, Enclosed, Keyed, call, flat, quote, quoted
from graphs.language import lexer, parsing

ROOTS = ("input", "steps", "vars", "secrets", "prev", "item", "index")
_CONSTANTS = {"true": "True", "false": "False", "null": "None"}
_TAKEN = {*keyword.kwlist, "run", "dig", "each", "cut", "text", "power", "remainder"}

_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
}
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _ATOM = range(9)
"""How closely pieces of syntax hold together."""


def value_code(raw: Any) -> Code:
    """A raw param, however deep, as code in which its expressions are evaluated."""
    if isinstance(raw, str):
        return text_code(raw)
    if isinstance(raw, list):
        return Enclosed("", "[", tuple(map(value_code, cast("list[Any]", raw))), "]")
    if isinstance(raw, dict):
        fields = cast("dict[str, Any]", raw).items()
        parts = (Keyed(f"{quote(key)}: ", value_code(part)) for key, part in fields)
        return Enclosed("", "{", tuple(parts), "}")
    return repr(raw)


def text_code(raw: str) -> Code:
    """A string: itself, the expression that it is, or `text(…)` of its parts."""
    found = lexer.pieces(raw) if "{{" in raw or "${" in raw else []
    if not found:
        return quoted(lexer.literal(raw))
    if len(found) == 1 and found[0][:2] == (0, len(raw)):
        return expression_code(found[0][2])
    parts: list[Code] = []
    position = 0
    for start, end, source in found:
        parts += _literals(raw[position:start])
        parts.append(expression_code(source))
        position = end
    return call("text", *parts, *_literals(raw[position:]))


def _literals(text: str) -> list[Code]:
    code = quoted(lexer.literal(text))
    if isinstance(code, Enclosed):
        return list(code.parts)
    return [code] if text else []


def expression_code(source: str) -> Code:
    """One expression, without its braces."""
    body = parsing.parse(source.strip(), 0)
    return _Writer(frozenset()).code(body)


class _Writer:
    def __init__(self, variables: frozenset[str]) -> None:
        self.variables = variables

    def code(self, node: ast.expr) -> Code:
        match node:
            case ast.Constant():
                return quoted(node.value) if isinstance(node.value, str) else repr(node.value)
            case ast.Name():
                return self._name(lexer.restore(node.id))
            case ast.Attribute() | ast.Subscript():
                return self._path(node)
            case ast.List() | ast.Tuple():
                return Enclosed("", "[", tuple(map(self._item, node.elts)), "]")
            case ast.Dict():
                return self._object(node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Keyed("not ", self._part(operand, _NOT))
            case ast.UnaryOp(op=op, operand=operand):
                return Keyed("-" if isinstance(op, ast.USub) else "+", self._part(operand, _SIGN))
            case ast.BinOp():
                return self._binary(node)
            case ast.BoolOp():
                word = "or" if isinstance(node.op, ast.Or) else "and"
                parts = [self._part(value, _binding(node) + 1) for value in node.values]
                return Chain((parts[0], *(Keyed(f"{word} ", other) for other in parts[1:])))
            case ast.Compare():
                links = (
                    Keyed(f"{_comparison(sign, right)} ", self._part(right, _SUM))
                    for sign, right in zip(node.ops, node.comparators, strict=True)
                )
                return Chain((self._part(node.left, _SUM), *links))
            case ast.IfExp():
                return Chain(
                    (
                        self._part(node.body, _OR),
                        Keyed("if ", self._part(node.test, _OR)),
                        *self._otherwise(node.orelse),
                    )
                )
            case ast.Call():
                return self._call(node.func, node.args, node.keywords)
            case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node)
            case _:
                raise ExpressionError(f"{parsing.what(node)} cannot be exported")

    def _part(self, node: ast.expr, within: int) -> Code:
        """An operand: in parentheses where it would otherwise come apart."""
        code = self.code(node)
        return code if _binding(node) >= within else Enclosed("", "(", (code,), ")", "")

    def _name(self, name: str) -> Code:
        if name in self.variables:
            return _variable(name)
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name not in ROOTS:
            raise ExpressionError(f"there is no name {name!r}")
        return f"run.{name}"

    def _path(self, node: ast.Attribute | ast.Subscript) -> Code:
        keys: list[Code] = []
        base: ast.expr = node
        while True:
            match base:
                case ast.Attribute():
                    keys.append(quote(lexer.restore(base.attr)))
                case ast.Subscript(slice=ast.Slice() as bounds):
                    return self._dug(self._cut(base.value, bounds), keys)
                case ast.Subscript():
                    keys.append(self.code(base.slice))
                case _:
                    return self._dug(self.code(base), keys)
            base = base.value

    def _dug(self, of: Code, keys: list[Code]) -> Code:
        return call("dig", of, *reversed(keys)) if keys else of

    def _cut(self, of: ast.expr, bounds: ast.Slice) -> Code:
        parts = [
            "None" if bound is None else self.code(bound)
            for bound in (bounds.lower, bounds.upper, bounds.step)
        ]
        while parts[-1] == "None" and len(parts) > 1:
            parts.pop()
        return call("cut", self.code(of), *parts)

    def _item(self, node: ast.expr) -> Code:
        if isinstance(node, ast.Starred):
            return Keyed("*", call("each", self.code(node.value)))
        return self.code(node)

    def _object(self, node: ast.Dict) -> Code:
        parts: list[Code] = []
        for key, value in zip(node.keys, node.values, strict=True):
            head = "**" if key is None else f"{flat(self.code(key))}: "
            parts.append(Keyed(head, self._part(value, _SUM) if key is None else self.code(value)))
        return Enclosed("", "{", tuple(parts), "}")

    def _binary(self, node: ast.BinOp) -> Code:
        match node.op:
            case ast.BitOr():
                right = node.right
                if isinstance(right, ast.Call):
                    return self._call(right.func, [node.left, *right.args], right.keywords)
                return self._call(right, [node.left], [])
            case ast.Mod():
                return call("remainder", self.code(node.left), self.code(node.right))
            case ast.Pow():
                return call("power", self.code(node.left), self.code(node.right))
            case _:
                sign = _OPERATORS[type(node.op)]
                binding = _binding(node)
                left = self._part(node.left, binding)
                chained = isinstance(left, Chain) and _binding(node.left) == binding
                first = left.parts if isinstance(left, Chain) and chained else (left,)
                return Chain((*first, Keyed(f"{sign} ", self._part(node.right, binding + 1))))

    def _otherwise(self, node: ast.expr) -> tuple[Code, ...]:
        code = self.code(node)
        if isinstance(node, ast.IfExp) and isinstance(code, Chain):
            first, *others = code.parts
            return (Keyed("else ", first), *others)
        return (Keyed("else ", code),)

    def _call(self, name: ast.expr, args: list[ast.expr], keywords: list[ast.keyword]) -> Code:
        if not isinstance(name, ast.Name):
            raise ExpressionError("only named functions can be called")
        given = [self.code(arg) for arg in args]
        function = lexer.restore(name.id)
        if function == "default":
            given[0] = Keyed("lambda: ", given[0])
        named = (Keyed(f"{word.arg}=", self.code(word.value)) for word in keywords)
        return call(f"fn_{function}", *given, *named)

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Code:
        outer = self.variables
        loops: list[Code] = []
        for part in node.generators:
            values = call("each", self.code(part.iter))
            names = part.target.elts if isinstance(part.target, ast.Tuple) else [part.target]
            found = [lexer.restore(cast("ast.Name", name).id) for name in names]
            self.variables |= set(found)
            targets = ", ".join(map(_variable, found))
            if isinstance(part.target, ast.Tuple) and len(found) == 1:
                targets += ","
            loops.append(Keyed(f"for {targets} in ", values))
            loops += [Keyed("if ", self._part(test, _OR)) for test in part.ifs]
        if isinstance(node, ast.DictComp):
            head: Code = Keyed(f"{flat(self.code(node.key))}: ", self.code(node.value))
            made = Enclosed("", "{", (head, *loops), "}", "")
        else:
            made = Enclosed("", "[", (self.code(node.elt), *loops), "]", "")
        self.variables = outer
        return made


def _comparison(sign: ast.cmpop, right: ast.expr) -> str:
    null = isinstance(right, ast.Name) and right.id == "null"
    if null and isinstance(sign, ast.Eq | ast.NotEq):
        return "is" if isinstance(sign, ast.Eq) else "is not"
    return _COMPARISONS[type(sign)]


def _binding(node: ast.expr) -> int:
    match node:
        case ast.IfExp():
            return _CHOICE
        case ast.BoolOp():
            return _OR if isinstance(node.op, ast.Or) else _AND
        case ast.UnaryOp():
            return _NOT if isinstance(node.op, ast.Not) else _SIGN
        case ast.Compare():
            return _COMPARISON
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return _SUM
        case ast.BinOp(op=ast.Mult() | ast.Div() | ast.FloorDiv()):
            return _PRODUCT
        case _:
            return _ATOM


def _variable(name: str) -> str:
    return f"{name}_" if name in _TAKEN or name.startswith("fn_") else name
