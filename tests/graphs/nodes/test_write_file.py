"""`write_file` writes tables, texts, values and charts, whole or not at all."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from graphs.node_type import NodeContext
from graphs.nodes.write_file import WriteFile, WriteFileParams
from tests.graphs.conftest import FakeContext, execute, failure, table

ROWS = [
    {"id": 1, "name": 'Ada "A", B', "at": "2026-01-31", "tags": ["x"]},
    {"id": 2, "name": "=1+1", "at": None, "tags": None},
]


@pytest.fixture
def files(table_ctx: FakeContext, tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def ctx(table_ctx: FakeContext) -> FakeContext:
    table_ctx.prev = ROWS
    return table_ctx


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.parquet", "a.xlsx"])
@pytest.mark.parametrize("reference", [False, True])
async def test_what_is_written_can_be_read_again(
    ctx: FakeContext, files: Path, name: str, reference: bool
) -> None:
    if reference:
        ctx.prev = (await execute("filter_rows", {"conditions": []}, ctx)).value
    output = (await execute("write_file", {"name": f"out/{name}"}, ctx)).value
    path = files / "out" / name
    assert output == {"name": f"out/{name}", "size_bytes": path.stat().st_size, "rows": 2}
    read = await table("read_file", {"name": f"out/{name}"}, ctx)
    assert [(row["id"], row["name"]) for row in read] == [(1, 'Ada "A", B'), (2, "=1+1")]
    kept = {path.name for path in (files.parent / "artifacts").iterdir()}
    assert {Path(name).suffix for name in kept} <= {".parquet"}


def texts(folder: Path) -> list[str]:
    """What the files in it hold."""
    return [path.read_text() for path in folder.iterdir()]


async def test_a_text_is_never_a_formula(ctx: FakeContext, files: Path) -> None:
    await execute("write_file", {"name": "a.xlsx"}, ctx)
    sheet = openpyxl.load_workbook(files / "a.xlsx").active
    assert sheet["B3"].value == "=1+1"
    assert sheet["B3"].data_type == "s"


async def test_texts_and_values(ctx: FakeContext, files: Path) -> None:
    output = await execute("write_file", {"name": "a.txt", "content": "Grüße"}, ctx)
    assert output.value == {"name": "a.txt", "size_bytes": 7, "rows": None}
    assert (files / "a.txt").read_text() == "Grüße"
    ctx.prev = {"a": [1, {"b": None}]}
    await execute("write_file", {"name": "a.json"}, ctx)
    assert json.loads((files / "a.json").read_text()) == ctx.prev
    await execute("write_file", {"name": "a.md"}, ctx)
    assert json.loads((files / "a.md").read_text()) == ctx.prev


@pytest.mark.parametrize(("name", "start"), [("c.svg", b"<svg"), ("c.png", b"\x89PNG")])
async def test_a_chart_becomes_a_picture(
    ctx: FakeContext, files: Path, name: str, start: bytes
) -> None:
    ctx.prev = (await execute("chart", {"x": "name"}, ctx)).value
    await execute("write_file", {"name": name}, ctx)
    assert (files / name).read_bytes().startswith(start)


async def test_a_chart_that_would_fetch_its_data_is_refused(ctx: FakeContext, files: Path) -> None:
    for data in ({"url": "file:///etc/passwd"}, {"url": "http://127.0.0.1/x"}):
        ctx.prev = {"$chart": "vega-lite", "spec": {"data": data, "mark": "bar"}}
        error = await failure("write_file", {"name": "c.svg"}, ctx)
        assert error.code == "chart_invalid"
    ctx.prev = {"$chart": "vega-lite", "spec": {"mark": "nonsense", "data": {"values": []}}}
    assert (await failure("write_file", {"name": "c.svg"}, ctx)).code == "chart_invalid"
    assert texts(files) == []


@pytest.mark.parametrize(
    ("prev", "name", "code"),
    [
        ({"a": 1}, "a.csv", "table_expected"),
        ("text", "a.xlsx", "table_expected"),
        (ROWS, "a.what", "file_format_unknown"),
        (ROWS, "../a.csv", "file_name_invalid"),
        (ROWS, "/tmp/a.csv", "file_name_invalid"),
    ],
)
async def test_what_does_not_fit_leaves_nothing(
    ctx: FakeContext, files: Path, prev: Any, name: str, code: str
) -> None:
    (files / "a.csv").write_text("before")
    ctx.prev = prev
    assert (await failure("write_file", {"name": name}, ctx)).code == code
    assert texts(files) == ["before"]
    store = files.parent / "artifacts"
    assert not store.exists() or list(store.iterdir()) == []


async def test_mock_mode_writes_nothing(ctx: FakeContext, files: Path) -> None:
    context: NodeContext = ctx
    output = await WriteFile().mock(WriteFileParams(name="a.csv"), context)
    assert output.value == {"name": "a.csv", "size_bytes": 0, "rows": 2}
    assert texts(files) == []
    assert "nothing is written" in ctx.logs[0][1]


async def test_a_text_too_long_for_excel_is_refused(table_ctx: FakeContext) -> None:
    table_ctx.prev = [{"t": "a"}, {"t": "b" * 40_000}]
    error = await failure("write_file", {"name": "x.xlsx"}, table_ctx)
    assert error.code == "table_too_large"
    assert "'t' in row 2" in error.message
