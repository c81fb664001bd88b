"""What Prometheus may scrape; other parts register their own figures in `REGISTRY`."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_REQUESTS = Counter(
    "heddle_http_requests",
    "HTTP requests answered, by route template.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
_DURATIONS = Histogram(
    "heddle_http_request_duration_seconds",
    "From the first byte in to the last byte out; streams count with their whole length.",
    ("route",),
    registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def count_request(method: str, route: str, status: int, duration_s: float) -> None:
    """Count one answered request."""
    known = method if method in _METHODS else "other"
    _REQUESTS.labels(known, route, str(status)).inc()
    _DURATIONS.labels(route).observe(duration_s)


def render() -> bytes:
    """The figures in Prometheus' text format."""
    return generate_latest(REGISTRY)
