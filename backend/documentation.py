"""The API's own description: OpenAPI 3.1 at /openapi.json, read at /docs and /redoc."""

from typing import Any

import msgspec
from litestar import Controller, MediaType, Request, Response, Router, get
from litestar.openapi.config import OpenAPIConfig

from backend.system.service import product_version


class NoPages(Controller):
    """Litestar's own pages would load their scripts from another host."""

    path = "/openapi"
    include_in_schema = False


class Documentation:
    """The configuration that makes the schema, and the routes that show it."""

    def __init__(self) -> None:
        self.config = OpenAPIConfig(
            title="Heddle",
            version=product_version(),
            # Typed for subclasses of Litestar's page controller; any controller will do.
            openapi_controller=NoPages,  # pyright: ignore[reportArgumentType]
        )
        self._schema: bytes | None = None

        @get("/openapi.json", include_in_schema=False, media_type=MediaType.JSON)
        async def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
            if self._schema is None:
                self._schema = msgspec.json.encode(request.app.openapi_schema.to_schema())
            return Response(self._schema, media_type=MediaType.JSON)

        self.router = Router(path="/", route_handlers=[openapi_json], include_in_schema=False)
