"""The user guide's pages: contents, articles, errors and search; open to visitors too."""

from fastapi import APIRouter
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ui import handbook
from ui.pages.errors import message_page
from ui.reference import phrase
from ui.session import ACTOR_KEY
from ui.theme import document

ORIGIN = "ORIGIN_OF_THIS_SERVER"
"""What the examples write where this server's own address belongs."""

router = APIRouter(prefix="/help")


@router.get("", include_in_schema=False)
async def contents(request: Request, q: str = "") -> Response:
    """The first article, or what a search has found."""
    if not q.strip():
        return article(request, "getting-started")
    query = q.strip()[:200]
    return _page(
        request,
        "help_results.html",
        title=f"Search: {query}",
        query=query,
        hits=handbook.search(query),
    )


@router.get("/errors/{code}", include_in_schema=False)
async def error(request: Request, code: str) -> Response:
    """One error code: where the `type` of an API problem leads."""
    known = handbook.errors().get(code)
    if known is None:
        return message_page(request, 404, f"There is no error with the code {code}.")
    return _page(
        request,
        "help_error.html",
        title=code,
        current="errors",
        error=known,
        text=Markup(known.text),
        phrase=phrase,
    )


@router.get("/{slug}", include_in_schema=False)
async def named(request: Request, slug: str) -> Response:
    """An article."""
    return article(request, slug)


def article(request: Request, slug: str) -> Response:
    """An article, or the page that says that there is none."""
    page = handbook.pages().get(slug)
    if page is None:
        return message_page(request, 404, "The guide has no page of this name.")
    origin = escape(f"{request.url.scheme}://{request.url.netloc}")
    return _page(
        request,
        "help.html",
        title=page.title,
        current=slug,
        body=Markup(page.body.replace(ORIGIN, origin)),
        headings=page.headings,
    )


def _page(request: Request, template: str, *, title: str, **values: object) -> Response:
    return HTMLResponse(
        document(
            template,
            title=title,
            actor=request.scope.get(ACTOR_KEY),
            here="/help",
            contents=list(handbook.pages().values()),
            **{"query": "", "current": "", "headings": [], "body": "", **values},
        )
    )
