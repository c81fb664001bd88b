"""The workflows that a drawing calls: whether they exist is for the tenant's database to say."""

from collections.abc import Iterator

from backend.actor import Actor
from backend.errors import Invalid
from backend.workflows import definitions, store
from graphs.definition import Definition, walk
from graphs.errors import DefinitionError, Problem
from graphs.problems import ProblemCode

CALLER = "workflow"
"""The node type that calls another workflow."""


async def problems_of(actor: Actor, definition: Definition) -> list[Problem]:
    """Everything that keeps the definition from running, calls that lead nowhere included."""
    return [*definitions.problems_of(definition), *await unknown(actor, definition)]


async def require_valid(actor: Actor, definition: Definition) -> None:
    """Raises Invalid with every problem and its node."""
    problems = await problems_of(actor, definition)
    if problems:
        raise Invalid.definition(DefinitionError(problems))


async def require_known(actor: Actor, definition: Definition) -> None:
    """Raises Invalid with every call of a workflow that there is not."""
    problems = await unknown(actor, definition)
    if problems:
        raise Invalid.definition(DefinitionError(problems))


async def unknown(actor: Actor, definition: Definition) -> list[Problem]:
    """The calls of workflows that the tenant does not have."""
    found: list[Problem] = []
    for node_id, pointer, reference in _calls(definition):
        if await store.find_or_none(actor, reference) is None:
            detail = f"{node_id!r} calls the workflow {reference!r}, which does not exist"
            found.append(Problem(node_id, pointer, ProblemCode.WORKFLOW_UNKNOWN, detail))
    return found


def _calls(definition: Definition) -> Iterator[tuple[str, str, str]]:
    for node, pointer in walk(definition):
        reference = node.params.get("workflow_id")
        if node.type == CALLER and not node.disabled and isinstance(reference, str) and reference:
            yield node.id, f"{pointer}/params/workflow_id", reference
