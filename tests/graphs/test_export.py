"""Exported programs do what the drawn graph does, and stand alone."""

import ast
import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphs.definition import Body, Definition, Edge, Node, OnError, Retry
from graphs.events import RunCompleted, RunFailed
from graphs.export import ExportError, export_python
from graphs.exporting.expressions import value_code
from graphs.exporting.layout import render
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from tests.exported import execute, outputs_of
from tests.graphs.engine import Execution, chain
from tests.graphs.http_server import Answer, Asked, keeping


def fields(id: str, **given: Any) -> Node:
    return Node(id=id, type="set_fields", params={"fields": given})


def edge(source: str, target: str, port: str = "out") -> Edge:
    return Edge(id=f"{source}-{port}-{target}", source=source, source_port=port, target=target)


def drawn(*nodes: Node, edges: list[Edge], **more: Any) -> Definition:
    return Definition(nodes=[Node(id="start", type="start"), *nodes], edges=edges, **more)


BRANCHES = drawn(
    Node(id="big", type="if", params={"condition": "{{ input.n > 10 }}"}),
    fields("yes", said="big {{ input.n }}"),
    fields("no", said="small"),
    Node(id="any", type="merge"),
    Node(id="all", type="merge", params={"mode": "all"}),
    fields("never", x=1),
    Node(
        id="kind",
        type="switch",
        params={
            "value": "{{ input.n }}",
            "cases": [{"equals": "5", "port": "five"}, {"equals": 50, "port": "fifty"}],
        },
    ),
    Node(id="five", type="template", params={"text": "five: {{ steps.any.said }}"}),
    Node(id="fifty", type="template", params={"text": "fifty: {{ steps.yes.said }}"}),
    Node(id="other", type="template", params={"text": "{{ default(steps.no.said, 'none') }}"}),
    edges=[
        edge("start", "big"),
        edge("big", "yes", "true"),
        edge("big", "no", "false"),
        edge("yes", "any"),
        edge("no", "any"),
        edge("yes", "all"),
        edge("no", "all"),
        edge("all", "never"),
        edge("any", "kind"),
        edge("kind", "five", "five"),
        edge("kind", "fifty", "fifty"),
        edge("kind", "other", "default"),
    ],
)

ERRORS = drawn(
    Node(
        id="goes_on",
        type="fail",
        params={"message": "no {{ input.n }}"},
        on_error=OnError.CONTINUE,
    ),
    fields("caught", code="{{ prev.error.code }}", words="{{ prev.error.message }}"),
    fields("broken", x="{{ input.nothing.there }}"),
    Node(
        id="after",
        type="template",
        params={"text": "{{ 1 / 0 }}"},
        on_error=OnError.ERROR,
    ),
    fields("handled", code="{{ prev.error.code }}"),
    fields("unhandled", x=1),
    edges=[
        edge("start", "goes_on"),
        edge("start", "after"),
        edge("after", "handled", "error"),
        edge("after", "unhandled"),
    ],
)

LOOP = drawn(
    Node(
        id="each",
        type="for_each",
        params={"items": "{{ input.rows }}", "max_concurrency": 3, "on_item_error": "skip"},
        body=Body(
            nodes=[
                fields(
                    "row", n="{{ item.n * vars.factor }}", at="{{ index }}", of="{{ input.who }}"
                ),
                Node(id="odd", type="if", params={"condition": "{{ item.n % 2 }}"}),
                Node(id="bad", type="fail", params={"message": "odd"}),
                fields("even", row="{{ steps.row }}", outer="{{ steps.start.who }}"),
            ],
            edges=[
                edge("row", "odd"),
                edge("odd", "bad", "true"),
                edge("odd", "even", "false"),
            ],
        ),
    ),
    Node(id="wait", type="wait", params={"duration_ms": "{{ 5 }}"}),
    Node(id="off", type="set_fields", params={"fields": {"x": 1}}, disabled=True),
    Node(id="end", type="end", params={"output": {"rows": "{{ prev }}", "n": "{{ len(prev) }}"}}),
    edges=[
        edge("start", "each"),
        edge("each", "wait"),
        edge("wait", "off"),
        edge("off", "end"),
    ],
    variables={"factor": 10},
)

