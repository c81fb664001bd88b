"""Finishes the OpenAPI document that Litestar makes: errors, security, headers, closed objects."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from msgspec import Struct

from backend.accounts.authentication import CSRF_HEADER, TOKEN_COOKIE
from backend.errors import AppError
from backend.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]

DESCRIPTION = """\
Draw workflows, run them and watch them. Sign in with `POST /api/v1/auth/login` and send the token
as `Authorization: Bearer`. Errors are RFC 9457 problems with a stable `code`. Lists are paged by
cursor. A POST may carry an `Idempotency-Key`: sent again within 24 hours, it gets the first answer.
"""

_METHODS = ("get", "put", "post", "delete", "patch")
_ALWAYS = {400, 404, 422, 429, 500}
_WITH_BODY = {413, 415}
_WITH_STATE = {409, 412, 428}
_SIGNED_IN = {401, 403}


def finish(schema: Json, routes: Sequence[BaseRoute]) -> Json:
    """The document as it is served; `routes` tell which operations need no account."""
    components: Json = schema.setdefault("components", {})
    schemas: Json = components.setdefault("schemas", {})
    _add_problem(schemas)
    _close_objects(schemas)
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
    public = _public_operations(routes)
    for path, method, operation in _operations(schema):
        _finish_operation(path, method, operation, operation["operationId"] in public)
    schemas.pop("ValidationException", None)
    return schema


def _finish_operation(path: str, method: str, operation: Json, public: bool) -> None:
    api = path.startswith("/api/")
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
    responses: Json = operation["responses"]
    named = {refusal.status: refusal for refusal in _refusals()}
    responses.pop("400", None)
    for status in sorted(statuses):
        reference = {"$ref": f"#/components/responses/{_name(named[status])}"}
        responses.setdefault(str(status), reference)


def _operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in cast("Mapping[str, Json]", schema.get("paths", {})).items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _public_operations(routes: Sequence[BaseRoute]) -> set[str]:
    found: set[str] = set()
    for route in routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.opt.get("public") or not route.path.startswith("/api/"):
                    found.add(_operation_id(handler))
    return found


def _operation_id(handler: HTTPRouteHandler) -> str:
    return handler.operation_id if isinstance(handler.operation_id, str) else ""


def _refusals() -> list[type[AppError]]:
    return [AppError, *AppError.__subclasses__()]


def _name(refusal: type[AppError]) -> str:
    return "InternalError" if refusal is AppError else refusal.__name__


def _response(refusal: type[AppError]) -> Json:
    reference: Json = {"schema": {"$ref": "#/components/schemas/Problem"}}
    response: Json = {"description": refusal.title, "content": {MEDIA_TYPE: reference}}
    if refusal.status == 429:
        header: Json = {"schema": {"type": "integer"}, "description": "Seconds"}
        response["headers"] = {"Retry-After": header}
    return response


def _add_problem(schemas: Json) -> None:
    made, parts = msgspec.json.schema_components(
        [Problem], ref_template="#/components/schemas/{name}"
    )
    assert made
    problem = parts["Problem"]
    problem["description"] = "RFC 9457; some problems carry more, such as the current revision."
    schemas.update({name: part for name, part in parts.items() if name not in schemas})


def _close_objects(schemas: Json) -> None:
    """msgspec refuses unknown fields of some structs, but does not say so in their schemas."""
    closed = {
        struct.__name__
        for struct in _structs(Struct)
        if struct.__struct_config__.forbid_unknown_fields
    }
    for name, part in schemas.items():
        if name.rsplit("_", 1)[-1] in closed and part.get("type") == "object":
            part["additionalProperties"] = False


def _structs(base: type[Struct]) -> Iterator[type[Struct]]:
    for struct in base.__subclasses__():
        yield struct
        yield from _structs(struct)
