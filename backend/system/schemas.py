"""What the API says about the process and what it stands on."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Health(StrEnum):
    OK = "ok"
    DOWN = "down"
    DRAINING = "draining"


class Check(Struct, frozen=True):
    """One thing the server stands on. `duration_ms` is what asking it took; `detail` is what is
    wrong, empty while nothing is.
    """

    name: str
    status: Health
    duration_ms: float
    detail: str = ""


class HealthReport(Struct, frozen=True):
    """`status` is `ok` only when every check is and the server is not stopping."""

    status: Health
    checks: list[Check]


class Alive(Struct, frozen=True):
    """The process answers."""

    status: Health


class SystemHealth(Struct, frozen=True):
    """The state of the server for its operators. `uptime_s` is in seconds."""

    status: Health
    version: str
    database: str
    started_at: datetime
    uptime_s: int
    checks: list[Check]
