"""Pages of lists that are paged by position: rows of tables, files of folders, node types."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from backend.errors import Invalid
from backend.pagination import Page, PageRequest, parse_sort

MAX_OFFSET = 2**53

T = TypeVar("T")


class ListPlace(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page ended, of which list: what was searched for, in which order."""

    offset: int
    listed: str


def encode_offset(offset: int, listed: str) -> str:
    """The opaque text of a position."""
    raw = msgspec.json.encode(ListPlace(offset, listed))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_offset(cursor: str | None, listed: str) -> int:
    """The position of a cursor made for the same list; 0 without one. Raises Invalid."""
    if cursor is None:
        return 0
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        position = msgspec.json.decode(raw, type=ListPlace)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _bad_cursor() from error
    if position.listed != listed or not 0 <= position.offset <= MAX_OFFSET:
        raise _bad_cursor()
    return position.offset


def page_of(
    items: Sequence[T], page: PageRequest, sorts: Mapping[str, Callable[[T], Any]]
) -> Page[T]:
    """One page of a list that is at hand, in its own order unless one of `sorts` is asked for.

    Raises Invalid.
    """
    if page.sort is not None:
        sort = parse_sort(page.sort, dict.fromkeys(sorts, ""), page.sort)
        items = sorted(items, key=sorts[sort.field], reverse=sort.descending)
    return slice_of(items, page, page.sort or "")


def slice_of(items: Sequence[T], page: PageRequest, listed: str) -> Page[T]:
    """One page of a list that is at hand and in order; `listed` says which. Raises Invalid."""
    offset = decode_offset(page.cursor, listed)
    after = offset + page.limit
    cursor = encode_offset(after, listed) if after < len(items) else None
    return Page(list(items[offset:after]), cursor, len(items))


def _bad_cursor() -> Invalid:
    return Invalid.field(
        "?cursor", "invalid_cursor", "The cursor is not one of this list and this sort."
    )
