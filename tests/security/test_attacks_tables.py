"""Queries that want all memory or all time: a failed step with a reason, and nobody else waits."""

import pytest

from tests.security.arena import Arena
from graphs.tables.work import LIMITS
from graphs.workers.limits import MB

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
    "a padded text": "SELECT lpad('a', 2000000000, 'b') AS s FROM t",
    "a formatted text": "SELECT printf('%1999999999d', 1) AS s FROM t",
    "a wide list": "SELECT [range(100000) FOR i IN range(100000)] AS l FROM t",
}


@pytest.mark.parametrize("name", MEMORY)
def test_memory(arena: Arena, name: str) -> None:
    (run,) = arena.attack(query(MEMORY[name]), more_mb=ONE_WORKER)
    assert run["status"] == "failed"
    print(name, run["error"], run["duration_ms"])


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
    runs = arena.attack(*attacks, more_mb=3 * ONE_WORKER, cancel=True)
    for run in runs:
        print(run["status"], run["error"])
