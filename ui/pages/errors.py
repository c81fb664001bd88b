"""Pages for what is not there, not allowed, or broken, inside the frame."""

import structlog
from nicegui import app
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from backend.errors import AppError, Unauthorized
from ui.session import ACTOR_KEY, login_url
from ui.theme import document

log = structlog.get_logger(__name__)

HEADINGS = {
    403: "This is not open to you",
    404: "There is nothing here",
    410: "This is no longer here",
    500: "Something broke on our side",
}


def message_page(
    request: Request, status: int, detail: str, heading: str | None = None
) -> Response:
    """A page that says what went wrong and where to go from here."""
    links = [("/", "All workflows"), ("/runs", "All runs"), ("/help", "Help")]
    text = document(
        "message.html",
        title=heading or HEADINGS.get(status, "This did not work"),
        heading=heading or HEADINGS.get(status, "This did not work"),
        actor=request.scope.get(ACTOR_KEY),
        here=request.url.path,
        status=status,
        detail=detail,
        links=links if request.scope.get(ACTOR_KEY) else links[::2],
        request_id=None,
    )
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})


def install() -> None:
    """Put our pages in the place of NiceGUI's own."""
    app.add_exception_handler(404, _not_found)
    app.add_exception_handler(AppError, _refused)
    app.add_exception_handler(Exception, _broken)


async def _not_found(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(("/_nicegui/", "/ui-assets/")):
        detail = error.detail if isinstance(error, HTTPException) else "Not found"
        return PlainTextResponse(detail, 404)
    return message_page(
        request, 404, "The address may be mistyped, or what it named has been deleted."
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    if isinstance(error, Unauthorized):
        return RedirectResponse(login_url(request.url.path), 303)
    return message_page(request, error.status, error.detail)


async def _broken(request: Request, error: Exception) -> Response:
    log.error("page_failed", path=request.url.path, exc_info=error)
    return message_page(
        request, 500, "The page could not be made. It has been logged; trying again may help."
    )
