"""Whether the server is alive, ready and well."""

import asyncio
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from backend.actor import Actor, Role
from backend.database import engine, fetch
from backend.system.schemas import Check, Health, HealthReport, SystemHealth

PING_TIMEOUT_S = 2.0
_STARTED_AT = datetime.now(UTC)
_draining = False


def set_draining(draining: bool) -> None:
    """Say that the server is stopping, so that nobody sends it new work."""
    global _draining
    _draining = draining


async def readiness() -> HealthReport:
    """Whether requests should be sent here."""
    checks = [await _check_database()]
    return HealthReport(_overall(checks), checks)


async def system_health(actor: Actor) -> SystemHealth:
    """What an operator wants to know first."""
    actor.require(Role.VIEWER)
    checks = [await _check_database()]
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


async def _check_database() -> Check:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PING_TIMEOUT_S):
            await fetch("SELECT 1 AS one")
        status = Health.OK
    except Exception:  # noqa: BLE001 whatever it is, the database does not answer
        status = Health.DOWN
    return Check("database", status, round((time.perf_counter() - began) * 1000, 2))


def _overall(checks: list[Check]) -> Health:
    if any(check.status is not Health.OK for check in checks):
        return Health.DOWN
    return Health.DRAINING if _draining else Health.OK
