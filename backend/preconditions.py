"""Strong ETags from revisions, and the If-Match that a change of them must carry."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from backend.errors import BadRequest, PreconditionFailed, PreconditionRequired

_TAG = re.compile(r'\s*(W/)?"([^"]*)"\s*(?:,|$)')


def etag(revision: int) -> str:
    """The strong ETag of a revision, quotes included."""
    return f'"{revision}"'


class IfMatch(Struct, frozen=True):
    """The states that a change may start from; None stands for any."""

    revisions: frozenset[int] | None = None

    @classmethod
    def parse(cls, header: str | None) -> "IfMatch":
        """From the header. Raises PreconditionRequired without one, BadRequest for nonsense."""
        if header is None or not header.strip():
            raise PreconditionRequired("Send the ETag of the state you have seen in If-Match.")
        if header.strip() == "*":
            return ANY
        tags: list[tuple[str, str]] = []
        end = 0
        while end < len(header):
            match = _TAG.match(header, end)
            if match is None:
                raise BadRequest('If-Match must be an ETag in quotes, such as "7".')
            tags.append((match[1] or "", match[2]))
            end = match.end()
        # A weak tag never matches strongly (RFC 9110, 13.1.1), nor does one that we never gave.
        return cls(frozenset(int(tag) for weak, tag in tags if not weak and _given(tag)))

    def check(self, revision: int, extra: Mapping[str, Any] | None = None) -> None:
        """Raises PreconditionFailed, with the current ETag and revision, unless it matches."""
        if self.revisions is not None and revision not in self.revisions:
            raise PreconditionFailed(
                f"It has changed in the meantime; its revision is now {revision}.",
                extra={"etag": etag(revision), "revision": revision, **(extra or {})},
                headers={"ETag": etag(revision)},
            )


ANY = IfMatch()
"""For callers that change whatever is there now."""


def _given(tag: str) -> bool:
    return tag.isascii() and tag.isdigit() and len(tag) < 10
