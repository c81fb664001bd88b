"""A table's rows as objects, for nodes that go through them one by one."""

from collections.abc import Callable
from typing import Any

from graphs.artifacts import ArtifactStore
from graphs.errors import NodeError
from graphs.tables.sources import given_table, open_tables
from graphs.tables.values import fetchable, rows_as_objects
from graphs.tables.work import Work, rows_of, run_work

MAX_ROWS = 10_000


async def table_rows(
    store: ArtifactStore, value: Any, what: str, say: Callable[[str], None] | None = None
) -> list[dict[str, Any]]:
    """All rows of a table; `say` is told when they have to wait for their turn.

    Raises NodeError `table_expected`, `table_too_large`.
    """
    table = await given_table(store, value, what)

    def job(work: Work) -> list[dict[str, Any]]:
        connection, relations = open_tables(work, {"input": table}, [])
        relation = relations["input"]
        count = int(rows_of(connection, f"SELECT count(*) FROM {relation.scan}")[0][0])
        if count > MAX_ROWS:
            raise NodeError(
                f"{what} has {count:,} rows, and one by one at most {MAX_ROWS:,} are gone through; "
                "filter or group them before",
                code="table_too_large",
                retryable=False,
            )
        listed = fetchable(relation.columns)
        found = rows_of(connection, f"SELECT {listed} FROM {relation.scan}")
        return rows_as_objects(relation.columns, found)

    return await run_work(store.new_path(".work"), job, say=say)
