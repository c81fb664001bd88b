"""Mounts the pages into the API's application: one origin, one process, paths at "/"."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256

from fastapi import FastAPI
from litestar import Litestar, asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send
from nicegui import app as pages_app
from nicegui import ui

from backend.settings import Settings
from ui.gate import Gate
from ui.pages import (
    approvals,
    editor,
    errors,
    files,
    help,
    prices,
    run,
    runs,
    sign_in,
    tenant,
    users,
    workflows,
)
from ui.theme import ASSETS, head_html, logo

RECONNECT_TIMEOUT_S = 30
"""Shorter, a busy browser misses its pings and loses the page (NiceGUI's default is 3)."""

DRAWN = (approvals, editor, files, prices, run, runs, tenant, users, workflows)
"""The modules whose pages NiceGUI draws; importing them has registered them."""

_hosts: list[FastAPI] = []

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def pages(settings: Settings) -> tuple[ASGIRouteHandler, Lifespan]:
    """The handler of "/" and the lifespan that the host must enter: Litestar forwards none."""
    host = _host(sha256(b"heddle pages " + settings.secret_key.encode()).hexdigest())
    gate = Gate(host)

    @asgi("/", is_mount=True, copy_scope=True, opt={"exclude_from_auth": True})
    async def serve_pages(scope: Scope, receive: Receive, send: Send) -> None:
        await gate(scope, receive, send)  # pyright: ignore[reportArgumentType]

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with host.router.lifespan_context(host):
            yield

    return serve_pages, lifespan


def _host(storage_secret: str) -> FastAPI:
    """NiceGUI's own application is one per process, so it is set up once and started often."""
    if _hosts:
        return _hosts[0]
    host = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    errors.install()
    pages_app.include_router(sign_in.router)
    pages_app.include_router(help.router)
    pages_app.add_static_files("/ui-assets", ASSETS, max_cache_age=31_536_000)
    ui.add_head_html(str(head_html()), shared=True)
    ui.run_with(
        host,
        title="Heddle",
        favicon=str(logo()),
        language="en-US",
        dark=None,
        tailwind=False,
        reconnect_timeout=RECONNECT_TIMEOUT_S,
        storage_secret=storage_secret,
        show_welcome_message=False,
    )
    _hosts.append(host)
    return host
