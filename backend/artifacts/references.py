"""References to artifacts that came from outside: what they say of the data must be the data's own.

A reference carries a preview, so that people see rows without reading the file. Whoever edits the
preview changes nothing of the file: such a reference is refused, and shown as the file is.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from backend.artifacts.schemas import ArtifactView
from backend.errors import FieldError, Invalid
from graphs.artifacts import MARK, Artifact, ArtifactKind, ArtifactStore
from graphs.problems import pointer
from graphs.stored import preview as json_preview
from graphs.tables.results import preview_of
from graphs.tables.sources import Given, open_tables
from graphs.tables.work import Work, run_work

Find = Callable[[str], Awaitable[tuple[ArtifactView, Path] | None]]
"""The artifact of an id and its file; None when there is none."""

_FIELDS = ("kind", "media_type", "size_bytes", "name", "columns", "row_count", "preview")


async def refuse_edited(value: Any, place: str, find: Find, store: ArtifactStore) -> None:
    """Raises Invalid `artifact_edited` with every reference in `value` that differs from its
    artifact; `place` is the JSON pointer of `value`.
    """
    errors: list[FieldError] = []
    async for path, found in _references(value):
        genuine = await _genuine(found, find, store)
        if genuine is None:
            continue
        for name in _FIELDS:
            said = found.get(name)
            if name in found and said != genuine.get(name) and not _absent(said, genuine, name):
                where = pointer(place, [*path, name])
                detail = (
                    f"{name} of the {found.get('kind', 'artifact')} differs from the stored data, "
                    "which an edited reference does not change. Send the reference as it was, or "
                    "the rows as a list of objects in its place."
                )
                errors.append(FieldError(where, "artifact_edited", detail))
    if errors:
        raise Invalid(errors[0].detail, code="artifact_edited", errors=errors)


async def as_stored(value: Any, find: Find, store: ArtifactStore) -> Any:
    """The value with every reference telling what its artifact really holds."""
    if isinstance(value, list):
        return [await as_stored(item, find, store) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    found = cast("dict[str, Any]", value)
    if MARK in found:
        genuine = await _genuine(found, find, store)
        if genuine is not None:
            return genuine
        return {name: part for name, part in found.items() if name != "preview"}
    return {name: await as_stored(part, find, store) for name, part in found.items()}


def _absent(said: Any, genuine: dict[str, Any], name: str) -> bool:
    """Whether both leave a field empty, each in its way."""
    return not said and not genuine.get(name)


async def _references(value: Any) -> AsyncGenerator[tuple[list[str | int], dict[str, Any]]]:
    waiting: list[tuple[list[str | int], Any]] = [([], value)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, list):
            items = cast("list[Any]", part)
            waiting += [([*path, at], item) for at, item in enumerate(items)]
        elif isinstance(part, dict):
            found = cast("dict[str, Any]", part)
            if MARK in found:
                yield path, found
            else:
                waiting += [([*path, name], item) for name, item in found.items()]


async def _genuine(
    found: dict[str, Any], find: Find, store: ArtifactStore
) -> dict[str, Any] | None:
    """The reference as the store would make it; None when the artifact is not there."""
    artifact_id = found.get(MARK)
    stored = await find(artifact_id) if isinstance(artifact_id, str) else None
    if stored is None:
        return None
    view, path = stored
    preview = await _preview(view, path, store)
    artifact = Artifact(
        id=view.id,
        kind=view.kind,
        media_type=view.media_type,
        size_bytes=view.size_bytes,
        name=view.name,
        columns=tuple(view.columns),
        row_count=view.row_count,
        preview=preview,
    )
    # as JSON has it: lists, not tuples
    return msgspec.json.decode(msgspec.json.encode(artifact))


async def _preview(view: ArtifactView, path: Path, store: ArtifactStore) -> Any:
    if view.kind is ArtifactKind.TABLE:

        def job(work: Work) -> list[dict[str, Any]]:
            connection, relations = open_tables(work, {"input": Given(path)}, [])
            table = relations["input"]
            return preview_of(connection, table.scan, table.columns)

        rows = await run_work(store.new_path(".work"), job)
        return msgspec.json.decode(msgspec.json.encode(rows))
    if view.kind is ArtifactKind.JSON:
        return json_preview(msgspec.json.decode(await asyncio.to_thread(path.read_bytes)))
    return None
