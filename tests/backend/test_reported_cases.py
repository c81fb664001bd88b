"""What users of products like this one have reported, through the public door: files are uploaded,
workflows run over the API, and what they put out is read back. Each case has its right value.
"""

import codecs
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import openpyxl
import pytest
from msgspec import Struct, field

from backend.settings import Settings
from tests.backend.runs.door import ENDED, Door, Json
from tests.conftest import PASSWORD, client_of, running, sign_in
from tests.graphs.http_server import Answer, Asked, keeping

API = "/api/v1"
ANY = {"type": "object", "properties": {}}


@pytest.fixture
async def door(make_settings: Callable[..., Settings]) -> AsyncIterator[Door]:
    """A signed-in client; workflows may call this machine, and Python nodes are on."""
    from backend.app import create_app

    app = create_app(make_settings(allow_hosts=("127.0.0.1",)))
    async with running(app), client_of(app) as client:
        await sign_in(client, "admin", PASSWORD)
        door = Door(client)
        await door.call("PATCH", "/tenants/current", {"python_enabled": True})
        yield door


class Table(Struct, frozen=True):
    """A table that is expected: its columns, and the first of its rows."""

    names: list[str]
    rows: list[list[Any]]
    count: int | None = None


class Refused(Struct, frozen=True):
    """An error that is expected, and a text that its message has."""

    code: str
    said: str = ""


class Case(Struct, frozen=True):
    """`saw`: what the user saw. `nodes` follow one upon the other, the last one's output counts."""

    saw: str
    nodes: list[Json]
    expected: Any
    files: dict[str, bytes | str] = field(default_factory=dict[str, bytes | str])
    inputs: Json = field(default_factory=dict[str, Any])
    told: str = ""
    """A text that a warning in the log has."""


def node(kind: str, node_id: str = "", **params: Any) -> Json:
    return {"id": node_id or kind, "type": kind, "params": params}


def rows_node(rows: Sequence[Any]) -> Json:
    return node("set_fields", "d", fields={"rows": list(rows)})


def read(name: str, content: bytes | str, saw: str, expected: Any, told: str = "", **params: Any):
    """A file that is read."""
    nodes = [node("read_file", name=name, **params)]
    return Case(saw, nodes, expected, {name: content}, told=told)


def csv(content: bytes | str, saw: str, expected: Any, told: str = "", **params: Any) -> Case:
    return read("a.csv", content, saw, expected, told, **params)


def sheet(
    rows: Sequence[Sequence[Any]], saw: str, expected: Any, told: str = "", **params: Any
) -> Case:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    return read("a.xlsx", saved(book), saw, expected, told, **params)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def text(template: str, saw: str, expected: str, **inputs: Any) -> Case:
    return Case(saw, [node("template", text=template)], {"text": expected}, inputs=inputs)


def value(expression: str, saw: str, expected: Any, **inputs: Any) -> Case:
    fields = {"v": f"{{{{ {expression} }}}}"}
    wanted = expected if isinstance(expected, Refused) else {"v": expected}
    return Case(saw, [node("set_fields", fields=fields)], wanted, inputs=inputs)


def table_case(rows: Sequence[Any], saw: str, expected: Any, step: str, /, **params: Any) -> Case:
    """A table node over a list of objects."""
    params.setdefault("table", "{{ steps.d.rows }}")
    if step == "join_tables":
        del params["table"]
    made = {"id": step, "type": step, "params": params}
    return Case(saw, [rows_node(rows), made], expected)


def query(
    sql: str, saw: str, expected: Any, rows: Sequence[Any] = ({"a": 1},), **more: Any
) -> Case:
    inputs = more.pop("inputs", {})
    step = node("sql", query=sql, tables={"t": "{{ steps.d.rows }}"}, **more)
    return Case(saw, [rows_node(rows), step], expected, inputs=inputs)


def python(code: str, saw: str, expected: Any) -> Case:
    return Case(saw, [node("python", code=code)], expected)


