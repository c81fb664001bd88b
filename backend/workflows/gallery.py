"""The templates: ready-made workflows, one YAML document each; the examples of a first start."""

# Piccolo's queries are generic over an unbound table type.
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from backend.actor import Actor, Role
from backend.errors import NotFound
from backend.workflows import definitions, store
from backend.workflows.interchange import Document, Format, read
from backend.workflows.previews import sketch
from backend.workflows.schemas import (
    PublishVersion,
    TemplateView,
    UseTemplate,
    WorkflowView,
)
from backend.workflows.tables import Workflow
from backend.workflows.versions import publish
from backend.workspaces import service as workspaces

FOLDER = Path(__file__).parent / "templates"
FIRST = "first-steps"


@cache
def documents() -> Mapping[str, Document]:
    """Every template by its name, which is its file's."""
    return MappingProxyType(
        {path.stem: read(path.read_bytes(), Format.YAML) for path in sorted(FOLDER.glob("*.yaml"))}
    )


def templates() -> list[TemplateView]:
    """The gallery: the one to begin with, then by title."""
    views = [_view(name, document) for name, document in documents().items()]
    return sorted(views, key=lambda view: (view.name != FIRST, view.title.casefold()))


def template(name: str) -> Document:
    """One template's document. Raises NotFound."""
    if name not in documents():
        raise NotFound("There is no such template.", code="template_not_found")
    return documents()[name]


async def use_template(actor: Actor, name: str, request: UseTemplate) -> WorkflowView:
    """A new workflow from a template; its draft is ready to run. Raises NotFound."""
    actor.require(Role.EDITOR)
    row = await _insert(actor, template(name), request.name)
    await workspaces.add_samples(actor.tenant_id)
    return row.view(definitions.problems_of(row.definition))


async def load_examples(actor: Actor) -> int:
    """Make and publish a workflow of every template, unless the tenant ever had one.

    Returns how many were made.
    """
    actor.require(Role.EDITOR)
    if await Workflow.exists().where(Workflow.tenant_id == actor.tenant_id):
        return 0
    await workspaces.add_samples(actor.tenant_id)
    # The gallery's first ends up as the newest, and so first in the list.
    for view in reversed(templates()):
        row = await _insert(actor, template(view.name), None)
        await publish(actor, row.id, PublishVersion(description="The example as it comes"))
    return len(documents())


async def _insert(actor: Actor, document: Document, name: str | None) -> store.Row:
    return await store.insert(
        actor,
        name=name or document.name,
        description=document.description,
        category=document.category,
        tags=document.tags,
        definition=document.definition,
    )


def _view(name: str, document: Document) -> TemplateView:
    drawn = sketch(document.definition)
    return TemplateView(
        name=name,
        title=document.name,
        description=document.description,
        category=document.category,
        tags=document.tags,
        node_count=drawn.node_count,
        preview=drawn.preview,
    )
