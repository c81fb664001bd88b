"""What a node was given as a table, as a relation that DuckDB can query."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from duckdb import DuckDBPyConnection
from msgspec import Struct

from graphs.artifacts import Artifact, ArtifactKind, ArtifactStore, Column, artifact_of
from graphs.errors import NodeError
from graphs.language.values import describe
from graphs.tables.names import literal, quoted, unique
from graphs.tables.objects import Lines, write_objects
from graphs.tables.results import columns_of, shown
from graphs.tables.work import Work


class Given(Struct, frozen=True):
    """A table that a node was given: a Parquet file, or rows in memory."""

    path: Path | None
    rows: list[Any] | None = None


Named = Mapping[str, str]
"""Columns that a node's settings name, with the type they are given where they are not known."""


class Relation(Struct, frozen=True):
    """`scan` stands after FROM; `order` is the expression of a row's number within it.

    `unsure`: it may have further columns, as an empty list was among what it was made of. Those
    that the settings name are then taken as empty: `assumed`.
    """

    scan: str
    order: str
    columns: tuple[Column, ...]
    unsure: bool = False
    assumed: tuple[str, ...] = ()


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
    work: Work,
    given: Mapping[str, Given],
    further: list[Path],
    named: Mapping[str, Named] | None = None,
) -> tuple[DuckDBPyConnection, dict[str, Relation]]:
    """A connection that reaches these tables and, for writing, further paths.

    Of a table whose columns are not all known, those `named` by the settings are made, empty; a
    column without any value has the type that they name.
    """
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
    for number, (name, table) in enumerate(given.items()):
        if table.path is None:
            scan, order = f'"rows {number}"', "rowid"
            connection.execute(f"CREATE TEMP TABLE {scan} AS {lines[name].sql}")
        else:
            scan = f"read_parquet({literal(str(table.path.absolute()))})"
            order = "file_row_number"
        every = columns_of(connection, f"SELECT * FROM {scan}")
        columns = tuple(shown(every))
        relation = Relation(scan, order, columns, unsure=len(columns) < len(every))
        if named is not None:
            into = f'"typed {number}"'
            relation = _with_types(connection, relation, named.get(name, {}), into)
        if relation.unsure and named is not None:
            into = f'"named {number}"'
            relation = _with_columns(connection, relation, named.get(name, {}), into)
        connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS SELECT * FROM {relation.scan}")
        relations[name] = relation
    return connection, relations


def _with_types(
    connection: DuckDBPyConnection, relation: Relation, named: Named, into: str
) -> Relation:
    """Columns that have no value yet are texts for want of anything better."""
    types = {
        name.strip().lower(): type_name
        for name, type_name in named.items()
        if type_name != "VARCHAR"
    }
    texts = [
        column
        for column in relation.columns
        if column.type == "VARCHAR" and column.name.lower() in types
    ]
    if not texts:
        return relation
    counted = ", ".join(f"count({quoted(each.name)})" for each in texts)
    found = connection.execute(f"SELECT {counted} FROM {relation.scan}").fetchone() or ()
    empty = {each.name for each, count in zip(texts, found, strict=True) if not count}
    if not empty:
        return relation
    columns = tuple(
        Column(each.name, types[each.name.lower()]) if each.name in empty else each
        for each in relation.columns
    )
    replaced = ", ".join(
        f"NULL::{each.type} AS {quoted(each.name)}" for each in columns if each.name in empty
    )
    connection.execute(
        f"CREATE TEMP TABLE {into} AS SELECT * REPLACE ({replaced}) FROM {relation.scan} "
        f"ORDER BY {relation.order}"
    )
    return Relation(into, "rowid", columns, relation.unsure, relation.assumed)


def _with_columns(
    connection: DuckDBPyConnection, relation: Relation, named: Named, into: str
) -> Relation:
    known = {column.name.lower() for column in relation.columns}
    missing = {
        name: type_name for name, type_name in named.items() if name.strip().lower() not in known
    }
    if not missing:
        return relation
    names = unique([*(column.name for column in relation.columns), *missing])
    added = [
        Column(name, type_name)
        for name, type_name in zip(names[len(relation.columns) :], missing.values(), strict=True)
    ]
    listed = "".join(f", NULL::{each.type} AS {quoted(each.name)}" for each in added)
    connection.execute(
        f"CREATE TEMP TABLE {into} AS SELECT *{listed} FROM {relation.scan} "
        f"ORDER BY {relation.order}"
    )
    return Relation(
        into,
        "rowid",
        (*relation.columns, *added),
        unsure=True,
        assumed=tuple(each.name for each in added),
    )


def assumed_note(relations: Iterable[Relation]) -> tuple[str, ...]:
    """What the log says of columns that were taken as empty."""
    names = [repr(name) for relation in relations for name in relation.assumed]
    if not names:
        return ()
    listed = ", ".join(dict.fromkeys(names))
    return (f"an empty list has no columns of its own: {listed} is taken as empty",)


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
