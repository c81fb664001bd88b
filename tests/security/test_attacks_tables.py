"""Queries that want all memory or all time: a failed step with a reason, and nobody else waits."""

import pytest

from graphs.tables.work import LIMITS
from graphs.workers.limits import MB
from tests.security.arena import Arena

ONE_WORKER = LIMITS.data_bytes / MB
ROWS = {"fields": {"rows": [{"n": 1}, {"n": 2}]}}


def query(sql: str) -> list[tuple[str, dict[str, object]]]:
    """A run that executes it."""
    tables = {"t": "{{ prev.rows }}"}
    return [("set_fields", ROWS), ("sql", {"query": sql, "tables": tables})]


MEMORY = {
    "a map": "SELECT map_from_entries([(i, i) for i in range(100000000)]) AS m FROM t",
    "a text of a list": "SELECT array_to_string(range(100000000), ',') AS s FROM t",
    "texts": "SELECT repeat('a', 1000000000) AS s FROM range(100), t",
    "one text": "SELECT length(repeat(repeat('a', 1000000), 3000)) AS n FROM t",
    "a list": "SELECT list(r.range || 'xxxxxxxxxxxxxxxxxxxxxx') AS l FROM range(500000000) r, t",
    "an aggregated text": "SELECT string_agg(repeat('a', 10000), '') AS s FROM range(1000000), t",
    "a formatted text": "SELECT printf('%1999999999d', 1) AS s FROM t",
    "a wide list": "SELECT [range(100000) FOR i IN range(100000)] AS l FROM t",
}
SLOW = {
    "a padded text": "SELECT lpad('a', 2000000000, 'b') AS s FROM t",
    "a sorted crowd": "SELECT a.range || repeat('x', 5000) AS s FROM range(5000000) a ORDER BY 1",
}


@pytest.mark.parametrize(
    "sql",
    [
        *(pytest.param(sql, id=name) for name, sql in MEMORY.items()),
        *(pytest.param(sql, id=name, marks=pytest.mark.soak) for name, sql in SLOW.items()),
    ],
)
def test_what_wants_all_memory_fails_by_name(arena: Arena, sql: str) -> None:
    (run,) = arena.attack(query(sql), more_mb=ONE_WORKER, within_s=330)
    assert run["status"] == "failed"
    assert run["error"]["code"] in ("memory_limit", "time_limit", "output_too_large")
    assert "fewer" in run["error"]["message"]


ENDLESS = {
    "recursion": "WITH RECURSIVE r(n) AS (SELECT n FROM t UNION ALL SELECT n + 1 FROM r) "
    "SELECT max(n) AS m FROM r",
    "cross joins": "SELECT count(*) AS n FROM range(1000000) a, range(1000000) b, range(9) c, t "
    "WHERE a.range + b.range = c.range",
    "generated rows": "SELECT sum(generate_series) AS n FROM t, generate_series(1, 1000000000000)",
    "backtracking": "SELECT regexp_matches(repeat('a', 30000000), "
    "'(a|a?)+(a*)*(x+x+)+y(.*.*=.*){20}') AS b FROM t",
}


def test_endless_work_of_one_tenant_is_not_the_others(arena: Arena) -> None:
    attacks = [query(sql) for sql in ENDLESS.values()]
    runs = arena.attack(*attacks, more_mb=2 * ONE_WORKER, cancel=True)
    assert {run["status"] for run in runs} <= {"cancelled", "completed"}
    logs = [line for run in runs for line in arena.mallory.logs(run["id"])]
    assert any("waits for its turn" in line for line in logs)
