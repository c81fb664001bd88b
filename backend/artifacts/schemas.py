"""What the API says about artifacts."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from graphs.artifacts import ArtifactKind, Column


class ArtifactView(Struct, frozen=True, kw_only=True):
    """A table, file or large output of a run. `columns` and `row_count` are a table's."""

    id: str
    kind: ArtifactKind
    name: str
    media_type: str
    size_bytes: int
    columns: list[Column]
    row_count: int | None
    created_at: datetime


class ContentFormat(StrEnum):
    """What a table can be downloaded as."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"
    EXCEL = "xlsx"