async def outcome(door: Door, case: Case) -> tuple[Any, list[str]]:
    """What the last node put out, a table as Table, an error as Refused; and the warnings."""
    workspace = (await door.call("GET", "/workspaces"))["items"][0]["id"]
    for name, content in case.files.items():
        raw = content.encode() if isinstance(content, str) else content
        url = f"{API}/workspaces/{workspace}/files/{name}"
        assert (await door.client.put(url, content=raw)).status_code < 300
    nodes = [{"id": "start", "type": "start"}, *case.nodes]
    edges = [
        {"id": f"e{at}", "source": one["id"], "target": other["id"], "source_port": "out"}
        for at, (one, other) in enumerate(pairwise(nodes))
    ]
    definition = {"inputs": ANY, "nodes": nodes, "edges": edges}
    made = await door.call("POST", "/workflows", {"name": "Case", "definition": definition}, 201)
    body = {"version": "draft", "inputs": case.inputs}
    started = await door.client.post(
        f"{API}/workflows/{made['id']}/runs", json=body, headers={"Prefer": "wait=30"}
    )
    run = started.json()
    assert run["status"] in ENDED, run
    if run["status"] == "failed":
        return Refused(run["error"]["code"], run["error"]["message"]), []
    logs = (await door.call("GET", f"/runs/{run['id']}/logs"))["items"]
    warnings = [entry["message"] for entry in logs if entry["level"] == "warning"]
    last = case.nodes[-1]
    output = run["outputs"] if last["type"] == "end" else run["outputs"][last["id"]]
    if not (isinstance(output, dict) and output.get("kind") == "table"):
        return output, warnings
    reference = cast("Json", output)
    page = await door.client.get(f"{API}/artifacts/{reference['$artifact']}/rows?limit=10")
    rows = [list(row.values()) for row in json.loads(page.text)["items"]]
    names = [column["name"] for column in reference["columns"]]
    return Table(names, rows, reference["row_count"]), warnings


def fits(found: Any, expected: Any) -> bool:
    """Whether it is what was expected, `true` and `1`, `1` and `"1"` told apart."""
    if isinstance(expected, Refused):
        return (
            isinstance(found, Refused)
            and found.code == expected.code
            and expected.said in found.said
        )
    if isinstance(expected, Table):
        if not isinstance(found, Table) or found.names != expected.names:
            return False
        count = len(expected.rows) if expected.count is None else expected.count
        first = found.rows[: len(expected.rows)]
        return found.count == count and json.dumps(first) == json.dumps(expected.rows)
    return not isinstance(found, Refused) and found == expected


async def check(door: Door, cases: Sequence[Case]) -> None:
    """Run them all; what is not as it should be is told together."""
    wrong: list[str] = []
    for case in cases:
        found, warnings = await outcome(door, case)
        if not fits(found, case.expected) or case.told not in " ".join(warnings):
            wrong.append(f"{case.saw}\n  wanted {case.expected}, {case.told!r}\n  found  {found}")
            wrong.append(f"  told   {warnings}")
    assert not wrong, "\n".join(wrong)


WIDE_ROW = "id,amount\n" + "".join(f"{n},{n * 2}\n" for n in range(1, 51)) + "51,1,5\n52,3,5\n"
LATE_ZEROS = "code,v\n" + "".join(f"{10_000 + n},{n}\n" for n in range(21_000)) + "00007,21000\n"
FIRST_TWO = [[1, 2, None], [2, 4, None]]

