"""The files of a workspace on the disk, and the door to them for runs."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from backend.artifacts import store
from backend.tenants import service as tenants
from backend.workspaces import usage
from backend.workspaces.names import BadName, clean, path_of
from backend.workspaces.schemas import EntryKind, FileView
from graphs.errors import NodeError
from graphs.tables.names import near


class FileInTheWay(OSError):
    """A part of the name is a file where a directory is needed, or the other way round."""


class WorkspaceFiles:
    """The RunFiles of one run. `folder` is asked for when the first file is."""

    def __init__(self, folder: Callable[[str], Path], tenant_id: str) -> None:
        self._folder = folder
        self._tenant_id = tenant_id

    async def path(self, name: str) -> Path:
        path = self._inside(name)
        if not await asyncio.to_thread(path.is_file):
            there = await asyncio.to_thread(names_in, self._root)
            raise NodeError(
                f"there is no file {name!r} in the workspace; {near(name, there)}",
                code="file_missing",
                retryable=False,
            )
        return path

    async def save(self, name: str, source: Path) -> int:
        path = self._inside(name)
        size = await asyncio.to_thread(size_of, source)
        before = await asyncio.to_thread(size_of, path)
        room = await _room(self._tenant_id)
        if size - before > room:
            raise NodeError(
                f"there is no room for {size:,} bytes: the tenant may add {max(room, 0):,}; delete "
                "old runs or files, or ask an administrator for more",
                code="quota_exceeded",
                retryable=False,
            )
        try:
            await asyncio.to_thread(put, source, path, self._root)
        except FileInTheWay as error:
            raise NodeError(str(error), code="file_name_invalid", retryable=False) from error
        usage.changed(self._tenant_id)
        return size

    @property
    def _root(self) -> Path:
        return self._folder(self._tenant_id)

    def _inside(self, name: str) -> Path:
        try:
            return path_of(self._root, name)
        except BadName as error:
            raise NodeError(
                f"{name!r} is not the name of a file in the workspace: {error}",
                code="file_name_invalid",
                retryable=False,
            ) from error


async def _room(tenant_id: str) -> int:
    quota = await tenants.artifact_quota_bytes(tenant_id)
    return quota - await store.used_bytes(tenant_id)


def size_of(path: Path) -> int:
    """The bytes of a file; 0 if there is none."""
    return path.stat().st_size if path.is_file() else 0


def put(source: Path, path: Path, root: Path) -> None:
    """Move a finished file to its place, all at once. Raises FileInTheWay."""
    if path.is_dir():
        raise FileInTheWay(f"{path.name!r} is a directory.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        shown = path.parent.relative_to(root)
        raise FileInTheWay(f"{str(shown)!r} is no directory.") from error
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(path)


def delete(path: Path, root: Path) -> bool:
    """Delete a file and the directories that are then empty; False if there is none."""
    if not path.is_file():
        return False
    path.unlink()
    for parent in path.parents:
        if parent == root:
            break
        try:
            parent.rmdir()
        except OSError:
            break
    return True


def entries(root: Path, directory: str) -> list[FileView] | None:
    """What a directory holds, directories first; None if there is no such directory."""
    folder = path_of(root, directory) if directory else root
    if not folder.is_dir():
        return None if directory else []
    found: list[FileView] = []
    with os.scandir(folder) as scanned:
        for entry in scanned:
            if entry.is_symlink() or not _is_clean(entry.name):
                continue
            about = entry.stat(follow_symlinks=False)
            directory_found = entry.is_dir(follow_symlinks=False)
            found.append(
                FileView(
                    path=f"{directory}/{entry.name}" if directory else entry.name,
                    name=entry.name,
                    kind=EntryKind.DIRECTORY if directory_found else EntryKind.FILE,
                    size_bytes=None if directory_found else about.st_size,
                    modified_at=datetime.fromtimestamp(about.st_mtime, UTC),
                )
            )
    return found


def names_in(root: Path, limit: int = 1000) -> list[str]:
    """The names of the files, those in directories too."""
    names: list[str] = []
    for folder, _, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        names += [(inside / file).as_posix() for file in files]
        if len(names) >= limit:
            break
    return sorted(names[:limit])


def _is_clean(name: str) -> bool:
    try:
        return clean(name) == name
    except BadName:
        return False
