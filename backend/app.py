"""The composition root: wires settings, storage, resources, documentation and pages together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Router, route
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler

from backend import database
from backend.accounts import routes as accounts_routes
from backend.accounts import service as accounts
from backend.accounts.authentication import Authentication
from backend.actor import Actor
from backend.documentation import Documentation
from backend.edge import Edge
from backend.errors import NotFound
from backend.idempotency import Idempotency
from backend.pagination import page_request
from backend.problems import handle_exception
from backend.requests import RequestReader
from backend.settings import Settings
from backend.system import routes as system_routes
from backend.system import service as system
from backend.workflows import routes as workflow_routes
from ui.mount import pages


def create_app(settings: Settings) -> Litestar:
    """The whole product as one ASGI application."""
    reader = RequestReader()
    page_handler, page_lifespan = pages(settings)

    @asynccontextmanager
    async def storage(_: Litestar) -> AsyncIterator[None]:
        await database.open_database(settings)
        try:
            await accounts.open_accounts(settings)
            system.set_draining(False)
            yield
            system.set_draining(True)
        finally:
            await database.close_database()

    api = Router(
        path="/api/v1",
        route_handlers=[
            accounts_routes.router,
            system_routes.router,
            workflow_routes.router,
        ],
        middleware=[Authentication(), Idempotency(settings.max_body_bytes)],
        dependencies={
            "actor": Provide(_actor, sync_to_thread=False),
            "page": Provide(page_request, sync_to_thread=False),
        },
        before_request=reader,
    )
    documentation = Documentation()
    app = Litestar(
        route_handlers=[
            api,
            system_routes.public_router,
            documentation.router,
            _nothing_here("/api"),
            _nothing_here("/api/{path:path}"),
            page_handler,
        ],
        lifespan=[storage, page_lifespan],
        exception_handlers={Exception: handle_exception},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=documentation.config,
        logging_config=None,
        debug=False,
    )
    reader.learn(app.routes)
    app.asgi_handler = Edge(app.asgi_handler)
    return app


def _actor(request: Request[Any, Any, Any]) -> Actor:
    return request.user


def _nothing_here(path: str) -> HTTPRouteHandler:
    """Without it the pages would answer an unknown API address, in HTML."""

    @route(
        path,
        http_method=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"],
        include_in_schema=False,
        sync_to_thread=False,
    )
    def nothing_here() -> None:
        raise NotFound("There is nothing at this address.")

    return nothing_here