TEXT_FILES = [
    csv(
        WIDE_ROW,
        "the header and all rows before a longer one vanish",
        Table(["id", "amount", "column_3"], FIRST_TWO, 52),
        "line 52",
    ),
    csv(
        WIDE_ROW,
        "they vanish also with separator and header set",
        Table(["id", "amount", "column_3"], FIRST_TWO, 52),
        delimiter=",",
        header="yes",
    ),
    csv("a,b,c\n1,2,3\n4,5\n6,7,8\n", "one short row makes the file one column",
        Table(["a", "b", "c"], [[1, 2, 3], [4, 5, None], [6, 7, 8]]), "line 3"),
    csv("a,b,c\n1,2,3\n4,5\n6,7,8\n", "a short row cannot be read with the separator set",
        Table(["a", "b", "c"], [[1, 2, 3], [4, 5, None], [6, 7, 8]]), delimiter=",", header="yes"),
    csv("id,amount,note\n1,5,a\n2,6,b\nTotal,11\n", "a total row makes the file one column",
        Table(["id", "amount", "note"], [["1", 5, "a"], ["2", 6, "b"], ["Total", 11, None]])),
    csv("temp;rain\n1,5;2,5\n3,5;4,5\n", "decimal commas cut the cells of a semicolon file",
        Table(["temp", "rain"], [[1.5, 2.5], [3.5, 4.5]])),
    csv("region,2023,2024\nNorth,10,20\n", "years in the header are taken for data",
        Table(["region", "2023", "2024"], [["North", 10, 20]])),
    csv('id,"amount\n(EUR)",note\n1,5,a\n2,6,b\n', "a line break in a name eats the first row",
        Table(["id", "amount\n(EUR)", "note"], [[1, 5, "a"], [2, 6, "b"]])),
    csv('"The\nreport"\nid,n\nx,1\ny,2\n', "a title of two lines in quotes eats the first row",
        Table(["id", "n"], [["x", 1], ["y", 2]]), skip_rows=2),
    csv("sep=;\na;b\n1;2\n", "the line for Excel is a row", Table(["a", "b"], [[1, 2]])),
    csv("id\n34043416109404255712\n34043416109404255713\n", "ids of 20 digits become equal",
        Table(["id"], [["34043416109404255712"], ["34043416109404255713"]]), "stays text"),
    csv("id\n9223372036854775807\n9223372036854775808\n", "an id beyond 64 bits spoils the others",
        Table(["id"], [["9223372036854775807"], ["9223372036854775808"]]), "more digits"),
    csv("code,n\n1E5,1\n2E3,2\n12E4,3\n", "product codes such as 1E5 become 100000",
        Table(["code", "n"], [["1E5", 1], ["2E3", 2], ["12E4", 3]])),
    Case("late leading zeros are lost",
         [node("read_file", "r", name="z.csv"),
          node("sql", query="SELECT min(code::VARCHAR) AS least, count(*) AS n FROM r")],
         Table(["least", "n"], [["00007", 21_001]]), {"z.csv": LATE_ZEROS}),
    csv("item,price\nCafé,€5\n“Tea”,€3\n".encode("cp1252"), "a file of Excel on Windows is refused",
        Table(["item", "price"], [["Café", "€5"], ["“Tea”", "€3"]]), "Windows-1252"),
    csv(b"name,n\nZo\xc3\xab,1\nJos\xc3\xa9,2\nRen\xe9,3\n", "one bad byte garbles every accent",
        Table(["name", "n"], [["Zoë", 1], ["José", 2], ["Ren�", 3]]), "line 4"),
    csv("å,x\n1,2\n", "an encoding that does not fit is a defect of the node",
        Refused("file_unreadable", "UTF-16"), encoding="utf-16"),
    csv(codecs.BOM_UTF16_BE + "a,å\n1,2\n".encode("utf-16-be"), "UTF-16 is refused",
        Table(["a", "å"], [[1, 2]])),
    csv("v\n01/02/2024\n", "a type that does not fit says no remedy",
        Refused("file_unreadable", "Date order"), column_types={"v": "date"}),
    read("old.xls", b"\xd0\xcf\x11\xe0", "an old workbook's name does not tell its kind",
         Refused("file_format_unknown", "save it as .xlsx")),
    read("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a workbook with a password",
         Refused("file_unreadable", "password")),
]  # fmt: skip

SPARSE = "".join(f'{{"id": {n}, "name": "n{n}", "opt{n}": {n}}}\n' for n in range(40))

