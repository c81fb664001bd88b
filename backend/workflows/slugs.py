"""Slugs: the short readable names of workflows in addresses, unique per tenant, never changed."""

import re
import unicodedata
from collections.abc import Collection
from itertools import count

LONGEST = 80
RESERVED = frozenset({"bulk-delete", "import", "new", "templates"})
"""What stands in the place of an id in paths."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(reference: str) -> bool:
    """Whether it has the form of an id; no slug has."""
    return _UUID.fullmatch(reference) is not None


def slugify(name: str) -> str:
    """Letters and digits of ASCII, joined by hyphens; `workflow` when nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = plain.replace("'", "")
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST].strip("-") or "workflow"
    return f"workflow-{slug}" if slug in RESERVED or is_id(slug) else slug


def free(slug: str, taken: Collection[str]) -> str:
    """The slug itself, or with the first number from 2 on that nobody has."""
    if slug not in taken:
        return slug
    return next(candidate for number in count(2) if (candidate := f"{slug}-{number}") not in taken)
