"""Closures that make or cut lists and objects: literals, slices and comprehensions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from graphs.errors import ExpressionError
from graphs.language.frame import Evaluate, Frame
from graphs.language.values import describe

_ABSENT: Any = object()


class Loop(Struct, frozen=True):
    """One `for … in … if …` of a comprehension. `unpack`: each item is a list of the targets."""

    targets: tuple[str, ...]
    unpack: bool
    values: Evaluate
    tests: tuple[Evaluate, ...]


def make_list(parts: Sequence[tuple[bool, Evaluate]]) -> Evaluate:
    """`[a, *b]`; each part says whether it is starred."""

    def make(frame: Frame) -> list[Any]:
        made: list[Any] = []
        for starred, part in parts:
            if starred:
                more = items_of(part(frame))
                frame.spend(len(more))
                made.extend(more)
            else:
                made.append(part(frame))
        frame.spend(1 + (len(made) >> 3))
        return made

    return make


def make_object(parts: Sequence[tuple[Evaluate | None, Evaluate]]) -> Evaluate:
    """`{"a": b, **c}`; the key of `**c` is None."""

    def make(frame: Frame) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, part in parts:
            value = part(frame)
            if key is not None:
                made[_field_name(key(frame))] = value
            elif isinstance(value, Mapping):
                fields = cast("Mapping[str, Any]", value)
                frame.spend(len(fields))
                made.update(fields)
            else:
                raise ExpressionError(f"** needs an object, not {describe(value)}")
        return made

    return make


def make_cut(of: Evaluate, bounds: Sequence[Evaluate | None]) -> Evaluate:
    """`of[from:to:step]`."""

    def cut(frame: Frame) -> Any:
        value = of(frame)
        if value is None:
            return None
        numbers = [None if bound is None else bound(frame) for bound in bounds]
        if not isinstance(value, str | list):
            raise ExpressionError(f"[from:to] cuts a text or a list, not {describe(value)}")
        if any(part is not None and type(part) is not int for part in numbers) or numbers[2] == 0:
            raise ExpressionError("[from:to:step] needs whole numbers and a step other than 0")
        whole = cast("list[Any]", value)
        where = slice(*numbers)
        size = len(range(*where.indices(len(whole))))
        frame.allocate(size)
        frame.spend(1 + (size >> 6))
        return whole[where]

    return cut


def list_comprehension(loops: Sequence[Loop], element: Evaluate, weight: int) -> Evaluate:
    """`[element for …]`; every turn costs `weight` steps."""

    def comprehend(frame: Frame) -> list[Any]:
        made: list[Any] = []
        _turn(frame, loops, 0, weight, lambda: made.append(element(frame)))
        return made

    return comprehend


def object_comprehension(
    loops: Sequence[Loop], key: Evaluate, value: Evaluate, weight: int
) -> Evaluate:
    """`{key: value for …}`; every turn costs `weight` steps."""

    def comprehend(frame: Frame) -> dict[str, Any]:
        made: dict[str, Any] = {}

        def add() -> None:
            made[_field_name(key(frame))] = value(frame)

        _turn(frame, loops, 0, weight, add)
        return made

    return comprehend


def _turn(
    frame: Frame, loops: Sequence[Loop], depth: int, weight: int, act: Callable[[], None]
) -> None:
    if depth == len(loops):
        act()
        return
    loop = loops[depth]
    variables = frame.locals
    saved = [variables.get(target, _ABSENT) for target in loop.targets]
    try:
        for item in items_of(loop.values(frame)):
            frame.spend(weight)
            _bind(loop, item, variables)
            if all(test(frame) for test in loop.tests):
                _turn(frame, loops, depth + 1, weight, act)
    finally:
        for target, value in zip(loop.targets, saved, strict=True):
            if value is not _ABSENT:
                variables[target] = value


def _bind(loop: Loop, item: Any, variables: dict[str, Any]) -> None:
    if not loop.unpack:
        variables[loop.targets[0]] = item
        return
    if not isinstance(item, list) or len(cast("list[Any]", item)) != len(loop.targets):
        raise ExpressionError(f"{', '.join(loop.targets)} need lists of {len(loop.targets)} items")
    variables.update(zip(loop.targets, cast("list[Any]", item), strict=True))


def items_of(value: Any) -> list[Any]:
    """What `for` goes through: a list's items or an object's field names."""
    if isinstance(value, list):
        return cast("list[Any]", value)
    if isinstance(value, Mapping):
        return list(cast("Mapping[str, Any]", value))
    hint = "; write default([]) where it may be missing" if value is None else ""
    raise ExpressionError(f"for and * go through a list, not {describe(value)}{hint}")


def _field_name(key: Any) -> str:
    if not isinstance(key, str):
        raise ExpressionError(f"a field's name must be a text, not {describe(key)}")
    return key
