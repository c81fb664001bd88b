"""A query over tables that came from empty lists: the columns it asks of them are made, empty."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from graphs.errors import NodeError
from graphs.tables.names import UNKNOWN_COLUMNS, quoted
from graphs.tables.node import Noted
from graphs.tables.results import columns_of
from graphs.tables.sources import Relation
from graphs.tables.statements import Query
from graphs.tables.work import message_of

_TYPES = ("NULL", "NULL::DOUBLE", "NULL::VARCHAR", "NULL::TIMESTAMP")
"""What an empty cell is made as, until the query's functions take it."""


def with_unknown_columns(
    connection: DuckDBPyConnection,
    query: Query,
    tables: Mapping[str, Relation],
    values: Mapping[str, Any],
) -> Noted:
    """The query, once its tables have what it names. Raises NodeError `query_failed`."""
    unsure = {name: table for name, table in tables.items() if table.unsure}
    first: duckdb.Error | None = None
    for alike, named, made in product((False, True), (False, True), _TYPES):
        wanted = {name: list[str]() for name in unsure}
        for name, column in _wanted(query, tables, unsure, named):
            wanted[name].append(column)
        for name, table in unsure.items():
            _show(connection, name, table, tables if alike else {}, wanted[name], made)
        try:
            columns_of(connection, query.sql, values)
        except duckdb.Error as error:
            first = first or error
            continue
        asked = dict.fromkeys(column for columns in wanted.values() for column in columns)
        listed = ", ".join(map(repr, asked))
        note = f"an empty list has no columns of its own: {listed} is taken as empty"
        return Noted(query.sql, (note,) if listed else ())
    names = ", ".join(unsure)
    raise NodeError(
        f"{message_of(first) if first else ''}\n{names} came from an empty list, whose columns are "
        "not known: go round this node when there is nothing, or write the types with casts",
        code="query_failed",
        retryable=False,
    )


def _wanted(
    query: Query, tables: Mapping[str, Relation], unsure: Mapping[str, Relation], named: bool
) -> Iterator[tuple[str, str]]:
    """Tables with the columns that the query asks of them; `named`: also what it names itself."""
    known = {
        name: {column.name.lower() for column in table.columns} for name, table in tables.items()
    }
    own = {name.lower() for name in query.made}
    for path in query.names:
        column, *below = path
        table = query.aliases.get(column.lower()) if below else None
        column = column if table is None else below[0]
        if table is None:
            if any(column.lower() in columns for columns in known.values()):
                continue
            if not named and column.lower() in own:
                continue
            table = next(iter(unsure))
        if table in unsure and column.lower() not in known[table]:
            known[table].add(column.lower())
            yield table, column
    for column in query.shared:
        for table in unsure:
            if column.lower() not in known[table]:
                known[table].add(column.lower())
                yield table, column


def _show(
    connection: DuckDBPyConnection,
    name: str,
    table: Relation,
    alike: Mapping[str, Relation],
    wanted: list[str],
    made: str,
) -> None:
    """The table under its name, with these columns and those of tables that it is to be like."""
    known = {column.name.lower() for column in table.columns}
    others = [
        column.name
        for other in alike.values()
        for column in other.columns
        if column.name.lower() not in known
    ]
    further = dict.fromkeys([*others, *wanted])
    listed = [quoted(column.name) for column in table.columns]
    listed += [f"{made} AS {quoted(column)}" for column in further]
    if not alike or not listed:
        listed.append(quoted(UNKNOWN_COLUMNS))
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS "
        f"SELECT {', '.join(listed)} FROM {table.scan}"
    )
