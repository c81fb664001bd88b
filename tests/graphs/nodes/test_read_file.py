"""`read_file` reads every format of the workspace, and says what is wrong with a file."""

import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from graphs.node_type import Services
from tests.graphs.conftest import FakeContext, execute, failure, table

AT = datetime.fromisoformat("2026-01-31T10:30:00")


@pytest.fixture
def files(table_ctx: FakeContext, tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def ctx(table_ctx: FakeContext) -> FakeContext:
    return table_ctx


async def read(ctx: FakeContext, name: str, **params: Any) -> list[dict[str, Any]]:
    return await table("read_file", {"name": name, **params}, ctx)


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("id,name,when\n1,Ada,2026-01-31\n2,,2026-02-01\n", {}),
        ("id;name;when\n1;Ada;2026-01-31\n2;;2026-02-01\n", {}),
        ("\ufeffid,name,when\r\n1,Ada,2026-01-31\r\n2,,2026-02-01\r\n", {}),
        ("id|name|when\n1|Ada|2026-01-31\n2||2026-02-01\n", {"delimiter": "|"}),
        ("made by me\nid,name,when\n1,Ada,2026-01-31\n2,,2026-02-01\n", {"skip_rows": 1}),
    ],
)
async def test_separated_values(
    ctx: FakeContext, files: Path, text: str, params: dict[str, Any]
) -> None:
    (files / "a.csv").write_text(text, newline="")
    output = (await execute("read_file", {"name": "a.csv", **params}, ctx)).value
    assert output["name"] == "a.csv"
    assert [column["type"] for column in output["columns"]] == ["BIGINT", "VARCHAR", "DATE"]
    assert output["preview"] == [
        {"id": 1, "name": "Ada", "when": "2026-01-31"},
        {"id": 2, "name": None, "when": "2026-02-01"},
    ]


async def test_tabs_and_no_header(ctx: FakeContext, files: Path) -> None:
    (files / "a.tsv").write_text("1\tx\n2\ty\n")
    assert await read(ctx, "a.tsv", header="no") == [
        {"column0": 1, "column1": "x"},
        {"column0": 2, "column1": "y"},
    ]


async def test_a_late_cell_of_another_type_makes_the_column_text(
    ctx: FakeContext, files: Path
) -> None:
    rows = "\n".join(["1,2"] * 30_000)
    (files / "a.csv").write_text(f"a,b\n{rows}\nx,3\n")
    output = (await execute("read_file", {"name": "a.csv"}, ctx)).value
    assert output["row_count"] == 30_001
    assert output["columns"][0]["type"] == "VARCHAR"


async def test_other_alphabets(ctx: FakeContext, files: Path) -> None:
    (files / "a.csv").write_bytes("größe;name\n1;Jürgen\n".encode("latin-1"))
    assert await read(ctx, "a.csv") == [{"größe": 1, "name": "Jürgen"}]
    (files / "t.txt").write_bytes("Grüße: 5 €".encode("cp1252"))
    assert (await execute("read_file", {"name": "t.txt"}, ctx)).value == {"text": "Grüße: 5 €"}
    (files / "u.txt").write_bytes("Grüße".encode("utf-16"))
    assert (await execute("read_file", {"name": "u.txt"}, ctx)).value == {"text": "Grüße"}


