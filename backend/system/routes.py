"""The endpoints of health and metrics."""

from litestar import MediaType, Response, Router, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from backend.actor import Actor
from backend.system import metrics, service
from backend.system.schemas import Alive, Health, HealthReport, SystemHealth

UNREADY = {503: ResponseSpec(HealthReport, description="Send no requests here")}


@get("/health/live", operation_id="getLiveness")
async def liveness() -> Alive:
    """Whether the process answers; nothing else is looked at."""
    return Alive(Health.OK)


@get("/health", operation_id="getHealth", responses=UNREADY)
async def health() -> Response[HealthReport]:
    """The same as `/health/ready`."""
    return await _report()


@get("/health/ready", operation_id="getReadiness", responses=UNREADY)
async def readiness() -> Response[HealthReport]:
    """Whether requests should be sent here: 503 while its database does not
    answer or takes no writes, its disk is nearly full, or it is stopping. `checks` tells which.
    """
    return await _report()


async def _report() -> Response[HealthReport]:
    report = await service.readiness()
    status = 200 if report.status is Health.OK else 503
    return Response(report, status_code=status, headers={"Cache-Control": "no-store"})


@get("/metrics", operation_id="getMetrics", media_type=MediaType.TEXT)
async def get_metrics() -> Response[bytes]:
    """The figures for Prometheus."""
    return Response(metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})


@get("/system/health", operation_id="getSystemHealth", tags=["System"])
async def system_health(actor: NamedDependency[Actor]) -> SystemHealth:
    """The state of the server for its operators."""
    return await service.system_health(actor)


public_router = Router(
    path="/", tags=["System"], route_handlers=[health, liveness, readiness, get_metrics]
)
router = Router(path="/", tags=["System"], route_handlers=[system_health])
