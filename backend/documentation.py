"""The API's description: OpenAPI 3.1 at /openapi.json, to be read at /docs and /redoc.

The pages and their scripts come from `system/static/docs`; nothing is loaded from another host.
Swagger UI 5.35.0 and Redoc 2.5.4 lie there as published, with their licences, but for two things:
the lines that name source maps (Redoc's, and the stylesheet's) are gone, and Redoc's logo, which
its host would serve, is empty.
"""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, Router, get
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath

from backend.errors import NotFound
from backend.openapi import DESCRIPTION, finish
from backend.system.service import product_version

_FOLDER = Path(__file__).parent / "system" / "static" / "docs"
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
}


class _Schema(OpenAPIRenderPlugin):
    """The finished document; made on first use and kept as bytes."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json", media_type=MediaType.JSON)
        self._encoded: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._encoded is None:
            self._encoded = msgspec.json.encode(finish(openapi_schema, request.app.routes))
        return self._encoded


class _DocsPage(OpenAPIRenderPlugin):
    """A page that reads the document."""

    def __init__(self, path: str, file: str) -> None:
        super().__init__(path=path)
        self._file = file

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return _read(self._file)


def openapi_config() -> OpenAPIConfig:
    """Where the document and its pages are served."""
    return OpenAPIConfig(
        title="Heddle",
        version=product_version(),
        description=DESCRIPTION,
        use_handler_docstrings=True,
        path="/",
        render_plugins=[
            _Schema(),
            _DocsPage("/docs", "swagger.html"),
            _DocsPage("/redoc", "redoc.html"),
        ],
    )


@get("/docs/assets/{name:str}", include_in_schema=False)
async def docs_asset(name: FromPath[str]) -> Response[bytes]:
    """A script or style of the pages."""
    if name not in _ASSETS:
        raise NotFound("There is nothing at this address.")
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(_read(name), media_type=_ASSETS[name], headers=headers)


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


router = Router(path="/", route_handlers=[docs_asset], include_in_schema=False)
