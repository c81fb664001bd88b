"""Finds everything wrong with a JSON body, where msgspec stops at the first error."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args, get_origin

import msgspec
from msgspec import Struct, UnsetType
from msgspec.structs import FieldInfo, fields

from backend.errors import FieldError

_LOCATION = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_LIMIT = 50


def body_errors(value: Any, body_type: Any) -> list[FieldError]:
    """What keeps `value` from being a `body_type`, at most the first fifty."""
    found = _errors(value, body_type, "")
    return [error for error, _ in zip(found, range(_LIMIT), strict=False)]


def _errors(value: Any, kind: Any, pointer: str) -> Iterator[FieldError]:
    alternatives = [arg for arg in _alternatives(kind) if arg not in (type(None), UnsetType)]
    if len(alternatives) == 1:
        inner = alternatives[0]
        if _is_struct(inner) and isinstance(value, Mapping):
            yield from _struct_errors(cast("Mapping[str, Any]", value), inner, pointer)
            return
        items = get_args(inner)
        if get_origin(inner) in (list, Sequence) and isinstance(value, list):
            for index, item in enumerate(cast("list[Any]", value)):
                yield from _errors(item, items[0], f"{pointer}/{index}")
            return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        yield _from_message(str(error), pointer)


def _struct_errors(
    value: Mapping[str, Any], struct: type[Struct], pointer: str
) -> Iterator[FieldError]:
    known = {info.encode_name: info for info in fields(struct)}
    if struct.__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in known and name != struct.__struct_config__.tag_field:
                yield FieldError(
                    f"{pointer}/{_escape(name)}", "unknown_field", f"There is no field {name!r}."
                )
    for name, info in known.items():
        if name in value:
            yield from _errors(value[name], info.type, f"{pointer}/{_escape(name)}")
        elif _required(info):
            yield FieldError(
                f"{pointer}/{_escape(name)}", "missing", f"The field {name!r} is missing."
            )


def _from_message(message: str, pointer: str) -> FieldError:
    location = _LOCATION.search(message)
    detail = _LOCATION.sub("", message)
    if location is not None:
        for step in _STEP.finditer(location["path"]):
            pointer += f"/{_escape(step['name'] or step['index'])}"
    name = pointer.rsplit("/", 1)[-1]
    return FieldError(pointer, "invalid", f"{name}: {detail}" if name else detail)


def _alternatives(kind: Any) -> tuple[Any, ...]:
    origin = get_origin(kind)
    if origin is None or origin in (list, Sequence, dict, Mapping, tuple, set):
        return (kind,)
    return get_args(kind) if _is_union(origin) else (kind,)


def _is_union(origin: Any) -> bool:
    return getattr(origin, "__name__", "") in ("UnionType", "Union")


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _required(info: FieldInfo) -> bool:
    return info.default is msgspec.NODEFAULT and info.default_factory is msgspec.NODEFAULT


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
