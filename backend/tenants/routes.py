"""The endpoints of the tenant that one belongs to."""

from litestar import Router, get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from backend.actor import Actor
from backend.tenants import service
from backend.tenants.schemas import TenantView, UpdateTenant


@get("/tenants/current", operation_id="getCurrentTenant")
async def get_current(actor: NamedDependency[Actor]) -> TenantView:
    """The tenant of whoever asks, with its settings."""
    return await service.current(actor)


@patch("/tenants/current", operation_id="updateCurrentTenant")
async def update_current(actor: NamedDependency[Actor], data: JSONBody[UpdateTenant]) -> TenantView:
    """Change the tenant's name or settings. Needs the role admin."""
    return await service.update(actor, data)


router = Router(path="/", tags=["Tenants"], route_handlers=[get_current, update_current])
