"""A workflow's row: find it, insert it under a free slug, change it unless somebody else has."""

# Piccolo's queries are generic over an unbound table type.
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from uuid_utils.compat import uuid4, uuid7

from backend.actor import Actor
from backend.database import UNIQUE_VIOLATIONS
from backend.errors import Conflict, NotFound
from backend.preconditions import IfMatch
from backend.workflows import definitions
from backend.workflows.previews import sketch
from backend.workflows.run_settings import settings_from
from backend.workflows.schemas import WorkflowStatus, WorkflowSummary, WorkflowView
from backend.workflows.slugs import free, is_id, slugify
from backend.workflows.tables import Workflow
from graphs.definition import Definition
from graphs.errors import Problem
from graphs.events import now

_ATTEMPTS = 5


class Row(Struct, frozen=True, kw_only=True):
    """A workflow as it is stored."""

    id: str
    tenant_id: str
    slug: str
    name: str
    description: str
    tags: str
    category: str
    status: WorkflowStatus
    draft: str
    revision: int
    active_version: int | None
    run_settings: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def definition(self) -> Definition:
        """The draft."""
        return definitions.decode(self.draft)

    @property
    def definition_hash(self) -> str:
        """The draft's fingerprint."""
        return definitions.hash_of(self.draft)

    def summary(self) -> WorkflowSummary:
        """Without the draft."""
        return WorkflowSummary(**summary_fields(msgspec.structs.asdict(self)))

    def view(self, problems: list[Problem] | None = None) -> WorkflowView:
        """With the draft, and with its problems where they are known."""
        return WorkflowView(
            **summary_fields(msgspec.structs.asdict(self)),
            definition=self.definition,
            definition_hash=self.definition_hash,
            run_settings=settings_from(self.run_settings),
            problems=msgspec.UNSET if problems is None else problems,
        )


SUMMARY = tuple(info.encode_name for info in msgspec.structs.fields(WorkflowSummary))
COLUMNS = Row.__struct_fields__


def summary_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a WorkflowSummary from a row's columns."""
    return {
        **{name: row[name] for name in SUMMARY},
        "tags": msgspec.json.decode(row["tags"], type=list[str]),
        "status": status(row),
    }


def status(row: Mapping[str, Any]) -> WorkflowStatus:
    """What people are told: deletion and archiving first, then whether it was ever published."""
    stored = WorkflowStatus(row["status"])
    if row["deleted_at"] is not None:
        return WorkflowStatus.DELETED
    if stored is not WorkflowStatus.ARCHIVED and row["active_version"] is None:
        return WorkflowStatus.DRAFT
    return stored


async def find(actor: Actor, reference: str, *, deleted: bool = False) -> Row:
    """A living (or a deleted) workflow of the actor's tenant by id or slug. Raises NotFound."""
    row = await find_or_none(actor, reference, deleted=deleted)
    if row is None:
        raise NotFound("There is no such workflow.", code="workflow_not_found")
    return row


async def find_or_none(actor: Actor, reference: str, *, deleted: bool = False) -> Row | None:
    """The same, without raising."""
    if "\0" in reference:
        # PostgreSQL refuses to compare with it.
        return None
    column = Workflow.id if is_id(reference) else Workflow.slug
    gone = Workflow.deleted_at.is_not_null() if deleted else Workflow.deleted_at.is_null()
    row = (
        await Workflow.select(*COLUMNS)
        .where(Workflow.tenant_id == actor.tenant_id, column == reference, gone)
        .order_by(Workflow.created_at, ascending=False)
        .first()
    )
    return None if row is None else msgspec.convert(row, Row)


async def insert(
    actor: Actor,
    *,
    name: str,
    definition: Definition,
    description: str = "",
    category: str = "",
    tags: list[str] | None = None,
) -> Row:
    """A new workflow with this draft, under the first free slug made from its name."""
    moment = now()
    values: dict[str, Any] = {
        "id": str(uuid7()),
        "tenant_id": actor.tenant_id,
        "name": name.strip(),
        "description": description,
        "category": category.strip(),
        "tags": _tags(tags or []),
        "status": WorkflowStatus.ACTIVE.value,
        "revision": 1,
        "created_by": actor.user_id,
        "created_at": moment,
        "updated_at": moment,
        **drawing(definition),
    }
    values["search_text"] = search_text(values)
    slug = await free_slug(actor.tenant_id, slugify(name))
    for _ in range(_ATTEMPTS):
        try:
            await Workflow.insert(Workflow(**values, slug=slug))
        except UNIQUE_VIOLATIONS:
            # Somebody took the slug between the look and the insert.
            slug = f"{slugify(name)}-{uuid4().hex[:6]}"
        else:
            return await find(actor, values["id"])
    raise Conflict(f"No free slug could be found for {name!r}.")


async def change(actor: Actor, reference: str, if_match: IfMatch, values: Mapping[str, Any]) -> Row:
    """Set these columns and raise the revision, if `if_match` allows the state it has now.

    Raises NotFound, PreconditionFailed.
    """
    for _ in range(_ATTEMPTS):
        row = await find(actor, reference)
        if_match.check(row.revision, {"definition_hash": row.definition_hash})
        merged = {
            **msgspec.structs.asdict(row),
            **values,
            "revision": row.revision + 1,
            "updated_at": now(),
        }
        columns = {name: merged[name] for name in (*values, "revision", "updated_at")}
        changed = (
            await Workflow.update({**columns, "search_text": search_text(merged)})
            .where(
                Workflow.id == row.id,
                Workflow.tenant_id == actor.tenant_id,
                Workflow.revision == row.revision,
                Workflow.deleted_at.is_null(),
            )
            .returning(Workflow.id)
        )
        if changed:
            return msgspec.convert({name: merged[name] for name in COLUMNS}, Row)
        # Somebody was faster; the next look tells whether `if_match` still holds.
    raise Conflict("Too many changes at once; try again.")


async def free_slug(tenant_id: str, slug: str) -> str:
    """The slug, or its first numbered form, that no living workflow of the tenant has."""
    taken = await Workflow.select(Workflow.slug).where(
        Workflow.tenant_id == tenant_id,
        Workflow.deleted_at.is_null(),
        Workflow.slug.like(f"{slug}%"),
    )
    return free(slug, {row["slug"] for row in taken})


def drawing(definition: Definition) -> dict[str, Any]:
    """The columns that hold a draft."""
    return {
        "draft": definitions.encode(definition),
        "preview": msgspec.json.encode(sketch(definition)).decode(),
    }


def details(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that hold a name, tags and the like."""
    encoded = ("tags", "run_settings")
    values = {name: str(value) for name, value in changes.items() if name not in encoded}
    for name in ("name", "category"):
        if name in values:
            values[name] = values[name].strip()
    if "tags" in changes:
        values["tags"] = _tags(changes["tags"])
    if "run_settings" in changes:
        values["run_settings"] = msgspec.json.encode(changes["run_settings"]).decode()
    return values


def search_text(values: Mapping[str, Any]) -> str:
    """What a search looks through."""
    tags = msgspec.json.decode(values["tags"], type=list[str])
    return "\n".join([values["name"], values["description"], *tags]).casefold()


def _tags(tags: list[str]) -> str:
    unique = dict.fromkeys(tag.strip() for tag in tags)
    return msgspec.json.encode(list(unique)).decode()
