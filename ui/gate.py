"""The door of the pages: finds out who asks, and sends strangers to sign in.

It stands before NiceGUI, so that nobody can open a page, and with it memory on the server, without
signing in. Whatever is not named public here is private.
"""

from urllib.parse import unquote, urlencode

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.accounts import service as accounts
from ui.session import ACTOR_KEY, identify

PUBLIC = ("/login", "/setup", "/help", "/favicon.ico")
STATIC = ("/_nicegui/", "/ui-assets/")
SOCKETS = "/_nicegui_ws/"
"""The channel of pages that are drawn; public pages are plain and have none."""


class Gate:
    """ASGI middleware; puts the Actor, or None on public pages, into the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = unquote(scope.get("raw_path", b"").decode("latin-1")) or scope["path"]
        scope = {**scope, "path": path, "root_path": ""}
        scope.pop("app", None)
        if path.startswith(SOCKETS) and scope["type"] in {"http", "websocket"}:
            await self._serve_socket(scope, receive, send)
            return
        if scope["type"] != "http" or path.startswith(STATIC):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        actor = await identify(request.cookies)
        scope[ACTOR_KEY] = actor
        if actor is None and not _is_public(path):
            await RedirectResponse(await _entrance(request), 303)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if await identify(HTTPConnection(scope).cookies) is not None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("Sign in first.", 401)(scope, receive, send)
        else:
            # before it is accepted: the handshake itself is answered with 403
            await send({"type": "websocket.close", "code": 4401})


def _is_public(path: str) -> bool:
    return any(path == page or path.startswith(f"{page}/") for page in PUBLIC)


async def _entrance(request: Request) -> str:
    if await accounts.needs_setup():
        return "/setup"
    wanted = request.url.path
    if request.url.query:
        wanted = f"{wanted}?{request.url.query}"
    if request.method not in {"GET", "HEAD"} or wanted == "/":
        return "/login"
    return f"/login?{urlencode({'next': wanted}, safe='/')}"


def safe_next(query: QueryParams) -> str:
    """The page to go to after signing in: a path of this origin, else the start page."""
    wanted = query.get("next", "/")
    leaves = not wanted.startswith("/") or wanted[1:2] in {"/", "\\"}
    return "/" if leaves or any(ord(letter) < 32 for letter in wanted) else wanted
