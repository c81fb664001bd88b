"""Artifacts: what runs have put aside, kept as long as a run that uses it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from backend.actor import Actor, Role
from backend.artifacts import editing, references, store
from backend.artifacts.schemas import ArtifactView, ContentFormat, EditTable
from backend.artifacts.store import TenantArtifacts
from backend.artifacts.table_rows import read_rows
from backend.database import Statement, fetch
from backend.errors import AppError, Invalid, NotFound, Unavailable
from backend.pagination import Page, PageRequest
from backend.settings import Settings
from graphs.artifacts import MARK, ArtifactKind, ArtifactStore
from graphs.errors import NodeError
from graphs.tables.formats import MEDIA_TYPES, FileFormat
from graphs.tables.results import is_unsure
from graphs.tables.sources import Given, open_tables
from graphs.tables.work import Work, run_work
from graphs.tables.writing import write_table

_UNLINK_AFTER_S = (0.0, 0.2, 2.0, 20.0)

_FORMATS = {format: FileFormat(str(format)) for format in ContentFormat}


class Content(Struct, frozen=True):
    """A file to be sent; `converted`: made for this answer."""

    path: Path
    name: str
    media_type: str
    tag: str
    converted: bool = False


class _Office:
    """What this process knows. `unlinking`: files that go once their rows have gone."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root
        self.unlinking: set[asyncio.Task[None]] = set()


_office = _Office()


async def open_artifacts(settings: Settings) -> None:
    """Begin with these settings; removes what a dead process has left half done."""
    global _office
    _office = _Office(settings.data_dir / store.FOLDER)
    await store.sweep(_root())


async def close_artifacts() -> None:
    """Return when the files of deleted runs are gone."""
    if _office.unlinking:
        await asyncio.wait(_office.unlinking)


def store_for(tenant_id: str, run_id: str) -> ArtifactStore:
    """Where a run puts what is too large to be passed on."""
    return TenantArtifacts(_root, tenant_id, run_id)


async def used_bytes(tenant_id: str) -> int:
    """How much the tenant's artifacts and files take together."""
    return await store.used_bytes(tenant_id)


async def get(actor: Actor, artifact_id: str) -> ArtifactView:
    """What an artifact is. Raises NotFound."""
    return (await _find(actor, artifact_id))[0]


async def rows(
    actor: Actor, artifact_id: str, page: PageRequest, search: str | None = None
) -> Page[dict[str, object]]:
    """A page of a table's rows, sorted by a column, or those in which a text occurs."""
    view, path = await _find(actor, artifact_id)
    if view.kind is not ArtifactKind.TABLE:
        raise NotFound("The artifact is no table; download its content.", code="not_a_table")
    return await read_rows(view, path, page, search or "", _folder(actor))


@asynccontextmanager
async def content(
    actor: Actor, artifact_id: str, format: ContentFormat | None = None
) -> AsyncGenerator[Content]:
    """A file with the artifact's bytes, or with the table in another format; it goes afterwards.

    Raises NotFound, and Invalid where the artifact cannot be had in that format.
    """
    view, path = await _find(actor, artifact_id)
    ending = path.suffix.removeprefix(".")
    stem = Path(view.name).stem or f"{view.kind}-{view.id[-8:]}"
    as_it_is = format is None or str(format) == ending
    if as_it_is and view.kind is ArtifactKind.TABLE and await asyncio.to_thread(is_unsure, path):
        # it has a column that is for nodes alone
        as_it_is, format = False, ContentFormat.PARQUET
    if format is None or as_it_is:
        name = f"{stem}.{ending}"
        if view.kind is ArtifactKind.FILE:
            name = Path(view.name).name or name
        yield Content(path, name, view.media_type, view.id)
        return
    if view.kind is not ArtifactKind.TABLE:
        raise Invalid.field("?format", "format_unavailable", "Only tables can be converted.")
    target = _folder(actor).new_path(f".{format}")

    def convert(work: Work) -> int:
        connection, relations = open_tables(work, {"input": Given(path)}, [target])
        table = relations["input"]
        return write_table(
            work, connection, table.scan, table.columns, target, _FORMATS[format], stem
        )

    try:
        try:
            await run_work(_folder(actor).new_path(".work"), convert)
        except NodeError as error:
            raise Invalid.field("?format", error.code, error.message) from error
        media_type = MEDIA_TYPES[_FORMATS[format]]
        yield Content(target, f"{stem}.{format}", media_type, view.id, converted=True)
    finally:
        target.unlink(missing_ok=True)