JSON_FILES = [
    Case("sparse objects become one column of maps",
         [node("read_file", "r", name="ev.jsonl"),
          node("select_columns", columns=[{"name": "id"}, {"name": "name"}])],
         Table(["id", "name"], [[0, "n0"], [1, "n1"]], 40), {"ev.jsonl": SPARSE}),
    Case("a list of numbers has another column than the same list of a node",
         [node("read_file", "r", name="n.json"),
          node("sql", query="SELECT sum(value) AS s FROM r")],
         Table(["s"], [[6]]), {"n.json": "[1,2,3]"}),
    read("a.json", '[{"id": 9007199254740993}, {"id": 18446744073709551616}]',
         "long ids are rounded", Table(["id"], [[9007199254740993], [18446744073709551616]])),
    read("a.json", '[{"a": 1e400}, {"a": 2}]', "a number beyond floats becomes empty",
         Table(["a"], [["1E+400"], ["2"]])),
    read("a.jsonl", '{"a": 1e-400}\n', "a number too small for floats becomes 0",
         Table(["a"], [["1E-400"]])),
    read("a.json", '{"id": 34043416109404255712, "d": 0.1234567890123456789, "e": 1e400}',
         "a file of one object loses digits",
         {"id": 34043416109404255712, "d": "0.1234567890123456789", "e": "1e400"}),
    read("a.json", f'[{{"n": {"7" * 5000}}}]', "a number of 5,000 digits is a defect of the node",
         Table(["n"], [["7" * 5000]])),
    read("a.json", '[{"t": "\\ud83d cut"}, {"t": "\\ud83d\\ude00"}]',
         "half an emoji is a defect of the node",
         Table(["t"], [["� cut"], ["😀"]]), "line 1: halves"),
    read("a.jsonl", '{"t": "ok"}\n{"\\ude00": 1}\n',
         "half an emoji in a name is a defect of the node",
         Table(["t", "�"], [["ok", None], [None, 1]]), "line 2: halves"),
    read("a.json", '{"t": "\\ud83d"}', "half an emoji in one object cannot be stored", {"t": "�"}),
]  # fmt: skip

HIDDEN = openpyxl.Workbook()
HIDDEN.worksheets[0].append(["secret"])
HIDDEN.worksheets[0].sheet_state = "hidden"
for shown_row in (["v"], [1]):
    (HIDDEN.worksheets[1] if len(HIDDEN.worksheets) > 1 else HIDDEN.create_sheet("Shown")).append(
        shown_row
    )
DURATION = openpyxl.Workbook()
DURATION.worksheets[0].append(["task", "spent"])
DURATION.worksheets[0].append(["x", timedelta(hours=30, minutes=30)])
DURATION.worksheets[0]["B2"].number_format = "[h]:mm"

SHEETS = [
    sheet([["Sales report"], [], ["region", "amount"], ["North", 10]],
          "skipped rows are counted without the blank ones",
          Table(["region", "amount"], [["North", 10]]), skip_rows=2),
    read("a.xlsx", saved(DURATION), "a duration is no number",
         Table(["task", "spent"], [["x", 30.5]]), "hours"),
    sheet([["a", "b"]], "a sheet with names alone loses them", Table(["a", "b"], [])),
    sheet([[" name ", "n"], ["x", 1]], "spaces about a name make it another one",
          Table(["name", "n"], [["x", 1]])),
    sheet([["a", "a"], [1, 2]], "a doubled name is changed without a word",
          Table(["a", "a_2"], [[1, 2]]), "'a' is called 'a_2'"),
    sheet([["Report"], ["id", "n"], [1, 2], [3, 4]], "a title above the names is not told",
          Table(["Report", "column_2"], [["id", "n"], ["1", "2"], ["3", "4"]]), "skip the rows"),
    read("a.xlsx", saved(HIDDEN), "a hidden sheet is read instead of the shown one",
         Table(["v"], [[1]])),
]  # fmt: skip

EMAILS = [{"email": "a@example.org"}, *({"email": None} for _ in range(10))]
BIG = 34043416109404255712

