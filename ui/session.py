"""Who looks at a page: the signed-in actor, read from the cookie and checked again per action."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote

import structlog
from fastapi import Depends
from nicegui import ui
from starlette.requests import Request

from backend.accounts import service as accounts
from backend.actor import Actor
from backend.errors import AppError, Unauthorized

TOKEN_COOKIE = "heddle_token"
ACTOR_KEY = "heddle.actor"

log = structlog.get_logger(__name__)


async def identify(cookies: dict[str, str]) -> Actor | None:
    """The actor of the login cookie, or None when nobody is signed in."""
    token = cookies.get(TOKEN_COOKIE)
    if not token:
        return None
    try:
        return await accounts.identify(token)
    except Unauthorized:
        return None


def login_url(path: str, query: str = "") -> str:
    """The sign-in page that leads back to `path`."""
    wanted = f"{path}?{query}" if query else path
    return "/login" if wanted in {"", "/"} else f"/login?next={quote(wanted, safe='/')}"


class Session:
    """One open page and the person in front of it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.actor: Actor = request.scope[ACTOR_KEY]
        """Whoever opened the page; actions use `now`."""

    async def now(self) -> Actor:
        """The actor as of this moment. Raises Unauthorized when the session has ended."""
        actor = await identify(dict(self.request.cookies))
        if actor is None:
            raise Unauthorized("Your session has ended.")
        return actor

    def leave(self) -> None:
        """Go to sign in, and from there back to this page."""
        ui.navigate.to(login_url(self.request.url.path, self.request.url.query))

    def action(self, work: Callable[[Actor], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
        """A handler that calls `work(actor)` and shows what is refused."""

        async def handle() -> None:
            await self._attempt(work)

        return handle

    def event_action(
        self, work: Callable[[Actor, Any], Awaitable[Any]]
    ) -> Callable[[Any], Awaitable[None]]:
        """The same for a handler that needs the event: it calls `work(actor, event)`."""

        async def handle(event: Any) -> None:
            await self._attempt(lambda actor: work(actor, event))

        return handle

    async def _attempt(self, work: Callable[[Actor], Awaitable[Any]]) -> None:
        # the menu or dialog that the event came from may be gone before the work is done
        with ui.context.client.content:
            try:
                await work(await self.now())
            except Unauthorized:
                self.leave()
            except AppError as error:
                refuse(error)


def session_of(request: Request) -> Session:
    """The session of a page's request; the gate has let nobody else in."""
    return Session(request)


SignedIn = Annotated[Session, Depends(session_of)]
"""A page's parameter: who opened it."""


def refuse(error: AppError) -> None:
    """Say in a notification why something could not be done."""
    details = [item.detail for item in error.errors if item.detail != error.detail]
    ui.notify(
        "\n".join([error.detail, *details[:5]]),
        type="negative",
        multi_line=True,
        close_button="Dismiss",
        timeout=8000,
        classes="pre-line",
    )
