"""Workflows: create, find, edit, validate, copy, delete; the one door for API, pages and runs."""

# Piccolo's queries are generic over an unbound table type.
# pyright: reportUnknownMemberType=false

import asyncio
from typing import Any

import msgspec

from backend.actor import Actor, Role
from backend.database import UNIQUE_VIOLATIONS
from backend.errors import Conflict, Invalid
from backend.preconditions import ANY, IfMatch
from backend.workflows import calls, definitions, store
from backend.workflows.executables import Executable, resolve, run_settings
from backend.workflows.gallery import load_examples, template, templates, use_template
from backend.workflows.interchange import Document, Format, write
from backend.workflows.listing import WorkflowFilter, list_workflows
from backend.workflows.schemas import (
    BulkDeleted,
    CreateWorkflow,
    DraftSaved,
    ExtractSteps,
    InputResult,
    UpdateWorkflow,
    Validation,
    ValidationResult,
    WorkflowView,
)
from backend.workflows.slugs import slugify
from backend.workflows.tables import Workflow
from backend.workflows.versions import (
    Published,
    Selector,
    activate,
    compare_versions,
    definition_of,
    delete_version,
    get_version,
    list_versions,
    publish,
    restore_version,
    rollback,
)
from graphs.definition import Definition, Node
from graphs.errors import SelectionError
from graphs.events import now
from graphs.extraction.extract import Extraction, extract
from graphs.validate import check_inputs

__all__ = [
    "Executable",
    "IfMatch",
    "Published",
    "Selector",
    "WorkflowFilter",
    "activate",
    "bulk_delete",
    "compare_versions",
    "create",
    "definition_by_hash",
    "delete",
    "delete_version",
    "duplicate",
    "export",
    "export_program",
    "extract_steps",
    "get",
    "get_version",
    "import_document",
    "input_schema",
    "list_versions",
    "list_workflows",
    "load_examples",
    "publish",
    "put_draft",
    "resolve",
    "restore",
    "restore_version",
    "rollback",
    "run_settings",
    "template",
    "templates",
    "update",
    "use_template",
    "validate",
    "validate_input",
]

EMPTY = Definition(
    inputs={"type": "object", "properties": {}},
    nodes=[Node(id="start", type="start", name="Start")],
)
"""The draft of a workflow that is created without one."""

definition_by_hash = definitions.by_hash
"""A frozen definition by tenant id and hash, cached. Raises NotFound."""


async def create(actor: Actor, request: CreateWorkflow) -> WorkflowView:
    """A new workflow with a draft. Raises Invalid for problems unless told not to validate."""
    actor.require(Role.EDITOR)
    definition = EMPTY if request.definition is None else request.definition
    return await _create(
        actor,
        Document(
            name=request.name,
            description=request.description,
            category=request.category,
            tags=request.tags,
            definition=definition,
        ),
        request.validate,
    )


async def import_document(
    actor: Actor, document: Document, validation: Validation = Validation.NONE
) -> WorkflowView:
    """A new workflow from an exported one."""
    actor.require(Role.EDITOR)
    return await _create(actor, document, validation)


async def duplicate(actor: Actor, reference: str, name: str | None = None) -> WorkflowView:
    """A new workflow with the same draft; versions and runs stay with the original."""
    actor.require(Role.EDITOR)
    row = await store.find(actor, reference)
    document = _document(row, row.definition)
    copy = msgspec.structs.replace(document, name=name or f"{row.name[:190]} (copy)")
    return await _create(actor, copy, Validation.NONE)


async def get(actor: Actor, reference: str) -> WorkflowView:
    """A workflow with its draft, by id or slug. Raises NotFound."""
    return (await store.find(actor, reference)).view()


async def update(
    actor: Actor, reference: str, changes: UpdateWorkflow, if_match: IfMatch = ANY
) -> WorkflowView:
    """Change the name, description, tags, category, status or run settings; the slug stays."""
    actor.require(Role.EDITOR)
    given = {
        name: value
        for name, value in msgspec.structs.asdict(changes).items()
        if value is not msgspec.UNSET
    }
    return (await store.change(actor, reference, if_match, store.details(given))).view()


async def put_draft(
    actor: Actor, reference: str, definition: Definition, if_match: IfMatch = ANY
) -> DraftSaved:
    """Save the drawing, also one with problems, which are told. Raises PreconditionFailed."""
    actor.require(Role.EDITOR)
    row = await store.change(actor, reference, if_match, store.drawing(definition))
    return DraftSaved(
        id=row.id,
        revision=row.revision,
        definition_hash=row.definition_hash,
        updated_at=row.updated_at,
        problems=await calls.problems_of(actor, definition),
    )