TABLES = [
    table_case(EMAILS, "a field that is mostly null becomes JSON texts",
               Table(["email"], [["a@example.org"]]), "filter_rows",
               conditions=[{"column": "email", "operator": "is_not_empty"}]),
    table_case([{"n": "9"}, {"n": "10"}], "a number is compared with texts by letters",
               Table(["n"], [["9"], ["10"]]), "filter_rows",
               conditions=[{"column": "n", "operator": "greater", "value": 5}]),
    table_case([{"v": 9}, {"v": 10.5}, {"v": BIG}], "9 contains a 0, since it is 9.0 inside",
               Table(["v"], [[10.5], [BIG]]), "filter_rows",
               conditions=[{"column": "v", "operator": "contains", "value": "0"}]),
    table_case([], "a left join with an empty side loses its columns", Table(["id"], [[1]]),
               "join_tables", left=[{"id": 1}], right="{{ steps.d.rows }}", how="left",
               on=[{"left": "id"}]),
    table_case([], "a whole number joins the float near it", Table(["id", "x"], []), "join_tables",
               left=[{"id": 2**60 + 1}], right=[{"id": float(2**60), "x": 5}],
               on=[{"left": "id"}]),
    table_case([], "ids of 20 digits join as floats", Table(["id", "x"], [[BIG, 5]]), "join_tables",
               left=[{"id": BIG}],
               right=[{"id": str(BIG), "x": 5}, {"id": str(BIG + 1), "x": 6}],
               on=[{"left": "id"}]),
    table_case([{"d": "12/31/2024"}], "an error about a date shows another one",
               Refused("query_failed", "12/31/2024"), "select_columns",
               columns=[{"name": "d", "type": "date"}]),
    table_case([{"d": "12/31/2024"}], "an American date cannot be converted",
               Table(["d"], [["2024-12-31"]]), "select_columns",
               columns=[{"name": "d", "type": "date"}], date_order="mdy"),
    table_case([{"v": "1.234,56"}, {"v": "\u22125,5 kr"}, {"v": "EUR 7"}, {"v": "€ 8"}],
               "decimal commas and currencies cannot be converted",
               Table(["v"], [[1234.56], [-5.5], [7.0], [8.0]]), "select_columns",
               columns=[{"name": "v", "type": "number"}], decimal_sign="comma"),
    table_case([{"v": "ABC123"}], "a code becomes an amount of some currency",
               Refused("query_failed", "ABC123"), "select_columns",
               columns=[{"name": "v", "type": "number"}]),
    table_case([{"k": "a", "v": -5}, {"k": "b", "v": 5}], "a pie shows a negative slice",
               Refused("chart_invalid", "less than nothing"), "chart", kind="pie", x="k", y="v"),
    table_case([{"k": "a", "v": None}], "a sum fails on the day that all cells are empty",
               Table(["k", "s"], [["a", None]]), "group_by", by=["k"],
               aggregates=[{"function": "sum", "column": "v", "as": "s"}]),
    query("SELECT count(*) AS n FROM t -- all of them", "a comment at the end breaks the query",
          Table(["n"], [[1]])),
    query("SELECT count(*) AS n FROM t; /* ; */", "a semicolon at the end breaks the query",
          Table(["n"], [[1]])),
    query("SELECT count(*) AS n FROM t WHERE k = $q", "an apostrophe changes what a query asks",
          Table(["n"], [[1]]), [{"k": "O'Brien"}], values={"q": "{{ input.q }}"},
          inputs={"q": "O'Brien"}),
    query("SELECT count(*) AS n FROM t WHERE k = '{{ input.q }}'", "its error says no remedy",
          Refused("query_failed", "Values"), [{"k": "O'Brien"}], inputs={"q": "O'Brien"}),
]  # fmt: skip

