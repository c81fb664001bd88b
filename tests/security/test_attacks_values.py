"""Bombs in charts, expressions, templates and Python: each a failed step, beside working others."""

from typing import Any

import pytest

from graphs.tables.picture import LIMITS
from graphs.workers.limits import MB
from tests.processes import Peak
from tests.security.arena import ENDS_S, Arena, drawing

DRAWING = LIMITS.data_bytes / MB
ROWS = [{"x": f"{n}" * 100, "y": n} for n in range(10_000)]
PLAIN = {"x": {"field": "x", "type": "nominal"}, "y": {"field": "y", "type": "quantitative"}}


def chart(**spec: Any) -> dict[str, Any]:
    """What a chart node puts out, with other things in it."""
    made = {"mark": "bar", "data": {"values": [{"x": 1}]}, "encoding": PLAIN, **spec}
    return {"$chart": "vega-lite", "spec": made}


CHARTS = {
    "sequence": chart(data={"sequence": {"start": 0, "stop": 5e7, "as": "x"}}),
    "generator": chart(data={"graticule": {"step": [1e-4, 1e-4]}}),
    "address": chart(data={"url": "http://127.0.0.1:9/x.json"}),
    "transform": chart(transform=[{"density": "y", "steps": 1e9}]),
    "expression": chart(params=[{"name": "p", "expr": "sequence(0, 1e9)"}]),
    "layers": chart(layer=[{"mark": "bar"}] * 10),
    "bins": chart(encoding={"x": {"field": "x", "bin": {"maxbins": 1e9}}}),
    "step": chart(encoding={"x": {"field": "x", "bin": {"step": 1e-9}}}),
    "ticks": chart(encoding={"y": {**PLAIN["y"], "axis": {"tickCount": 1e9}}}),
    "size": chart(width=1e9, height=1e9),
    "deep": chart(config={"a": {"b": {"c": [[[[]]]]}}}),
}


def put_out(value: Any) -> tuple[str, dict[str, Any]]:
    return "set_fields", {"fields": value}


def test_charts(arena: Arena) -> None:
    """Three ways to have one drawn: as a file, as a picture of a step, and in the answer alike."""
    picture = ("write_file", {"name": "x.svg"})
    runs = arena.attack(*[[put_out(made), picture] for made in CHARTS.values()], more_mb=DRAWING)
    for name, run in zip(CHARTS, runs, strict=True):
        assert (run["status"], run["error"]["code"]) == ("failed", "chart_invalid"), name
        url = f"/api/v1/runs/{run['id']}/steps"
        steps = arena.mallory.client.get(url).raise_for_status().json()["items"]
        (step,) = [step["id"] for step in steps if step["node_id"] == "n1"]
        shown = arena.mallory.client.get(f"{url}/{step}/chart", timeout=ENDS_S)
        assert (shown.status_code, shown.json()["code"]) == (422, "chart_invalid"), name
    with Peak(arena.pid) as peak:
        arena.neighbour()
    arena.check(peak, DRAWING)


@pytest.mark.soak
def test_charts_of_as_much_as_there_may_be(arena: Arena) -> None:
    nodes = [put_out(chart(data={"values": ROWS})), ("write_file", {"name": "x.png"})]
    for run in arena.attack(*[nodes] * 3, more_mb=2 * DRAWING, within_s=120):
        assert (run["status"], run["error"]["code"]) == ("failed", "time_limit")


EXPRESSIONS = {
    "lists in lists": "{{ [[[[[[[0] * 99] * 99] * 99] * 99] * 99] * 99] * 99 }}",
    "a power": "{{ 9 ** 9 ** 9 ** 9 }}",
    "powers": "{{ [10 ** 300 for x in range(1000000)] }}",
    "a product of texts": "{{ 'a' * 1000000000 }}",
    "comprehensions": "{{ [[[i for i in range(9999)] for j in range(999)] for k in range(9999)] }}",
    "a sum": "{{ sum([i for i in range(999999999)]) }}",
    "joined": "{{ join(split('a' * 4000000, ''), 'b' * 4000000) }}",
    "replaced": "{{ replace('a' * 4000000, 'a', 'b' * 1000) }}",
    "a text that grows": "{{ 'abcdefgh' * 900000 }}" * 500,
    "truncated": "{{ truncate('a' * 100, 10, 'b' * 1000000000) }}",
    "a number as text": "{{ str(10 ** 300) * 100000 }}",
    "doubled texts": "{{ join(['a' * 1000000 for i in range(100)], 'b' * 1000000) }}",
    "rounded": "{{ round(1.5, 999999999) }}",
}


def test_expressions(arena: Arena) -> None:
    nodes = [[put_out({"a": text})] for text in EXPRESSIONS.values()]
    for name, run in zip(EXPRESSIONS, arena.attack(*nodes, more_mb=300), strict=True):
        assert run["status"] == "failed", name
        assert run["error"]["code"] in ("expression_budget", "expression_invalid"), name


@pytest.mark.parametrize("text", ["{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "{{ -" * 9999])
def test_an_expression_that_is_refused_when_it_is_drawn(arena: Arena, text: str) -> None:
    body = {"name": "w", "definition": drawing([put_out({"a": text})])}
    answer = arena.mallory.client.post("/api/v1/workflows", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "definition_invalid")


def test_a_template_that_grows(arena: Arena) -> None:
    grow = ("template", {"text": "{{ prev.text }}" * 20})
    nodes = [put_out({"text": "x" * 1000}), *[grow] * 8]
    (run,) = arena.attack(nodes, more_mb=600)
    assert (run["status"], run["error"]["code"]) == ("failed", "expression_budget")


PYTHON = {
    "memory": "a = []\nwhile True: a.append('x' * 1000000)",
    "time": "while True: pass",
    "a file": "with open('x', 'wb') as f:\n    while True: f.write(b'x' * 1000000)",
    "files": "n = 0\nwhile True:\n    open(f'{n}', 'w').write('x' * 100000)\n    n += 1",
    "forks": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "threads": "import threading, time\n"
    "while True: threading.Thread(target=time.sleep, args=(99,)).start()",
    "printing": "while True: print('x' * 10000)",
    "a large result": "result = 'x' * 100_000_000",
    "a deep result": "result = 1\nfor _ in range(100000): result = [result]",
    "many lists": "result = [[] for _ in range(3_000_000)]",
    "a deaf one": "import signal\nfor n in range(1, 30):\n"
    "    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n"
    "while True: pass",
}


def test_python(arena: Arena) -> None:
    limits = {"timeout_ms": 2000, "memory_mb": 128}
    nodes = [[("python", {"code": code, **limits})] for code in PYTHON.values()]
    runs = arena.attack(*nodes, more_mb=4 * (128 + 100))
    for name, run in zip(PYTHON, runs, strict=True):
        assert run["status"] == "failed", name
        assert run["error"]["code"].startswith("python_") or (
            run["error"]["code"] == "node_timeout"
        ), name


def test_python_in_parallel_is_bounded_in_sum(arena: Arena) -> None:
    code = {
        "code": "import time\na = bytearray(b'x') * (900 * 1024 * 1024)\n"
        "time.sleep(0.3)\nresult = 1",
        "memory_mb": 1024,
    }
    runs = arena.attack(*[[("python", code)]] * 6, more_mb=2 * 1100)
    assert {run["status"] for run in runs} == {"completed"}
    logs = [line for run in runs for line in arena.mallory.logs(run["id"])]
    assert any("waits for its turn" in line for line in logs)
