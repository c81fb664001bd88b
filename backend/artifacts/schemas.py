"""What the API says about artifacts."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct, field

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


MAX_EDITED_ROWS = 1000
"""Of larger tables, people edit the step that makes them."""


class EditedRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of the new table. A cell that is not named is as it was, or empty in a new row."""

    source: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)] | None,
        Meta(description="The row that it was, from 0; null for a new one."),
    ] = None
    cells: Annotated[
        dict[str, Any],
        Meta(
            description="What is different, by column: null for empty, a text with all digits for "
            "a number of many, JSON for a list or an object."
        ),
    ] = field(default_factory=dict[str, Any])


class EditTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rows of the new table, in their order. Those that are left out are not in it."""

    rows: Annotated[
        list[EditedRow],
        Meta(
            max_length=MAX_EDITED_ROWS,
            examples=[[{"source": 0, "cells": {"n": "9999"}}, {"cells": {"n": "1"}}]],
        ),
    ]
