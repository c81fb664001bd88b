"""The outermost layer: gives every request an id, every response its headers, and counts both.

It stands before Litestar's routing, so that nothing that answers can go around it.
"""

import re
import time
from collections.abc import Collection, Iterable
from typing import Any, cast

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from backend.errors import AppError, Forbidden
from backend.hosts import is_accepted
from backend.problems import MEDIA_TYPE, problem_json
from backend.system.metrics import count_request
from backend.system.slow_bodies import in_time

_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_API = ("/api/", "/health", "/metrics", "/openapi.json")
_COMMON = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
_API_CSP = b"default-src 'none'; frame-ancestors 'none'; sandbox"
# NiceGUI cannot go without `eval`, and starts its pages with inline scripts, each time others, so
# that neither nonces nor hashes could name them: see `_PAGE_CSP`. Pages where passwords are typed
# and the handbook are ours alone and do without `eval`.
_PLAIN = ("/login", "/setup", "/help")
_PLAIN_CSP = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    b"connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    b"form-action 'self'; frame-ancestors 'none'"
)
_PAGE_CSP = _PLAIN_CSP.replace(b"'unsafe-inline';", b"'unsafe-inline' 'unsafe-eval';", 1)
"""Without `unsafe-eval` a page of NiceGUI 3.18 stays blank: its components come as templates that
Vue compiles in the browser (`Function` in vue.esm-browser), and nicegui.js evaluates props that
begin with ":", `js_handler` of events, and all that `run_javascript` and `run_method` send.
"""
_NO_STORE = (b"cache-control", b"no-store")
_UNKNOWN_HOST = (
    "This server is not called by that name. Open it by its own address, or let its operator add "
    "the name to HEDDLE_ALLOWED_HOSTS."
)
log = structlog.get_logger("heddle.http")


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, accepted_hosts: Collection[str] | None = None) -> None:
        self.app = app
        self._accepted_hosts = accepted_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        request_id = _request_id(scope)
        cast("dict[str, Any]", scope)["heddle_request_id"] = request_id
        known = is_accepted(dict(scope["headers"]).get(b"host"), self._accepted_hosts)
        if scope["type"] != "http":
            if known or scope["type"] != "websocket":
                await self.app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": "unknown host"})
            return
        path, method, began = scope["path"], scope["method"], time.perf_counter()
        status = 0
        private = path.startswith("/api/")

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message.get("headers", ())
                message["headers"] = [
                    *given,
                    *([] if not private or _says(given, b"cache-control") else [_NO_STORE]),
                    (b"x-request-id", request_id.encode()),
                    *_COMMON,
                    (
                        b"content-security-policy",
                        _policy(path),
                    ),
                ]
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            if not known:
                raise Forbidden(_UNKNOWN_HOST, code="host_not_allowed")
            await self.app(scope, in_time(receive), send_with_headers)
        except AppError as refusal:
            if status:
                raise
            await _send_problem(send_with_headers, path, request_id, refusal)
        except Exception as error:
            log.error("request.crashed", method=method, path=path, exc_info=error)
            if status:
                raise
            error = AppError("Something went wrong on our side; the log has it by its request id.")
            await _send_problem(send_with_headers, path, request_id, error)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            duration_s = time.perf_counter() - began
            route = cast("str", cast("dict[str, Any]", scope).get("path_template")) or "unmatched"
            count_request(method, route, status, duration_s)
            log.debug(
                "request",
                method=method,
                path=path,
                status=status,
                duration_ms=round(duration_s * 1000, 1),
                request_id=request_id,
            )


def _policy(path: str) -> bytes:
    if path.startswith(_API):
        return _API_CSP
    return _PLAIN_CSP if path.startswith(_PLAIN) else _PAGE_CSP


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return value.decode()
    return str(uuid7())


def _says(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bool:
    return any(name.lower() == wanted for name, _ in headers)


async def _send_problem(send: Send, path: str, request_id: str, error: AppError) -> None:
    body = problem_json(error, path, request_id)
    await send(
        {
            "type": "http.response.start",
            "status": error.status,
            "headers": [
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
