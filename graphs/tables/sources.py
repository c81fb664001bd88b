"""What a node was given as a table, as a relation that DuckDB can query."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from duckdb import DuckDBPyConnection
from msgspec import Struct

from graphs.artifacts import Artifact, ArtifactKind, ArtifactStore, Column, artifact_of
from graphs.errors import NodeError
from graphs.language.values import describe
from graphs.tables.names import literal, quoted
from graphs.tables.objects import Lines, write_objects
from graphs.tables.results import columns_of
from graphs.tables.work import Work


class Given(Struct, frozen=True):
    """A table that a node was given: a Parquet file, or rows in memory."""

    path: Path | None
    rows: list[Any] | None = None


class Relation(Struct, frozen=True):
    """`scan` stands after FROM; `order` is the expression of a row's number within it."""

    scan: str
    order: str
    columns: tuple[Column, ...]


async def given_table(store: ArtifactStore, value: Any, what: str = "the table") -> Given:
    """The table that a value is. Raises NodeError `table_expected`, which says what it is."""
    artifact = artifact_of(value)
    if artifact is not None and artifact.kind is ArtifactKind.TABLE:
        return Given(await store.path(artifact.id))
    if isinstance(value, list):
        return Given(None, cast("list[Any]", value))
    raise NodeError(
        f"{what} should be a table or a list of objects, and it is {_told(value, artifact)}",
        code="table_expected",
        retryable=False,
    )


def is_table(value: Any) -> bool:
    """Whether the value is a reference to a table or a list of objects."""
    artifact = artifact_of(value)
    if artifact is not None:
        return artifact.kind is ArtifactKind.TABLE
    rows = cast("list[Any]", value) if isinstance(value, list) else [None]
    return all(isinstance(row, Mapping) for row in rows[:100])


def open_tables(
    work: Work, given: Mapping[str, Given], further: list[Path]
) -> tuple[DuckDBPyConnection, dict[str, Relation]]:
    """A connection that reaches these tables and, for writing, further paths."""
    lines: dict[str, Lines] = {}
    paths = list(further)
    for number, (name, table) in enumerate(given.items()):
        if table.rows is not None:
            path = work.folder / f"rows-{number}.jsonl"
            lines[name] = write_objects(table.rows, path, work.check)
            paths.append(path)
        elif table.path is not None:
            paths.append(table.path)
    connection = work.connect(paths)
    relations: dict[str, Relation] = {}
    for name, table in given.items():
        if table.path is None:
            connection.execute(f"CREATE TEMP TABLE {quoted(name)} AS {lines[name].sql}")
            scan, order = quoted(name), "rowid"
        else:
            scan = f"read_parquet({literal(str(table.path.absolute()))})"
            order = "file_row_number"
            connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS SELECT * FROM {scan}")
        columns = tuple(columns_of(connection, f"SELECT * FROM {scan}"))
        relations[name] = Relation(scan, order, columns)
    return connection, relations


def _told(value: Any, artifact: Artifact | None) -> str:
    if artifact is not None:
        return f"a file ({artifact.media_type}); read it with the node Read file"
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        tables = [name for name, part in fields.items() if is_table(part)]
        if tables:
            listed = " or ".join(repr(name) for name in tables[:5])
            return f"an object; choose the table in it, such as {{{{ prev[{listed}] }}}}"
    return describe(value)
