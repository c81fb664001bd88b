"""What comes back: into memory as a value, or onto the disk as a file."""

import asyncio
import mimetypes
import re
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import httpx

from graphs.artifacts import ArtifactKind, RunFiles
from graphs.errors import NodeError
from graphs.events import now
from graphs.http.charsets import decoded
from graphs.http.params import AnswerFormat, FailOn, HttpRequestParams
from graphs.json_numbers import TooHeavy, check_weight, decode_json_with_halves
from graphs.json_texts import REPLACED
from graphs.node_type import NodeContext

MEGABYTE = 1024 * 1024
MAX_IN_MEMORY_MB = 64
MAX_FILE_MB = 1024
MAX_ERROR_BYTES = MEGABYTE
"""So much of an error's body is kept."""

RETRYABLE = frozenset({408, 425, 429})
ASKING_TO_WAIT = frozenset({429, 503})
_WRITE_BYTES = MEGABYTE
_LARGE_BYTES = 256 * 1024
"""What takes longer to read than others should wait for."""

_BINARY = "application/octet-stream"
_LINES = re.compile(r"(ndjson|jsonl|jsonlines|json-seq)$", re.IGNORECASE)
"""Media types of JSON with a value a line."""

_HALVES = f"halves of characters, as a cut text has them, were replaced by {REPLACED}"


async def answer_of(
    response: httpx.Response, params: HttpRequestParams, ctx: NodeContext, hidden: tuple[str, str]
) -> dict[str, Any]:
    """The node's output for a streamed response. `hidden`: a text and what is written instead.

    Raises NodeError `http_<status>` with the answer as its data, `response_too_large`,
    `response_invalid`, and what the store and the workspace say of a file.
    """
    status = response.status_code
    answer: dict[str, Any] = {"status": status, "headers": headers_of(response.headers)}
    if status >= 400:
        content = await _beginning(response, MAX_ERROR_BYTES)
        raw = _hide(content, hidden)
        body = await _value(raw, response, AnswerFormat.AUTO, ctx) if raw else None
        answer["body"] = body
        if params.fail_on is FailOn.ERRORS:
            raise _refused(response, raw, answer)
        return answer
    empty = response.request.method == "HEAD" or status in (204, 205, 304)
    if empty or params.response is AnswerFormat.NONE:
        return {**answer, "body": None}
    if params.save_as:
        return {**answer, "body": await _saved(response, params, ctx)}
    kind = _media_type(response)
    unknown = params.response is AnswerFormat.AUTO and kind and not is_text(kind)
    if params.response is AnswerFormat.FILE or unknown:
        return {**answer, "body": await _kept(response, params, ctx)}
    limit_mb = min(params.max_answer_mb or MAX_IN_MEMORY_MB, MAX_IN_MEMORY_MB)
    content = await _whole(response, limit_mb)
    if not content:
        return {**answer, "body": None}
    if not kind and params.response is AnswerFormat.AUTO and _looks_binary(content):
        return {**answer, "body": await _kept_content(content, response, ctx)}
    body = await _value(_hide(content, hidden), response, params.response, ctx)
    return {**answer, "body": body}


def headers_of(headers: httpx.Headers) -> dict[str, Any]:
    """Header fields by their names in small letters; those of Set-Cookie as a list."""
    found: dict[str, Any] = {}
    for name, value in headers.items():
        found[name] = headers.get_list(name) if name == "set-cookie" else value
    return found


def is_text(kind: str) -> bool:
    """Whether a body of that media type is a text."""
    return (
        not kind
        or kind.startswith("text/")
        or kind.endswith(
            ("json", "xml", "javascript", "ecmascript", "yaml", "json-seq", "jsonl", "jsonlines")
        )
        or kind in ("application/x-www-form-urlencoded", "application/sql", "application/graphql")
    )


def _media_type(response: httpx.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _looks_binary(content: bytes) -> bool:
    begin = content[:1024]
    return b"\0" in begin and not begin.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))


def _hide(content: bytes, hidden: tuple[str, str]) -> bytes:
    text, instead = hidden
    return content.replace(text.encode(), instead.encode()) if text else content


