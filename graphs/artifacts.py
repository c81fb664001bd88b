"""Tables, files and large values outside the state: references to them, and where they are kept.

A reference is plain JSON with the key `$artifact`, so that it travels through states, events and
expressions; `{{ steps.read.row_count }}` and `{{ steps.read.preview }}` need no access to it.
"""

import shutil
import tempfile
import weakref
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
from msgspec import Struct, field
from uuid_utils.compat import uuid7

from graphs.errors import NodeError

INLINE_LIMIT_BYTES = 64 * 1024
"""A larger output becomes an artifact; the events carry a reference and a preview."""

MARK = "$artifact"


class ArtifactKind(StrEnum):
    """What an artifact holds."""

    TABLE = "table"
    """A Parquet file."""
    JSON = "json"
    """A step's or a run's output that is too large to be stored inline."""
    FILE = "file"


class Column(Struct, frozen=True):
    """A table's column; `type` is DuckDB's name of it, such as `BIGINT` or `VARCHAR`."""

    name: str
    type: str


class Artifact(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A reference. `columns`, `row_count` and `preview` (its first rows) are a table's."""

    id: str = field(name=MARK)
    kind: ArtifactKind
    media_type: str
    size_bytes: int
    name: str = ""
    columns: tuple[Column, ...] = ()
    row_count: int | None = None
    preview: Any = None

    def to_json(self) -> dict[str, Any]:
        """The reference as a node's output holds it."""
        made = cast("dict[str, Any]", msgspec.to_builtins(self))
        if self.kind is ArtifactKind.TABLE:
            # a table made of an empty list has no column, which expressions can see
            made.setdefault("columns", ())
        return made


def artifact_of(value: Any) -> Artifact | None:
    """The reference that a value is, or None when it is none."""
    if not isinstance(value, dict) or MARK not in value:
        return None
    try:
        return msgspec.convert(value, Artifact)
    except msgspec.ValidationError:
        return None


class ArtifactStore(Protocol):
    """Where a run's artifacts are kept; made for one run of one tenant."""

    def new_path(self, suffix: str) -> Path:
        """A path that nothing is at yet, such as `….parquet`, to write a new artifact to."""
        ...

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
        """Take a file written to a `new_path` into the store.

        Raises NodeError `quota_exceeded` when the tenant has no room left; the file is then gone.
        """
        ...

    async def path(self, artifact_id: str) -> Path:
        """Where an artifact's bytes are. Raises NodeError `artifact_missing`."""
        ...

    async def room_bytes(self) -> int | None:
        """How much the tenant may add now; None for any amount."""
        ...


class RunFiles(Protocol):
    """The files that a run may read and write: those of its workspace.

    Names are relative paths with `/`; what would leave the workspace is refused with NodeError
    `file_name_invalid`.
    """

    async def path(self, name: str) -> Path:
        """Where a file's bytes are. Raises NodeError `file_missing`, naming what there is."""
        ...

    async def save(self, name: str, source: Path) -> int:
        """Move a finished file to a name, replacing what was there; returns its size in bytes."""
        ...


class FolderArtifacts:
    """Artifacts in a folder, without a database: for the command line, tests and exports."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Made on first use; without a given one it goes with this object."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="heddle-artifacts-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def new_path(self, suffix: str) -> Path:
        return self.folder / f"{uuid7()}{suffix}"

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
        return Artifact(
            id=path.name,
            kind=kind,
            media_type=media_type,
            size_bytes=_size(path),
            name=name,
            columns=columns,
            row_count=row_count,
            preview=preview,
        )

    async def room_bytes(self) -> int | None:
        return None

    async def path(self, artifact_id: str) -> Path:
        path = self.folder / Path(artifact_id).name
        if not path.exists():
            raise NodeError(
                f"there is no artifact {artifact_id!r} any more",
                code="artifact_missing",
                retryable=False,
            )
        return path


class FolderFiles:
    """A workspace that is a folder: for the command line, tests and exports."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()

    def _inside(self, name: str) -> Path:
        path = self._root if "\0" in name else (self._root / name).resolve()
        if not path.is_relative_to(self._root) or path == self._root:
            raise NodeError(
                f"{name!r} is not the name of a file in the workspace",
                code="file_name_invalid",
                retryable=False,
            )
        return path

    async def path(self, name: str) -> Path:
        path = self._inside(name)
        if not path.is_file():
            there = sorted(found.name for found in self._root.iterdir() if found.is_file())[:10]
            raise NodeError(
                f"there is no file {name!r}; the workspace has: {', '.join(there) or 'none'}",
                code="file_missing",
                retryable=False,
            )
        return path

    async def save(self, name: str, source: Path) -> int:
        path = self._inside(name)
        _move(source, path)
        return _size(path)


def _size(path: Path) -> int:
    return path.stat().st_size


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