async def validate(
    actor: Actor, reference: str, definition: Definition | None = None
) -> ValidationResult:
    """What keeps the draft, or the given definition in its place, from running."""
    row = await store.find(actor, reference)
    problems = await calls.problems_of(actor, row.definition if definition is None else definition)
    return ValidationResult(valid=not problems, problems=problems)


async def extract_steps(actor: Actor, reference: str, request: ExtractSteps) -> Extraction:
    """Some steps as a workflow of their own, and what is left; nothing is saved.

    Raises Invalid with every reason why these steps cannot be one.
    """
    actor.require(Role.EDITOR)
    row = await store.find(actor, reference)
    definition = row.definition if request.definition is None else request.definition
    try:
        return await asyncio.to_thread(
            extract, definition, request.node_ids, request.name, request.inputs
        )
    except SelectionError as error:
        raise Invalid.selection(error) from None


async def delete(actor: Actor, reference: str, if_match: IfMatch = ANY) -> None:
    """Delete softly: it can be restored, its runs stay, its slug becomes free."""
    actor.require(Role.EDITOR)
    await store.change(actor, reference, if_match, {"deleted_at": now()})


async def bulk_delete(actor: Actor, references: list[str]) -> BulkDeleted:
    """Delete all of these that exist."""
    actor.require(Role.EDITOR)
    deleted: list[str] = []
    not_found: list[str] = []
    for reference in dict.fromkeys(references):
        row = await store.find_or_none(actor, reference)
        if row is None:
            not_found.append(reference)
        else:
            await store.change(actor, row.id, ANY, {"deleted_at": now()})
            deleted.append(row.id)
    return BulkDeleted(deleted=deleted, not_found=not_found)


async def restore(actor: Actor, reference: str) -> WorkflowView:
    """Bring a deleted workflow back; a slug taken in the meantime gets a number."""
    actor.require(Role.EDITOR)
    row = await store.find(actor, reference, deleted=True)
    for _ in range(3):
        slug = await store.free_slug(actor.tenant_id, row.slug)
        try:
            await Workflow.update(
                {
                    "deleted_at": None,
                    "slug": slug,
                    "revision": row.revision + 1,
                    "updated_at": now(),
                }
            ).where(Workflow.id == row.id, Workflow.deleted_at.is_not_null())
        except UNIQUE_VIOLATIONS:
            continue
        return await get(actor, row.id)
    raise Conflict("Its slug is being taken again and again; try later.")


async def export(actor: Actor, reference: str, version: Selector = "draft") -> Document:
    """A workflow as a document, without anything of the place that it comes from."""
    row = await store.find(actor, reference)
    definition, _ = await definition_of(row, version)
    return _document(row, definition)


async def export_program(
    actor: Actor, reference: str, version: Selector = "draft"
) -> tuple[str, bytes]:
    """A workflow as a Python program, with the name of its file. Raises Invalid."""
    document = await export(actor, reference, version)
    return f"{slugify(document.name)}.py", await asyncio.to_thread(write, document, Format.PYTHON)


async def input_schema(
    actor: Actor, reference: str, version: Selector | None = None
) -> dict[str, Any]:
    """The JSON Schema of a run's inputs; by default of what a run would execute."""
    row = await store.find(actor, reference)
    if version is None:
        version = "draft" if row.active_version is None else "active"
    definition, _ = await definition_of(row, version)
    return {"type": "object", "properties": {}, **definition.inputs}


async def validate_input(
    actor: Actor, reference: str, inputs: dict[str, Any], version: Selector | None = None
) -> InputResult:
    """Whether a run would take these inputs, and what it would make of them."""
    filled, problems = check_inputs(await input_schema(actor, reference, version), inputs)
    return InputResult(
        valid=not problems,
        problems=problems,
        inputs=filled,
    )


async def _create(actor: Actor, document: Document, validation: Validation) -> WorkflowView:
    if validation is Validation.STRICT:
        await calls.require_valid(actor, document.definition)
    row = await store.insert(
        actor,
        name=document.name,
        description=document.description,
        category=document.category,
        tags=document.tags,
        definition=document.definition,
    )
    return row.view(await calls.problems_of(actor, document.definition))


def _document(row: store.Row, definition: Definition) -> Document:
    summary = row.summary()
    return Document(
        name=summary.name,
        description=summary.description,
        category=summary.category,
        tags=summary.tags,
        definition=definition,
    )
