"""One expression → a closure: parses with Python's `ast` and compiles the nodes it allows.

Nothing is handed to `eval` or `getattr`: a dot looks a key up, a call finds a named function, `|`
applies one as a filter, and every node type not listed in `_COMPILERS` is refused.
"""

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from msgspec import Struct

from graphs.errors import ExpressionError
from graphs.language import composites, lexer, operators, parsing
from graphs.language.frame import Evaluate, Frame
from graphs.language.functions import dates, lists, numbers, texts
from graphs.language.functions.registry import lookup
from graphs.language.values import MAX_BITS, MissingError, member, too_large

FUNCTION_MODULES = (dates, lists, numbers, texts)
"""Importing them registers the named functions."""

_CONSTANTS = {"true": True, "false": False, "null": None}


class Reference(Struct, frozen=True):
    """A name an expression uses: `steps.fetch` has root `steps` and key `fetch`.

    `key` is None when there is none or it is only known at run time. `offset` counts characters
    from the start of the string that holds the expression.
    """

    root: str
    key: str | None
    offset: int


class Formula(Struct, frozen=True):
    """A compiled expression. `plain`: a path or a constant, whose value makes nothing new."""

    evaluate: Evaluate
    references: tuple[Reference, ...]
    plain: bool


def compile_formula(source: str, offset: int = 0) -> Formula:
    """Compile one expression, which begins `offset` characters into its string.

    Raises ExpressionError with the place of what is wrong.
    """
    stripped = source.strip()
    offset += len(source) - len(source.lstrip())
    body = parsing.parse(stripped, offset)
    compiler = _Compiler(stripped, offset)
    evaluate = compiler.compile(body)
    plain = isinstance(body, ast.Name | ast.Attribute | ast.Subscript | ast.Constant)
    return Formula(evaluate, tuple(compiler.references), plain)