EXPRESSIONS = [
    text("Total: ${{ input.p }}", "a price is refused as a set", "Total: $12", p=12),
    text("page {{ input.offset / 10 }}", "a whole float is written 2.0", "page 2", offset=20),
    text("{{ format_number(1234567.891, 2, '.') }}", "two kinds of points", "1.234.567,89"),
    value("int('12.7')", "int() of a decimal text fails", 12),
    value("int('1_000')", "int() reads underscores", Refused("expression_invalid", "1_000")),
    value("format_date('2024-07-01T22:30:00Z', '%Y-%m-%d', 'Europe/Oslo')",
          "a moment cannot be told in a time zone", "2024-07-02"),
    value("format_date('2024-07-01', '%d.%m.%Y', 'America/New_York')",
          "a day becomes the day before in a time zone", "01.07.2024"),
    value("date_add('2024-01-31', 1, 'months')", "months cannot be added", "2024-02-29"),
    value("""from_json('{"id": 34043416109404255712, "d": 0.1234567890123456789}')""",
          "from_json() loses digits", {"id": BIG, "d": "0.1234567890123456789"}),
    python("import datetime\nresult = {'d': datetime.date(2024, 1, 5)}", "a date is refused",
           {"d": "2024-01-05"}),
    python("result = chr(0xD83D)", "half an emoji: 'may have run out of memory'",
           Refused("python_result", "half a character")),
    python("result = 10**5000", "a long number: 'may have run out of memory'",
           Refused("python_result", "digits")),
]  # fmt: skip


@pytest.mark.parametrize(
    "cases",
    [TEXT_FILES, JSON_FILES, SHEETS, TABLES, EXPRESSIONS],
    ids=["text-files", "json-files", "sheets", "tables", "expressions"],
)
async def test_what_users_reported(door: Door, cases: list[Case]) -> None:
    await check(door, cases)


async def test_an_empty_list_as_csv_has_no_column_of_its_own(door: Door) -> None:
    found, _ = await outcome(
        door,
        Case(
            "", [rows_node([]), node("write_file", name="a.csv", content="{{ steps.d.rows }}")], 0
        ),
    )
    assert found["rows"] == 0
    workspace = (await door.call("GET", "/workspaces"))["items"][0]["id"]
    written = await door.client.get(f"{API}/workspaces/{workspace}/files/a.csv")
    assert written.content == b""


def _answer(asked: Asked) -> Answer:
    json_in = "application/json; charset="
    seen = {"path": asked.target, "body": asked.body.decode("latin-1"), **asked.headers}
    return {
        "/latin1": Answer('{"a":"å"}'.encode("latin-1"), json_in + "iso-8859-1"),
        "/utf16": Answer('{"a":"å"}'.encode("utf-16"), json_in + "utf-16"),
        "/wrong": Answer('{"a":"å"}'.encode(), json_in + "iso-8859-1"),
        "/none": Answer('{"a":"å"}'.encode("latin-1"), "application/json"),
        "/half": Answer(b'{"a":"\\ud83d"}', "application/json"),
        "/lines": Answer(b'{"a":1}\n\n{"a":34043416109404255712}\n', "application/x-ndjson"),
        "/moved": Answer(b"", status=302, headers=[("location", "/echo")]),
        "/missing": Answer(b'{"error":{"code":"no_such"}}', "application/json", 404),
        "/cookie": Answer(b"{}", "application/json", headers=[("set-cookie", "a=1; Path=/")]),
        "/large": Answer(b'["' + b"x" * 6_000_000 + b'"]', "application/json"),
        "/png": Answer(b"\x89PNG" + bytes(range(256)), "image/png"),
    }.get(asked.target.partition("?")[0], Answer(json.dumps(seen).encode(), "application/json"))


