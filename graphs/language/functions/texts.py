"""Functions over texts, JSON texts included."""

from typing import Any
from urllib.parse import quote

from graphs.errors import ExpressionBudgetError, ExpressionError
from graphs.json_numbers import decode_json
from graphs.language.functions.registry import a_list, a_text, a_whole_number, named
from graphs.language.values import MAX_CELLS, Budget, as_text, dump


@named("str")
def _str(budget: Budget, value: Any) -> str:
    """The value as text; lists and objects as JSON, null as an empty text."""
    return as_text(value, budget)


@named("upper")
def _upper(budget: Budget, text: Any) -> str:
    """In capitals."""
    budget.allocate(len(a_text(text, "upper")))
    return text.upper()


@named("lower")
def _lower(budget: Budget, text: Any) -> str:
    """In small letters."""
    budget.allocate(len(a_text(text, "lower")))
    return text.lower()


@named("title")
def _title(budget: Budget, text: Any) -> str:
    """Each Word With A Capital."""
    budget.allocate(len(a_text(text, "title")))
    return text.title()


@named("trim")
def _trim(budget: Budget, text: Any) -> str:
    """Without white space at both ends."""
    budget.allocate(len(a_text(text, "trim")))
    return text.strip()


@named("truncate")
def _truncate(budget: Budget, text: Any, length: Any, end: Any = "…") -> str:
    """At most `length` characters; `end` is put where something was cut off."""
    size = max(0, a_whole_number(length, "truncate"))
    tail = a_text(end, "truncate")
    if len(a_text(text, "truncate")) <= size:
        return text
    budget.allocate(size + len(tail))
    return text[: max(0, size - len(tail))] + tail[:size]


@named("split")
def _split(budget: Budget, text: Any, separator: Any = None) -> list[str]:
    """A text cut at each separator; without one, at white space."""
    if separator is not None and not a_text(separator, "split"):
        raise ExpressionError("split() needs a separator that is not empty")
    budget.spend(1 + (len(a_text(text, "split")) >> 2))
    budget.allocate(len(text))
    return text.split(separator)


@named("join")
def _join(budget: Budget, values: Any, separator: Any = "") -> str:
    """The items of a list as one text, with the separator between them."""
    budget.spend(len(a_list(values, "join")))
    texts = [as_text(value, budget) for value in values]
    budget.allocate(sum(map(len, texts)) + len(a_text(separator, "join")) * max(0, len(texts) - 1))
    return separator.join(texts)


@named("replace")
def _replace(budget: Budget, text: Any, old: Any, new: Any) -> str:
    """Every `old` in the text replaced by `new`."""
    if not a_text(old, "replace"):
        raise ExpressionError("replace() needs a text to look for that is not empty")
    budget.spend(1 + (len(a_text(text, "replace")) >> 4))
    budget.allocate(len(text) + text.count(old) * len(a_text(new, "replace")))
    return text.replace(old, new)


@named("startswith")
def _startswith(budget: Budget, text: Any, start: Any) -> bool:
    """Whether the text begins so."""
    budget.spend(1 + (len(a_text(start, "startswith")) >> 6))
    return a_text(text, "startswith").startswith(start)


@named("endswith")
def _endswith(budget: Budget, text: Any, end: Any) -> bool:
    """Whether the text ends so."""
    budget.spend(1 + (len(a_text(end, "endswith")) >> 6))
    return a_text(text, "endswith").endswith(end)


@named("to_json")
def _to_json(budget: Budget, value: Any) -> str:
    """The value as JSON text."""
    budget.measure(value)
    return dump(value)


@named("from_json")
def _from_json(budget: Budget, text: Any) -> Any:
    """The value that a JSON text describes."""
    budget.spend(1 + (len(a_text(text, "from_json")) >> 2))
    if len(text) > MAX_CELLS:
        raise ExpressionBudgetError("this JSON is too long")
    try:
        return decode_json(text.encode())
    except (ValueError, RecursionError) as error:
        raise ExpressionError(f"this text is no JSON: {error}") from None


@named("url_encode")
def _url_encode(budget: Budget, value: Any) -> str:
    """The value as a part of a web address."""
    text = as_text(value, budget)
    budget.spend(1 + (len(text) >> 2))
    budget.allocate(3 * len(text))
    return quote(text, safe="")