async def _whole(response: httpx.Response, limit_mb: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > limit_mb * MEGABYTE:
            raise _too_large(limit_mb, in_memory=True)
        parts.append(part)
    return b"".join(parts)


async def _beginning(response: httpx.Response, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        parts.append(part[: limit_bytes - size])
        size += len(parts[-1])
        if size >= limit_bytes:
            break
    return b"".join(parts)


async def _value(
    content: bytes, response: httpx.Response, format: AnswerFormat, ctx: NodeContext
) -> Any:
    """The body as JSON or text; None for an error's body that is neither."""
    kind = response.headers.get("content-type", "")
    if format is AnswerFormat.AUTO and not is_text(_media_type(response)):
        return None
    as_json = format is AnswerFormat.JSON or (
        format is AnswerFormat.AUTO and "json" in _media_type(response)
    )
    if len(content) > _LARGE_BYTES:
        value, notice = await asyncio.to_thread(_read, content, kind, as_json)
    else:
        value, notice = _read(content, kind, as_json)
    if notice and as_json and format is AnswerFormat.JSON and isinstance(value, _NotJson):
        raise NodeError(notice, code="response_invalid", retryable=False)
    if notice:
        ctx.log(notice, "warning")
    return value.text if isinstance(value, _NotJson) else value


class _NotJson:
    def __init__(self, text: str) -> None:
        self.text = text


def _read(content: bytes, kind: str, as_json: bool) -> tuple[Any, str]:
    text, notice = decoded(content, kind)
    if not as_json:
        return text, notice
    if not text.strip():
        return None, notice
    try:
        check_weight(content)
        if _LINES.search(kind.partition(";")[0].strip()) is None:
            value, halves = decode_json_with_halves(text.encode())
        else:
            lines = (line.strip("\x1e \t\r") for line in text.split("\n"))
            found = [decode_json_with_halves(line.encode()) for line in lines if line]
            value, halves = [each for each, _ in found], any(half for _, half in found)
    except TooHeavy as error:
        raise NodeError(
            f"the answer is too large for one value: {error}; keep it as a file (Answer: file, or "
            "Save as), or ask the server for fewer rows or fields",
            code="response_too_large",
            retryable=False,
        ) from None
    except (ValueError, RecursionError) as error:
        told = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return _NotJson(text), f"the answer is not the JSON that it should be: {told}"
    return value, notice or (_HALVES if halves else "")


async def _kept(response: httpx.Response, params: HttpRequestParams, ctx: NodeContext) -> Any:
    """The body as an artifact: a reference to it."""
    store = ctx.services.artifacts
    name, kind = file_name(response), _media_type(response) or _BINARY
    path = store.new_path(_ending(name))
    try:
        await _download(response, path, params, await store.room_bytes())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    artifact = await store.keep(path, ArtifactKind.FILE, kind, name=name)
    return artifact.to_json()


async def _kept_content(content: bytes, response: httpx.Response, ctx: NodeContext) -> Any:
    store = ctx.services.artifacts
    name = file_name(response)
    path = store.new_path(_ending(name))
    await asyncio.to_thread(path.write_bytes, content)
    artifact = await store.keep(path, ArtifactKind.FILE, _BINARY, name=name)
    return artifact.to_json()


async def _saved(response: httpx.Response, params: HttpRequestParams, ctx: NodeContext) -> Any:
    """The body as a file of the workspace: its name and size."""
    files = ctx.services.files
    assert files is not None, "asked for before the request"
    path = ctx.services.artifacts.new_path(".download")
    try:
        room = await ctx.services.artifacts.room_bytes()
        if room is not None:
            room += await _size(files, params.save_as)
        await _download(response, path, params, room)
        size = await files.save(params.save_as, path)
    finally:
        path.unlink(missing_ok=True)
    kind = _media_type(response) or _BINARY
    return {"name": params.save_as, "size_bytes": size, "media_type": kind}


async def _size(files: RunFiles, name: str) -> int:
    """How large the file is that will be replaced, in bytes; 0 for none."""
    try:
        found = await files.path(name)
    except NodeError:
        return 0
    return (await asyncio.to_thread(found.stat)).st_size


async def _download(
    response: httpx.Response, path: Path, params: HttpRequestParams, room: int | None
) -> None:
    """`room`: what the tenant may add, in bytes; more ends the download when it is reached."""
    limit_mb = params.max_answer_mb or MAX_FILE_MB
    size = 0
    waiting: list[bytes] = []
    waiting_bytes = 0
    with await asyncio.to_thread(path.open, "wb") as file:
        async for part in response.aiter_bytes():
            size += len(part)
            if size > limit_mb * MEGABYTE:
                raise _too_large(limit_mb, in_memory=False)
            if room is not None and size > room:
                raise NodeError(
                    f"there is no room for the answer: the tenant may add {room:,} bytes; delete "
                    "old runs or files, or ask an administrator for more",
                    code="quota_exceeded",
                    retryable=False,
                )
            waiting.append(part)
            waiting_bytes += len(part)
            if waiting_bytes >= _WRITE_BYTES:
                await asyncio.to_thread(file.writelines, waiting)
                waiting, waiting_bytes = [], 0
        await asyncio.to_thread(file.writelines, waiting)


def _too_large(limit_mb: int, *, in_memory: bool) -> NodeError:
    remedy = (
        "keep it as a file (Answer: file, or Save as), or ask the server for fewer rows or fields"
        if in_memory
        else "raise Largest answer, or ask the server for less"
    )
    return NodeError(
        f"the answer is longer than {limit_mb:,} MB; {remedy}",
        code="response_too_large",
        retryable=False,
    )


def file_name(response: httpx.Response) -> str:
    """What the server calls the file, or else the end of its address; never a path."""
    message = Message()
    message["content-disposition"] = " ".join(
        response.headers.get("content-disposition", "").split()
    )
    given = message.get_filename() or unquote(PurePosixPath(response.request.url.path).name)
    name = "".join(c for c in given.replace("\\", "/").rpartition("/")[2] if c.isprintable())
    name = name.strip(" .")[-200:] or "answer"
    if "." not in name:
        name += mimetypes.guess_extension(_media_type(response)) or ""
    return name


def _ending(name: str) -> str:
    ending = Path(name).suffix[:10]
    return ending if ending[1:].isalnum() else ".bin"


def _refused(response: httpx.Response, content: bytes, answer: dict[str, Any]) -> NodeError:
    status = response.status_code
    kind = response.headers.get("content-type", "")
    words = decoded(content, kind)[0].strip() if is_text(_media_type(response)) else ""
    brief = f": {words[:300]}" if words else ""
    return NodeError(
        f"the server answered {status} {response.reason_phrase}{brief}",
        code=f"http_{status}",
        retryable=status >= 500 or status in RETRYABLE,
        retry_after_ms=_wait_ms(response.headers) if status in ASKING_TO_WAIT else None,
        data=answer,
    )


def _wait_ms(headers: httpx.Headers) -> int | None:
    """How long the server wants to be left alone: seconds, or until a date."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return int(asked[:9]) * 1000
    try:
        left = parsedate_to_datetime(asked) - now()
    except (ValueError, TypeError):
        return None
    return max(0, round(left.total_seconds() * 1000))
