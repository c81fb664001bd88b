"""`read_file` loses no row and changes no value, and says what was odd about a file."""

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.graphs.conftest import FakeContext, execute, failure


@pytest.fixture
def files(table_ctx: FakeContext, tmp_path: Path) -> Path:
    return tmp_path / "files"


class Found:
    """What was read: names with types, the first rows' values, and what was said."""

    def __init__(self, value: dict[str, Any], said: list[str]) -> None:
        self.names = [column["name"] for column in value["columns"]]
        self.types = [column["type"] for column in value["columns"]]
        self.rows = [list(row.values()) for row in value["preview"]]
        self.count = value["row_count"]
        self.said = said


async def read(ctx: FakeContext, files: Path, content: bytes | str, **params: Any) -> Found:
    name = params.pop("name", "a.csv")
    (files / name).write_bytes(content.encode() if isinstance(content, str) else content)
    ctx.logs.clear()
    value = (await execute("read_file", {"name": name, **params}, ctx)).value
    return Found(value, [message for _, message in ctx.logs])


LATE = "id,amount\n" + "".join(f"{n},{n * 2}\n" for n in range(1, 51)) + "51,1,5\n52,3,5\n"


@pytest.mark.parametrize("params", [{}, {"delimiter": ",", "header": "yes"}])
async def test_late_longer_rows_take_nothing_with_them(
    table_ctx: FakeContext, files: Path, params: dict[str, Any]
) -> None:
    found = await read(table_ctx, files, LATE, **params)
    assert found.names == ["id", "amount", "column_3"]
    assert (found.count, found.rows[0]) == (52, [1, 2, None])
    assert found.said == ["line 52: 2 rows were longer than the others; 1 column more were made"]
    refused = await failure("read_file", {"name": "a.csv", "ragged": "refuse", **params}, table_ctx)
    assert "line 52: it has 3 cells where there are 2 columns" in refused.message


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n", "abc", [[1, 2, 3], [4, 5, None], [6, 7, 8]]),
        ("a;b;c\n1;2\n3\n", "abc", [[1, 2, None], [3, None, None]]),
        ("a\tb\n1\n", "ab", [[1, None]]),
        ("a,b,c\n1,5,x\nTotal,11\n", "abc", [["1", 5, "x"], ["Total", 11, None]]),
        ("a;b;c\n1;;x\nTotal;;12\n", "abc", [["1", None, "x"], ["Total", None, "12"]]),
    ],
)
async def test_short_rows_and_totals_are_rows(
    table_ctx: FakeContext, files: Path, text: str, names: str, rows: list[list[Any]]
) -> None:
    for params in ({}, {"delimiter": text[1], "header": "yes"}):
        found = await read(table_ctx, files, text, **params)
        assert found.names == list(names)
        assert found.rows == rows
        assert bool(found.said) == (text.count("\n") and "shorter" in " ".join(found.said))


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        ("temp;rain\n1,5;2,5\n3,5;4,5\n", ["temp", "rain"], [1.5, 2.5]),
        ("a;b,c\n1;x\n2;y\n", ["a", "b,c"], [1, "x"]),
        ("a;note\n1;x,y,z\n2;u,v,w\n", ["a", "note"], [1, "x,y,z"]),
        ("name\nSmith, John\nDoe, Jane\n", ["name"], ["Smith, John"]),
        ("value\n1,5\n2,5\n", ["value"], [1.5]),
        ("a\tb, c\n1\tx, y\n", ["a", "b, c"], [1, "x, y"]),
        ("a|b\n1|x;y\n", ["a", "b"], [1, "x;y"]),
        ("sep=;\na;b,c\n1;2,5\n", ["a", "b,c"], [1, 2.5]),
        ("sep=|\r\na|b\r\n1|2\r\n", ["a", "b"], [1, 2]),
        ("a;b;c;\n1;2;3;\n", ["a", "b", "c"], [1, 2, 3]),
        ("a,b\n1,2,\n3,4,\n", ["a", "b"], [1, 2]),
        ('a, "b, c"\n1, "x, y"\n', ["a", "b, c"], [1, "x, y"]),
        ("'a','b'\n'x,y','z'\n", ["a", "b"], ["x,y", "z"]),
        ("a~b\n1~2\n", ["a~b"], ["1~2"]),
        # a line that begins with a moment is not one moment
        ('n;"x,y";z\n2026-01-31T10:30;a;\n', ["n", "x,y", "z"], ["2026-01-31T10:30:00"]),
        ('n;"x,y";z\n31.12.2026 late;a;b\n', ["n", "x,y", "z"], ["31.12.2026 late", "a", "b"]),
        # where no row tells, more names do
        ("n|p|x;y|q\n9\n", ["n", "p", "x;y", "q"], [9, None, None, None]),
        ("n,p;5,q\n9\n", ["n", "p;5", "q"], [9, None, None]),
        # a separator within quotes is none
        ('c,"x,y;z"\n9\n', ["c", "x,y;z"], [9, None]),
        ('a|"b|c;d"|e\n1\n', ["a", "b|c;d", "e"], [1, None, None]),
        # rows that end in an empty cell have as many cells as the names
        ('a;"b,c";d\nu;v;\nw;x;\n', ["a", "b,c", "d"], ["u", "v", None]),
        ('a|"b;c"|d\nu||\nw||\n', ["a", "b;c", "d"], ["u", None, None]),
    ],
)
async def test_the_line_of_the_names_tells_the_separator(
    table_ctx: FakeContext, files: Path, text: str, names: list[str], first: list[Any]
) -> None:
    found = await read(table_ctx, files, text)
    assert (found.names, found.rows[0][: len(first)]) == (names, first)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("region,2023,2024\nNorth,10,20\n", True),
        ("region;2023-01-01;2023-02-01\nNorth;10;20\n", True),
        ("item,1,2,3,4\nx,9,8,7,6\n", True),
        ("a,b\nx,y\n", True),
        (",n\nx,1\n", True),
        ("a,b,c\n", True),
        ("North,10,20\nSouth,11,21\n", False),
        ("Ada,2023\nBob,2024\n", False),
        ("1,x\n2,y\n", False),
        ("2026-01-01,5\n2026-01-02,6\n", False),
    ],
)
async def test_a_row_of_names_is_told_from_data(
    table_ctx: FakeContext, files: Path, text: str, header: bool
) -> None:
    lines = text.count("\n")
    assert (await read(table_ctx, files, text)).count == lines - header
    assert (await read(table_ctx, files, text, header="yes")).count == lines - 1
    assert (await read(table_ctx, files, text, header="no")).count == lines


