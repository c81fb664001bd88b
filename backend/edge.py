"""The outermost layer: gives every request an id, every response its headers, and counts both.

It stands before Litestar's routing, so that nothing that answers can go around it.
"""

import re
import time
from typing import Any, cast

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from backend.errors import AppError
from backend.problems import MEDIA_TYPE, problem_json
from backend.system.metrics import count_request

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
# NiceGUI evaluates scripts it is sent, and cannot do without inline scripts and styles.
_PAGE_CSP = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    b"connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    b"form-action 'self'; frame-ancestors 'none'"
)

log = structlog.get_logger("heddle.http")


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        request_id = _request_id(scope)
        cast("dict[str, Any]", scope)["heddle_request_id"] = request_id
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, method, began = scope["path"], scope["method"], time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                    *_COMMON,
                    (
                        b"content-security-policy",
                        _API_CSP if path.startswith(_API) else _PAGE_CSP,
                    ),
                ]
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            log.error("request.crashed", method=method, path=path, exc_info=error)
            if status:
                raise
            await _send_problem(send_with_headers, path, request_id)
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


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return value.decode()
    return str(uuid7())


async def _send_problem(send: Send, path: str, request_id: str) -> None:
    error = AppError("Something went wrong on our side; the log has it by its request id.")
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
