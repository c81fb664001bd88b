"""Python code that is broken over lines where it is too long, as a formatter would do it."""

from collections.abc import Sequence
from typing import Any, cast

from msgspec import Struct

WIDTH = 100
_STEP = "    "


class Enclosed(Struct, frozen=True):
    """Parts between brackets: on one line when they fit, otherwise one a line.

    `separator` is `,` or nothing. `head`: what stands before the opening bracket.
    """

    head: str
    opening: str
    parts: "tuple[Code, ...]"
    closing: str
    separator: str = ","


class Chain(Struct, frozen=True):
    """Parts with a blank between them, such as `a` `if b` `else c`; broken inside parentheses."""

    parts: "tuple[Code, ...]"


class Keyed(Struct, frozen=True):
    """A part with something fixed before it, such as `key: ` or `name=`."""

    head: str
    code: "Code"


Code = str | Enclosed | Chain | Keyed


def flat(code: Code) -> str:
    """The code on one line."""
    match code:
        case str():
            return code
        case Keyed(head=head, code=inner):
            return head + flat(inner)
        case Chain(parts=parts):
            return " ".join(map(flat, parts))
        case Enclosed():
            inside = f"{code.separator} ".join(map(flat, code.parts))
            if code.opening == "(" and not code.head and code.separator and len(code.parts) == 1:
                inside += ","
            return f"{code.head}{code.opening}{inside}{code.closing}"


def render(code: Code, indent: int = 0, before: int = 0, after: int = 0) -> str:
    """The code, whose first line begins behind `before` characters of its line.

    `after`: how many characters follow on its last line.
    """
    line = flat(code)
    if "\n" not in line and indent * 4 + before + len(line) + after <= WIDTH:
        return line
    match code:
        case str():
            return code
        case Keyed(head=head, code=inner):
            return head + render(inner, indent, before + len(head), after)
        case Chain(parts=parts):
            inner = [render(part, indent + 1) for part in parts]
            return _block("(", inner, ")", "", indent)
        case Enclosed():
            inner = [render(part, indent + 1, after=1) for part in code.parts]
            if not inner:
                return line
            return _block(f"{code.head}{code.opening}", inner, code.closing, code.separator, indent)


def _block(opening: str, parts: Sequence[str], closing: str, separator: str, indent: int) -> str:
    inside = _STEP * (indent + 1)
    lines = "".join(f"{inside}{part}{separator}\n" for part in parts)
    return f"{opening}\n{lines}{_STEP * indent}{closing}"


def call(name: str, *arguments: Code) -> Code:
    """`name(…)`."""
    return Enclosed(name, "(", arguments, ")")


def literal(value: Any) -> Code:
    """A JSON value as Python code."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return Enclosed("", "[", tuple(map(literal, cast("list[Any]", value))), "]")
    if isinstance(value, dict):
        return mapping({key: literal(part) for key, part in cast("dict[str, Any]", value).items()})
    return repr(value)


def mapping(fields: dict[str, Code]) -> Code:
    """`{"key": …}`."""
    parts = (Keyed(f"{quote(key)}: ", code) for key, code in fields.items())
    return Enclosed("", "{", tuple(parts), "}")


def quoted(text: str) -> Code:
    """A text: in pieces of a line each where it is long."""
    pieces = [
        line[place : place + 80]
        for line in text.splitlines(keepends=True)
        for place in range(0, len(line), 80)
    ]
    if len(text) <= 80 or len(pieces) < 2:
        return quote(text)
    return Enclosed("", "(", tuple(map(quote, pieces)), ")", "")


def quote(text: str) -> str:
    """A text in double quotes, or in single ones where that saves backslashes."""
    plain = repr(text)
    if plain[0] == '"' or '"' in text:
        return plain
    return f'"{plain[1:-1]}"'
