"""Functions over lists and objects."""

from collections.abc import Mapping
from typing import Any, cast

from graphs.errors import ExpressionError
from graphs.language.functions.numbers import ordered
from graphs.language.functions.registry import a_list, an_object, named
from graphs.language.values import Budget, describe, dump, member, same


@named("len")
def _len(budget: Budget, value: Any) -> int:
    """How many characters, items or fields there are."""
    if isinstance(value, str | list | Mapping):
        return len(cast("list[Any]", value))
    raise ExpressionError(f"len() needs a text, a list or an object, not {describe(value)}")


@named("list")
def _as_list(budget: Budget, value: Any) -> list[Any]:
    """A text's characters, an object's keys, or the list itself."""
    if isinstance(value, str | list | Mapping):
        items = cast("list[Any]", value)
        budget.spend(len(items))
        return list(items)
    raise ExpressionError(f"{describe(value)} cannot be made a list")


@named("sorted")
def _sorted(budget: Budget, values: Any, key: Any = None, descending: Any = False) -> list[Any]:
    """A list in order; of objects by the field `key`; `descending=true` turns it round."""
    items = a_list(values, "sorted")
    keys = items if key is None else _pluck(budget, items, key)
    ordered(budget, keys, "sorted")
    order = sorted(range(len(items)), key=keys.__getitem__, reverse=bool(descending))
    return [items[place] for place in order]


@named("reversed")
def _reversed(budget: Budget, values: Any) -> Any:
    """A list or a text from back to front."""
    if not isinstance(values, str):
        budget.spend(len(a_list(values, "reversed")))
    budget.allocate(len(values))
    return values[::-1]


@named("keys")
def _keys(budget: Budget, value: Any) -> list[str]:
    """An object's field names."""
    budget.spend(len(an_object(value, "keys")))
    return list(value)


@named("values")
def _values(budget: Budget, value: Any) -> list[Any]:
    """An object's values."""
    budget.spend(len(an_object(value, "values")))
    return list(value.values())


@named("items")
def _items(budget: Budget, value: Any) -> list[Any]:
    """An object's fields as `[name, value]` pairs."""
    budget.spend(2 * len(an_object(value, "items")))
    return [[name, part] for name, part in value.items()]


@named("contains")
def _contains(budget: Budget, whole: Any, part: Any) -> bool:
    """Whether a text has the part, a list the item, or an object the field."""
    return contains(budget, whole, part)


def contains(budget: Budget, whole: Any, part: Any) -> bool:
    """`part in whole`, charged."""
    if isinstance(whole, str) and isinstance(part, str):
        budget.spend(1 + (len(whole) >> 3))
        return part in whole
    if isinstance(whole, list):
        items = cast("list[Any]", whole)
        budget.spend(len(items))
        return any(same(item, part, budget) for item in items)
    if isinstance(whole, Mapping) and isinstance(part, str):
        return part in cast("Mapping[str, Any]", whole)
    raise ExpressionError(f"{describe(part)} cannot be looked for in {describe(whole)}")


@named("default")
def _default(budget: Budget, value: Any, fallback: Any) -> Any:
    """The value, or `fallback` when it is null or missing."""
    return fallback if value is None else value


@named("get")
def _get(budget: Budget, value: Any, key: Any, fallback: Any = None) -> Any:
    """A field of an object or an item of a list, or `fallback` when it is not there."""
    if isinstance(value, Mapping):
        return cast("Mapping[Any, Any]", value).get(key, fallback) if _key(key) else fallback
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return items[key] if type(key) is int and -len(items) <= key < len(items) else fallback
    return fallback


def _key(value: Any) -> bool:
    return isinstance(value, str | int | float | None)


@named("first")
def _first(budget: Budget, values: Any) -> Any:
    """The first item of a list or character of a text; null when empty."""
    return None if not values else member(values, 0)


@named("last")
def _last(budget: Budget, values: Any) -> Any:
    """The last item of a list or character of a text; null when empty."""
    return None if not values else member(values, -1)


@named("unique")
def _unique(budget: Budget, values: Any) -> list[Any]:
    """A list without repeated items."""
    budget.spend(2 * len(a_list(values, "unique")))
    seen: dict[Any, Any] = {}
    for value in values:
        if isinstance(value, list | dict):
            budget.measure(value)
            seen.setdefault((True, dump(value)), value)
        else:
            seen.setdefault((type(value) is bool, value), value)
    return list(seen.values())


@named("pluck")
def _pluck(budget: Budget, values: Any, key: Any) -> list[Any]:
    """One field of every object in a list."""
    budget.spend(len(a_list(values, "pluck")))
    return [member(value, key) for value in values]


@named("flatten")
def _flatten(budget: Budget, values: Any) -> list[Any]:
    """A list of lists as one list, one level deep."""
    flat: list[Any] = []
    for value in a_list(values, "flatten"):
        part = cast("list[Any]", value) if isinstance(value, list) else [value]
        budget.spend(1 + len(part))
        flat.extend(part)
    return flat


@named("any")
def _any(budget: Budget, values: Any) -> bool:
    """Whether any item of the list is true."""
    budget.spend(len(a_list(values, "any")))
    return any(values)


@named("all")
def _all(budget: Budget, values: Any) -> bool:
    """Whether all items of the list are true."""
    budget.spend(len(a_list(values, "all")))
    return all(values)
