"""Makes an expression's text digestible for Python's parser without moving a character.

Line breaks outside texts become spaces, and a keyword after a dot (`input.from`, `steps.if`)
becomes a name: its first letter is swapped for a stand-in that `restore` swaps back.
"""

import keyword
import re

from graphs.errors import ExpressionError

_TOKENS = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    rf"""|\.(?P<space>\s*)(?P<keyword>{"|".join(keyword.kwlist)})(?!\w)|(?P<break>[\n\r\f\t])""",
    re.DOTALL,
)
_STAND_IN = 0x4E00
"""Added to a letter's code: the result may begin a name and NFKC leaves it alone."""


def prepare(source: str) -> str:
    """The text to parse, exactly as long as `source`."""
    return _TOKENS.sub(_replace, source)


def restore(name: str) -> str:
    """A name as it was written."""
    code = ord(name[0]) - _STAND_IN
    if 0 < code < 128 and keyword.iskeyword(original := chr(code) + name[1:]):
        return original
    return name


def _replace(match: re.Match[str]) -> str:
    word = match["keyword"]
    if word is not None:
        spaces = " " * len(match["space"])
        return f".{spaces}{chr(_STAND_IN + ord(word[0]))}{word[1:]}"
    return " " if match["break"] is not None else match[0]


_CLOSERS = {"{{": "}}", "${": "}"}
_OPEN, _CLOSE = "([{", ")]}"
_MARKS = re.compile(r"""["'()\[\]{}]""")
_OPENING = re.compile(r"\{\{|(?<!\\)\$\{(?!\{)")
"""The dollar of `${{ … }}` is a currency sign before `{{`, and that of `\\${` begins nothing."""

_TEXT = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)


def pieces(text: str) -> list[tuple[int, int, str]]:
    """The expressions of a text: where their braces begin and end, and what is between them.

    Braces inside texts and objects of an expression do not end it. Raises ExpressionError when
    one has no end.
    """
    found: list[tuple[int, int, str]] = []
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        closer = _CLOSERS[opening[0]]
        end = _end(text, opening.end(), closer)
        if end is None:
            raise ExpressionError(f"{opening[0]} is never closed with {closer}", opening.start())
        found.append((opening.start(), end, text[opening.end() : end - len(closer)]))
        position = end
    return found


def literal(text: str) -> str:
    """What stands between expressions, as it is written out: `\\${` is how `${` is meant itself."""
    return text.replace("\\${", "${")


def _end(text: str, position: int, closer: str) -> int | None:
    depth = 0
    while (mark := _MARKS.search(text, position)) is not None:
        position = mark.start()
        if depth == 0 and text.startswith(closer, position):
            return position + len(closer)
        if mark[0] in "\"'":
            whole = _TEXT.match(text, position)
            if whole is None:
                return None
            position = whole.end()
            continue
        depth = depth + 1 if mark[0] in _OPEN else max(0, depth - 1)
        position += 1
    return None
