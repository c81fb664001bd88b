"""Finishes the OpenAPI document that Litestar makes: exact schemas, errors, security, headers."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from msgspec import Struct

from backend.accounts.authentication import CSRF_HEADER, TOKEN_COOKIE
from backend.errors import AppError
from backend.problems import MEDIA_TYPE, ProblemDetails

Json = dict[str, Any]

DESCRIPTION = """\
Draw workflows, run them and watch them. Sign in with `POST /api/v1/auth/login` and send the token
as `Authorization: Bearer`. Errors are RFC 9457 problems with a stable `code`. Lists are paged by
cursor. A POST may carry an `Idempotency-Key`: sent again within 24 hours, it gets the first answer.
"""

_METHODS = ("get", "put", "post", "delete", "patch")
_ALWAYS = {400, 403, 404, 422, 429, 500, 503}
"""403 also for a Host header that is not ours, 503 while nothing can be stored."""
_WITH_BODY = {408, 413, 415}
LOG_LEVELS = ("debug", "info", "warning", "error")
_CURSOR = r"^[A-Za-z0-9_-]+$"
_ETAG = r'^\s*(\*|(W/)?"[^"]*"(\s*,\s*(W/)?"[^"]*")*)\s*$'
_WITH_STATE = {409, 412, 428}
_SIGNED_IN = {401, 403}
_LIST = re.compile(rb"\bPage_(?:\w+\.)+(\w+?)(?:View)?_\b")
"""Litestar's names of generic structs, which generated clients would have to live with."""


def finish(schema: Json, routes: Sequence[BaseRoute]) -> Json:
    """The document as it is served; `routes` tell which operations need no account."""
    components: Json = schema.setdefault("components", {})
    schemas: Json = components.setdefault("schemas", {})
    _describe_structs(schemas)
    components["responses"] = {_name(refusal): _response(refusal) for refusal in _refusals()}
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": TOKEN_COOKIE,
            "description": f"Writing requests also need the header {CSRF_HEADER}.",
        },
    }
    handlers = {_operation_id(handler): handler for handler in _handlers(routes)}
    for path, method, operation in _operations(schema):
        _finish_operation(path, method, operation, handlers[operation["operationId"]].opt)
    schemas.pop("ValidationException", None)
    return msgspec.json.decode(_LIST.sub(rb"\1List", msgspec.json.encode(schema)))


def _finish_operation(path: str, method: str, operation: Json, opt: Mapping[str, Any]) -> None:
    """A handler's `opt` may hold `public`, `refuses` (more errors), `produces` (media types),
    `sorts` (the fields of `sort`) and `needs_if_match`.
    """
    api = path.startswith("/api/")
    public = bool(opt.get("public"))
    operation["summary"] = re.split(r"[.:;](?:\s|$)", operation["description"], maxsplit=1)[0]
    statuses: set[int] = set(_ALWAYS) if api else {500}
    if "requestBody" in operation:
        statuses.update(_WITH_BODY)
    if method != "get":
        statuses.update(_WITH_STATE)
    if api and not public:
        statuses.update(_SIGNED_IN)
        operation["security"] = [{"bearer": []}, {"cookie": []}]
    else:
        operation["security"] = []
    if method == "post" and api and not public:
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "description": "The same key and request again get the first answer again.",
            }
        )
    _narrow_parameters(operation, opt)
    responses: Json = operation["responses"]
    named = {refusal.status: refusal for refusal in _refusals()}
    responses.pop("400", None)
    if "204" in responses:
        responses["204"].pop("content", None)
    for status in {"201", "202"} & responses.keys():
        responses[status]["headers"] = {"Location": {"schema": {"type": "string"}}}
    for media_type, kind in opt.get("produces", {}).items():
        responses["200"].setdefault("content", {})[media_type] = {"schema": kind}
    statuses.update(refusal.status for refusal in opt.get("refuses", ()))
    for status in sorted(statuses):
        reference = {"$ref": f"#/components/responses/{_name(named[status])}"}
        responses.setdefault(str(status), reference)


def _narrow_parameters(operation: Json, opt: Mapping[str, Any]) -> None:
    """Say of parameters that many endpoints share what each of these endpoints takes."""
    for parameter in operation.get("parameters", ()):
        match parameter["in"], parameter["name"]:
            case "query", "cursor":
                parameter["schema"] = {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 1000,
                    "pattern": _CURSOR,
                }
                parameter["description"] = (
                    "`next_cursor` of the page before, of the same list, filters and sort; "
                    "any other text is refused"
                )
            case "query", "sort":
                fields: Sequence[str] = opt.get("sorts", ())
                schema: Json = {"type": "string", "minLength": 1, "maxLength": 50}
                if fields:
                    both = [name for field in fields for name in (field, f"-{field}")]
                    schema = {"type": "string", "enum": both}
                parameter["schema"] = schema
            case "query", "level":
                parameter["schema"] = {
                    "type": "string",
                    "enum": ["debug", "info", "warning", "error"],
                }
            case "header", "If-Match":
                parameter["schema"] = {"type": "string", "pattern": _ETAG}
                parameter["required"] = bool(opt.get("needs_if_match"))
            case _:
                pass


def _operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in cast("Mapping[str, Json]", schema.get("paths", {})).items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _handlers(routes: Sequence[BaseRoute]) -> Iterator[HTTPRouteHandler]:
    for route in routes:
        if isinstance(route, HTTPRoute):
            yield from route.route_handlers


def _operation_id(handler: HTTPRouteHandler) -> str:
    return handler.operation_id if isinstance(handler.operation_id, str) else ""


def _refusals() -> list[type[AppError]]:
    return [AppError, *AppError.__subclasses__()]


def _name(refusal: type[AppError]) -> str:
    return "InternalError" if refusal is AppError else refusal.__name__


def _response(refusal: type[AppError]) -> Json:
    reference: Json = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    response: Json = {"description": refusal.title, "content": {MEDIA_TYPE: reference}}
    if refusal.status in (429, 503):
        header: Json = {"schema": {"type": "integer"}, "description": "Seconds"}
        response["headers"] = {"Retry-After": header}
    return response


def _describe_structs(schemas: Json) -> None:
    """Replace Litestar's schemas of structs by msgspec's, which are what is really decoded.

    Litestar leaves out that unknown fields are refused, the limits of items, and limits of 0.
    """
    named: dict[str, type[Struct]] = {}
    for struct in _structs(Struct):
        if struct.__module__.startswith(("backend.", "graphs.")) and struct.__name__ in schemas:
            assert struct.__name__ not in named, f"two structs are named {struct.__name__}"
            named[struct.__name__] = struct
    named[ProblemDetails.__name__] = ProblemDetails
    _, parts = msgspec.json.schema_components(
        named.values(), ref_template="#/components/schemas/{name}"
    )
    schemas.update(parts)
    for name, struct in named.items():
        example = getattr(struct, "example", None)
        if example is not None:
            schemas[name]["examples"] = [example]
        if "description" in schemas[name]:
            schemas[name]["description"] = inspect.cleandoc(schemas[name]["description"])


def _structs(base: type[Struct]) -> Iterator[type[Struct]]:
    for struct in base.__subclasses__():
        yield struct
        yield from _structs(struct)
