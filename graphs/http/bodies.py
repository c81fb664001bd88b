"""The body of a request, from what the settings say to what is sent."""

import base64
import binascii
import mimetypes
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import anyio
import httpx
import msgspec
from msgspec import Struct

from graphs.artifacts import ArtifactKind, artifact_of
from graphs.errors import NodeError
from graphs.expressions import format_value
from graphs.http.charsets import charset_of, known_charset
from graphs.http.params import BodyFormat, HttpRequestParams
from graphs.node_type import NodeContext

_PIECE_BYTES = 64 * 1024
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_BINARY = "application/octet-stream"


class SentBody(Struct, frozen=True, kw_only=True):
    """What httpx is given: the content, or the parts of a multipart body.

    `content_type` is for a request that names none. `drop_content_type`: the one it names lacks
    the boundary, which only comes with the body.
    """

    content: Any = None
    parts: list[tuple[str, Any]] | None = None
    content_type: str = ""
    size_bytes: int | None = None
    drop_content_type: bool = False


class SentFile(Struct, frozen=True, kw_only=True):
    """A file to send, wherever it is kept."""

    path: Path
    name: str
    content_type: str


class FileStream(httpx.AsyncByteStream):
    """A file's bytes, read as they are sent; a redirect may ask for them again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with await anyio.open_file(self.path, "rb") as file:
            while piece := await file.read(_PIECE_BYTES):
                yield piece


async def body_of(
    params: HttpRequestParams, content_type: str, ctx: NodeContext, opened: ExitStack
) -> SentBody:
    """The request's body; files stay open as long as `opened`.

    Raises NodeError `request_invalid`, and what the workspace says of files that are not there.
    """
    value = params.body
    if value is None or params.body_format is BodyFormat.NONE:
        return SentBody()
    match _format(params.body_format, value, content_type):
        case BodyFormat.FORM:
            if isinstance(value, str):
                return SentBody(content=value.encode(), content_type=_FORM)
            return SentBody(content=urlencode(_fields(value)).encode(), content_type=_FORM)
        case BodyFormat.MULTIPART:
            return await _multipart(value, content_type, ctx, opened)
        case BodyFormat.FILE:
            file = await _file(value, ctx)
            size = file.path.stat().st_size
            stream = FileStream(file.path)
            return SentBody(content=stream, content_type=file.content_type, size_bytes=size)
        case BodyFormat.TEXT:
            kind = "text/plain; charset=utf-8"
            return SentBody(content=_encoded(format_value(value), content_type), content_type=kind)
        case _:
            text = msgspec.json.encode(value).decode()
            return SentBody(content=_encoded(text, content_type), content_type="application/json")


def _format(given: BodyFormat, value: Any, content_type: str) -> BodyFormat:
    if given is not BodyFormat.AUTO:
        return given
    if isinstance(value, str):
        return BodyFormat.TEXT
    artifact = artifact_of(value)
    if artifact is not None and artifact.kind is ArtifactKind.FILE:
        return BodyFormat.FILE
    kind = content_type.partition(";")[0].strip().lower()
    if kind in (_FORM, _MULTIPART):
        return BodyFormat.FORM if kind == _FORM else BodyFormat.MULTIPART
    if kind.startswith("text/") and not isinstance(value, dict | list):
        return BodyFormat.TEXT
    return BodyFormat.JSON


def _encoded(text: str, content_type: str) -> bytes:
    charset = known_charset(charset_of(content_type)) or "utf-8"
    try:
        return text.encode(charset)
    except UnicodeEncodeError as error:
        character = text[error.start]
        raise _invalid(
            f"the body holds {character!r}, which the charset {charset} of its Content-Type lacks"
        ) from None


def _fields(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        listed = cast("list[Any]", value)
        if all(isinstance(pair, list) and len(cast("list[Any]", pair)) == 2 for pair in listed):
            return [(format_value(name), format_value(given)) for name, given in listed]
    if not isinstance(value, Mapping):
        raise _invalid('a form\'s body is an object, such as {"name": "value"}')
    pairs: list[tuple[str, str]] = []
    for name, given in cast("Mapping[str, Any]", value).items():
        entries = cast("list[Any]", given) if isinstance(given, list) else [given]
        pairs += [(name, format_value(entry)) for entry in entries if entry is not None]
    return pairs


async def _multipart(
    value: Any, content_type: str, ctx: NodeContext, opened: ExitStack
) -> SentBody:
    if not isinstance(value, Mapping):
        raise _invalid('a multipart body is an object, such as {"photo": {"file": "name.png"}}')
    parts: list[tuple[str, Any]] = []
    for name, given in cast("Mapping[str, Any]", value).items():
        entries = cast("list[Any]", given) if isinstance(given, list) else [given]
        for entry in entries:
            if entry is not None:
                parts.append((name, await _part(name, entry, ctx, opened)))
    if not parts:
        raise _invalid("a multipart body needs a field that is not null")
    drop = "boundary=" not in content_type.lower()
    return SentBody(parts=parts, drop_content_type=drop)


async def _part(name: str, entry: Any, ctx: NodeContext, opened: ExitStack) -> Any:
    """A part as httpx takes it: its file's name, content and type."""
    if not isinstance(entry, dict):
        return (None, format_value(entry).encode())
    fields = cast("dict[str, Any]", entry)
    given_name = fields.get("filename")
    kind = fields.get("content_type")
    if "base64" in fields:
        try:
            content = base64.b64decode(str(fields["base64"]), validate=True)
        except (binascii.Error, ValueError):
            raise _invalid(f"the field {name!r} of the body is not base64") from None
        return (str(given_name or name), content, str(kind or _BINARY))
    if "text" in fields and (given_name or kind):
        content = format_value(fields["text"]).encode()
        return (given_name, content, str(kind or "text/plain; charset=utf-8"))
    if "file" in fields or artifact_of(fields) is not None:
        file = await _file(fields.get("file", fields), ctx)
        handle = opened.enter_context(file.path.open("rb"))
        return (str(given_name or file.name), handle, str(kind or file.content_type))
    return (None, msgspec.json.encode(fields), "application/json")


async def _file(value: Any, ctx: NodeContext) -> SentFile:
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    artifact = artifact_of(value)
    if artifact is not None:
        path = await ctx.services.artifacts.path(artifact.id)
        name = Path(artifact.name).name or path.name
        return SentFile(path=path, name=name, content_type=artifact.media_type)
    named: object = (fields.get("file") or fields.get("name")) if fields else cast("object", value)
    if not isinstance(named, str) or not named:
        raise _invalid(
            'a file to send is the name of one in the workspace, {"file": "name"}, or what a step '
            "put out as a file"
        )
    files = ctx.services.files
    if files is None:
        raise NodeError(
            "this run has no workspace to read files from",
            code="files_unavailable",
            retryable=False,
        )
    path = await files.path(named)
    kind = mimetypes.guess_type(named)[0] or _BINARY
    return SentFile(path=path, name=Path(named).name, content_type=kind)


def _invalid(message: str) -> NodeError:
    return NodeError(message, code="request_invalid", retryable=False)
