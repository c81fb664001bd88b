"""Workspaces: places for the files that runs read and write. Each tenant has one, `Files`."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from msgspec import structs
from uuid_utils.compat import uuid7

from backend.actor import Actor, Role
from backend.artifacts import store
from backend.database import execute, fetch
from backend.errors import AppError, Conflict, Invalid, NotFound, TooLarge
from backend.offsets import page_of, slice_of
from backend.pagination import FIRST_PAGE, Page, PageRequest, parse_sort
from backend.settings import Settings
from backend.tenants import service as tenants
from backend.workspaces import files, usage
from backend.workspaces.files import FileInTheWay, WorkspaceFiles
from backend.workspaces.names import BadName, clean, path_of
from backend.workspaces.schemas import EntryKind, FilePreview, FileView, WorkspaceView
from graphs.artifacts import RunFiles
from graphs.errors import NodeError
from graphs.events import now
from graphs.nodes.read_file import ReadFileParams, reading_of
from graphs.tables.formats import FileFormat
from graphs.tables.reading import read_table
from graphs.tables.reading_settings import ReadTable
from graphs.tables.work import LOOKING, Work, run_work

FOLDER = "workspaces"
SAMPLES = Path(__file__).parent / "samples"
UPLOADS = "uploads"
DEFAULT_NAME = "Files"
MAX_UPLOAD_BYTES = 2 * 1024**3

SORTS: dict[str, Callable[[FileView], Any]] = {
    "name": lambda file: file.name.casefold(),
    "size_bytes": lambda file: file.size_bytes or 0,
    "modified_at": lambda file: file.modified_at,
}
WORKSPACE_SORTS: dict[str, Callable[[WorkspaceView], Any]] = {
    "name": lambda workspace: workspace.name.casefold()
}
_roots: dict[str, Path] = {}


async def open_workspaces(settings: Settings) -> None:
    """Begin with these settings; removes uploads that a dead process was cut off in."""
    _roots["files"] = settings.data_dir / FOLDER
    _roots["uploads"] = settings.data_dir / UPLOADS
    usage.open_usage(_root("files"))
    await asyncio.to_thread(_clear_uploads)


def files_for(tenant_id: str) -> RunFiles:
    """The files that the tenant's runs read and write."""
    return WorkspaceFiles(_folder, tenant_id)


async def add_samples(tenant_id: str) -> None:
    """Give a tenant the files that the templates read, unless there are such."""
    await asyncio.to_thread(_copy_samples, _folder(tenant_id) / SAMPLES.name)
    usage.changed(tenant_id)


async def list_workspaces(actor: Actor, page: PageRequest = FIRST_PAGE) -> Page[WorkspaceView]:
    """The tenant's workspaces; there is one, made when it is first asked for."""
    found = await _rows(actor)
    if not found:
        sql = (
            "INSERT INTO workspace (id, tenant_id, name, created_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING"
        )
        await execute(sql, str(uuid7()), actor.tenant_id, DEFAULT_NAME, now())
        found = await _rows(actor)
    return page_of([await _view(actor, row) for row in found], page, WORKSPACE_SORTS)


async def get(actor: Actor, workspace_id: str) -> WorkspaceView:
    """A workspace with what its tenant uses and may use. Raises NotFound."""
    return await _view(actor, await _find(actor, workspace_id))


async def list_files(
    actor: Actor, workspace_id: str, page: PageRequest, directory: str = ""
) -> Page[FileView]:
    """What a directory holds, directories first. Raises NotFound, Invalid."""
    await _find(actor, workspace_id)
    sort = parse_sort(page.sort, dict.fromkeys(SORTS, ""), "name")
    try:
        inside = clean(directory) if directory else ""
        found = await asyncio.to_thread(files.entries, _folder(actor.tenant_id), inside)
    except BadName as error:
        raise Invalid.field("?directory", "file_name_invalid", str(error)) from error
    if found is None:
        raise NotFound("There is no such directory.", code="file_not_found")
    found.sort(key=SORTS[sort.field], reverse=sort.descending)
    found.sort(key=lambda file: file.kind is EntryKind.FILE)
    return slice_of(found, page, f"{sort}\0{directory}")


async def file_path(actor: Actor, workspace_id: str, name: str) -> Path:
    """Where a file's bytes are. Raises NotFound, Invalid."""
    await _find(actor, workspace_id)
    path = _path(actor, name)
    if not await asyncio.to_thread(path.is_file):
        raise _no_file()
    return path


async def preview(actor: Actor, workspace_id: str, name: str) -> FilePreview:
    """The first rows of a table. Raises NotFound, Invalid for what cannot be read as one."""
    return await preview_as(actor, workspace_id, ReadFileParams(name=name))


