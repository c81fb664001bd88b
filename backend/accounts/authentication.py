"""Finds out who asks, before anything of the request is read: bearer token, else login cookie."""

import hmac
from urllib.parse import urlsplit

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from backend.accounts import service
from backend.errors import Forbidden, Unauthorized

TOKEN_COOKIE = "heddle_token"
CSRF_COOKIE = "heddle_csrf"
CSRF_HEADER = "X-CSRF-Token"
WS_UNAUTHENTICATED = 4401
WS_FOREIGN_ORIGIN = 4403
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


class Authentication(ASGIMiddleware):
    """Puts the Actor into the scope as `user`; handlers with `opt={"public": True}` need none.

    A cookie alone counts for a writing request only with its CSRF token, and for a WebSocket
    only from our own origin: a browser sends cookies to whoever asks it to.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """ASGI."""
        if scope["route_handler"].opt.get("public"):
            await next_app(scope, receive, send)
            return
        headers = _headers(scope)
        if scope["type"] == "websocket":
            refusal = await _identify_socket(scope, headers)
            if refusal:
                await _refuse_socket(receive, send, *refusal)
                return
        else:
            await _identify(scope, headers)
        await next_app(scope, receive, send)


def token_of(scope: Scope) -> str | None:
    """The token that a request carries, by header or by cookie, good or not."""
    headers = _headers(scope)
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else _cookie(headers, TOKEN_COOKIE)


async def _identify(scope: Scope, headers: dict[bytes, bytes]) -> None:
    authorization = headers.get(b"authorization")
    if authorization is not None:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Authorization must be `Bearer` and a token.")
        scope["user"] = (await service.session(token.strip())).actor
        return
    token = _cookie(headers, TOKEN_COOKIE)
    if token is None:
        raise Unauthorized("Send `Authorization: Bearer` and a token, or sign in.")
    session = await service.session(token)
    # A handshake has no method and is a GET; its origin has been looked at.
    method = scope["method"] if scope["type"] == "http" else "GET"
    if method not in _SAFE:
        sent = headers.get(CSRF_HEADER.lower().encode(), b"")
        if not hmac.compare_digest(sent, session.csrf.encode()):
            raise Forbidden(
                f"Send the cookie {CSRF_COOKIE} back in the header {CSRF_HEADER}.",
                code="csrf",
            )
    scope["user"] = session.actor


async def _identify_socket(scope: Scope, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
    by_cookie = b"authorization" not in headers
    origin = headers.get(b"origin", b"").decode("latin-1")
    if by_cookie and origin and urlsplit(origin).netloc != headers.get(b"host", b"").decode():
        return WS_FOREIGN_ORIGIN, "foreign origin"
    try:
        await _identify(scope, headers)
    except Unauthorized:
        return WS_UNAUTHENTICATED, "sign in first"
    return None


async def _refuse_socket(receive: Receive, send: Send, code: int, reason: str) -> None:
    """Accept and close: browsers cannot see why a handshake was refused."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await send({"type": "websocket.close", "code": code, "reason": reason})


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _cookie(headers: dict[bytes, bytes], name: str) -> str | None:
    raw = headers.get(b"cookie")
    if raw is None or name.encode() not in raw:
        return None
    for part in raw.decode("latin-1").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return None