@pytest.mark.parametrize(
    ("cells", "kind", "first"),
    [
        (["1E5", "2E3", "12E4"], "VARCHAR", "1E5"),
        (["007", "8"], "VARCHAR", "007"),
        (["+49301", "+49302"], "VARCHAR", "+49301"),
        (["34043416109404255712", "34043416109404255713"], "VARCHAR", "34043416109404255712"),
        (["9223372036854775807"], "BIGINT", 9223372036854775807),
        (["1_000"], "VARCHAR", "1_000"),
        (["-0"], "VARCHAR", "-0"),
        (["12.50", "3.1"], "DECIMAL(4,2)", 12.5),
        (["1.5E5", "2E3"], "DOUBLE", 150000.0),
        (["1e-05"], "DOUBLE", 1e-05),
        (["0.1" + "0" * 40 + "1"], "VARCHAR", "0.1" + "0" * 40 + "1"),
        (["NA", "1"], "VARCHAR", "NA"),
        (["true", "FALSE"], "BOOLEAN", True),
        (["t", "f"], "VARCHAR", "t"),
        (["2026-01-31"], "DATE", "2026-01-31"),
        (["2026-02-30"], "VARCHAR", "2026-02-30"),
        (["2026-01-31 10:30:00"], "TIMESTAMP", "2026-01-31T10:30:00"),
        (["31.01.2026", "01.02.2026"], "DATE", "2026-01-31"),
        (["01/31/2026", "02/01/2026"], "DATE", "2026-01-31"),
        (["01/02/2026", "03/04/2026"], "VARCHAR", "01/02/2026"),
        (["31/01/2026", "01/31/2026"], "VARCHAR", "31/01/2026"),
        (["2026/01/31"], "DATE", "2026-01-31"),
        (["1.234", "5.678"], "DECIMAL(4,3)", 1.234),
        (["1,234", "5,678"], "VARCHAR", "1,234"),
        (["1,50", "2,25"], "DECIMAL(3,2)", 1.5),
        ([" 5", " 12"], "BIGINT", 5),
        (["infinity"], "VARCHAR", "infinity"),
    ],
)
async def test_a_column_gets_a_type_when_nothing_is_lost(
    table_ctx: FakeContext, files: Path, cells: list[str], kind: str, first: Any
) -> None:
    text = "c;n\n" + "".join(f"{cell};x\n" for cell in cells)
    found = await read(table_ctx, files, text, header="yes")
    assert (found.types[0], found.rows[0][0]) == (kind, first)


