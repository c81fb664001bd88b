"""What providers' client libraries raise, as failures that an analyst can read."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from graphs import outbound
from graphs.errors import NodeError
from graphs.events import now

RETRYABLE = frozenset({408, 409, 425, 429})
MAX_CHARACTERS = 500


def may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed in a moment."""
    status = _status(error)
    if status is not None:
        return status in RETRYABLE or status >= 500
    return outbound.refusal(error) is None and any(
        isinstance(cause, httpx.TransportError | ConnectionError) for cause in _causes(error)
    )


def readable(error: Exception, headers: Mapping[str, str], *, begun: bool) -> NodeError:
    """The failure of a call; `headers` of the server's last answer tell when to ask again.

    `begun`: a part of the answer had come in.
    """
    refused = outbound.refusal(error)
    if refused is not None:
        return refused
    status = _status(error)
    message = str(error).strip()[:MAX_CHARACTERS] or type(error).__name__
    if status is not None:
        return NodeError(
            f"the model's server answered {status}: {message}",
            code=f"http_{status}",
            retryable=status >= 500 or status in RETRYABLE,
            retry_after_ms=retry_after_ms({**headers, **_headers(error)}),
        )
    if begun:
        said = f"the model broke off in the middle of its answer: {message}"
        return NodeError(said, code="model_interrupted")
    return NodeError(f"the model could not be asked: {message}", code="model_failed")


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """When a server wants to be asked again, in milliseconds from now."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    try:
        if "retry-after-ms" in given:
            return max(0, round(float(given["retry-after-ms"])))
        if "retry-after" not in given:
            return None
        return max(0, round(float(given["retry-after"]) * 1000))
    except (ValueError, OverflowError):
        pass
    try:
        moment = parsedate_to_datetime(given.get("retry-after", ""))
    except (ValueError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, round((moment - now()).total_seconds() * 1000))


def _status(error: BaseException) -> int | None:
    status: Any = getattr(error, "status_code", None)
    return status if isinstance(status, int) and status >= 400 else None


def _headers(error: BaseException) -> dict[str, str]:
    response: Any = getattr(error, "response", None)
    return dict(response.headers) if isinstance(response, httpx.Response) else {}


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(20):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
