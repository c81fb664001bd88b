"""`sql` reads the tables it was given, and nothing else in the world."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from graphs.errors import NodeError
from tests.graphs.conftest import FakeContext, execute, failure, table

ORDERS = [{"id": 1, "amount": 10, "who": {"name": "Ada"}}, {"id": 2, "amount": 5, "who": None}]


@pytest.fixture
def ctx(table_ctx: FakeContext) -> FakeContext:
    table_ctx.prev = ORDERS
    return table_ctx


async def test_reads_what_arrives(ctx: FakeContext) -> None:
    rows = await table("sql", {"query": "SELECT sum(amount) AS total FROM input;"}, ctx)
    assert rows == [{"total": 15}]
    rows = await table("sql", {"query": "SELECT id, who.name FROM input ORDER BY id DESC"}, ctx)
    assert rows == [{"id": 2, "name": None}, {"id": 1, "name": "Ada"}]


async def test_reads_tables_by_the_node_they_come_from(ctx: FakeContext) -> None:
    kept = await execute("filter_rows", {"conditions": []}, ctx)
    ctx.steps = {"orders": kept.value, "http-1": [{"id": 1, "x": "y"}]}
    query = 'SELECT o.id, h.x FROM orders o JOIN "http-1" h USING (id)'
    assert await table("sql", {"query": query}, ctx) == [{"id": 1, "x": "y"}]
    ctx.prev = {"orders": kept.value, "http-1": ctx.steps["http-1"]}
    assert await table("sql", {"query": query}, ctx) == [{"id": 1, "x": "y"}]
    error = await failure("sql", {"query": "SELECT * FROM input"}, ctx)
    assert "several nodes lead here; name one of them: orders, http-1" in error.message


async def test_reads_tables_by_names_of_ones_own(ctx: FakeContext) -> None:
    ctx.inputs = {"rows": [{"a": 1}, {"a": 2}]}
    params = {"query": "SELECT max(a) AS m FROM mine", "tables": {"mine": "{{ input.rows }}"}}
    assert await table("sql", params, ctx) == [{"m": 2}]


async def test_with_subqueries_and_shadowing(ctx: FakeContext) -> None:
    query = """
    WITH RECURSIVE big AS (SELECT * FROM input WHERE amount > 5),
      numbers AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < 3)
    SELECT (SELECT count(*) FROM big) AS big, (SELECT sum(n) FROM numbers) AS s,
      (SELECT sum(range) FROM range(4)) AS r
    """
    assert await table("sql", {"query": query}, ctx) == [{"big": 1, "s": 6, "r": 6}]


async def test_doubled_names_and_odd_types_are_kept(ctx: FakeContext) -> None:
    query = """
    SELECT 1 AS a, 2 AS a, 3 AS "A", 1.50::DECIMAL(9,2) AS money, DATE '2026-01-31' AS day,
      TIMESTAMPTZ '2026-01-31 10:00:00+01' AS at, 'nan'::DOUBLE AS n, '\\xAA'::BLOB AS raw,
      INTERVAL 1 DAY AS i, NULL AS nothing, [1, NULL] AS list, {'x': 1.5} AS thing,
      MAP {'k': 1} AS map, uuid '00000000-0000-0000-0000-000000000001' AS id, '{"a":1}'::JSON AS j,
      2::HUGEINT AS h
    """
    assert await table("sql", {"query": query}, ctx) == [
        {
            "a": 1,
            "a_2": 2,
            "A_3": 3,
            "money": 1.5,
            "day": "2026-01-31",
            "at": "2026-01-31T09:00:00Z",
            "n": None,
            "raw": "qg==",
            "i": "1 day",
            "nothing": None,
            "list": [1, None],
            "thing": {"x": 1.5},
            "map": {"k": 1},
            "id": "00000000-0000-0000-0000-000000000001",
            "j": {"a": 1},
            "h": 2,
        }
    ]


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '/tmp/stolen.csv'",
        "COPY input FROM '/etc/passwd'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "SET memory_limit = '100GB'",
        "RESET threads",
        "CREATE TABLE t AS SELECT 1",
        "CREATE MACRO m() AS 1",
        "DROP VIEW input",
        "INSERT INTO input VALUES (1)",
        "UPDATE input SET id = 2",
        "DELETE FROM input",
        "EXPORT DATABASE '/tmp/x'",
        "CALL duckdb_settings()",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "USE main",
        "CHECKPOINT",
        "BEGIN",
        "PREPARE p AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW input",
        "-- nothing",
        "",
        " ",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM READ_CSV_AUTO('/etc/passwd')",
        "SELECT * FROM read_parquet('/tmp/*.parquet')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM read_json('http://example.com/x.json')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('input')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM parquet_metadata('x')",
        "SELECT * FROM enable_logging()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM main.input",
        "SELECT getenv('HOME')",
        "SELECT current_setting('temp_directory')",
        "SELECT id FROM input WHERE id IN (SELECT length(getenv('HOME')))",
        "WITH x AS (SELECT * FROM glob('*')) SELECT * FROM x",
        "WITH x AS (INSERT INTO input VALUES (1) RETURNING *) SELECT * FROM x",
        "WITH x AS (DELETE FROM input RETURNING *) SELECT * FROM x",
        "SELECT * FROM input UNION ALL SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM input ORDER BY (SELECT write_log('x'))",
        "SELECT sleep_ms(1000000)",
        "SELECT * FROM input, LATERAL (SELECT * FROM read_text('/etc/passwd'))",
        "SELECT ?",
        "SELECT $1",
    ],
)
async def test_everything_else_is_refused(ctx: FakeContext, query: str) -> None:
    if not query.strip():
        ctx.inputs = {"query": query}
        query = "{{ input.query }}"
    error = await failure("sql", {"query": query}, ctx)
    assert error.code in ("sql_refused", "params_invalid"), error.message
    assert error.code == "sql_refused" or query.startswith("{{")
    assert not error.retryable


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM '/etc/passwd'",
        'SELECT * FROM "/etc/passwd"',
        "SELECT * FROM 'https://example.com/x.parquet'",
        "FROM '/etc/passwd'",
        "SELECT * FROM ctx",
        "SELECT * FROM FakeContext",
        "DESCRIBE '/etc/passwd'",
    ],
)
async def test_a_file_or_a_variable_is_no_table(ctx: FakeContext, query: str) -> None:
    error = await failure("sql", {"query": query}, ctx)
    assert error.code in ("table_unknown", "sql_refused"), error.message


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT amuont FROM input", "amuont"),
        ("SELECT * FROM input WHERE nope(id)", "nope"),
    ],
)
async def test_mistakes_are_told(ctx: FakeContext, query: str, message: str) -> None:
    error = await failure("sql", {"query": query}, ctx)
    assert error.code == "query_failed"
    assert message in error.message


async def test_nothing_of_this_machine_is_told(ctx: FakeContext, tmp_path: Path) -> None:
    ctx.prev = (await execute("filter_rows", {"conditions": []}, ctx)).value
    error = await failure("sql", {"query": "SELECT CAST(who AS INTEGER) FROM input"}, ctx)
    assert str(tmp_path) not in error.message


async def test_a_cancelled_query_stops_and_leaves_nothing(ctx: FakeContext, tmp_path: Path) -> None:
    query = "SELECT count(*) AS n FROM range(100000) a, range(100000) b WHERE a.range % 7 < b.range"
    task = asyncio.create_task(execute("sql", {"query": query}, ctx))
    await asyncio.sleep(0.3)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((tmp_path / "artifacts").iterdir()) == []


async def test_too_much_memory_is_told(ctx: FakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphs.tables.work.MEMORY_LIMIT", "20MB")
    monkeypatch.setattr("graphs.tables.work.TEMPORARY_LIMIT", "1MB")
    query = "SELECT list(range || 'some text that takes memory') AS l FROM range(3000000)"
    with pytest.raises(NodeError) as caught:
        await execute("sql", {"query": query}, ctx)
    assert caught.value.code == "memory_limit"


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT count(*) AS n FROM input -- all of them", [{"n": 2}]),
        ("SELECT count(*) AS n FROM input; -- it's; all", [{"n": 2}]),
        ("SELECT 1 AS n /* one; */ ; /* end */ ;;", [{"n": 1}]),
        ("-- first\nSELECT ';' AS n -- 😀;", [{"n": ";"}]),
        ("SELECT $$a;b -- c$$ AS n ;\n\n-- end", [{"n": "a;b -- c"}]),
        ("SELECT 'it''s -- no comment' AS n", [{"n": "it's -- no comment"}]),
    ],
)
async def test_comments_and_semicolons_stand_where_they_like(
    ctx: FakeContext, query: str, rows: list[Any]
) -> None:
    assert await table("sql", {"query": query}, ctx) == rows


@pytest.mark.parametrize(
    "value", ["O'Neil", "x' OR '1'='1", "$b -- ;", '"', "😀", 34043416109404255712, 2.5, True, None]
)
async def test_values_are_bound_and_come_back(ctx: FakeContext, value: Any) -> None:
    ctx.inputs = {"v": value}
    params = {"query": "SELECT $v AS v, $V AS again -- $w", "values": {"v": "{{ input.v }}"}}
    assert await table("sql", params, ctx) == [{"v": value, "again": value}]


async def test_values_find_rows(ctx: FakeContext) -> None:
    ctx.prev = [{"name": "O'Neil", "day": "2026-01-31"}, {"name": "Ada", "day": "2026-02-01"}]
    params: dict[str, Any] = {"query": "SELECT name FROM input WHERE name = $q"}
    for wanted in ("O'Neil", "Ada"):
        rows = await table("sql", {**params, "values": {"q": wanted}}, ctx)
        assert rows == [{"name": wanted}]
    assert await table("sql", {**params, "values": {"q": "' OR true --"}}, ctx) == []
    query = "SELECT name FROM input WHERE name IN (SELECT unnest($names)) AND day::DATE >= $from"
    values = {"names": ["Ada", "Bob"], "from": "2026-02-01", "unused": 1}
    assert await table("sql", {"query": query, "values": values}, ctx) == [{"name": "Ada"}]
    query = "SELECT json_extract_string($o, '$.a') AS a, $n AS n"
    values = {"o": {"a": "x"}, "n": 10**50}
    assert await table("sql", {"query": query, "values": values}, ctx) == [
        {"a": "x", "n": str(10**50)}
    ]


async def test_a_value_that_is_missing_is_told(ctx: FakeContext) -> None:
    error = await failure("sql", {"query": "SELECT $regoin", "values": {"region": 1}}, ctx)
    assert error.code == "params_invalid"
    assert "did you mean 'region'?" in error.message


@pytest.mark.parametrize("text", ["12/31/2024", "a/b/c", "/31/2024", "/usr/lib or http://a/b/c"])
async def test_texts_with_slashes_are_shown_as_they_are(ctx: FakeContext, text: str) -> None:
    ctx.prev = [{"d": text}]
    error = await failure("sql", {"query": "SELECT CAST(d AS INTEGER) FROM input"}, ctx)
    assert text in error.message
