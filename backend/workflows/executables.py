"""What a run executes: a workflow's version, or its draft frozen at that moment."""

from msgspec import Struct

from backend.actor import Actor
from backend.database import fetch
from backend.errors import Conflict, NotFound
from backend.workflows import calls, definitions, parts, store
from backend.workflows.run_settings import NO_SETTINGS, RunSettings, settings_from
from backend.workflows.schemas import WorkflowStatus
from backend.workflows.slugs import is_id
from backend.workflows.versions import LARGEST_NUMBER, Selector


class Executable(Struct, frozen=True):
    """What a run executes, and how. `version` is None for a frozen draft."""

    workflow_id: str
    name: str
    version: int | None
    definition_hash: str
    run_settings: RunSettings = NO_SETTINGS


async def run_settings(tenant_id: str, workflow_id: str) -> RunSettings:
    """The settings that a workflow's runs have; none when there is no such workflow."""
    rows = await fetch(
        "SELECT run_settings FROM workflow WHERE tenant_id = ? AND id = ?", tenant_id, workflow_id
    )
    return settings_from(rows[0]["run_settings"]) if rows else NO_SETTINGS


async def resolve(
    actor: Actor,
    reference: str,
    version: Selector | None = None,
    part: tuple[str, str] | None = None,
) -> Executable:
    """What a run of the workflow executes; None is the active version or else the draft.

    `part`: that only a part of a draft will run (see `parts.reduce`), whatever is wrong elsewhere.
    Raises NotFound, Invalid for a draft with problems, and Conflict for a workflow that is not in
    use or was never published.
    """
    if version == "draft":
        return await _resolve_draft(actor, reference, part)
    if "\0" in reference or (isinstance(version, int) and version > LARGEST_NUMBER):
        raise NotFound("There is no such workflow or version.", code="workflow_not_found")
    found = await fetch(
        _RESOLVE_ID if is_id(reference) else _RESOLVE_SLUG,
        version if isinstance(version, int) else None,
        actor.tenant_id,
        reference,
    )
    if not found:
        raise NotFound("There is no such workflow.", code="workflow_not_found")
    row = found[0]
    _require_in_use(row["status"])
    if row["number"] is not None:
        settings = settings_from(row["run_settings"])
        return Executable(row["id"], row["name"], row["number"], row["definition_hash"], settings)
    if isinstance(version, int):
        raise NotFound(f"There is no version {version}.", code="version_not_found")
    if version == "active":
        raise Conflict("No version is published and active.", code="workflow_not_published")
    return await _resolve_draft(actor, reference, part)


async def _resolve_draft(actor: Actor, reference: str, part: tuple[str, str] | None) -> Executable:
    row = await store.find(actor, reference)
    _require_in_use(row.status)
    if part is not None and await calls.problems_of(actor, row.definition):
        reduced = parts.reduce(row.definition, *part)
        parts.require_valid(row.definition, reduced)
        await calls.require_known(actor, reduced)
        digest = await definitions.freeze(actor.tenant_id, definitions.encode(reduced))
        return Executable(row.id, row.name, None, digest, settings_from(row.run_settings))
    digest = await definitions.freeze(actor.tenant_id, row.draft)
    return Executable(row.id, row.name, None, digest, settings_from(row.run_settings))


def _require_in_use(status: str) -> None:
    if status != WorkflowStatus.ACTIVE:
        raise Conflict(f"The workflow is {status}.", code="workflow_inactive")


_RESOLVE = """
SELECT w.id, w.name, w.status, w.run_settings, v.number, v.definition_hash
FROM workflow w LEFT JOIN workflow_version v
  ON v.workflow_id = w.id AND v.number = COALESCE(?, w.active_version)
WHERE w.tenant_id = ? AND w.{column} = ? AND w.deleted_at IS NULL"""
_RESOLVE_ID = _RESOLVE.format(column="id")
_RESOLVE_SLUG = _RESOLVE.format(column="slug")