@pytest.mark.parametrize("late", ["00000", "x", "1.5", "34043416109404255712", "+1"])
async def test_every_row_counts_for_the_type(
    table_ctx: FakeContext, files: Path, late: str
) -> None:
    text = "code,v\n" + "".join(f"{n},{n}\n" for n in range(10_000, 31_000)) + f"{late},1\n"
    found = await read(table_ctx, files, text)
    assert found.count == 21_001
    assert found.types[0] == ("DECIMAL(6,1)" if late == "1.5" else "VARCHAR")
    if late != "1.5":
        assert late in found.said[0]


async def test_what_is_set_for_columns_holds(table_ctx: FakeContext, files: Path) -> None:
    text = "id;day;n\n1;01/02/2026;1,234\n2;03/04/2026;NA\n"
    settings = {"decimal": "comma", "date_order": "dmy", "null_texts": ["NA"]}
    found = await read(table_ctx, files, text, text_columns=["ID"], **settings)
    assert found.rows == [["1", "2026-02-01", 1.234], ["2", "2026-04-03", None]]
    found = await read(table_ctx, files, text, date_order="mdy")
    assert [row[1] for row in found.rows] == ["2026-01-02", "2026-03-04"]
    params = {"name": "a.csv", "column_types": {"n": "decimal"}, "decimal": "comma"}
    error = await failure("read_file", params, table_ctx)
    assert "'n' cannot be read as a number: 1 of 2 values are not, such as 'NA'" in error.message
    error = await failure("read_file", {"name": "a.csv", "text_columns": ["idd"]}, table_ctx)
    assert error.code == "column_unknown"


@pytest.mark.parametrize(
    ("raw", "rows", "said"),
    [
        ("item,p\nCafé,€5\n“Tea”,€3\n".encode("cp1252"), [["Café", "€5"], ["“Tea”", "€3"]], "1252"),
        (b"name,n\nZo\xc3\xab,1\nRen\xe9,3\n", [["Zoë", 1], ["Ren�", 3]], "line 3"),
        ("name,n\nZoë,1\n".encode("utf-16"), [["Zoë", 1]], ""),
        ("name,n\nZoë,1\n".encode("utf-16-le"), [["Zoë", 1]], ""),
        ("name,n\nZoë,1\n".encode("utf-32"), [["Zoë", 1]], ""),
        ("name,n\nZoë,1\n".encode("utf-8-sig"), [["Zoë", 1]], ""),
        (b"name,n\nA\0da,1\n", [["Ada", 1]], "line 2"),
    ],
)
async def test_encodings(
    table_ctx: FakeContext, files: Path, raw: bytes, rows: list[list[Any]], said: str
) -> None:
    found = await read(table_ctx, files, raw)
    assert found.rows == rows
    assert said in " ".join(found.said)
    assert bool(found.said) == bool(said)


async def test_an_encoding_is_set(table_ctx: FakeContext, files: Path) -> None:
    raw = "город,n\nЛьвив,1\n".encode("cp1251")
    found = await read(table_ctx, files, raw, encoding="windows-1251")
    assert (found.names, found.rows) == (["город", "n"], [["Львив", 1]])
    error = await failure("read_file", {"name": "a.csv", "encoding": "nope"}, table_ctx)
    assert "there is no encoding 'nope'" in error.message


