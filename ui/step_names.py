"""What people call the steps of a drawing: their names instead of their ids."""

import re
from collections.abc import Mapping

from graphs.definition import Definition, Node, walk
from graphs.registry import registry

_QUOTED = re.compile(r"'([A-Za-z0-9_.-]{1,100})'")


def title_of(node: Node) -> str:
    """The name that somebody gave it, or else its type's."""
    kind = registry().get(node.type)
    return node.name or (kind.title if kind is not None else node.id)


def titles(*definitions: Definition) -> dict[str, str]:
    """The title of every step by id; what an earlier drawing says wins."""
    found: dict[str, str] = {}
    for definition in definitions:
        for node, _ in walk(definition):
            found.setdefault(node.id, title_of(node))
    return found


def with_titles(sentence: str, known: Mapping[str, str]) -> str:
    """The sentence of a problem, in which the ids it quotes have become titles."""
    return _QUOTED.sub(
        lambda found: f"“{known[found[1]]}”" if found[1] in known else found[0], sentence
    )
