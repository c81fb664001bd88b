"""How a step's output is stored: as JSON in its event, or, when it is large, as an artifact."""

import asyncio
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from graphs.artifacts import INLINE_LIMIT_BYTES, ArtifactKind, ArtifactStore, artifact_of
from graphs.errors import OutputError
from graphs.masking import Masker

LIMIT_BYTES = 100 * 1024 * 1024
"""A larger output fails its step, whatever room there is."""

PREVIEW_BYTES = 8 * 1024
PREVIEW_ITEMS = 10
PREVIEW_FIELDS = 50
PREVIEW_CHARACTERS = 300
PREVIEW_DEPTH = 4


class Stored(Struct, frozen=True):
    """`value` is what goes on in memory, `kept` what the event holds: the same, or a reference."""

    value: Any
    kept: Any
    size_bytes: int


async def store(value: Any, artifacts: ArtifactStore, masker: Masker | None, name: str) -> Stored:
    """The value as a later process would read it. Raises OutputError, and NodeError for a quota.

    `masker` takes secrets out of it.
    """
    try:
        encoded = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise OutputError(
            f"returned something that cannot be stored as JSON: {error}", retryable=False
        ) from error
    if len(encoded) > LIMIT_BYTES:
        raise OutputError(
            f"returned {len(encoded):,} bytes; at most {LIMIT_BYTES:,} can be stored: "
            "select the fields or rows that later nodes need",
            code="output_too_large",
            retryable=False,
        )
    if masker is not None:
        if len(encoded) <= INLINE_LIMIT_BYTES:
            encoded = _masked(encoded, masker)
        else:
            encoded = await asyncio.to_thread(_masked, encoded, masker)
    size = len(encoded)
    if size <= INLINE_LIMIT_BYTES:
        plain = msgspec.json.decode(encoded)
        return Stored(plain, plain, size)
    plain = await asyncio.to_thread(msgspec.json.decode, encoded)
    path = artifacts.new_path(".json")
    await asyncio.to_thread(path.write_bytes, encoded)
    artifact = await artifacts.keep(
        path, ArtifactKind.JSON, "application/json", name=name, preview=preview(plain)
    )
    return Stored(plain, artifact.to_json(), size)


def _masked(encoded: bytes, masker: Masker) -> bytes:
    if not masker.occurs(encoded.decode()):
        return encoded
    try:
        return msgspec.json.encode(masker.value(msgspec.json.decode(encoded)))
    except RecursionError as error:
        raise OutputError("returned data that is nested too deeply", retryable=False) from error


async def load(kept: Any, size_bytes: int, artifacts: ArtifactStore) -> Any:
    """The value that an event stands for. Raises NodeError when its artifact is gone."""
    if size_bytes <= INLINE_LIMIT_BYTES:
        return kept
    artifact = artifact_of(kept)
    if artifact is None or artifact.kind is not ArtifactKind.JSON:
        return kept
    path = await artifacts.path(artifact.id)
    return await asyncio.to_thread(_read, path)


def _read(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


def preview(value: Any) -> Any:
    """The beginning of a value, with the same shape: its first items, and of texts some words."""
    for depth in range(PREVIEW_DEPTH, 0, -1):
        part = _beginning(value, depth)
        if len(msgspec.json.encode(part)) <= PREVIEW_BYTES:
            return part
    return None


def _beginning(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= PREVIEW_CHARACTERS else f"{value[:PREVIEW_CHARACTERS]}…"
    if isinstance(value, list):
        items = cast("list[Any]", value)[: PREVIEW_ITEMS if depth else 0]
        return [_beginning(item, depth - 1) for item in items]
    if isinstance(value, dict):
        fields = list(cast("dict[str, Any]", value).items())[: PREVIEW_FIELDS if depth else 0]
        return {key: _beginning(item, depth - 1) for key, item in fields}
    return value