EXPRESSIONS: dict[str, Any] = {
    "sum": "{{ 1 + 2 * 3 - (4 - 5) }}",
    "power": "{{ 2 ** 3 ** 2 }}",
    "signs": "{{ -(input.n + 1) * +2 }}",
    "logic": "{{ not (input.n > 3 and input.n < 10) or input.a == null }}",
    "chain": "{{ 1 < input.n <= 50 != 7 }}",
    "choice": "{{ 'a' if input.n > 100 else 'b' if input.n > 10 else 'c' }}",
    "nested": "{{ ('a' if true else 'b') if input.n else 'c' }}",
    "texts": "{{ input.a }} and ${ input.n | str | upper } {{ [1, {'x': null}] }}",
    "path": "{{ input.rows[-1].n + input['rows'][0]['n'] }}",
    "null": "{{ steps.start.missing_is_null.deeper | default('d') if false else 'kept' }}",
    "default": "{{ input.nothing.at.all | default([1]) }}",
    "list": "{{ [n * 2 for n in range(5) if n % 2 == 0] }}",
    "pairs": "{{ {name: value for name, value in items(input.o) if value > 1} }}",
    "spread": "{{ [0, *input.o, 9] }}",
    "merged": "{{ {**input.o, 'z': 26} }}",
    "cut": "{{ 'abcdef'[1:4] + 'abcdef'[::-1] }}",
    "keyword": "{{ input.from }}",
    "mod": "{{ 7 % 3 + 7 // 2 + 7 / 2 }}",
    "sorted": "{{ sorted(input.rows, 'n', descending=true) | pluck('n') }}",
    "dates": "{{ date_add('2026-01-30', 2) + format_date('2026-02-03', '%d.%m.%Y') }}",
    "numbers": "{{ format_number(1234567.891, 2) + str(round(2.5)) + str(avg([1, 2])) }}",
    "json": "{{ to_json({'a': [1, 'ü', null]}) + str(from_json('[1]')[0]) }}",
    "joined": "{{ join(unique(flatten([[1, 2], [2, true]])), '-') }}",
    "words": "{{ title(trim('  a b ')) + truncate('long text', 5) + replace('aXa', 'X', '-') }}",
    "get": "{{ get(input.o, 'a', 5) + get(input.o, 'nope', 5) + last([1, 2]) }}",
    "tests": "{{ contains('abc', 'b') and 'a' in input.o and 3 not in [1, 2] }}",
    "locals": "{{ [run + text for run in [1] for text in [2]] }}",
    "multi": 'line one\n"quoted" {{ input.n }}\n\ttabbed \\ back',
    "plain": {"deep": [1, 2.5, None, True, "{ not one }", {"x": "{{ input.n }}"}]},
}
INPUTS: dict[str, Any] = {
    "n": 50,
    "a": None,
    "who": "Ada",
    "from": "here",
    "o": {"a": 1, "b": 2, "c": 3},
    "rows": [{"n": 2}, {"n": 3}, {"n": 4}],
}


async def ran(definition: Definition, inputs: dict[str, Any]) -> Any:
    end = await Execution(definition, inputs=inputs).finish()
    assert isinstance(end, RunCompleted), end
    return end.data.outputs


def program(definition: Definition) -> str:
    made = export_python(definition, name="A test", description='Of "exports".')
    assert made == export_python(definition, name="A test", description='Of "exports".')
    ast.parse(made)
    return made


@pytest.mark.parametrize("n", [5, 7, 50])
async def test_branches_joins_and_dead_paths(tmp_path: Path, n: int) -> None:
    inputs = {"n": n}
    assert outputs_of(program(BRANCHES), tmp_path, inputs) == await ran(BRANCHES, inputs)


