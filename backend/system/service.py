"""Whether the server is alive, ready and well."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from backend.actor import Actor, Role
from backend.database import engine, fetch
from backend.errors import AppError
from backend.system.schemas import Check, Health, HealthReport, SystemHealth
from backend.system.storage import storage

PING_TIMEOUT_S = 4.0
_STARTED_AT = datetime.now(UTC)
_draining = False


def set_draining(draining: bool) -> None:
    """Say that the server is stopping, so that nobody sends it new work."""
    global _draining
    _draining = draining


async def readiness() -> HealthReport:
    """Whether requests should be sent here."""
    checks = await _checks()
    return HealthReport(_overall(checks), checks)


async def system_health(actor: Actor) -> SystemHealth:
    """What an operator wants to know first."""
    actor.require(Role.VIEWER)
    checks = await _checks()
    return SystemHealth(
        status=_overall(checks),
        version=product_version(),
        database=engine().engine_type,
        started_at=_STARTED_AT,
        uptime_s=int((datetime.now(UTC) - _STARTED_AT).total_seconds()),
        checks=checks,
    )


def product_version() -> str:
    """The installed version."""
    try:
        return version("heddle")
    except PackageNotFoundError:
        return "0"


async def _checks() -> list[Check]:
    database = await _check("database", _read)
    if database.status is not Health.OK:
        return [database]
    return [database, await _check("writes", _write), await _check("free space", _room)]


async def _check(name: str, ask: Callable[[], Awaitable[None]]) -> Check:
    began = time.perf_counter()
    status, detail = Health.OK, ""
    try:
        async with asyncio.timeout(PING_TIMEOUT_S):
            await ask()
    except Exception as error:  # noqa: BLE001 whatever it is, it does not answer
        status = Health.DOWN
        detail = error.detail if isinstance(error, AppError) else "It does not answer in time."
    return Check(name, status, round((time.perf_counter() - began) * 1000, 2), detail)


async def _read() -> None:
    await fetch("SELECT 1 AS one")


async def _write() -> None:
    await storage().require_writable()


async def _room() -> None:
    storage().require_room()


def _overall(checks: list[Check]) -> Health:
    if any(check.status is not Health.OK for check in checks):
        return Health.DOWN
    return Health.DRAINING if _draining else Health.OK
