"""Ids and names that are free and read well in expressions."""

import re
from collections.abc import Iterable


def slug(name: str, otherwise: str) -> str:
    stem = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()[:60]
    if not stem:
        return otherwise
    return f"n{stem}" if stem[0].isdigit() else stem


def fresh(stem: str, used: Iterable[str]) -> str:
    taken = set(used)
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name
