"""Tenants: whose data it is, and what their administrators allow."""

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from msgspec import UNSET, Struct
from uuid_utils.compat import uuid7

from backend.actor import Actor, Role
from backend.database import execute, fetch
from backend.errors import NotFound
from backend.settings import Settings
from backend.tenants.schemas import TenantView, UpdateTenant
from backend.tenants.tables import ARTIFACT_QUOTA_BYTES, Tenant

_KEPT_S = 5.0
_COLUMNS = "id, name, python_enabled, artifact_quota_bytes, created_at"

SWITCHED_OFF = (
    "The operator of this server has switched the Python node off (HEDDLE_PYTHON_NODE=off)."
)
NOT_ENABLED = "An administrator has not enabled the Python node; the switch is under Settings."

log = structlog.get_logger("heddle.tenants")


class _Kept(Struct, frozen=True):
    view: TenantView
    until: float


class _Office(Struct):
    """What this process knows. `python_node`: the operator's switch for the whole server."""

    python_node: bool = True
    tenants: dict[str, _Kept] = msgspec.field(default_factory=dict[str, _Kept])
    slugs: dict[str, str] = msgspec.field(default_factory=dict[str, str])


_office = _Office()


def open_tenants(settings: Settings) -> None:
    """Begin with these settings, and with nothing kept of an earlier database."""
    global _office
    _office = _Office(python_node=settings.python_node)


async def current(actor: Actor) -> TenantView:
    """The actor's tenant as it is stored now. Raises NotFound."""
    _office.tenants.pop(actor.tenant_id, None)
    found = await _find(actor.tenant_id)
    if found is None:
        raise NotFound("There is no such tenant.", code="tenant_not_found")
    return found


async def update(actor: Actor, request: UpdateTenant) -> TenantView:
    """Change the actor's tenant. Other processes see it within five seconds."""
    actor.require(Role.ADMIN)
    changes: dict[str, Any] = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in msgspec.structs.asdict(request).items()
        if value is not UNSET
    }
    if changes:
        assignments = ", ".join(f"{column} = ?" for column in changes)
        sql = f"UPDATE tenant SET {assignments} WHERE id = ?"
        await execute(sql, *changes.values(), actor.tenant_id)
        log.info("tenants.changed", tenant_id=actor.tenant_id, user_id=actor.user_id, **changes)
    return await current(actor)


async def python_enabled(tenant_id: str) -> bool:
    """Whether the tenant's runs may execute the node type `python`."""
    return await python_unavailable_reason(tenant_id) is None


async def python_unavailable_reason(tenant_id: str) -> str | None:
    """Why the tenant's runs may not execute the node type `python`; None when they may."""
    found = await _find(tenant_id)
    return NOT_ENABLED if found is None else found.python_unavailable_reason


async def artifact_quota_bytes(tenant_id: str) -> int:
    """How much the tenant's artifacts and files may take together."""
    found = await _find(tenant_id)
    return ARTIFACT_QUOTA_BYTES if found is None else found.artifact_quota_bytes


async def create(name: str, slug: str) -> str:
    """Add a tenant. Returns its id."""
    tenant_id = str(uuid7())
    await Tenant.insert(Tenant(id=tenant_id, name=name, slug=slug))
    return tenant_id


async def ensure(name: str, slug: str) -> str:
    """The id of the tenant with that slug; it is made unless somebody was faster."""
    await execute(
        "INSERT INTO tenant (id, name, slug, created_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        *(str(uuid7()), name, slug, datetime.now(UTC)),
    )
    found = await id_of(slug)
    assert found is not None
    return found


async def id_of(slug: str) -> str | None:
    """The id of the tenant with that slug."""
    found = await fetch("SELECT id FROM tenant WHERE slug = ?", slug)
    return found[0]["id"] if found else None


async def slug_of(tenant_id: str) -> str | None:
    """The slug of a tenant, which never changes."""
    known = _office.slugs.get(tenant_id)
    if known is None:
        found = await fetch("SELECT slug FROM tenant WHERE id = ?", tenant_id)
        if not found:
            return None
        known = _office.slugs[tenant_id] = found[0]["slug"]
    return known


async def _find(tenant_id: str) -> TenantView | None:
    kept = _office.tenants.get(tenant_id)
    if kept is not None and kept.until > time.monotonic():
        return kept.view
    rows = await fetch(f"SELECT {_COLUMNS} FROM tenant WHERE id = ?", tenant_id)
    if not rows:
        return None
    enabled = bool(rows[0]["python_enabled"])
    reason = None if enabled else NOT_ENABLED
    if not _office.python_node:
        reason = SWITCHED_OFF
    view = msgspec.convert(
        {**rows[0], "python_enabled": enabled, "python_unavailable_reason": reason}, TenantView
    )
    _office.tenants[tenant_id] = _Kept(view, time.monotonic() + _KEPT_S)
    return view