@pytest.mark.parametrize(
    ("text", "rows", "said"),
    [
        ('a,b\n1,"x\ny"\n2,z\n', [[1, "x\ny"], [2, "z"]], ""),
        ('a\tb\n1\t"x\ny"\n2\tz\n', [[1, "x\ny"], [2, "z"]], ""),
        ('a,b\r\n1,"x\r\ny"\r\n2,z\r\n', [[1, "x\r\ny"], [2, "z"]], ""),
        ('a,b\n1,"x\r\ny"\n2,z\n', [[1, "x\r\ny"], [2, "z"]], ""),
        ('a,b\n1,"say ""hi"""\n', [[1, 'say "hi"']], ""),
        ('a,b\n1,"say \\"hi\\", you"\n', [[1, 'say "hi", you']], ""),
        ('a,b\n1,5" pipe\n2,6" pipe\n', [[1, '5" pipe'], [2, '6" pipe']], ""),
        ('a,b\n1,"C:\\dir\\"\n', [[1, "C:\\dir\\"]], ""),
        ("a,b\r1,2\n3,4\r\n5,6", [[1, 2], [3, 4], [5, 6]], ""),
        ("a,b\n\n1,2\n\n\n3,4\n\n", [[1, 2], [3, 4]], "line 2: 4 blank lines were left out"),
        ("a,b\n,\n1,2\n", [[None, None], [1, 2]], ""),
        ("a\n1\n\n2\n", [[1], [None], [2]], ""),
        ("a,A,,a\n1,2,3,4\n", [[1, 2, 3, 4]], "columns of the same name"),
        ("\n\na,b\n1,2\n", [[1, 2]], ""),
    ],
)
async def test_lines_quotes_and_blanks(
    table_ctx: FakeContext, files: Path, text: str, rows: list[list[Any]], said: str
) -> None:
    found = await read(table_ctx, files, text, name="a.tsv" if "\t" in text else "a.csv")
    assert found.rows == rows
    assert said in " ".join(found.said)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('a,b\n1,2\n3,"x\n4,5\n', 3, "is not closed"),
        ('a,b\n1,2\n3,"x"y\n', 3, "after the quote that ends a cell stands 'y'"),
        ('a,b\n1,"x\ny" z,2\n', 3, "after the quote"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_its_line(
    table_ctx: FakeContext, files: Path, text: str, line: int, why: str
) -> None:
    (files / "a.csv").write_text(text)
    error = await failure("read_file", {"name": "a.csv"}, table_ctx)
    assert f"line {line}: " in error.message
    assert why in error.message
    found = await read(table_ctx, files, text, quote="none")
    assert found.count == text.count("\n") - 1


async def test_long_lines(table_ctx: FakeContext, files: Path) -> None:
    cell = "x" * 3_000_000
    found = await read(table_ctx, files, f"a,b\n1,{cell}\n2,y\n")
    assert found.count == 2
    (files / "a.csv").write_text("a,b\n1,2\n" + "x" * (17 * 1024 * 1024) + "\n")
    error = await failure("read_file", {"name": "a.csv"}, table_ctx)
    assert "line 3: it is longer than 16 million characters" in error.message


async def test_names_are_no_patterns(table_ctx: FakeContext, files: Path) -> None:
    for name in ("a[1].csv", "b*.csv", "c?.csv", "[d].jsonl"):
        content = '{"a": 1}\n' if name.endswith("jsonl") else "a\n1\n"
        (files / name.replace("*", "x").replace("?", "y")).write_text("other\n9\n")
        assert (await read(table_ctx, files, content, name=name)).rows == [[1]], name


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("[1, 2, 3]", ["value"], [[1], [2], [3]]),
        ("[]", [], []),
        ('[{"a": 1}, {"b": 34043416109404255712}]', ["a", "b"], None),
        (
            '[{"a": 1.5}, {"a": null}, {"b": "x"}]',
            ["a", "b"],
            [[1.5, None], [None, None], [None, "x"]],
        ),
        ('{"a": 1}\n{\n "a": 2}\n', ["a"], [[1], [2]]),
        ('[{"d": "2026-01-31"}]', ["d"], [["2026-01-31"]]),
    ],
)
async def test_json_has_the_shape_of_its_rows(
    table_ctx: FakeContext,
    files: Path,
    text: str,
    names: list[str],
    rows: list[list[Any]] | None,
) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = await read(table_ctx, files, text.encode(encoding), name="a.json")
        assert found.names == names
        if rows is not None:
            assert found.rows == rows


