"""Reads every request before its handler does: query names, media type, nesting, body shape.

Litestar would ignore unknown query parameters, take any media type, coerce "5" to 5 and report
one error of several; here a body is decoded strictly, once, and all of its errors are told.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from litestar.utils.scope.state import ScopeState
from msgspec import Struct

from backend.body_errors import body_errors
from backend.errors import BadRequest, FieldError, Invalid, NotFound, UnsupportedMedia

MAX_NESTING = 200
LARGEST = 2**63 - 1
"""Of the whole numbers that a database takes."""
JSON = "application/json"


class Expected(Struct, frozen=True):
    """What a handler declares. `consumes`: the media types it takes, besides `*+json`."""

    query: frozenset[str]
    body: Any
    body_required: bool
    consumes: tuple[str, ...]
    streams: bool = False


class RequestReader:
    """A before-request hook that knows what every handler expects."""

    def __init__(self) -> None:
        self._expected: dict[HTTPRouteHandler, Expected] = {}
        self._options: dict[HTTPRouteHandler, str] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> "RequestReader":
        """Litestar copies handlers with all they hold; there is one reader for all of them."""
        return self

    def learn(self, routes: Sequence[BaseRoute]) -> None:
        """Take in what the routes' handlers declare.

        A handler's `opt` may hold `consumes`, and `streams`: it reads its body by itself.
        """
        for route in routes:
            if isinstance(route, HTTPRoute):
                # Litestar's own answer knows only the first of an address's handlers.
                options, _ = route.route_handler_map["OPTIONS"]
                self._options[options] = ", ".join(sorted(route.route_handler_map))
                for handler, model in route.route_handler_map.values():
                    data = handler.parsed_fn_signature.parameters.get("data")
                    self._expected[handler] = Expected(
                        query=frozenset(p.field_alias for p in model.expected_query_params),
                        body=None if data is None else data.annotation,
                        body_required=data is not None and not data.is_optional,
                        consumes=tuple(handler.opt.get("consumes", (JSON,))),
                        streams=bool(handler.opt.get("streams")),
                    )

    async def __call__(self, request: Request[Any, Any, Any]) -> Response[None] | None:
        """Raises BadRequest, UnsupportedMedia or Invalid; otherwise hands on the decoded body.

        Answers OPTIONS by itself.
        """
        if request.method == "OPTIONS":
            allowed = self._options[request.route_handler]
            return Response(None, status_code=204, headers={"Allow": allowed})
        expected = self._expected.get(request.route_handler)
        if expected is None:
            return None
        _check_path(request)
        if request.scope["query_string"]:
            _check_query(request, expected)
        if expected.streams:
            return None
        if request.method in ("GET", "HEAD", "DELETE") and expected.body is None:
            return None
        body = await request.body()
        if body:
            _check_media_type(request, expected)
        if expected.body is None:
            return None
        if body or expected.body_required:
            ScopeState.from_scope(request.scope).json = decode(body, expected.body)
        return None


def decode(body: bytes, body_type: Any) -> Any:
    """The body as `body_type`. Raises BadRequest when it is no JSON, Invalid with all errors."""
    if not body:
        raise BadRequest("A JSON body is expected here.", code="malformed_json")
    check_nesting(body)
    try:
        return _decoder(body_type).decode(body)
    except msgspec.ValidationError as error:
        errors = body_errors(_json(body), body_type) or [FieldError("", "invalid", str(error))]
        raise Invalid("; ".join(found.detail for found in errors), errors=errors) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error) from None


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(error) from None


def _malformed(error: Exception) -> BadRequest:
    return BadRequest(f"The body is no JSON: {error}", code="malformed_json")


def check_nesting(body: bytes) -> None:
    """Raises BadRequest for JSON nested deeper than any code of ours would like to recurse."""
    if body.count(b"[") + body.count(b"{") <= MAX_NESTING:
        return
    depth = 0
    outside = b"".join(body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    for byte in outside:
        if byte in b"[{":
            depth += 1
            if depth > MAX_NESTING:
                raise BadRequest(
                    f"The JSON is nested deeper than {MAX_NESTING} levels.",
                    code="nested_too_deeply",
                )
        elif byte in b"]}":
            depth -= 1


@cache
def _decoder(body_type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(body_type)


def _check_path(request: Request[Any, Any, Any]) -> None:
    """What no column can hold or compare with is not there."""
    for value in request.path_params.values():
        if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
            raise NotFound("There is nothing at this address.")
        if isinstance(value, str) and "\0" in value:
            raise NotFound("There is nothing at this address.")


def _check_query(request: Request[Any, Any, Any], expected: Expected) -> None:
    unknown = sorted({*request.query_params} - expected.query)
    if unknown:
        raise Invalid(
            f"Unknown query parameter{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}.",
            code="unknown_parameter",
            errors=[
                FieldError(f"?{name}", "unknown_parameter", f"There is no parameter {name!r} here.")
                for name in unknown
            ],
        )


def _check_media_type(request: Request[Any, Any, Any], expected: Expected) -> None:
    media_type = request.content_type[0].lower()
    if media_type in expected.consumes:
        return
    if JSON in expected.consumes and media_type.endswith("+json"):
        return
    raise UnsupportedMedia(f"Send {' or '.join(expected.consumes)}, and say so in Content-Type.")
