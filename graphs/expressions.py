"""Expressions in JSON: strings with `{{ … }}` or `${…}` are compiled once and resolved often.

A string that is one expression keeps the type of its value; inside text a value is formatted.
The language itself is in `graphs.language`.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast

from msgspec.structs import replace

from graphs.errors import ExpressionError
from graphs.language import lexer
from graphs.language.formula import Formula, Reference, compile_formula
from graphs.language.frame import Evaluate, Frame
from graphs.language.values import Confidential, as_text

__all__ = ["Reference", "Template", "compile_value", "format_value"]


class Template:
    """A compiled JSON value. Immutable, and shared by all runs."""

    __slots__ = ("_evaluate", "_raw", "_references")

    def __init__(
        self, raw: Any, evaluate: Evaluate | None, references: tuple[Reference, ...] = ()
    ) -> None:
        self._raw = raw
        self._evaluate = evaluate
        self._references = references

    @property
    def constant(self) -> bool:
        """True when the value holds no expression."""
        return self._evaluate is None

    def references(self) -> Iterable[Reference]:
        """The names that its expressions use, in the order they are written."""
        return self._references

    def resolve(self, names: Mapping[str, Any]) -> Any:
        """The value with every expression evaluated.

        Raises ExpressionError, and ExpressionBudgetError when it takes too much.
        """
        if self._evaluate is None:
            return self._raw
        try:
            return self._evaluate(Frame(names))
        except RecursionError:
            raise ExpressionError("the data is nested too deeply") from None


def compile_value(raw: Any) -> Template:
    """Compile the strings of a JSON value, however deep; parts already compiled are taken over.

    The keys of objects stay as they are. Raises ExpressionError with its offset in the string.
    """
    if isinstance(raw, str):
        return compile_text(raw)
    if isinstance(raw, Template):
        return raw
    if isinstance(raw, list):
        parts = [compile_value(part) for part in cast("list[Any]", raw)]
        return _joined(parts, lambda values: values)
    if isinstance(raw, dict):
        fields = cast("dict[str, Any]", raw)
        keys = tuple(fields)
        parts = [compile_value(part) for part in fields.values()]
        return _joined(parts, lambda values: dict(zip(keys, values, strict=True)))
    return Template(raw, None)


def _joined(parts: list[Template], make: Callable[[list[Any]], Any]) -> Template:
    if all(part.constant for part in parts):
        return Template(make([part.resolve({}) for part in parts]), None)
    steps = [_step(part) for part in parts]
    references = tuple(reference for part in parts for reference in part.references())
    return Template(None, lambda frame: make([step(frame) for step in steps]), references)


def _step(part: Template) -> Evaluate:
    evaluate, raw = part._evaluate, part._raw  # pyright: ignore[reportPrivateUsage]
    return evaluate or (lambda frame: raw)


@lru_cache(maxsize=4096)
def compile_text(text: str) -> Template:
    """Compile one string. Raises ExpressionError with the offset of what is wrong."""
    if "{{" not in text and "${" not in text:
        return Template(text, None)
    found = lexer.pieces(text)
    if not found:
        return Template(lexer.literal(text), None)
    formulas = [_watched(compile_formula(source, start + 2), source) for start, _, source in found]
    references = tuple(reference for formula in formulas for reference in formula.references)
    if len(found) == 1 and found[0][0] == 0 and found[0][1] == len(text):
        return Template(text, _whole(formulas[0], found[0][2]), references)
    return Template(text, _text(text, found, formulas), references)


def _watched(formula: Formula, source: str) -> Formula:
    """The formula; what it makes of secrets is told to their keeper, to be kept secret as well."""
    if all(reference.root != "secrets" for reference in formula.references):
        return formula
    inner = formula.evaluate

    def evaluate(frame: Frame) -> Any:
        value = inner(frame)
        secrets = frame.names.get("secrets")
        if isinstance(secrets, Confidential):
            secrets.made(value, source)
        return value

    return replace(formula, evaluate=evaluate)


def _whole(formula: Formula, source: str) -> Evaluate:
    plain = formula.plain
    inner = formula.evaluate

    def evaluate(frame: Frame) -> Any:
        try:
            value = inner(frame)
            if not plain:
                frame.measure(value)
        except ExpressionError as error:
            raise _named(error, source) from None
        return value

    return evaluate


def _text(text: str, found: list[tuple[int, int, str]], formulas: list[Formula]) -> Evaluate:
    pairs: list[tuple[str, Evaluate, str]] = []
    position = 0
    for (start, end, source), formula in zip(found, formulas, strict=True):
        pairs.append((lexer.literal(text[position:start]), formula.evaluate, source))
        position = end
    tail = lexer.literal(text[position:])

    def evaluate(frame: Frame) -> str:
        parts: list[str] = []
        for literal, formula, source in pairs:
            try:
                part = as_text(formula(frame), frame)
                frame.allocate(len(part))
            except ExpressionError as error:
                raise _named(error, source) from None
            parts += (literal, part)
        parts.append(tail)
        return "".join(parts)

    return evaluate


def _named(error: ExpressionError, source: str) -> ExpressionError:
    brief = " ".join(source.split())
    brief = brief if len(brief) <= 80 else f"{brief[:79]}…"
    return type(error)(f"{{{{ {brief} }}}}: {error.message}", error.offset)


def format_value(value: Any) -> str:
    """A JSON value as it reads inside a text: null is empty, lists and objects are JSON."""
    return as_text(value)
