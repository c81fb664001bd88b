"""Where the artifacts of runs are kept: files of a tenant's folder, each with a row about it."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from uuid_utils.compat import uuid7

from backend.artifacts.schemas import ArtifactView
from backend.database import Statement, fetch, one_at_a_time, write_batch
from backend.tenants import service as tenants
from backend.workspaces import usage
from graphs.artifacts import Artifact, ArtifactKind, Column
from graphs.errors import NodeError
from graphs.events import now

FOLDER = "artifacts"
ORPHAN_AGE_S = 6 * 3600
"""What has no row may be in the making by another process for so long."""

COLUMNS = "id, kind, media_type, name, file, size_bytes, columns, row_count, created_at"

log = structlog.get_logger("heddle.artifacts")


class TenantArtifacts:
    """The ArtifactStore of one run. `root` is asked for when the first artifact is."""

    def __init__(self, root: Callable[[], Path], tenant_id: str, run_id: str) -> None:
        self._root = root
        self._tenant_id = tenant_id
        self._run_id = run_id

    @property
    def _folder(self) -> Path:
        return self._root() / self._tenant_id

    def new_path(self, suffix: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{uuid7()}{suffix}"

    async def keep(
        self,
        path: Path,
        kind: ArtifactKind,
        media_type: str,
        *,
        name: str = "",
        columns: tuple[Column, ...] = (),
        row_count: int | None = None,
        preview: Any = None,
    ) -> Artifact:
        size = await asyncio.to_thread(_size, path)
        try:
            return await self._insert(
                path, size, kind, media_type, name, columns, row_count, preview
            )
        except NodeError:
            await asyncio.to_thread(remove, [path])
            raise

    async def _insert(
        self,
        path: Path,
        size: int,
        kind: ArtifactKind,
        media_type: str,
        name: str,
        columns: tuple[Column, ...],
        row_count: int | None,
        preview: Any,
    ) -> Artifact:
        quota = await tenants.artifact_quota_bytes(self._tenant_id)
        # measured ahead: it may read a whole folder, and others wait for this transaction
        files = await usage.used_bytes(self._tenant_id)
        artifact_id = path.name.partition(".")[0]
        row = (
            artifact_id,
            self._tenant_id,
            str(kind),
            media_type,
            name,
            path.name,
            size,
            msgspec.json.encode(columns).decode(),
            row_count,
            now(),
        )
        marks = ", ".join("?" * len(row))
        # two steps that end at once must not both find the room that is left for one
        async with one_at_a_time(f"artifacts of {self._tenant_id}"):
            used = files + await _stored_bytes(self._tenant_id)
            if used + size > quota:
                raise NodeError(
                    f"there is no room for {size:,} more bytes: {used:,} of the tenant's {quota:,} "
                    "are used; delete old runs or files, or ask an administrator for more",
                    code="quota_exceeded",
                    retryable=False,
                )
            await write_batch(
                [
                    Statement(
                        "INSERT INTO artifact (id, tenant_id, kind, media_type, name, file,"
                        f" size_bytes, columns, row_count, created_at) VALUES ({marks})",
                        [row],
                    ),
                    Statement(
                        "INSERT INTO artifact_run (run_id, artifact_id) VALUES (?, ?)",
                        [(self._run_id, artifact_id)],
                    ),
                ]
            )
        return Artifact(
            id=artifact_id,
            kind=kind,
            media_type=media_type,
            size_bytes=size,
            name=name,
            columns=columns,
            row_count=row_count,
            preview=preview,
        )

    async def path(self, artifact_id: str) -> Path:
        found = await find(self._tenant_id, artifact_id)
        path = None if found is None else self._folder / found[1]
        if path is None or not path.exists():
            raise NodeError(
                f"there is no artifact {artifact_id!r} any more",
                code="artifact_missing",
                retryable=False,
            )
        return path

    async def room_bytes(self) -> int | None:
        quota = await tenants.artifact_quota_bytes(self._tenant_id)
        return max(quota - await used_bytes(self._tenant_id), 0)


async def find(tenant_id: str, artifact_id: str) -> tuple[ArtifactView, str] | None:
    """What is known of an artifact, and its file's name."""
    rows = await fetch(
        f"SELECT {COLUMNS} FROM artifact WHERE id = ? AND tenant_id = ?", artifact_id, tenant_id
    )
    if not rows:
        return None
    row = rows[0]
    columns = msgspec.json.decode(row["columns"], type=list[Column])
    view = msgspec.convert({**row, "columns": columns}, ArtifactView)
    return view, row["file"]


async def users(artifact_id: str) -> list[str]:
    """The ids of the runs that keep an artifact, of which there is one at least."""
    rows = await fetch(
        "SELECT run_id FROM artifact_run WHERE artifact_id = ? ORDER BY run_id", artifact_id
    )
    return [row["run_id"] for row in rows]


async def share(artifact_id: str, run_ids: Sequence[str]) -> None:
    """Let these runs keep an artifact, too."""
    if run_ids:
        sql = "INSERT INTO artifact_run (run_id, artifact_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
        await write_batch([Statement(sql, [(run_id, artifact_id) for run_id in run_ids])])


async def used_bytes(tenant_id: str) -> int:
    """How much the tenant's artifacts and files take together."""
    return await _stored_bytes(tenant_id) + await usage.used_bytes(tenant_id)


async def _stored_bytes(tenant_id: str) -> int:
    rows = await fetch(
        "SELECT coalesce(sum(size_bytes), 0) AS used FROM artifact WHERE tenant_id = ?", tenant_id
    )
    return int(rows[0]["used"])


async def sweep(root: Path) -> int:
    """Remove the files that a dead process left without a row; returns how many."""
    removed = 0
    for folder in await asyncio.to_thread(_folders, root):
        old = await asyncio.to_thread(_old, folder)
        known: set[str] = set()
        for at in range(0, len(old), 500):
            part = [name.partition(".")[0] for name in old[at : at + 500]]
            marks = ", ".join("?" * len(part))
            found = await fetch(f"SELECT file FROM artifact WHERE id IN ({marks})", *part)
            known |= {row["file"] for row in found}
        orphans = [folder / name for name in old if name not in known]
        await asyncio.to_thread(remove, orphans)
        removed += len(orphans)
    if removed:
        log.info("artifacts.swept", files=removed)
    return removed


def remove(paths: list[Path]) -> None:
    """Unlink files and folders, those that are gone already left out."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_old(path: Path) -> bool:
    """Whether it has not been written to for so long that nobody is making it any more."""
    try:
        return path.stat().st_mtime < time.time() - ORPHAN_AGE_S
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    return path.stat().st_size


def _folders(root: Path) -> list[Path]:
    return [folder for folder in root.iterdir() if folder.is_dir()] if root.is_dir() else []


def _old(folder: Path) -> list[str]:
    before = time.time() - ORPHAN_AGE_S
    with os.scandir(folder) as entries:
        return [each.name for each in entries if each.stat(follow_symlinks=False).st_mtime < before]