async def test_json_and_json_lines(ctx: FakeContext, files: Path) -> None:
    rows = [{"id": 1, "who": {"name": "Ada"}, "tags": ["a"]}, {"id": 2, "who": None, "tags": []}]
    (files / "a.json").write_text(json.dumps(rows, indent=2))
    (files / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (files / "lines.json").write_text("\n".join(map(json.dumps, rows)))
    for name in ("a.json", "a.jsonl", "lines.json"):
        assert await read(ctx, name) == rows, name
    (files / "one.json").write_text('{"a": [1, 2]}')
    assert (await execute("read_file", {"name": "one.json"}, ctx)).value == {"a": [1, 2]}
    (files / "numbers.json").write_text("[1, 2]")
    assert len(await read(ctx, "numbers.json")) == 2


async def test_parquet(ctx: FakeContext, files: Path) -> None:
    target = str(files / "a.parquet")
    duckdb.sql("SELECT 1 AS id, 'x' AS text").write_parquet(target)
    assert await read(ctx, "a.parquet") == [{"id": 1, "text": "x"}]


async def test_excel(ctx: FakeContext, files: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "name", "day", "at", None])
    book.active.append([1, "Ada", date(2026, 1, 31), AT])
    book.active.append([None, None, None, None])
    book.active.append([2, "  ", None, None])
    other = book.create_sheet("Other")
    other.append([1, 2])
    book.save(files / "a.xlsx")
    assert await read(ctx, "a.xlsx") == [
        {"id": 1, "name": "Ada", "day": "2026-01-31", "at": "2026-01-31T10:30:00"},
        {"id": 2, "name": None, "day": None, "at": None},
    ]
    assert await read(ctx, "a.xlsx", sheet="Other") == [{"column_1": 1, "column_2": 2}]
    error = await failure("read_file", {"name": "a.xlsx", "sheet": "Othr"}, ctx)
    assert "did you mean 'Other'?" in error.message


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"", "it is empty"),
        ("a.parquet", b"", "it is empty"),
        ("a.xlsx", b"", "it is empty"),
        ("a.json", b"{oops", "it is no JSON"),
        ("a.jsonl", b'{"a": 1}\n{oops\n', "'a.jsonl' cannot be read"),
        ("a.parquet", b"not at all", "'a.parquet' cannot be read"),
        ("a.xlsx", b"not at all", "no Excel workbook"),
    ],
)
async def test_a_damaged_file_is_told(
    ctx: FakeContext, files: Path, name: str, content: bytes, message: str
) -> None:
    (files / name).write_bytes(content)
    error = await failure("read_file", {"name": name}, ctx)
    assert error.code == "file_unreadable"
    assert message in error.message
    assert str(files) not in error.message
    store = files.parent / "artifacts"
    assert not store.exists() or list(store.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nope.csv", "file_missing"),
        ("../secret.csv", "file_name_invalid"),
        ("/etc/passwd", "file_name_invalid"),
        ("a.csv\0", "file_name_invalid"),
        ("a.what", "file_format_unknown"),
    ],
)
async def test_a_name_that_leads_nowhere_is_told(
    ctx: FakeContext, files: Path, name: str, code: str
) -> None:
    (files / "a.what").write_text("x")
    (files.parent / "secret.csv").write_text("a\n1\n")
    assert (await failure("read_file", {"name": name}, ctx)).code == code


async def test_a_run_without_a_workspace(ctx: FakeContext) -> None:
    ctx.services = Services()
    assert (await failure("read_file", {"name": "a.csv"}, ctx)).code == "files_unavailable"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
async def test_a_file_of_no_bytes_is_an_empty_table(
    ctx: FakeContext, files: Path, name: str
) -> None:
    (files / name).touch()
    made = (await execute("read_file", {"name": name, "text_columns": ["id"]}, ctx)).value
    assert (made["row_count"], list(made["columns"]), made["preview"]) == (0, [], [])
    assert ("warning", "the file is empty, and so is the table: it has no rows and no columns") in (
        ctx.logs
    )
    counting = {"query": "SELECT count(*) AS n FROM t", "tables": {"t": made}}
    counted = await execute("sql", counting, ctx)
    assert counted.value["preview"] == [{"n": 0}]


@pytest.mark.parametrize(
    "sheet",
    [b"<a>", b"", b"<worksheet><sheetData><row><c t='s'><v>9</v></c></row>", b"\xff<"],
)
async def test_a_workbook_that_no_parser_understands_is_told(
    ctx: FakeContext, files: Path, sheet: bytes
) -> None:
    openpyxl.Workbook().save(files / "whole.xlsx")
    with (
        zipfile.ZipFile(files / "whole.xlsx") as whole,
        zipfile.ZipFile(files / "a.xlsx", "w") as broken,
    ):
        for part in whole.infolist():
            inside = part.filename.startswith("xl/worksheets/")
            broken.writestr(part, sheet if inside else whole.read(part))
    error = await failure("read_file", {"name": "a.xlsx"}, ctx)
    assert error.code == "file_unreadable"
    assert "'a.xlsx'" in error.message


@pytest.mark.parametrize("form", ['[{"a": %s}]', '{"a": %s}', '{"a": %s}\n{"a": 1}'])
@pytest.mark.parametrize("ending", ["json", "jsonl"])
async def test_a_number_of_more_digits_than_any_is_a_text(
    ctx: FakeContext, files: Path, form: str, ending: str
) -> None:
    if form.startswith("[") and ending == "jsonl":
        return
    digits = "9" * 5000
    (files / f"a.{ending}").write_text(form % digits)
    await execute("read_file", {"name": f"a.{ending}"}, ctx)
