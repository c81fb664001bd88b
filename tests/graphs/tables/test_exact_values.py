"""Values go through tables, SQL, files and back, and are what they were."""

import asyncio
import csv
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.artifacts import FolderArtifacts, FolderFiles
from graphs.definition import Node
from graphs.events import RunCompleted
from graphs.node_type import Services
from graphs.tables.rows import table_rows
from tests.graphs.conftest import FakeContext, execute, table
from tests.graphs.engine import Execution, chain

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["e\u0301", "😀", "\"a\",\n'b'", "=1+1", "\x01", "null", "{}", "2026-01-31", "007"]
    ),
)
KEYS = st.sampled_from(["id", "ID", "größe", "a b", "c0", "empty", 'q"uote', "value"])
COLUMNS: list[st.SearchStrategy[Any]] = [
    st.integers(),
    st.integers(-(10**60), 10**60),
    FLOATS,
    st.one_of(st.integers(-(2**80), 2**80), FLOATS),
    st.one_of(st.integers(-100, 100), FLOATS),
    TEXTS,
    st.booleans(),
    st.dates().map(str),
    st.lists(st.one_of(st.integers(), FLOATS, TEXTS), max_size=3),
    st.fixed_dictionaries({"a": st.integers(), "b": st.lists(TEXTS, max_size=2)}),
]


