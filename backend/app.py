"""The composition root: wires settings, storage, resources, documentation and pages together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send

from backend import database, documentation
from backend.accounts import routes as accounts_routes
from backend.accounts import service as accounts
from backend.accounts.authentication import Authentication
from backend.actor import Actor
from backend.approvals import routes as approval_routes
from backend.artifacts import routes as artifact_routes
from backend.edge import Edge
from backend.graphs import routes as graph_routes
from backend.hosts import accepted_hosts
from backend.idempotency import Idempotency
from backend.models import routes as model_routes
from backend.pagination import page_request
from backend.problems import handle_exception
from backend.requests import RequestReader
from backend.run_hooks import run_hooks
from backend.runs import executor
from backend.runs import routes as run_routes
from backend.settings import Settings
from backend.system import routes as system_routes
from backend.system import service as system
from backend.system.storage import open_storage
from backend.tenants import routes as tenant_routes
from backend.workflows import routes as workflow_routes
from backend.workspaces import routes as workspace_routes
from ui.mount import pages

API_PREFIXES = ("/api/", "/health/", "/metrics/", "/openapi.json/", "/docs/", "/redoc/")


def create_app(settings: Settings) -> Litestar:
    """The whole product as one ASGI application."""
    reader = RequestReader()
    page_handler, page_lifespan = pages(settings)

    @asynccontextmanager
    async def storage(_: Litestar) -> AsyncGenerator[None]:
        await database.open_database(settings)
        open_storage(settings)
        try:
            await executor.open_executor(settings, run_hooks())
            try:
                await accounts.open_accounts(settings)
                system.set_draining(False)
                yield
            finally:
                system.set_draining(True)
                await executor.close_executor()
        finally:
            await database.close_database()

    api = Router(
        path="/api/v1",
        route_handlers=[
            accounts_routes.router,
            system_routes.router,
            tenant_routes.router,
            workflow_routes.router,
            run_routes.router,
            approval_routes.router,
            graph_routes.router,
            model_routes.router,
            artifact_routes.router,
            workspace_routes.router,
        ],
        middleware=[Authentication(), Idempotency(settings.max_body_bytes)],
        dependencies={
            "actor": Provide(_actor, sync_to_thread=False),
            "page": Provide(page_request, sync_to_thread=False),
        },
        before_request=reader,
    )
    app = Litestar(
        route_handlers=[
            api,
            system_routes.public_router,
            documentation.router,
        ],
        lifespan=[storage, page_lifespan],
        exception_handlers={Exception: handle_exception},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=documentation.openapi_config(),
        logging_config=None,
        debug=False,
    )
    reader.learn(app.routes)
    app.asgi_handler = Edge(FrontDoor(app.asgi_handler, page_handler.fn), accepted_hosts(settings))
    return app


def _actor(request: Request[Any, Any, Any]) -> Actor:
    return request.user


class FrontDoor:
    """Sends a request to the API or to the pages.

    Litestar's own mount at "/" would swallow every address with a parameter in it.
    """

    def __init__(self, api: ASGIApp, pages: ASGIApp) -> None:
        self._api = api
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if f"{scope['path']}/".startswith(API_PREFIXES):
            await self._api(scope, receive, send)
        else:
            scope["path_template"] = "pages"
            await self._pages(scope, receive, send)
