"""What the product refuses, as a tree; services raise these and never HTTP classes.

AppError                  status, code, title, detail, errors, extra, headers
├── BadRequest            400 the request cannot be read
├── Unauthorized          401 nobody is signed in
├── Forbidden             403 the actor's role does not allow it
├── NotFound              404 not there, or another tenant's
├── MethodNotAllowed      405 the address exists, but not for this method
├── RequestTimeout        408 the body did not arrive in time
├── Conflict              409 the resource's state does not allow it
├── Gone                  410 it was there, and its record has been dropped
├── PreconditionFailed    412 If-Match names an older state
├── TooLarge              413 the body is larger than allowed
├── UnsupportedMedia      415 the body's media type is not taken here
├── RangeNotSatisfiable   416 the range asked for lies beyond the file's end
├── Invalid               422 readable, but wrong; `errors` says where, all of it
├── PreconditionRequired  428 If-Match is missing
├── TooManyRequests       429 try again after `retry_after_s`
└── Unavailable           503 starting, stopping or without its database
    └── StorageUnavailable 503 the database is locked, full or gone; try again

`backend.problems` turns them, and everything else that goes wrong, into problem+json.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from graphs.errors import DefinitionError, SelectionError


class FieldError(Struct, frozen=True, omit_defaults=True):
    """One thing wrong with the input. `pointer` is a JSON pointer, or `?name` of a parameter."""

    pointer: str
    code: str
    detail: str
    node_id: str | None = None


class AppError(Exception):
    """Base of every refusal. `extra` is merged into the problem; `headers` go into the response."""

    status: int = 500
    code: str = "internal_error"
    title: str = "Internal error"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = list(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        if code is not None:
            self.code = code


class BadRequest(AppError):
    status = 400
    code = "bad_request"
    title = "The request cannot be read"


class Unauthorized(AppError):
    status = 401
    code = "unauthorized"
    title = "Sign in first"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            detail, code=code, headers={**(headers or {}), "WWW-Authenticate": "Bearer"}
        )


class Forbidden(AppError):
    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(AppError):
    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(AppError):
    status = 405
    code = "method_not_allowed"
    title = "Not with this method"


class RequestTimeout(AppError):
    status = 408
    code = "request_timeout"
    title = "The body did not arrive in time"

    def __init__(self, detail: str = "") -> None:
        # the rest of the body cannot be told from the next request
        super().__init__(detail, headers={"Connection": "close"})


class Conflict(AppError):
    status = 409
    code = "conflict"
    title = "The present state does not allow this"


class Gone(AppError):
    status = 410
    code = "gone"
    title = "No longer there"


class PreconditionFailed(AppError):
    status = 412
    code = "stale"
    title = "Changed in the meantime"


class TooLarge(AppError):
    status = 413
    code = "too_large"
    title = "The body is too large"


class UnsupportedMedia(AppError):
    status = 415
    code = "unsupported_media_type"
    title = "This media type is not taken here"


class RangeNotSatisfiable(AppError):
    status = 416
    code = "range_not_satisfiable"
    title = "The file has no such part"


class Invalid(AppError):
    status = 422
    code = "invalid"
    title = "The input is not valid"

    @classmethod
    def field(cls, pointer: str, code: str, detail: str) -> Self:
        """One field's refusal."""
        return cls(detail, errors=[FieldError(pointer, code, detail)])

    @classmethod
    def definition(cls, error: DefinitionError) -> Self:
        """The refusal of a drawing that cannot run, with every problem and its node."""
        count = len(error.problems)
        return cls(
            f"The workflow has {count} problem{'' if count == 1 else 's'}.",
            code=error.code,
            errors=[
                FieldError(
                    f"/definition{problem.pointer}", problem.code, problem.detail, problem.node_id
                )
                for problem in error.problems
            ],
        )

    @classmethod
    def selection(cls, error: SelectionError) -> Self:
        """The refusal of steps that cannot become a workflow, with every reason."""
        return cls(
            error.message,
            code=error.code,
            errors=[
                FieldError("/node_ids", reason.code, reason.message, reason.node_id)
                for reason in error.reasons
            ],
        )


class PreconditionRequired(AppError):
    status = 428
    code = "if_match_required"
    title = "Say with If-Match which state you change"


class TooManyRequests(AppError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(
        self, detail: str = "", *, retry_after_s: int, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail, headers={**(headers or {}), "Retry-After": str(retry_after_s)})


class Unavailable(AppError):
    status = 503
    code = "unavailable"
    title = "Not available at the moment"


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    title = "Nothing can be stored at the moment"

    def __init__(self, detail: str = "", *, retry_after_s: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})