@st.composite
def lists_of_objects(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows whose columns hold values of one kind each, many of them null or not there."""
    columns = draw(st.dictionaries(KEYS, st.sampled_from(COLUMNS), min_size=1, max_size=4))
    rows = draw(st.integers(1, 12))
    return [
        {
            name: draw(st.one_of(st.none(), values))
            for name, values in columns.items()
            if draw(st.integers(0, 9)) or not row
        }
        for row in range(rows)
    ]


@contextmanager
def context() -> Iterator[FakeContext]:
    """A context with a store and a workspace of its own."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "files").mkdir()
        ctx = FakeContext()
        ctx.services = Services(
            artifacts=FolderArtifacts(Path(folder) / "artifacts"),
            files=FolderFiles(Path(folder) / "files"),
        )
        yield ctx


def same(given: Any, found: Any) -> bool:
    """Equal; a number may have become a text with all of its digits, and null what is missing."""
    if isinstance(given, bool) or given is None or isinstance(given, str):
        return type(given) is type(found) and given == found
    if isinstance(given, int | float):
        return not isinstance(found, bool) and Decimal(repr(given)) == (
            Decimal(found) if isinstance(found, str) else Decimal(repr(found))
        )
    if isinstance(given, list):
        return len(given) == len(found) and all(map(same, given, found))
    return given.keys() == found.keys() and all(same(given[key], found[key]) for key in given)


def check(rows: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    assert len(found) == len(rows)
    for row, back in zip(rows, found, strict=True):
        assert len(back) == len(names), back
        for name, cell in zip(names, back.values(), strict=True):
            assert same(row.get(name), cell), (name, row.get(name), cell)


@given(lists_of_objects())
@settings(max_examples=25, deadline=None)
def test_a_list_comes_back_from_tables_queries_and_files(rows: list[dict[str, Any]]) -> None:
    async def there_and_back() -> None:
        with context() as ctx:
            ctx.prev = rows
            ctx.prev = (await execute("filter_rows", {"conditions": []}, ctx)).value
            ctx.prev = (await execute("sql", {"query": "SELECT * FROM input -- all"}, ctx)).value
            check(rows, await table_rows(ctx.services.artifacts, ctx.prev, "it"))
            for ending in ("json", "jsonl", "parquet"):
                await execute("write_file", {"name": f"x.{ending}"}, ctx)
            files = ctx.services.files
            assert files is not None
            check(rows, json.loads((await files.path("x.json")).read_bytes()))
            lines = (await files.path("x.jsonl")).read_bytes().splitlines()
            check(rows, [json.loads(line) for line in lines])
            for ending in ("parquet", "jsonl", "json"):
                read = await execute("read_file", {"name": f"x.{ending}"}, ctx)
                check(rows, await table_rows(ctx.services.artifacts, read.value, "it"))

    asyncio.run(there_and_back())


SCALARS: list[st.SearchStrategy[Any]] = [
    st.integers(),
    st.integers(-(10**60), 10**60),
    FLOATS,
    st.one_of(st.integers(-(2**80), 2**80), FLOATS),
    st.one_of(TEXTS, st.sampled_from(["a\rb", "_x000D_", "_x005F_", "\ufffe", "x" * 30_000])),
    st.booleans(),
    st.dates().map(str),
]


def reads_alike(given: Any, found: Any) -> bool:
    """Whether it is written alike: cells of a file do not say whether 5 is a number or a text."""
    if isinstance(given, str):
        # text files are read without NUL characters, and say so
        given = given.replace("\0", "")
    if given in (None, "") or (isinstance(given, str) and not given.strip()):
        return found is None or found == given
    if isinstance(given, bool):
        return str(found).lower() == str(given).lower()
    if isinstance(given, int | float) or isinstance(found, int | float):
        return Decimal(str(given).strip()) == Decimal(str(found))
    return given == found or given.strip() == found


@given(
    st.lists(st.sampled_from(SCALARS), min_size=2, max_size=4).flatmap(
        lambda columns: st.lists(
            st.tuples(*(st.one_of(st.none(), values) for values in columns)), min_size=1, max_size=9
        )
    )
)
@settings(max_examples=25, deadline=None)
def test_cells_come_back_from_csv_and_excel(cells: list[tuple[Any, ...]]) -> None:
    async def there_and_back() -> None:
        with context() as ctx:
            # the first column has a value in each row, so that none is blank
            rows = [
                {"row": f"r{at}", **{f"c{place}": cell for place, cell in enumerate(row)}}
                for at, row in enumerate(cells)
            ]
            for ending in ("csv", "tsv", "xlsx"):
                ctx.prev = rows
                await execute("write_file", {"name": f"x.{ending}"}, ctx)
                settings = {"name": f"x.{ending}", "header": "yes"}
                read = await execute("read_file", settings, ctx)
                found = await table_rows(ctx.services.artifacts, read.value, "it")
                assert len(found) == len(rows)
                for row, back in zip(rows, found, strict=True):
                    for name, cell in row.items():
                        assert reads_alike(cell, back[name]), (ending, name, cell, back[name])

    asyncio.run(there_and_back())


@given(lists_of_objects())
@settings(max_examples=20, deadline=None)
def test_a_list_is_written_as_json_as_it_is(rows: list[dict[str, Any]]) -> None:
    async def write() -> None:
        with context() as ctx:
            files = ctx.services.files
            assert files is not None
            ctx.prev = rows
            await execute("write_file", {"name": "x.json"}, ctx)
            output = await execute("write_file", {"name": "x.jsonl"}, ctx)
            assert output.value["rows"] == len(rows)
            assert json.loads((await files.path("x.json")).read_bytes()) == rows
            lines = (await files.path("x.jsonl")).read_bytes().split(b"\n")
            assert [json.loads(line) for line in lines if line] == rows

    asyncio.run(write())


async def test_through_a_whole_run(tmp_path: Path) -> None:
    rows = [
        {"id": 34043416109404255712, "x": 9007199254740993, "t": "e\u0301 😀"},
        {"id": 34043416109404255713, "x": 0.5, "t": None},
        {"id": -1, "x": None, "t": "a\x01\"b'\n"},
    ]
    definition = chain(
        Node(id="set", type="set_fields", params={"fields": {"rows": "{{ input.rows }}"}}),
        Node(id="f", type="filter_rows", params={"conditions": [], "table": "{{ prev.rows }}"}),
        Node(id="q", type="sql", params={"query": "SELECT * FROM f ORDER BY id DESC; -- done"}),
        Node(id="end", type="end", params={"output": "{{ steps.q.preview }}"}),
    )
    execution = Execution(
        definition,
        inputs={"rows": rows},
        services=Services(artifacts=FolderArtifacts(tmp_path / "artifacts")),
    )
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == [rows[1], rows[0], rows[2]]


@pytest.mark.parametrize(
    ("cells", "type_name", "kept"),
    [
        ([2**63, 1], "DECIMAL(38,0)", [2**63, 1]),
        ([10**45, 1], "VARCHAR", [str(10**45), "1"]),
        ([2**53 + 1, 0.5], "DECIMAL(38,1)", [2**53 + 1, 0.5]),
        ([2**53 + 1, 1e-300], "VARCHAR", [str(2**53 + 1), "1e-300"]),
        ([2**53, 0.5], "DOUBLE", [2**53, 0.5]),
        ([1, "a", True, None], "VARCHAR", ["1", "a", "true", None]),
        ([1, [2], {"a": "3"}], "JSON", [1, [2], {"a": "3"}]),
        ([{"a": 2**70}, {"a": 0.1}], "STRUCT(a JSON)", [{"a": 2**70}, {"a": 0.1}]),
    ],
)
async def test_numbers_of_a_list_are_not_rounded(
    table_ctx: FakeContext, cells: list[Any], type_name: str, kept: list[Any]
) -> None:
    table_ctx.prev = [{"v": cell} for cell in cells]
    value = (await execute("filter_rows", {"conditions": []}, table_ctx)).value
    assert list(value["columns"]) == [{"name": "v", "type": type_name}]
    assert [row["v"] for row in value["preview"]] == kept


@pytest.mark.parametrize(
    ("expression", "type_name", "kept"),
    [
        ("sum(2::BIGINT)", "BIGINT", 2),
        ("34043416109404255712::HUGEINT", "DECIMAL(38,0)", 34043416109404255712),
        ("170141183460469231731687303715884105727::HUGEINT", "VARCHAR", str(2**127 - 1)),
        ("18446744073709551615::UBIGINT", "DECIMAL(38,0)", 2**64 - 1),
        ("'123456789012345678901234567890'::BIGNUM", "DECIMAL(38,0)", int("1234567890" * 3)),
        ("[34043416109404255712::HUGEINT]", "DECIMAL(38,0)[]", [34043416109404255712]),
        ("{'a': 2::HUGEINT, 'HUGEINT': 'x'}", None, {"a": 2, "HUGEINT": "x"}),
        ("[170141183460469231731687303715884105727::HUGEINT]", "JSON", [2**127 - 1]),
        ("1234.56::DECIMAL(9,2)", "DECIMAL(9,2)", 1234.56),
        ("12345678901234567.89::DECIMAL(38,2)", "DECIMAL(38,2)", "12345678901234567.89"),
        ("{'a': 12345678901234567.89::DECIMAL(38,2)}", None, {"a": "12345678901234567.89"}),
        ("34043416109404255712.00::DECIMAL(38,2)", "DECIMAL(38,2)", 34043416109404255712),
        ("'inf'::DOUBLE", "DOUBLE", None),
        ("['nan'::DOUBLE, 1]", "DOUBLE[]", [None, 1.0]),
    ],
)
async def test_numbers_of_a_query_are_not_rounded(
    table_ctx: FakeContext, expression: str, type_name: str | None, kept: Any
) -> None:
    query = f"SELECT {expression} AS v"
    value = (await execute("sql", {"query": query}, table_ctx)).value
    assert value["preview"] == [{"v": kept}]
    if type_name is not None:
        assert list(value["columns"]) == [{"name": "v", "type": type_name}]
    # in one column with what is small
    union = f"SELECT 'x' AS t, NULL AS v UNION ALL SELECT 'y', {expression}"
    value = (await execute("sql", {"query": union}, table_ctx)).value
    assert value["preview"][1] == {"t": "y", "v": kept}


async def test_long_ids_make_groups_and_joins_of_their_own(table_ctx: FakeContext) -> None:
    ids = [34043416109404255712, 34043416109404255713, 34043416109404255713]
    table_ctx.prev = [{"id": each} for each in ids]
    rows = await table("group_by", {"by": ["id"]}, table_ctx)
    assert rows == [{"id": ids[0], "count": 1}, {"id": ids[1], "count": 2}]
    on = {"left": "id"}
    texts = [{"id": str(ids[1]), "name": "Ada"}]
    params = {"left": table_ctx.prev, "right": texts, "on": [on], "how": "left"}
    rows = await table("join_tables", params, table_ctx)
    assert [row["name"] for row in rows] == [None, "Ada", "Ada"]


async def test_a_field_that_is_mostly_null_stays_a_field(table_ctx: FakeContext) -> None:
    table_ctx.prev = [{"email": "a@example.org"}, *[{"email": None}] * 30]
    condition = {"column": "email", "operator": "is_not_empty"}
    rows = await table("filter_rows", {"conditions": [condition]}, table_ctx)
    assert rows == [{"email": "a@example.org"}]
    table_ctx.prev = [*[{}] * 40, {"who": {"name": "Ada"}}, None]
    value = (await execute("filter_rows", {"conditions": []}, table_ctx)).value
    assert value["row_count"] == 42
    assert [column["name"] for column in value["columns"]] == ["who", "value"]
    query = "SELECT who.name AS name FROM input WHERE who IS NOT NULL"
    assert await table("sql", {"query": query}, table_ctx) == [{"name": "Ada"}]


async def test_lists_of_other_things_and_names_alike(table_ctx: FakeContext) -> None:
    table_ctx.prev = [1, 2, 3]
    assert await table("sql", {"query": "SELECT sum(value) AS s FROM input"}, table_ctx) == [
        {"s": 6}
    ]
    table_ctx.prev = [{"id": 1, "ID": "a"}, {"Id": True}]
    assert await table("filter_rows", {"conditions": []}, table_ctx) == [
        {"id": 1, "ID_2": "a", "Id_3": None},
        {"id": None, "ID_2": None, "Id_3": True},
    ]
    table_ctx.prev = [{f"f{at}": at for at in range(300)}]
    assert await table("sort_rows", {"by": [{"column": "f299"}]}, table_ctx) == table_ctx.prev
    table_ctx.prev = [{"wide": {f"f{at}": at for at in range(300)}}]
    assert await table("filter_rows", {"conditions": []}, table_ctx) != []
    table_ctx.prev = [{}, {}]
    assert await table("filter_rows", {"conditions": []}, table_ctx) == [{"value": None}] * 2


async def test_csv_and_excel_hold_the_digits(table_ctx: FakeContext) -> None:
    import openpyxl

    rows = [
        {"id": 34043416109404255712, "n": 1234567890123456789, "d": 0.1, "t": "007"},
        {"id": 5, "n": 5, "d": 2.5, "t": "=1+1"},
    ]
    table_ctx.prev = rows
    files = table_ctx.services.files
    assert files is not None
    await execute("write_file", {"name": "x.csv"}, table_ctx)
    with (await files.path("x.csv")).open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["34043416109404255712", "1234567890123456789", "0.1", "007"],
            ["5", "5", "2.5", "=1+1"],
        ]
    await execute("write_file", {"name": "x.xlsx"}, table_ctx)
    book = openpyxl.load_workbook(await files.path("x.xlsx"))
    found = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    assert found[1:] == [
        ["34043416109404255712", "1234567890123456789", 0.1, "007"],
        [5, 5, 2.5, "=1+1"],
    ]
    query = "SELECT 1234.56::DECIMAL(9,2) AS a, 12345678901234567.89::DECIMAL(38,2) AS b"
    table_ctx.prev = (await execute("sql", {"query": query}, table_ctx)).value
    await execute("write_file", {"name": "y.xlsx"}, table_ctx)
    book = openpyxl.load_workbook(await files.path("y.xlsx"))
    cells = list(book.worksheets[0].iter_rows(values_only=True))[1]
    assert cells == (1234.56, "12345678901234567.89")
