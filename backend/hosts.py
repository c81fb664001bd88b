"""Which names a request may call this server by: a page of another site must not pass as ours.

A name of the attacker's that resolves to 127.0.0.1 (DNS rebinding) makes the attacker's page and
this server one origin for the browser; what gives it away is the Host header.
"""

from collections.abc import Collection
from ipaddress import ip_address

from backend.settings import Settings

ANY = "*"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def accepted_hosts(settings: Settings) -> frozenset[str] | None:
    """The names, without ports; None for any.

    While only this machine can connect, those of this machine; otherwise any, unless
    HEDDLE_ALLOWED_HOSTS says which.
    """
    if ANY in settings.allowed_hosts:
        return None
    if settings.allowed_hosts:
        return frozenset((*_LOOPBACK, settings.host.lower(), *settings.allowed_hosts))
    if is_loopback(settings.host):
        return frozenset((*_LOOPBACK, settings.host.lower()))
    return None


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can connect to the address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_accepted(header: bytes | None, accepted: Collection[str] | None) -> bool:
    """Whether a Host header names one of these; a `.` in front of a name takes its subdomains."""
    if accepted is None or header is None:
        return True  # a browser always sends one
    name = _without_port(header.decode("latin-1").strip().lower()).rstrip(".")
    return name in accepted or any(
        host.startswith(".") and (name.endswith(host) or name == host[1:]) for host in accepted
    )


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