class _Compiler:
    def __init__(self, source: str, offset: int) -> None:
        self.source = source.encode()
        self.offset = offset
        self.locals: frozenset[str] = frozenset()
        self.references: list[Reference] = []

    def compile(self, node: ast.expr) -> Evaluate:
        compiler = _COMPILERS.get(type(node))
        if compiler is None:
            raise self.error(node, f"{parsing.what(node)} cannot be used in an expression")
        return compiler(self, node)

    def place(self, node: ast.expr) -> int:
        return self.offset + len(self.source[: node.col_offset].decode(errors="ignore"))

    def error(self, node: ast.expr, message: str) -> ExpressionError:
        return ExpressionError(message, self.place(node))

    def constant(self, node: ast.Constant) -> Evaluate:
        value: Any = node.value
        if not isinstance(value, str | int | float | None):
            raise self.error(node, f"{parsing.what(node)} cannot be used in an expression")
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error(node, "this number is too large")
        if type(value) is int and value.bit_length() > MAX_BITS:
            raise self.error(node, too_large())
        if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
            raise self.error(node, "this text has a character that is no character")
        return lambda frame: value

    def name(self, node: ast.Name) -> Evaluate:
        name = lexer.restore(node.id)
        if name in self.locals:
            return lambda frame: frame.locals[name]
        if name in _CONSTANTS:
            value = _CONSTANTS[name]
            return lambda frame: value
        return self.path(node, name, [])

    def path(self, node: ast.expr, root: str, keys: list[str | int]) -> Evaluate:
        if root.startswith("__"):
            raise self.error(node, f"names cannot begin with two underscores: {root}")
        key = keys[0] if keys and isinstance(keys[0], str) else None
        self.references.append(Reference(root, key, self.place(node)))
        fixed = tuple(keys)

        def follow(frame: Frame) -> Any:
            try:
                value = frame.names[root]
                for key in fixed:
                    value = value[key]
            except (KeyError, TypeError, IndexError):
                return _follow_slowly(frame.names, root, fixed)
            return value

        return follow

    def lookup(self, node: ast.Attribute | ast.Subscript) -> Evaluate:
        keys: list[str | int] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute | ast.Subscript):
            key = self.static_key(base)
            if key is None:
                break
            keys.append(key)
            base = base.value
        keys.reverse()
        if isinstance(base, ast.Name) and lexer.restore(base.id) not in self.locals:
            name = lexer.restore(base.id)
            if name not in _CONSTANTS:
                return self.path(base, name, keys)
        if keys:
            of, fixed = self.compile(base), tuple(keys)

            def descend(frame: Frame) -> Any:
                value = of(frame)
                for key in fixed:
                    value = member(value, key)
                return value

            return descend
        return self.subscript(cast("ast.Subscript", node))

    def static_key(self, node: ast.Attribute | ast.Subscript) -> str | int | None:
        if isinstance(node, ast.Attribute):
            key = lexer.restore(node.attr)
            if key.startswith("__"):
                raise self.error(node, f"names cannot begin with two underscores: {key}")
            return key
        match node.slice:
            case ast.Constant(value=str() | int() as key) if not isinstance(key, bool):
                return key
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as key)):
                return -key
            case _:
                return None

    def subscript(self, node: ast.Subscript) -> Evaluate:
        of = self.compile(node.value)
        if isinstance(node.slice, ast.Slice):
            return self.cut(node.slice, of)
        key = self.compile(node.slice)
        return lambda frame: member(of(frame), key(frame))

    def cut(self, bounds: ast.Slice, of: Evaluate) -> Evaluate:
        parts = (bounds.lower, bounds.upper, bounds.step)
        return composites.make_cut(of, [part and self.compile(part) for part in parts])

    def several(self, node: ast.List | ast.Tuple) -> Evaluate:
        return composites.make_list(
            [
                (True, self.compile(item.value))
                if isinstance(item, ast.Starred)
                else (False, self.compile(item))
                for item in node.elts
            ]
        )

    def object(self, node: ast.Dict) -> Evaluate:
        return composites.make_object(
            [
                (key and self.compile(key), self.compile(value))
                for key, value in zip(node.keys, node.values, strict=True)
            ]
        )

    def unary(self, node: ast.UnaryOp) -> Evaluate:
        operand = self.compile(node.operand)
        match node.op:
            case ast.Not():
                return lambda frame: not operand(frame)
            case ast.USub():
                return lambda frame: operators.negative(operand(frame))
            case ast.UAdd():
                return lambda frame: operators.positive(operand(frame))
            case _:
                raise self.error(node, "~ is no operator here")

    def binary(self, node: ast.BinOp) -> Evaluate:
        if isinstance(node.op, ast.BitOr):
            return self.filter(node)
        operator = operators.BINARY.get(type(node.op))
        if operator is None:
            raise self.error(
                node, f"{parsing.what(node.op)} is no operator of the expression language"
            )
        left, right = self.compile(node.left), self.compile(node.right)
        return lambda frame: operator(left(frame), right(frame), frame)

    def compare(self, node: ast.Compare) -> Evaluate:
        first = self.compile(node.left)
        links: list[tuple[operators.Operator, Evaluate]] = []
        for sign, right in zip(node.ops, node.comparators, strict=True):
            operator = operators.COMPARE.get(type(sign))
            if operator is None:
                raise self.error(node, "compare with == and != instead of is")
            links.append((operator, self.compile(right)))
        if len(links) == 1:
            operator, second = links[0]
            return lambda frame: operator(first(frame), second(frame), frame)

        def chain(frame: Frame) -> bool:
            left = first(frame)
            for operator, next_one in links:
                right = next_one(frame)
                if not operator(left, right, frame):
                    return False
                left = right
            return True

        return chain

    def boolean(self, node: ast.BoolOp) -> Evaluate:
        *firsts, last = [self.compile(value) for value in node.values]
        wanted = isinstance(node.op, ast.Or)

        def decide(frame: Frame) -> Any:
            for part in firsts:
                value = part(frame)
                if bool(value) is wanted:
                    return value
            return last(frame)

        return decide

    def choice(self, node: ast.IfExp) -> Evaluate:
        test = self.compile(node.test)
        yes, no = self.compile(node.body), self.compile(node.orelse)
        return lambda frame: yes(frame) if test(frame) else no(frame)

    def filter(self, node: ast.BinOp) -> Evaluate:
        right = node.right
        if isinstance(right, ast.Name):
            return self.function(right, right, [node.left], [])
        if isinstance(right, ast.Call):
            return self.function(right, right.func, [node.left, *right.args], right.keywords)
        raise self.error(right, "after | comes the name of a function")

    def call(self, node: ast.Call) -> Evaluate:
        return self.function(node, node.func, node.args, node.keywords)

    def function(
        self,
        node: ast.expr,
        name: ast.expr,
        args: list[ast.expr],
        keywords: list[ast.keyword],
    ) -> Evaluate:
        if not isinstance(name, ast.Name):
            raise self.error(
                name,
                "only named functions can be called: write upper(x) or x | upper, not x.upper()",
            )
        try:
            function = lookup(lexer.restore(name.id))
            names = [keyword.arg for keyword in keywords if keyword.arg is not None]
            if len(set(names)) != len(keywords) or any(
                isinstance(arg, ast.Starred) for arg in args
            ):
                raise ExpressionError("*, ** and the same name twice cannot be used in a call")
            function.check(len(args), names)
        except ExpressionError as error:
            error.offset = self.place(name)
            raise
        call = function.call
        given = [self.compile(arg) for arg in args]
        named = {name: self.compile(kw.value) for name, kw in zip(names, keywords, strict=True)}
        if function.name == "default":
            given[0] = _lenient(given[0])
        if not named and len(given) == 1:
            only = given[0]
            return lambda frame: call(frame, only(frame))
        return lambda frame: call(
            frame,
            *[arg(frame) for arg in given],
            **{name: arg(frame) for name, arg in named.items()},
        )

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Evaluate:
        outer = self.locals
        loops: list[composites.Loop] = []
        for part in node.generators:
            if part.is_async:
                raise self.error(node, "async cannot be used in an expression")
            values = self.compile(part.iter)
            targets = self.targets(part.target)
            self.locals |= set(targets)
            tests = tuple(self.compile(test) for test in part.ifs)
            unpack = isinstance(part.target, ast.Tuple)
            loops.append(composites.Loop(targets, unpack, values, tests))
        weight = _weight(node)
        if isinstance(node, ast.DictComp):
            key, value = self.compile(node.key), self.compile(node.value)
            self.locals = outer
            return composites.object_comprehension(loops, key, value, weight)
        element = self.compile(node.elt)
        self.locals = outer
        return composites.list_comprehension(loops, element, weight)

    def targets(self, target: ast.expr) -> tuple[str, ...]:
        names: list[str] = []
        for part in target.elts if isinstance(target, ast.Tuple) else [target]:
            if not isinstance(part, ast.Name) or part.id.startswith("__"):
                raise self.error(target, "after for comes a name, or names with commas")
            names.append(part.id)
        return tuple(names)