async def test_errors_become_data_or_fail_the_run(tmp_path: Path) -> None:
    definition = drawn(
        *(node for node in ERRORS.nodes[1:] if node.id not in ("broken", "caught")),
        edges=ERRORS.edges,
    )
    assert outputs_of(program(definition), tmp_path, {"n": 1}) == await ran(definition, {"n": 1})
    failing = drawn(fields("broken", x="{{ input.nothing }}"), edges=[edge("start", "broken")])
    end = await Execution(failing, inputs={}).finish()
    assert isinstance(end, RunFailed)
    ended = execute(program(failing), tmp_path, {})
    assert ended.returncode == 1
    assert "node 'broken' failed (expression_invalid)" in ended.stderr
    assert end.data.error.code == "expression_invalid"


async def test_loops_waits_and_disabled_nodes(tmp_path: Path) -> None:
    assert outputs_of(program(LOOP), tmp_path, INPUTS) == await ran(LOOP, INPUTS)


async def test_a_loop_that_ends_by_itself(tmp_path: Path) -> None:
    definition = chain(
        fields("first", n="{{ input.n }}"),
        Node(
            id="again",
            type="repeat_until",
            params={"condition": "{{ steps.less.n < 5 and index > 0 }}", "max_iterations": 9},
            body=Body(nodes=[fields("less", n="{{ item.n // 2 }}", at="{{ index }}")]),
        ),
    )
    assert outputs_of(program(definition), tmp_path, INPUTS) == await ran(definition, INPUTS)
    endless = execute(program(definition), tmp_path, {"n": 10**9})
    assert "loop_limit" in endless.stderr


async def test_code_is_plain_python_there(tmp_path: Path) -> None:
    code = "def main(prev, inputs):\n    return [prev['n'], inputs['by'], '{{ literal }}']"
    definition = chain(
        Node(id="calculate", type="python", params={"code": code, "inputs": {"by": "{{ 1 + 1 }}"}}),
    )
    printed = outputs_of(program(definition), tmp_path, INPUTS)
    assert printed == {"calculate": [50, 2, "{{ literal }}"]}


async def test_every_kind_of_expression(tmp_path: Path) -> None:
    definition = chain(fields("all", **EXPRESSIONS))
    assert outputs_of(program(definition), tmp_path, INPUTS) == await ran(definition, INPUTS)


async def test_the_models_and_the_other_types_of_the_engine(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "required": ["mood", "n"],
        "properties": {"mood": {"enum": ["good", "bad"]}, "n": {"type": "integer"}},
    }
    model = {"model": "mock"}
    labels = [{"label": "wool", "description": "About wool"}, {"label": "looms"}]
    definition = chain(
        Node(id="ask", type="prompt", params={**model, "prompt": "Say {{ input.who }}"}),
        Node(
            id="data",
            type="prompt",
            params={**model, "prompt": "Mood of {{ input.who }}", "output_schema": schema},
        ),
        Node(id="read", type="extract", params={**model, "text": "bad 7", "schema": schema}),
        Node(
            id="sort",
            type="classify",
            params={**model, "text": "How do looms work?", "labels": labels},
        ),
    )
    definition = Definition(
        nodes=[
            *definition.nodes,
            Node(id="end", type="end", params={"output": "{{ steps }}"}),
        ],
        edges=[
            *definition.edges,
            edge("sort", "end", "wool"),
            edge("sort", "end", "looms"),
            edge("sort", "end", "other"),
        ],
    )
    output = {name: f"{{{{ steps.{name} }}}}" for name in ("ask", "data", "read", "sort")}
    definition.nodes[-1].params["output"] = output
    assert outputs_of(program(definition), tmp_path, INPUTS) == await ran(definition, INPUTS)


async def test_retries_and_time_limits(tmp_path: Path) -> None:
    definition = chain(
        Node(
            id="late",
            type="prompt",
            params={"prompt": "word " * 40, "model": "mock"},
            timeout_ms=30,
            retry=Retry(max_attempts=2, delay_ms=1),
            on_error=OnError.CONTINUE,
        ),
        fields("told", words="{{ prev.error.message }}"),
        Node(id="wait", type="wait", params={"duration_ms": 200}, timeout_ms=50),
    )
    assert outputs_of(program(definition), tmp_path, {}) == await ran(definition, {})


