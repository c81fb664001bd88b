"""What the API says about workspaces and their files."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from graphs.artifacts import Column
from graphs.tables.reading_settings import Notice, Understood


class WorkspaceView(Struct, frozen=True, kw_only=True):
    """A place for files that the tenant's runs share.

    `used_bytes` and `quota_bytes` are the tenant's, for files and the outputs of runs together.
    """

    id: str
    name: str
    files_bytes: int
    used_bytes: int
    quota_bytes: int
    created_at: datetime


class EntryKind(StrEnum):
    FILE = "file"
    DIRECTORY = "directory"


class FileView(Struct, frozen=True, kw_only=True):
    """A file or directory; `path` begins at the workspace. A directory has no size."""

    path: str
    name: str
    kind: EntryKind
    size_bytes: int | None
    modified_at: datetime


class FilePreview(Struct, frozen=True, kw_only=True):
    """The first rows of a file, read as the node type `read_file` reads it.

    `dialect` is what a text was taken for, `notices` what was odd about it. `sample_only`: only the
    head of the file has been read; rows further down may give columns other types.
    """

    columns: list[Column]
    rows: list[dict[str, Any]]
    dialect: Understood
    notices: list[Notice]
    sample_only: bool
