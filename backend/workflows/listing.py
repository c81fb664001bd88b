"""The list of workflows: filters, sorts, and what it tells of each without reading drafts."""

from typing import Any

import msgspec
from msgspec import Struct

from backend.actor import Actor
from backend.errors import Invalid
from backend.pagination import Page, PageRequest, paginate
from backend.workflows.previews import Sketch
from backend.workflows.schemas import WorkflowItem, WorkflowStatus
from backend.workflows.store import SUMMARY, summary_fields

Condition = tuple[str, tuple[Any, ...]]

SORTS = {
    "created_at": "id",
    "updated_at": "updated_at",
    "name": "lower(name)",
}
"""Ids are UUIDv7: in the order of creation."""

STATUSES = {
    WorkflowStatus.DRAFT: "status <> 'archived' AND active_version IS NULL",
    WorkflowStatus.ACTIVE: "status = 'active' AND active_version IS NOT NULL",
    WorkflowStatus.INACTIVE: "status = 'inactive' AND active_version IS NOT NULL",
    WorkflowStatus.ARCHIVED: "status = 'archived'",
}


class WorkflowFilter(Struct, frozen=True, kw_only=True):
    """Which workflows; all that is given must hold. Without a status: all but the deleted."""

    search: str | None = None
    tag: str | None = None
    category: str | None = None
    status: WorkflowStatus | None = None


async def list_workflows(
    actor: Actor, filters: WorkflowFilter | None = None, page: PageRequest | None = None
) -> Page[WorkflowItem]:
    """A page of the tenant's workflows. Raises Invalid for an unknown sort."""
    return await paginate(
        page or PageRequest(),
        source="workflow",
        columns=(*SUMMARY, "preview"),
        where=[("tenant_id = ?", (actor.tenant_id,)), *_conditions(filters or WorkflowFilter())],
        sorts=SORTS,
        default_sort="-created_at",
        to=_item,
    )


def _conditions(filters: WorkflowFilter) -> list[Condition]:
    gone = filters.status is WorkflowStatus.DELETED
    found: list[Condition] = [(f"deleted_at IS {'NOT ' if gone else ''}NULL", ())]
    if filters.status is not None and not gone:
        found.append((STATUSES[filters.status], ()))
    if filters.category:
        found.append(("category = ?", (_text("category", filters.category),)))
    if filters.tag:
        quoted = msgspec.json.encode(_text("tag", filters.tag)).decode()
        # Not LIKE, which ignores case on one of the two databases.
        found.append(("replace(tags, ?, '') <> tags", (quoted,)))
    for word in _text("search", filters.search or "").casefold().split():
        found.append(("search_text LIKE ? ESCAPE '\\'", (f"%{_literal(word)}%",)))
    return found


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _text(name: str, value: str) -> str:
    if "\0" in value:
        raise Invalid.field(f"?{name}", "invalid_parameter", f"{name} must not hold NUL.")
    return value


def _item(row: dict[str, Any]) -> WorkflowItem:
    drawn = msgspec.json.decode(row["preview"], type=Sketch)
    return WorkflowItem(**summary_fields(row), node_count=drawn.node_count, preview=drawn.preview)
