"""Versions: publish the draft, choose the active one, compare, restore, delete."""

# Piccolo's queries are generic over an unbound table type.
# pyright: reportUnknownMemberType=false

from typing import Any, Literal

import msgspec
from msgspec import Struct
from uuid_utils.compat import uuid7

from backend.actor import Actor, Role
from backend.database import transaction
from backend.errors import Conflict, NotFound
from backend.pagination import Page, PageRequest, paginate
from backend.preconditions import ANY, IfMatch
from backend.workflows import calls, definitions, store
from backend.workflows.compare import compare
from backend.workflows.schemas import (
    Comparison,
    PublishVersion,
    VersionDetail,
    VersionView,
    WorkflowView,
)
from backend.workflows.tables import Workflow, WorkflowVersion
from graphs.definition import Definition
from graphs.events import now

_COLUMNS = [info.name for info in msgspec.structs.fields(VersionView) if info.name != "active"]

SORTS = {"number": "number", "created_at": "id"}
LARGEST_NUMBER = 2_147_483_647
"""PostgreSQL's integers end here."""

Selector = int | Literal["active", "draft"]
"""A version's number, the active version, or the draft."""


class Published(Struct, frozen=True):
    """`created` is false when the newest version already was what was to be published."""

    version: VersionView
    created: bool


async def publish(
    actor: Actor, reference: str, request: PublishVersion, if_match: IfMatch = ANY
) -> Published:
    """Make the draft a version, and the active one unless asked otherwise.

    A draft that equals the newest version is not published again, unless it gets a description
    or label of its own. Raises Invalid with every problem of the draft.
    """
    actor.require(Role.EDITOR)
    row = await store.find(actor, reference)
    if_match.check(row.revision, {"definition_hash": row.definition_hash})
    digest = await definitions.freeze(actor.tenant_id, row.draft)
    await calls.require_known(actor, row.definition)
    async with transaction():
        await _lock(row)
        newest = await _newest(row)
        created = newest is None or not _says_the_same(newest, digest, request)
        version = await _insert(actor, row, digest, request) if created or not newest else newest
        if request.activate:
            await _activate(row, version["number"])
    active = version["number"] if request.activate else row.active_version
    return Published(VersionView(**_fields(version, active)), created)


async def list_versions(
    actor: Actor, reference: str, page: PageRequest | None = None
) -> Page[VersionView]:
    """The versions of a workflow, the newest first unless sorted otherwise."""
    row = await store.find(actor, reference)
    return await paginate(
        page or PageRequest(),
        source="workflow_version",
        columns=_COLUMNS,
        where=[("tenant_id = ?", (row.tenant_id,)), ("workflow_id = ?", (row.id,))],
        sorts=SORTS,
        default_sort="-number",
        to=lambda version: VersionView(**_fields(version, row.active_version)),
    )


async def get_version(actor: Actor, reference: str, number: int) -> VersionDetail:
    """A version with its definition. Raises NotFound."""
    row = await store.find(actor, reference)
    version = await _version(row, number)
    definition = await definitions.by_hash(actor.tenant_id, version["definition_hash"])
    return VersionDetail(**_fields(version, row.active_version), definition=definition)


async def compare_versions(
    actor: Actor, reference: str, before: Selector, after: Selector
) -> Comparison:
    """What turned one version (or the draft) into another."""
    row = await store.find(actor, reference)
    old, old_number = await definition_of(row, before)
    new, new_number = await definition_of(row, after)
    differences = msgspec.structs.asdict(compare(old, new))
    return Comparison(from_version=old_number, to_version=new_number, **differences)


async def activate(actor: Actor, reference: str, number: int) -> VersionView:
    """Let new runs execute this version."""
    actor.require(Role.EDITOR)
    row = await store.find(actor, reference)
    async with transaction():
        await _lock(row)
        version = await _version(row, number)
        await _activate(row, number)
    return VersionView(**_fields(version, number))


