"""Turns whatever goes wrong into RFC 9457 problem+json: the one exception handler of the app."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from backend.errors import (
    AppError,
    BadRequest,
    FieldError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unavailable,
)
from backend.storage_errors import storage_refusal
from graphs.errors import DefinitionError, GraphError

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger("heddle.http")


class ProblemDetails(Struct, kw_only=True, omit_defaults=True):
    """RFC 9457, with a stable `code` and all that is wrong with the input in `errors`.

    Some problems carry more, such as the current revision.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FieldError] = msgspec.field(default_factory=list[FieldError])


def handle_exception(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The exception handler: never shows a trace, SQL or a path of ours."""
    refusal = as_app_error(error)
    if isinstance(refusal, Unavailable):
        log.warning("request.refused", code=refusal.code, detail=refusal.detail)
    elif refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request.failed", code=refusal.code, exc_info=error)
    return Response(
        problem_json(refusal, request.scope["path"], request_id_of(request.scope)),
        status_code=refusal.status,
        media_type=MEDIA_TYPE,
        headers=refusal.headers,
    )


def problem_json(error: AppError, instance: str, request_id: str) -> bytes:
    """The body of a refusal."""
    problem = ProblemDetails(
        type=f"/help/errors/{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=instance,
        code=error.code,
        request_id=request_id,
        errors=error.errors,
    )
    if not error.extra:
        return msgspec.json.encode(problem)
    return msgspec.json.encode({**error.extra, **msgspec.to_builtins(problem)})


def request_id_of(scope: Mapping[str, Any]) -> str:
    """The id that `backend.edge` gave the request."""
    return cast("str", scope.get("heddle_request_id", ""))


def as_app_error(error: Exception) -> AppError:
    """The refusal that an exception means; what nobody foresaw is a plain 500."""
    match error:
        case AppError():
            return error
        case DefinitionError():
            return Invalid.definition(error)
        case GraphError():
            return Invalid(error.message, code=error.code)
        case RecursionError():
            return BadRequest("The JSON is nested too deeply.", code="nested_too_deeply")
        case ValidationException():
            return _invalid_parameters(error)
        case _ if (refusal := storage_refusal(error)) is not None:
            return refusal
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return _framework_refusal(error)
        case _:
            return AppError("Something went wrong on our side; the log has it by its request id.")


def _framework_refusal(error: HTTPException) -> AppError:
    headers = error.headers or {}
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return NotFound("There is nothing at this address.", headers=headers)
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return MethodNotAllowed(headers=headers)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TooLarge(headers=headers)
        case HTTPStatus.BAD_REQUEST:
            return BadRequest(error.detail, headers=headers)
        case status:
            refusal = AppError(error.detail, code=f"http_{status}", headers=headers)
            refusal.status, refusal.title = status, HTTPStatus(status).phrase
            return refusal


_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")


def _invalid_parameters(error: ValidationException) -> AppError:
    """Query, path and header parameters; bodies never get here (`backend.requests` reads them)."""
    found = error.extra if isinstance(error.extra, list) else []
    errors: list[FieldError] = []
    for entry in found:
        if isinstance(entry, dict):
            message = cast("dict[str, Any]", entry)
            name = str(message.get("key", ""))
            detail = _PATH.sub("", str(message.get("message", "is not valid")))
            errors.append(FieldError(f"?{name}", "invalid_parameter", detail))
    return Invalid(
        "; ".join(f"{entry.pointer[1:]}: {entry.detail}" for entry in errors) or error.detail,
        code="invalid_parameter",
        errors=errors,
    )
