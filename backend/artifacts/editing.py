"""Makes a new table of one that a person has edited, for forks and pins to use."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.artifacts.schemas import EditedRow
from backend.errors import FieldError, Invalid
from graphs.artifacts import ArtifactKind, ArtifactStore
from graphs.errors import NodeError
from graphs.problems import pointer
from graphs.tables.edited import Misfit, RowEdit, write_edited
from graphs.tables.formats import MEDIA_TYPES, FileFormat
from graphs.tables.results import Written
from graphs.tables.work import Work, run_work


async def edited(
    path: Path, name: str, rows: Sequence[EditedRow], store: ArtifactStore
) -> dict[str, Any]:
    """The reference to a new table in `store`. Raises Invalid with every cell that does not fit."""
    edits = [RowEdit(row.source, row.cells) for row in rows]
    target = store.new_path(".parquet")

    def job(work: Work) -> Written | list[Misfit]:
        return write_edited(work, path, edits, target)

    try:
        written = await run_work(store.new_path(".work"), job)
        if isinstance(written, list):
            raise Invalid(
                written[0].detail,
                code="cells_invalid",
                errors=[_error(misfit) for misfit in written],
            )
        artifact = await store.keep(
            target,
            ArtifactKind.TABLE,
            MEDIA_TYPES[FileFormat.PARQUET],
            name=name,
            columns=written.columns,
            row_count=written.row_count,
            preview=written.preview,
        )
    except NodeError as error:
        raise Invalid(error.message, code=error.code) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return artifact.to_json()


def _error(misfit: Misfit) -> FieldError:
    place = ["cells", misfit.column] if misfit.column else ["source"]
    where = pointer("/rows", [misfit.row, *place])
    return FieldError(where, "cells_invalid", misfit.detail)
