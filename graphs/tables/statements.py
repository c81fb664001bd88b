"""Lets only queries through that read tables which the node was given: DuckDB's own syntax tree is
walked, and the connection is locked down besides.
"""

import json
from collections.abc import Iterator
from typing import Any, cast

import duckdb
from msgspec import Struct

from graphs.errors import NodeError
from graphs.tables.work import message_of

_SELECTS = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "VALUES_NODE"}
_TABLE_FUNCTIONS = {
    "generate_series",
    "json_each",
    "json_tree",
    "range",
    "repeat",
    "repeat_row",
    "unnest",
}
_REFUSED_FUNCTIONS = {
    "current_connection_id",
    "current_database",
    "current_query",
    "current_query_id",
    "current_schema",
    "current_schemas",
    "current_setting",
    "current_transaction_id",
    "currval",
    *(f"get{what}" for what in ("env", "variable")),
    "in_search_path",
    "json_deserialize_sql",
    "json_execute_serialized_sql",
    "nextval",
    "parse_duckdb_log_message",
    "setseed",
    "setval",
    "sleep_ms",
    "txid_current",
    "version",
    "which_secret",
    "write_log",
}


class Query(Struct, frozen=True):
    """A query that may be executed, without a comment or semicolon at its end.

    `tables` are those it reads as they are written in it, `aliases` what it calls them, in small
    letters; `parameters` the names after `$`; `names` the paths that may be columns, `shared` the
    columns of a USING, and `made` what it calls columns of its own.
    """

    sql: str
    tables: tuple[str, ...]
    parameters: tuple[str, ...]
    aliases: dict[str, str]
    names: tuple[tuple[str, ...], ...]
    shared: tuple[str, ...]
    made: tuple[str, ...]


def read_query(sql: str) -> Query:
    """The query of a text. Raises NodeError `sql_refused` for anything but one plain SELECT."""
    with duckdb.connect(
        config={
            "threads": 1,
            "enable_external_access": "false",
            "lock_configuration": "true",
            "python_enable_replacements": "false",
        }
    ) as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            message = message_of(error, with_place=True)
            if "unterminated" in message:
                message += "\na value that holds quotes is given under Values and written $name"
            raise NodeError(message, code="query_failed", retryable=False) from error
        if not statements:
            raise _refused("the query is empty; write a SELECT")
        if len(statements) > 1:
            raise _refused("only one statement is allowed; remove what stands after the first `;`")
        text = _without_end(statements[0].query)
        kind = str(statements[0].type).rpartition(".")[2]
        if kind == "MULTI":
            raise _refused("PIVOT needs its columns: write PIVOT … ON column IN (…)")
        found = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
        tree: Any = json.loads(found[0]) if found is not None else {"error": True}
        if kind != "SELECT" or tree["error"]:
            raise _refused(
                f"{kind} is not allowed; a query can only read tables, with SELECT or WITH"
            )
    parameters = sorted(str(name) for name in statements[0].named_parameters)
    if any(name.isdigit() for name in parameters):
        raise _refused(
            "parameters such as ? or $1 have no values here; write a name such as $region and give "
            "its value under Values"
        )
    read = {name.lower(): name for name in _tables(tree["statements"], frozenset())}
    nodes = list(_nodes(tree["statements"]))
    return Query(
        text,
        tuple(read.values()),
        tuple(parameters),
        {
            str(node["alias"] or name).lower(): read[name.lower()]
            for node in nodes
            if node.get("type") == "BASE_TABLE"
            and (name := str(node["qualified_name"]["path"][-1])).lower() in read
        },
        tuple(
            dict.fromkeys(
                tuple(map(str, node["column_names"]))
                for node in nodes
                if node.get("class") == "COLUMN_REF"
            )
        ),
        tuple(str(name) for node in nodes for name in node.get("using_columns") or ()),
        tuple(str(node["alias"]) for node in nodes if node.get("class") and node.get("alias")),
    )


def _without_end(sql: str) -> str:
    """The text without what follows its last word: comments and semicolons."""
    raw = sql.encode()
    end = len(raw)
    for start, kind in reversed(duckdb.tokenize(sql)):
        if kind != duckdb.token_type.comment and raw[start:end].strip() != b";":
            break
        end = start
    return raw[:end].decode().strip()


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Every object of the syntax tree."""
    if isinstance(part, list):
        for each in cast("list[Any]", part):
            yield from _nodes(each)
    elif isinstance(part, dict):
        node = cast("dict[str, Any]", part)
        yield node
        for below in node.values():
            yield from _nodes(below)


def _tables(part: Any, known: frozenset[str]) -> Iterator[str]:
    """The tables read; those that a WITH defines are `known` where they can be seen."""
    if isinstance(part, list):
        for each in cast("list[Any]", part):
            yield from _tables(each, known)
    elif isinstance(part, dict):
        node = cast("dict[str, Any]", part)
        _check(node)
        named = cast("dict[str, Any] | None", node.get("cte_map"))
        if named is not None:
            entries = cast("list[dict[str, Any]]", named.get("map", []))
            known = known | {str(entry["key"]).lower() for entry in entries}
        if node.get("type") == "RECURSIVE_CTE_NODE" or node.get("type") == "CTE_NODE":
            known = known | {str(node.get("cte_name", node.get("ctename", ""))).lower()}
        if node.get("type") == "BASE_TABLE":
            path = [str(step) for step in node["qualified_name"]["path"]]
            if len(path) > 1:
                raise _refused(
                    f"{'.'.join(path)} is none of this node's tables; name them without a schema"
                )
            if path[0].lower() not in known:
                yield path[0]
        for below in node.values():
            if isinstance(below, dict | list):
                yield from _tables(below, known)


def _check(node: dict[str, Any]) -> None:
    kind = node.get("type")
    if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _SELECTS:
        word = kind.split("_")[0]
        raise _refused(f"{word} is not allowed; a query can only read tables")
    if kind == "SHOW_REF" and node.get("query") is None:
        raise _refused("SHOW is not allowed; a query can only read the tables it was given")
    if kind == "TABLE_FUNCTION":
        name = str(node["function"]["function_name"]).lower()
        if name not in _TABLE_FUNCTIONS:
            raise _refused(
                f"{name}() is not allowed: a query cannot read files or settings; read files with "
                "the node Read file and name its table here"
            )
    if node.get("class") == "FUNCTION":
        name = str(node["function_name"]).lower()
        if name in _REFUSED_FUNCTIONS or name.startswith(("pg_", "duckdb_", "pragma_", "read_")):
            raise _refused(f"{name}() is not allowed in a query")


def _refused(message: str) -> NodeError:
    return NodeError(message, code="sql_refused", retryable=False)