async def edit(actor: Actor, artifact_id: str, request: EditTable) -> dict[str, Any]:
    """The reference to a new table, made of an old one; the runs that use the old one keep both.

    Raises NotFound, Forbidden, and Invalid for cells that do not fit their columns.
    """
    actor.require(Role.EDITOR)
    view, path = await _find(actor, artifact_id)
    if view.kind is not ArtifactKind.TABLE:
        raise NotFound("The artifact is no table; its rows cannot be edited.", code="not_a_table")
    users = await store.users(artifact_id)
    if not users:
        raise NotFound("There is no such artifact.", code="artifact_not_found")
    folder = store_for(actor.tenant_id, users[0])
    made = await editing.edited(path, view.name, request.rows, folder)
    await store.share(made[MARK], users[1:])
    return made


async def json_of(actor: Actor, artifact_id: str) -> bytes:
    """The bytes of a JSON artifact. Raises NotFound."""
    view, path = await _find(actor, artifact_id)
    if view.kind is not ArtifactKind.JSON:
        raise NotFound("There is no such artifact.", code="artifact_not_found")
    return await asyncio.to_thread(path.read_bytes)


async def refuse_edited(actor: Actor, value: Any, place: str) -> None:
    """Raises Invalid `artifact_edited` for references in `value` that differ from their artifacts.

    `place` is the JSON pointer of `value`.
    """
    await references.refuse_edited(value, place, _finder(actor), _folder(actor))


async def as_stored(actor: Actor, value: Any) -> Any:
    """The value with every reference in it telling what its artifact holds, for people to see."""
    return await references.as_stored(value, _finder(actor), _folder(actor))


async def forget(run_ids: Sequence[str], heirs: Mapping[str, str]) -> Sequence[Statement]:
    """What is written when runs are deleted: forks keep what they took over; the rest goes.

    One of `RunHooks.forgets`; the files are unlinked once the rows are gone.
    """
    marks = ", ".join("?" * len(run_ids))
    used = await fetch(
        "SELECT a.id, a.tenant_id, a.file, u.run_id FROM artifact_run u"
        f" JOIN artifact a ON a.id = u.artifact_id WHERE u.run_id IN ({marks})",
        *run_ids,
    )
    if not used:
        return []
    children = await fetch(
        f"SELECT id, parent_run_id FROM run WHERE parent_run_id IN ({marks})"
        f" AND id NOT IN ({marks})",
        *run_ids,
        *run_ids,
    )
    handed = [
        (child["id"], row["id"])
        for child in children
        for row in used
        if row["run_id"] == child["parent_run_id"]
    ]
    ids = sorted({row["id"] for row in used})
    paths = {row["id"]: _path(row) for row in used}
    task = asyncio.create_task(_unlink(run_ids, paths))
    _office.unlinking.add(task)
    task.add_done_callback(_office.unlinking.discard)
    statements = [
        Statement("DELETE FROM artifact_run WHERE run_id = ?", [(run_id,) for run_id in run_ids]),
        Statement(
            "DELETE FROM artifact WHERE id = ? AND NOT EXISTS"
            " (SELECT 1 FROM artifact_run WHERE artifact_id = artifact.id)",
            [(artifact_id,) for artifact_id in ids],
        ),
    ]
    if handed:
        sql = "INSERT INTO artifact_run (run_id, artifact_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
        statements.insert(0, Statement(sql, handed))
    return statements


async def _unlink(run_ids: Sequence[str], paths: Mapping[str, Path]) -> None:
    """Remove the files of which no row is left after the commit that the runs disappear in."""
    runs, ids = (", ".join("?" * len(some)) for some in (run_ids, paths))
    for delay in _UNLINK_AFTER_S:
        await asyncio.sleep(delay)
        try:
            used = await fetch(
                f"SELECT 1 AS one FROM artifact_run WHERE run_id IN ({runs}) LIMIT 1", *run_ids
            )
            if used:
                continue
            kept = await fetch(f"SELECT id FROM artifact WHERE id IN ({ids})", *paths)
        except Unavailable:
            return
        alive = {row["id"] for row in kept}
        gone = [path for artifact_id, path in paths.items() if artifact_id not in alive]
        await asyncio.to_thread(store.remove, gone)
        return


async def _find(actor: Actor, artifact_id: str) -> tuple[ArtifactView, Path]:
    found = None if "\0" in artifact_id else await store.find(actor.tenant_id, artifact_id)
    if found is None:
        raise NotFound("There is no such artifact.", code="artifact_not_found")
    view, file = found
    path = _root() / actor.tenant_id / file
    if not await asyncio.to_thread(path.exists):
        raise NotFound("The artifact's file is no longer there.", code="artifact_not_found")
    return view, path


def _finder(actor: Actor) -> references.Find:
    async def find(artifact_id: str) -> tuple[ArtifactView, Path] | None:
        try:
            return await _find(actor, artifact_id)
        except NotFound:
            return None

    return find


def _folder(actor: Actor) -> ArtifactStore:
    return store_for(actor.tenant_id, "")


def _path(row: Mapping[str, str]) -> Path:
    return _root() / row["tenant_id"] / row["file"]


def _root() -> Path:
    if _office.root is None:
        raise AppError("The artifacts have not been opened.")
    return _office.root