_COMPILERS: Mapping[type[ast.expr], Callable[[_Compiler, Any], Evaluate]] = {
    ast.Constant: _Compiler.constant,
    ast.Name: _Compiler.name,
    ast.Attribute: _Compiler.lookup,
    ast.Subscript: _Compiler.lookup,
    ast.List: _Compiler.several,
    ast.Tuple: _Compiler.several,
    ast.Dict: _Compiler.object,
    ast.UnaryOp: _Compiler.unary,
    ast.BinOp: _Compiler.binary,
    ast.Compare: _Compiler.compare,
    ast.BoolOp: _Compiler.boolean,
    ast.IfExp: _Compiler.choice,
    ast.Call: _Compiler.call,
    ast.ListComp: _Compiler.comprehension,
    ast.GeneratorExp: _Compiler.comprehension,
    ast.DictComp: _Compiler.comprehension,
}


def _weight(node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> int:
    # what one turn may cost: the parts of its element and of its tests
    parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    parts += [test for loop in node.generators for test in loop.ifs]
    return 1 + sum(isinstance(below, ast.expr) for part in parts for below in ast.walk(part))


def _follow_slowly(names: Mapping[str, Any], root: str, keys: tuple[str | int, ...]) -> Any:
    if root not in names:
        raise ExpressionError(f"there is nothing called {root!r} here")
    value = names[root]
    for key in keys:
        value = member(value, key)
    return value


def _lenient(part: Evaluate) -> Evaluate:
    def evaluate(frame: Frame) -> Any:
        try:
            return part(frame)
        except MissingError:
            return None

    return evaluate
