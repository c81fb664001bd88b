"""A query over tables that came from empty lists: the columns it asks of them are made, empty."""

import re
from collections.abc import Iterator, Mapping, Sequence
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

_TYPES = ("VARCHAR", "DOUBLE", "TIMESTAMP")
"""What an empty cell is made as where a function does not take a mere NULL."""

_MOST_TYPED = 30


def with_unknown_columns(
    connection: DuckDBPyConnection,
    query: Query,
    tables: Mapping[str, Relation],
    values: Mapping[str, Any],
) -> Noted:
    """The query, once its tables have what it names. Raises NodeError `query_failed`."""
    unsure = {name: table for name, table in tables.items() if table.unsure}
    first: duckdb.Error | None = None
    for alike, named in product((False, True), (False, True)):
        asked = list(_wanted(query, tables, unsure, named))
        attempt = _Attempt(connection, query, tables if alike else {}, unsure, values)
        error = attempt.search(asked)
        if error is None:
            listed = ", ".join(map(repr, dict.fromkeys(column for _, column in asked)))
            note = f"an empty list has no columns of its own: {listed} is taken as empty"
            return Noted(query.sql, (note,) if listed else ())
        first = first or error
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


class _Attempt:
    """The tables under their names, with further columns, so that the query can be understood.

    `alike`: those that tables with unknown columns are to be like.
    """

    def __init__(
        self,
        connection: DuckDBPyConnection,
        query: Query,
        alike: Mapping[str, Relation],
        unsure: Mapping[str, Relation],
        values: Mapping[str, Any],
    ) -> None:
        self._connection = connection
        self._query = query
        self._alike = alike
        self._unsure = unsure
        self._values = values

    def search(self, asked: Sequence[tuple[str, str]]) -> duckdb.Error | None:
        """Give the columns types until the query's functions take them; what stays wrong."""
        made = dict.fromkeys(asked, "NULL")
        error = self._error(made)
        for column, type_name in product(asked[:_MOST_TYPED], _TYPES):
            if error is None:
                return None
            tried = {**made, column: f"NULL::{type_name}"}
            then = self._error(tried)
            # another function complains now: this one has what it wants
            if then is None or _function(then) not in ("", _function(error)):
                made, error = tried, then
        return error

    def _error(self, made: Mapping[tuple[str, str], str]) -> duckdb.Error | None:
        for name, table in self._unsure.items():
            wanted = {column: cell for (of, column), cell in made.items() if of == name}
            _show(self._connection, name, table, self._alike, wanted)
        try:
            columns_of(self._connection, self._query.sql, self._values)
        except duckdb.Error as error:
            return error
        return None


def _function(error: duckdb.Error) -> str:
    found = re.search(r"function (?:call|matches).*?(\w+)\(", str(error), re.DOTALL)
    return "" if found is None else found[1]


def _show(
    connection: DuckDBPyConnection,
    name: str,
    table: Relation,
    alike: Mapping[str, Relation],
    wanted: Mapping[str, str],
) -> None:
    known = {column.name.lower() for column in table.columns}
    others = [
        column.name
        for other in alike.values()
        for column in other.columns
        if column.name.lower() not in known
    ]
    further = dict.fromkeys(others, "NULL") | dict(wanted)
    listed = [quoted(column.name) for column in table.columns]
    listed += [f"{cell} AS {quoted(column)}" for column, cell in further.items()]
    if not alike or not listed:
        listed.append(quoted(UNKNOWN_COLUMNS))
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS "
        f"SELECT {', '.join(listed)} FROM {table.scan}"
    )