def test_inputs_are_checked_and_have_their_defaults(tmp_path: Path) -> None:
    definition = Definition(
        inputs={
            "type": "object",
            "properties": {"n": {"type": "integer", "default": 3}, "who": {"type": "string"}},
            "required": ["who"],
        },
        nodes=[Node(id="start", type="start")],
    )
    made = program(definition)
    given = outputs_of(made, tmp_path, {}, "--input", "who=Ada", "--input", "n=4")
    assert given == {"start": {"n": 4, "who": "Ada"}}
    assert outputs_of(made, tmp_path, {"who": "Ada"}) == {"start": {"n": 3, "who": "Ada"}}
    refused = execute(made, tmp_path, {"n": "x"})
    assert refused.returncode == 2
    assert "/who: is required" in refused.stderr
    assert "/n: 'x' is not of type" in refused.stderr


def test_a_question_is_answered_on_the_terminal_or_beforehand(tmp_path: Path) -> None:
    definition = Definition(
        nodes=[
            Node(id="start", type="start"),
            Node(id="ask", type="approval", params={"message": "Send it?"}),
            fields("sent", by="{{ prev.answer }}"),
            fields("kept", by="{{ prev.answer }}"),
        ],
        edges=[edge("start", "ask"), edge("ask", "sent", "yes"), edge("ask", "kept", "no")],
    )
    made = program(definition)
    assert outputs_of(made, tmp_path, {}, "--answer", "ask=true") == {"sent": {"by": True}}
    asked = execute(made, tmp_path, {}, answers="perhaps\nfalse\n")
    assert json.loads(asked.stdout) == {"kept": {"by": False}}
    assert "Send it?" in asked.stderr


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    definition = chain(
        Node(
            id="ask",
            type="http_request",
            params={
                "url": "http://127.0.0.1:9/",
                "auth": {"type": "bearer", "token": "{{ secrets.TOKEN }}"},
            },
            on_error=OnError.CONTINUE,
        ),
        fields("code", code="{{ prev.error.code }}"),
    )
    made = program(definition)
    assert "Secrets come from environment variables: TOKEN." in made
    ended = execute(made, tmp_path, {}, environment={"TOKEN": "s3cret"})
    assert json.loads(ended.stdout) == {"code": {"code": "connection_failed"}}
    unset = execute(made, tmp_path, {})
    assert json.loads(unset.stdout) == {"code": {"code": "expression_invalid"}}


async def test_http_requests_do_alone_what_they_do_here(tmp_path: Path) -> None:
    def answer(request: Asked) -> Answer:
        match request.target:
            case "/form":
                return Answer(json.dumps(request.body.decode()).encode(), "application/json")
            case "/latin":
                cookie = [("set-cookie", "sid=1")]
                return Answer(b'{"a":"\xe5"}', "application/json; charset=latin-1", 200, cookie)
            case "/png":
                return Answer(b"\x89PNG\0", "image/png")
            case _:
                return Answer(json.dumps(request.headers["cookie"]).encode(), "text/json", 404)

    async with keeping(answer) as server:
        form = {"method": "POST", "body": {"a": "b c"}, "body_format": "form"}
        asked = [
            Node(
                id=f"n{name}",
                type="http_request",
                params={"url": f"{server.url}/{name}", **more},
                on_error=OnError.CONTINUE,
            )
            for name, more in {"form": form, "latin": {}, "png": {}, "gone": {}}.items()
        ]
        write = Node(
            id="w", type="write_file", params={"name": "a.png", "content": "{{ steps.npng.body }}"}
        )
        told = fields(
            "told",
            form="{{ steps.nform.body }}",
            latin="{{ steps.nlatin.body.a }}",
            gone="{{ steps.ngone.body }}",
            status="{{ steps.ngone.status }}",
        )
        made = program(chain(*asked, write, told))
        ended = await asyncio.to_thread(outputs_of, made, tmp_path, {})
    assert ended == {"told": {"form": "a=b+c", "latin": "å", "gone": "sid=1", "status": 404}}
    assert (tmp_path / "a.png").read_bytes() == b"\x89PNG\0"


class Foreign(NodeType[Params]):
    name, title, category, icon = "foreign", "Foreign", Category.FLOW, "code"

    async def run(self, params: Params, ctx: NodeContext) -> Output:
        raise AssertionError