async def test_what_users_reported_of_http(door: Door) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def call(
        saw: str, path: str, output: str, expected: Any, told: str = "", **params: Any
    ) -> Case:
        nodes = [node("http_request", "h", url=server.url + path, **params)]
        return Case(saw, [*nodes, node("end", output=output)], expected, told=told)

    a = "{{ steps.h.body.a }}"
    body = "{{ steps.h.body.body }}"
    async with keeping(_answer) as server:
        cases = [
            call("JSON in its charset stays a text", "/latin1", a, "å"),
            call("JSON in UTF-16 stays a text", "/utf16", a, "å"),
            call("UTF-8 under another name is garbled", "/wrong", a, "å", "and is UTF-8"),
            call("JSON without a charset loses letters", "/none", a, "å", "windows-1252"),
            call("half an emoji makes the answer a text", "/half", a, "�", "halves"),
            call("JSON lines stay a text", "/lines", "{{ steps.h.body }}", [{"a": 1}, {"a": BIG}]),
            call("a form is sent as JSON", "/echo", body, "grant_type=refresh&scope=a+b",
                 method="POST", headers=form, body={"grant_type": "refresh", "scope": "a b"}),
            call("pairs are sent as JSON under a form's header", "/echo", body, "a=1&a=2",
                 method="POST", headers=form, body=[["a", 1], ["a", 2]]),
            call("a list is sent as JSON under a form's header", "/echo", body,
                 Refused("request_invalid", "form"), method="POST", headers=form, body=[1, 2]),
            call("where a redirect leads cannot be read", "/moved",
                 "{{ steps.h.headers.location }}", "/echo", follow_redirects=False),
            call("the body of an error is lost", "/missing",
                 "{{ [steps.h.status, steps.h.body.error.code] }}", [404, "no_such"],
                 fail_on="never"),
            call("cookies cannot be seen", "/cookie", "{{ get(steps.h.headers, 'set-cookie') }}",
                 ["a=1; Path=/"]),
            call("6 MB are too much", "/large", "{{ len(steps.h.body[0]) }}", 6_000_000),
            call("a header without a value is sent empty", "/echo",
                 "{{ get(steps.h.body, 'x-none', 'none') }}", "none", headers={"X-None": None}),
        ]  # fmt: skip
        picture = node("http_request", "h", url=f"{server.url}/png")
        write = node("write_file", name="logo.png", content="{{ steps.h.body }}")
        cases.append(
            Case("a picture cannot be written", [picture, write],
                 {"name": "logo.png", "size_bytes": 260, "rows": None})
        )  # fmt: skip
        await check(door, cases)


async def test_cookies_of_one_run_are_no_other_runs(door: Door) -> None:
    async with keeping(_answer) as server:

        def call(node_id: str, path: str) -> Json:
            return node("http_request", node_id, url=server.url + path)

        seen = node("end", output="{{ get(steps.e.body, 'cookie', 'none') }}")
        own, _ = await outcome(door, Case("", [call("c", "/cookie"), call("e", "/echo"), seen], ""))
        other, _ = await outcome(door, Case("", [call("e", "/echo"), seen], ""))
    assert (own, other) == ("a=1", "none")


async def test_a_pause_does_not_wait_for_the_next_attempt(door: Door) -> None:
    step = node("http_request", "h", url="http://127.0.0.1:1/")
    step["retry"] = {"max_attempts": 5, "delay_ms": 60_000, "multiplier": 1}
    edge = {"id": "e", "source": "start", "target": "h", "source_port": "out"}
    definition = {"nodes": [{"id": "start", "type": "start"}, step], "edges": [edge]}
    made = await door.call("POST", "/workflows", {"name": "Case", "definition": definition}, 201)
    run_id = await door.start(made["id"], version="draft")
    while "step.retrying" not in await door.kinds(run_id):
        assert (await door.get(run_id))["status"] not in ENDED
    await door.call("POST", f"/runs/{run_id}/pause", {})
    await door.until(run_id, "paused")
    await door.call("POST", f"/runs/{run_id}/cancel", {})
    await door.until(run_id, "cancelled")


def test_what_fits() -> None:
    """The judge itself tells a number from its text, and a float from what is near it."""
    assert not fits(Table(["a"], [[1]], 1), Table(["a"], [["1"]]))
    assert not fits(Table(["a"], [[BIG + 1]], 1), Table(["a"], [[BIG]]))
    assert not fits(Table(["a"], [[1], [2]], 2), Table(["a"], [[1]]))
    assert float(Decimal(BIG)) == float(Decimal(BIG + 1))