async def rollback(actor: Actor, reference: str, number: int | None) -> VersionView:
    """Activate the given version, or the one published before the active one.

    Raises Conflict when there is none before it.
    """
    actor.require(Role.EDITOR)
    row = await store.find(actor, reference)
    if number is None:
        if row.active_version is None:
            raise Conflict("No version is active.", code="nothing_to_roll_back")
        earlier = (
            await WorkflowVersion.select(WorkflowVersion.number)
            .where(
                WorkflowVersion.workflow_id == row.id,
                WorkflowVersion.tenant_id == row.tenant_id,
                WorkflowVersion.number < row.active_version,
            )
            .order_by(WorkflowVersion.number, ascending=False)
            .first()
        )
        if earlier is None:
            raise Conflict(
                f"There is no version before {row.active_version}.", code="nothing_to_roll_back"
            )
        number = int(earlier["number"])
    return await activate(actor, row.id, number)


async def restore_version(
    actor: Actor, reference: str, number: int, if_match: IfMatch = ANY
) -> WorkflowView:
    """Copy a version into the draft, as a new revision."""
    actor.require(Role.EDITOR)
    detail = await get_version(actor, reference, number)
    changed = await store.change(actor, reference, if_match, store.drawing(detail.definition))
    return changed.view(await calls.problems_of(actor, detail.definition))


async def delete_version(actor: Actor, reference: str, number: int) -> None:
    """Delete a version; its past runs keep their definition. Raises Conflict for the active one."""
    actor.require(Role.EDITOR)
    row = await store.find(actor, reference)
    async with transaction():
        await _lock(row)
        await _version(row, number)
        active = await Workflow.select(Workflow.active_version).where(Workflow.id == row.id).first()
        if active is None or active["active_version"] == number:
            raise Conflict("Activate another version first.", code="version_active")
        await WorkflowVersion.delete().where(
            WorkflowVersion.workflow_id == row.id, WorkflowVersion.number == number
        )


async def definition_of(row: store.Row, selector: Selector) -> tuple[Definition, int | None]:
    """A version's definition and number, or the draft and None. Raises NotFound."""
    if selector == "draft":
        return row.definition, None
    number = row.active_version if selector == "active" else selector
    if number is None:
        raise NotFound("No version is active.", code="version_not_found")
    version = await _version(row, number)
    return await definitions.by_hash(row.tenant_id, version["definition_hash"]), number


async def _lock(row: store.Row) -> None:
    """Let nobody else change the workflow's versions until the transaction ends."""
    await Workflow.update({Workflow.updated_at: now()}).where(Workflow.id == row.id)


async def _activate(row: store.Row, number: int) -> None:
    await Workflow.update({Workflow.active_version: number}).where(Workflow.id == row.id)


async def _newest(row: store.Row) -> dict[str, Any] | None:
    return (
        await WorkflowVersion.select()
        .where(WorkflowVersion.workflow_id == row.id, WorkflowVersion.tenant_id == row.tenant_id)
        .order_by(WorkflowVersion.number, ascending=False)
        .first()
    )


def _says_the_same(newest: dict[str, Any], digest: str, request: PublishVersion) -> bool:
    return (
        newest["definition_hash"] == digest
        and request.description in ("", newest["description"])
        and request.label in (None, newest["label"])
    )


async def _insert(
    actor: Actor, row: store.Row, digest: str, request: PublishVersion
) -> dict[str, Any]:
    counted = (
        await Workflow.update({Workflow.last_version: Workflow.last_version + 1})
        .where(Workflow.id == row.id)
        .returning(Workflow.last_version)
    )
    values: dict[str, Any] = {
        "id": str(uuid7()),
        "tenant_id": actor.tenant_id,
        "workflow_id": row.id,
        "number": counted[0]["last_version"],
        "definition_hash": digest,
        "description": request.description,
        "label": request.label,
        "created_by": actor.user_id,
        "created_at": now(),
    }
    await WorkflowVersion.insert(WorkflowVersion(**values))
    return values


async def _version(row: store.Row, number: int) -> dict[str, Any]:
    version = (
        None
        if number > LARGEST_NUMBER
        else (
            await WorkflowVersion.select()
            .where(
                WorkflowVersion.tenant_id == row.tenant_id,
                WorkflowVersion.workflow_id == row.id,
                WorkflowVersion.number == number,
            )
            .first()
        )
    )
    if version is None:
        raise NotFound(f"There is no version {number}.", code="version_not_found")
    return version


def _fields(version: dict[str, Any], active: int | None) -> dict[str, Any]:
    return {
        **{name: version[name] for name in _COLUMNS},
        "active": version["number"] == active,
    }