async def preview_as(actor: Actor, workspace_id: str, params: ReadFileParams) -> FilePreview:
    """The first rows of a file as these settings would have it read.

    Raises NotFound, Invalid for what cannot be read so.
    """
    path = await file_path(actor, workspace_id, params.name)
    folder = _root("uploads") / str(uuid7())
    try:
        reading = structs.replace(reading_of(params), name=params.name.rpartition("/")[2])
        if reading.format is FileFormat.TEXT:
            raise Invalid("The file is read as a text, not as a table.", code="file_unreadable")

        def job(work: Work) -> ReadTable:
            return read_table(work, path, reading, work.folder / "table.parquet", head=True)

        found = await run_work(folder, job, LOOKING, actor.tenant_id)
    except NodeError as error:
        raise Invalid(error.message, code=error.code) from error
    return FilePreview(
        columns=list(found.written.columns),
        rows=found.written.preview,
        dialect=found.dialect,
        notices=found.notices,
        sample_only=found.partial,
    )


async def upload(
    actor: Actor,
    workspace_id: str,
    name: str,
    pieces: AsyncIterator[bytes],
    size: int | None = None,
) -> tuple[FileView, bool]:
    """Store a file, replacing one of that name; tells whether it is new.

    `size` is what was announced. Raises TooLarge, Invalid `quota_exceeded`, Conflict.
    """
    actor.require(Role.EDITOR)
    await _find(actor, workspace_id)
    path = _path(actor, name)
    existed = await asyncio.to_thread(path.is_file)
    quota = await tenants.artifact_quota_bytes(actor.tenant_id)
    room = quota - await store.used_bytes(actor.tenant_id)
    room += await asyncio.to_thread(files.size_of, path)
    _check_size(size or 0, room, quota)
    _root("uploads").mkdir(parents=True, exist_ok=True)
    draft = _root("uploads") / str(uuid7())
    try:
        with draft.open("wb") as file:
            written = 0
            async for piece in pieces:
                written += len(piece)
                _check_size(written, room, quota)
                await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(files.put, draft, path, _folder(actor.tenant_id))
    except FileInTheWay as error:
        raise Conflict(str(error), code="file_in_the_way") from error
    finally:
        draft.unlink(missing_ok=True)
        usage.changed(actor.tenant_id)
    about = await asyncio.to_thread(files.entries, path.parent, "")
    shown = next(each for each in about or [] if each.name == path.name)
    kept = path.relative_to(_folder(actor.tenant_id)).as_posix()
    view = FileView(
        path=kept,
        name=shown.name,
        kind=shown.kind,
        size_bytes=shown.size_bytes,
        modified_at=shown.modified_at,
    )
    return view, not existed


async def delete(actor: Actor, workspace_id: str, name: str) -> None:
    """Delete a file. Raises NotFound, Invalid."""
    actor.require(Role.EDITOR)
    await _find(actor, workspace_id)
    path = _path(actor, name)
    if not await asyncio.to_thread(files.delete, path, _folder(actor.tenant_id)):
        raise _no_file()
    usage.changed(actor.tenant_id)


def _check_size(size: int, room: int, quota: int) -> None:
    if size > MAX_UPLOAD_BYTES:
        raise TooLarge(f"A file has at most {MAX_UPLOAD_BYTES // 1024**3} GiB.")
    if size > room:
        raise Invalid(
            f"There is room for {max(room, 0):,} more bytes of the {quota:,} that your tenant may "
            "use. Delete old runs or files, or ask an administrator for more.",
            code="quota_exceeded",
        )


def _path(actor: Actor, name: str) -> Path:
    try:
        return path_of(_folder(actor.tenant_id), name)
    except BadName as error:
        raise Invalid(str(error), code="file_name_invalid") from error


async def _rows(actor: Actor, workspace_id: str | None = None) -> list[dict[str, Any]]:
    sql = "SELECT id, name, created_at FROM workspace WHERE tenant_id = ?"
    if workspace_id is None:
        return await fetch(f"{sql} ORDER BY id", actor.tenant_id)
    return await fetch(f"{sql} AND id = ?", actor.tenant_id, workspace_id)


async def _find(actor: Actor, workspace_id: str) -> dict[str, Any]:
    rows = [] if "\0" in workspace_id else await _rows(actor, workspace_id)
    if not rows:
        raise NotFound("There is no such workspace.", code="workspace_not_found")
    return rows[0]


async def _view(actor: Actor, row: dict[str, Any]) -> WorkspaceView:
    return WorkspaceView(
        id=row["id"],
        name=row["name"],
        files_bytes=await usage.used_bytes(actor.tenant_id),
        used_bytes=await store.used_bytes(actor.tenant_id),
        quota_bytes=await tenants.artifact_quota_bytes(actor.tenant_id),
        created_at=row["created_at"],
    )


def _folder(tenant_id: str) -> Path:
    return _root("files") / tenant_id


def _root(name: str) -> Path:
    if name not in _roots:
        raise AppError("The workspaces have not been opened.")
    return _roots[name]


def _copy_samples(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for sample in SAMPLES.iterdir():
        if not (target / sample.name).exists():
            shutil.copyfile(sample, target / sample.name)


def _clear_uploads() -> None:
    if _root("uploads").is_dir():
        store.remove([path for path in _root("uploads").iterdir() if store.is_old(path)])


def _no_file() -> NotFound:
    return NotFound("There is no such file in the workspace.", code="file_not_found")