def test_what_cannot_be_exported_is_named() -> None:
    from graphs.registry import registry

    definition = chain(Node(id="a", type="foreign"), Node(id="b", type="foreign"))
    with pytest.raises(ExportError) as caught:
        export_python(definition, name="x", types={**registry(), "foreign": Foreign()})
    assert [problem.node_id for problem in caught.value.problems] == ["a", "b"]
    assert caught.value.problems[0].pointer == "/nodes/1"
    assert "not one of Heddle's own" in caught.value.problems[0].detail


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{{ input.a.b }}", 'dig(run.input, "a", "b")'),
        ("{{ a if prev else b }}".replace("a", "1").replace("b", "2"), "1 if run.prev else 2"),
        ("{{ (1 + 2) * 3 - 4 }}", "(1 + 2) * 3 - 4"),
        ("{{ 1 - (2 - 3) }}", "1 - (2 - 3)"),
        ("{{ not (input.a and vars.b) }}", None),
        ("{{ prev | upper }}", "fn_upper(run.prev)"),
        ("Hello {{ prev }}!", 'text("Hello ", run.prev, "!")'),
        ("{{ [x for x in prev if x > 1] }}", "[x for x in each(run.prev) if x > 1]"),
    ],
)
def test_expressions_read_as_python(source: str, code: str | None) -> None:
    made = render(value_code(source)).replace(", for", " for").replace(", if", " if")
    ast.parse(made, mode="eval")
    if code is not None:
        assert made == code


def test_programs_are_tidy(tmp_path: Path) -> None:
    for definition in (BRANCHES, LOOP, chain(fields("all", **EXPRESSIONS))):
        path = tmp_path / "tidy.py"
        path.write_text(program(definition))
        command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E4,E7,E9,F,I"]
        command += ["--line-length", "100", str(path)]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout


async def test_random_drawings_end_alike(tmp_path: Path) -> None:
    chance = random.Random(7)
    drawings = [random_drawing(chance) for _ in range(60)]
    folder = tmp_path / "drawings"
    folder.mkdir()
    for number, definition in enumerate(drawings):
        (folder / f"d{number}.py").write_text(program(definition))
    driver = (
        "import asyncio, importlib, json, sys\n"
        "sys.path.insert(0, '.')\n"
        f"for number in range({len(drawings)}):\n"
        "    module = importlib.import_module(f'd{number}')\n"
        "    print(json.dumps(asyncio.run(module.run_workflow({'n': number}))))\n"
    )
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-I", "-c", driver],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    printed = [json.loads(line) for line in ended.stdout.splitlines()]
    wanted = [await ran(definition, {"n": n}) for n, definition in enumerate(drawings)]
    assert printed == wanted
    assert sum(len(outputs) > 1 for outputs in wanted) > 20


def random_drawing(chance: random.Random) -> Definition:
    """Nodes that choose, join, are switched off or go on after an error; nothing fails the run."""
    nodes = [Node(id="start", type="start")]
    edges: list[Edge] = []
    for number in range(chance.randint(3, 12)):
        node = random_node(chance, f"n{number}")
        for source in chance.sample(nodes, k=min(len(nodes), chance.randint(1, 3))):
            ports = {"if": ["true", "false"], "fail": ["error"]}.get(source.type, ["out"])
            edges.append(edge(source.id, node.id, chance.choice(ports)))
        nodes.append(node)
    return Definition(nodes=nodes, edges=edges)


def random_node(chance: random.Random, id: str) -> Node:
    match chance.randrange(5):
        case 0:
            bound = chance.randrange(60)
            return Node(id=id, type="if", params={"condition": f"{{{{ input.n > {bound} }}}}"})
        case 1:
            return Node(id=id, type="merge", params={"mode": chance.choice(["any", "all"])})
        case 2:
            return Node(id=id, type="fail", params={"message": id}, on_error=OnError.ERROR)
        case 3:
            return Node(id=id, type="set_fields", params={"fields": {"x": 1}}, disabled=True)
        case _:
            return fields(id, at=id, prev="{{ prev }}", n="{{ input.n + 1 }}")