async def test_sparse_json_lines(table_ctx: FakeContext, files: Path) -> None:
    rows = [{"id": n, "name": f"n{n}", f"opt{n}": n} for n in range(30)]
    found = await read(table_ctx, files, "\n".join(map(json.dumps, rows)), name="a.jsonl")
    assert found.names[:3] == ["id", "name", "opt0"]
    assert (found.count, found.rows[5][:2]) == (30, [5, "n5"])


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.jsonl", '{"a": 1}\n\n{oops\n', 3),
        ("a.jsonl", '{"a": 1}\n{"a": 1} x\n', 2),
        ("a.json", '[\n{"a": 1},\n{"a": }\n]', 3),
        ("a.json", '[{"a": 1}\n{"a": 2}]', 2),
        ("a.json", '[{"a": 1},\n', 2),
    ],
)
async def test_json_errors_name_the_line(
    table_ctx: FakeContext, files: Path, name: str, text: str, line: int
) -> None:
    (files / name).write_text(text)
    error = await failure("read_file", {"name": name}, table_ctx)
    assert f"line {line}: it is no JSON" in error.message


async def test_json_longer_than_one_piece(table_ctx: FakeContext, files: Path) -> None:
    chance = random.Random(3)
    rows = [{"n": n, "t": "ä" * chance.randint(0, 400)} for n in range(9_000)]
    (files / "a.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1))
    value = (await execute("read_file", {"name": "a.json"}, table_ctx)).value
    assert value["row_count"] == 9_000


def workbook(path: Path, rows: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    for at, row in enumerate(rows, 1):
        for column, cell in enumerate(row, 1):
            if cell is not None:
                book.active.cell(at, column, cell)
            if isinstance(cell, timedelta):
                book.active.cell(at, column).number_format = "[h]:mm:ss"
    book.save(path)


@pytest.mark.parametrize(
    ("rows", "params", "names", "expected", "said"),
    [
        (
            [["Report"], [], ["region", "amount"], ["North", 10]],
            {"skip_rows": 2},
            ["region", "amount"],
            [["North", 10]],
            "",
        ),
        ([[], [], ["a"], [], ["x"]], {"skip_rows": 1}, ["a"], [["x"]], ""),
        ([["region", 2023, 2024], ["N", 1, 2]], {}, ["region", "2023", "2024"], [["N", 1, 2]], ""),
        ([["N", 10, 20], ["S", 11, 21]], {}, ["column_1", "column_2", "column_3"], None, ""),
        (
            [["task", "spent"], ["x", timedelta(hours=30, minutes=30)]],
            {},
            ["task", "spent"],
            [["x", 30.5]],
            "hours",
        ),
        ([["a", "b"], [1, "#N/A"], [2, 5]], {}, ["a", "b"], [[1, None], [2, 5]], "line 2"),
        ([["a", "b"], [1, "=1+1"]], {}, ["a"], [[1]], "1 formula has"),
        ([["a"], [5.0], [7]], {}, ["a"], [[5], [7]], ""),
        ([["a", "b"], ["x", 1]], {"text_columns": ["b"]}, ["a", "b"], [["x", "1"]], ""),
    ],
)
async def test_excel(
    table_ctx: FakeContext,
    files: Path,
    rows: list[list[Any]],
    params: dict[str, Any],
    names: list[str],
    expected: list[list[Any]] | None,
    said: str,
) -> None:
    workbook(files / "a.xlsx", rows)
    table_ctx.logs.clear()
    value = (await execute("read_file", {"name": "a.xlsx", **params}, table_ctx)).value
    found = Found(value, [message for _, message in table_ctx.logs])
    assert found.names[: len(names)] == names
    if expected is not None:
        assert [row[: len(names)] for row in found.rows] == expected
    assert said in " ".join(found.said)


async def test_merged_cells_are_told(table_ctx: FakeContext, files: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["a", "b"], ["x", 1], [None, 2]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(files / "a.xlsx")
    await execute("read_file", {"name": "a.xlsx"}, table_ctx)
    assert "1 area of cells is merged" in table_ctx.logs[0][1]
