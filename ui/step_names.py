"""What people call the steps of a drawing: their names instead of their ids."""

import re
from collections.abc import Mapping

from backend.runs.schemas import StepView
from graphs.definition import Definition, Node, walk
from graphs.registry import registry

_QUOTED = re.compile(r"(?<!setting )'([A-Za-z0-9_.-]{1,100})'")


def title_of(node: Node) -> str:
    """The name that somebody gave it, or else its type's."""
    kind = registry().get(node.type)
    return node.name or (kind.title if kind is not None else node.id)


def title_of_step(step: StepView) -> str:
    """The same of a step that was executed, from what its run has recorded."""
    if step.name is not None and step.name != step.node_id:
        return step.name
    kind = registry().get(step.node_type or "")
    return kind.title if kind is not None else step.node_id


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
