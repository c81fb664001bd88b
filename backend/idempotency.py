"""Answers a repeated request with the first answer: the header Idempotency-Key on any POST.

The first request reserves an id for what it creates (`reserved_id`), so that even one that was cut
off before its answer was kept cannot create a second thing when it is tried again.
"""

import contextvars
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, cast

import msgspec
import structlog
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct
from uuid_utils.compat import uuid7

from backend.actor import Actor
from backend.database import UNIQUE_VIOLATIONS, execute, fetch
from backend.errors import Conflict, Invalid, StorageUnavailable, TooLarge

HEADER = b"idempotency-key"
MAX_KEY_LENGTH = 255
KEPT = timedelta(hours=24)
CUT_OFF_AFTER = timedelta(seconds=60)
_SWEEP_EVERY = 500
_KEPT_HEADERS = frozenset((b"content-type", b"location", b"etag"))

log = structlog.get_logger("heddle.idempotency")

_reserved: contextvars.ContextVar[str | None] = contextvars.ContextVar("reserved", default=None)


def reserved_id() -> str | None:
    """The id that this request must give to what it creates, or None when it is free to choose.

    When something with this id exists already, an earlier try made it: return that.
    """
    return _reserved.get()


class Answer(Struct, frozen=True):
    status: int
    headers: list[tuple[str, str]]
    body: str


class Idempotency(ASGIMiddleware):
    """Costs a look at the headers where the key is not sent."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._served = 0

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """ASGI."""
        key = _key(scope)
        actor = cast("dict[str, Any]", scope).get("user")
        if key is None or not isinstance(actor, Actor):
            await next_app(scope, receive, send)
            return
        body, replayed_receive = await _read(receive, self._max_body_bytes)
        mark = _fingerprint(scope, actor, body)
        claim = await _claim(actor.tenant_id, key, mark)
        if isinstance(claim, Answer):
            await _replay(claim, send)
            return
        self._served += 1
        if self._served % _SWEEP_EVERY == 1:
            await execute("DELETE FROM idempotency_key WHERE created_at < ?", _ago(KEPT))
        await _first_time(claim, scope, replayed_receive, send, next_app)


async def _first_time(
    row_id: str, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp
) -> None:
    recorder = _Recorder(send)
    token = _reserved.set(row_id)
    try:
        await next_app(scope, receive, recorder)
    finally:
        _reserved.reset(token)
        try:
            await _keep(row_id, recorder.answer())
        except StorageUnavailable:
            # the answer is on its way; the id stays reserved for whoever tries again
            log.warning("idempotency.not_kept")


async def _keep(row_id: str, answer: Answer | None) -> None:
    if answer is None:
        await execute("DELETE FROM idempotency_key WHERE id = ?", row_id)
    else:
        await execute(
            "UPDATE idempotency_key SET status = ?, headers = ?, body = ? WHERE id = ?",
            answer.status,
            msgspec.json.encode(answer.headers).decode(),
            answer.body,
            row_id,
        )


class _Recorder:
    """Passes a response on and keeps it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._complete = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [pair for pair in message["headers"] if pair[0] in _KEPT_HEADERS]
        elif message["type"] == "http.response.body" and not self._streams():
            self._body += message["body"]
            self._complete = not message["more_body"]
        await self._send(message)

    def answer(self) -> Answer | None:
        """What to say next time; None when it should be tried again, as after a refusal."""
        headers = [(name.decode(), value.decode("latin-1")) for name, value in self._headers]
        if self._streams() and 200 <= self._status < 300:
            location = dict(headers).get("location")
            return Answer(303, [("location", location)], "") if location else None
        if not self._complete or not 200 <= self._status < 400:
            return None
        return Answer(self._status, headers, self._body.decode(errors="replace"))

    def _streams(self) -> bool:
        return dict(self._headers).get(b"content-type", b"").startswith(b"text/event-stream")


def _key(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    for name, value in scope["headers"]:
        if name == HEADER:
            key = value.decode("latin-1")
            if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
                raise Invalid(
                    f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} printable characters.",
                    code="invalid_idempotency_key",
                )
            return key
    return None


async def _read(receive: Receive, limit: int) -> tuple[bytes, Receive]:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message["body"]
        more = message["more_body"]
        if len(body) > limit:
            raise TooLarge
    whole = bytes(body)
    sent = False

    async def again() -> Any:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": whole, "more_body": False}

    return whole, cast("Callable[[], Awaitable[Any]]", again)


def _fingerprint(scope: Scope, actor: Actor, body: bytes) -> str:
    digest = sha256(body)
    digest.update(f"\n{actor.user_id}\n{scope['path']}\n".encode())
    digest.update(scope["query_string"])
    return digest.hexdigest()


async def _claim(tenant_id: str, key: str, fingerprint: str) -> str | Answer:
    """The id of the row that this request now owns, or the answer that is kept already."""
    row_id = str(uuid7())
    try:
        await execute(
            "INSERT INTO idempotency_key (id, tenant_id, key, fingerprint, created_at) "
            "VALUES (?, ?, ?, ?, ?)",
            *(row_id, tenant_id, key, fingerprint, datetime.now(UTC)),
        )
        return row_id
    except UNIQUE_VIOLATIONS:
        pass
    rows = await fetch(
        "SELECT * FROM idempotency_key WHERE tenant_id = ? AND key = ?", tenant_id, key
    )
    if not rows:
        return await _claim(tenant_id, key, fingerprint)
    row = rows[0]
    if row["created_at"] < _ago(KEPT):
        await execute("DELETE FROM idempotency_key WHERE id = ?", row["id"])
        return await _claim(tenant_id, key, fingerprint)
    if row["fingerprint"] != fingerprint:
        raise Invalid(
            "This Idempotency-Key was used for another request.", code="idempotency_key_reused"
        )
    if row["status"]:
        headers = msgspec.json.decode(row["headers"], type=list[tuple[str, str]])
        return Answer(row["status"], headers, row["body"])
    if row["created_at"] < _ago(CUT_OFF_AFTER):
        log.info("idempotency.taken_over")
        return row["id"]
    raise Conflict(
        "The first request with this Idempotency-Key is still at work.",
        code="idempotency_key_in_use",
        headers={"Retry-After": "1"},
    )


def _ago(age: timedelta) -> datetime:
    return datetime.now(UTC) - age


async def _replay(answer: Answer, send: Send) -> None:
    body = answer.body.encode()
    headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                *headers,
                (b"content-length", str(len(body)).encode()),
                (b"idempotent-replayed", b"true"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
