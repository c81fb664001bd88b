"""Signing in, and making the first account; plain forms that post to the API for their cookie."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from backend.accounts import schemas as account_schemas
from backend.accounts import service as accounts
from ui.gate import safe_next
from ui.session import ACTOR_KEY
from ui.theme import document

router = APIRouter()


@router.get("/login", include_in_schema=False)
async def login(request: Request) -> Response:
    """The sign-in form; those who are in already go on."""
    target = safe_next(request.query_params)
    if await accounts.needs_setup():
        return RedirectResponse("/setup", 303)
    if request.scope[ACTOR_KEY] is not None:
        return RedirectResponse(target, 303)
    return _form(
        title="Sign in",
        heading="Sign in",
        lead="Welcome back.",
        submit="Sign in",
        endpoint="/api/v1/auth/login",
        next=target,
        setup=False,
    )


@router.get("/setup", include_in_schema=False)
async def setup(request: Request) -> Response:
    """The form of the first account; gone once it exists."""
    if not await accounts.needs_setup():
        return RedirectResponse("/login", 303)
    return _form(
        title="First account",
        heading="Create the first account",
        lead="Heddle is running. Choose how you will sign in.",
        submit="Create account and sign in",
        endpoint="/api/v1/auth/setup",
        next="/",
        setup=True,
    )


def _form(*, title: str, **values: object) -> Response:
    text = document(
        "sign_in.html",
        title=title,
        actor=None,
        here="/login",
        minimum=account_schemas.MIN_PASSWORD_LENGTH,
        **values,
    )
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})
