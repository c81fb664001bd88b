"""The node `python`: what code gets and gives, and what becomes of code that means harm."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from graphs.node_type import Services
from graphs.registry import registry
from graphs.sandbox import process
from tests.graphs.conftest import FakeContext, execute, failure

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's namespaces")


@pytest.fixture
def enabled(ctx: FakeContext) -> FakeContext:
    ctx.services = Services(python_enabled=True)
    ctx.prev = {"rows": [{"n": 1}, {"n": 5}]}
    return ctx


async def value(code: str, ctx: FakeContext, **more: Any) -> Any:
    return (await execute("python", {"code": code, **more}, ctx)).value


async def refusal(code: str, ctx: FakeContext, **more: Any) -> tuple[str, str]:
    error = await failure("python", {"code": code, **more}, ctx)
    assert not error.retryable
    return error.code, error.message


async def test_the_result_or_what_main_returns(enabled: FakeContext) -> None:
    code = "result = [row['n'] * inputs['by'] for row in prev['rows']]"
    assert await value(code, enabled, inputs={"by": "{{ 2 * 5 }}"}) == [10, 50]
    code = (
        "import statistics\ndef main(prev, inputs):\n    return {'mean': statistics.mean([1, 2])}"
    )
    assert await value(code, enabled) == {"mean": 1.5}
    assert await value("result = '{{ not an expression }}'", enabled) == "{{ not an expression }}"


async def test_what_it_prints_is_logged(enabled: FakeContext) -> None:
    await value("import sys\nprint('a')\nprint('b', file=sys.stderr)\nresult = 1", enabled)
    assert sorted(enabled.logs) == [("info", "a"), ("info", "b")]
    enabled.logs.clear()
    await value("print('x' * 200_000)\nresult = 1", enabled)
    assert sum(len(line) for _, line in enabled.logs) < 70_000
    assert "left out" in enabled.logs[-1][1]


async def test_off_unless_an_administrator_enabled_it(ctx: FakeContext) -> None:
    assert (await refusal("result = 1", ctx))[0] == "python_disabled"


async def test_mock_mode_executes_nothing(ctx: FakeContext) -> None:
    ctx.prev = "arrived"
    kind: Any = registry()["python"]
    params = kind.params_type(code="1 / 0")
    assert (await kind.mock(params, ctx)).value == "arrived"
    ctx.services = Services(recorded={ctx.node_id: "earlier"})
    assert (await kind.mock(params, ctx)).value == "earlier"


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        ("x = 1\n1 / 0", "python_failed", "line 2: ZeroDivisionError"),
        ("def f():\n    raise ValueError('no')\nf()", "python_failed", "line 2: ValueError: no"),
        ("x = (", "python_syntax", "line 1: "),
        ("x = 1", "python_no_result", "main(prev, inputs)"),
        ("result = object()", "python_result", "type object; make a text"),
        ("result = float('nan')", "python_result", "JSON"),
        ("import sys\nsys.exit(0)", "python_failed", "line 2: SystemExit"),
        ("import os\nos._exit(0)", "python_ended", "without a result"),
    ],
)
async def test_mistakes_are_told_with_their_line(
    enabled: FakeContext, code: str, expected: str, words: str
) -> None:
    found, message = await refusal(code, enabled)
    assert found == expected
    assert words in message


ATTACKS = {
    "a socket": "import socket\nsocket.socket()",
    "a name server": "import socket\nsocket.getaddrinfo('example.com', 80)",
    "a web page": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')",
    "the passwords": "open('/etc/passwd').read()",
    "processes": "open('/proc/1/environ').read()",
    "a fork": "import os\nos.fork()",
    "another program": "import subprocess\nsubprocess.run(['/bin/ls'])",
    "exec": "import os\nos.execv('/bin/ls', ['ls'])",
    "a signal": "import os\nos.kill(1, 9)",
    "leaving the group": "import os\nos.setsid()",
    "writing to a library": "open('/usr/lib/x', 'w').write('x')",
    "writing to the root": "open('/x', 'w').write('x'); 1 / 0",
    "a device": "open('/dev/mem').read()",
    "a large file": "open('big', 'wb').write(b'x' * 100_000_000)",
    "many files": "for n in range(10_000): open(f'{n}', 'w').close()",
    "a namespace": (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.unshare(0x10000000) == 0"
    ),
    "a mount": (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.mount(b'none', b'/work', b'proc', 0, None) == 0"
    ),
    "higher limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))"
    ),
}


@pytest.mark.parametrize("code", ATTACKS.values(), ids=ATTACKS.keys())
async def test_what_code_may_not_do(enabled: FakeContext, code: str) -> None:
    found, message = await refusal(f"{code}\nresult = 1", enabled)
    assert found == "python_failed", message
    assert "line " in message


async def test_it_sees_nothing_of_the_server(
    enabled: FakeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDDLE_SECRET_TOKEN", "s3cret")
    (tmp_path / "secret_key").write_text("s3cret")
    code = (
        "import os\n"
        f"result = [dict(os.environ), os.path.exists({str(tmp_path)!r}), os.listdir('.'),\n"
        f"          os.path.exists({str(Path(__file__).parent)!r}), os.listdir('/'), os.getpid()]\n"
    )
    environment, there, here, project, root, number = await value(code, enabled)
    assert "HEDDLE_SECRET_TOKEN" not in environment
    assert not there
    assert not project
    assert here == []
    assert "etc" not in root
    assert number == 1


async def test_no_open_file_of_the_server_is_inherited(
    enabled: FakeContext, tmp_path: Path
) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        code = (
            "import os\nresult = []\n"
            "for number in range(3, 64):\n"
            "    try:\n        os.fstat(number)\n        result.append(number)\n"
            "    except OSError:\n        pass"
        )
        assert len(await value(code, enabled)) == 1, "only where the answer goes"


async def test_memory_is_limited(enabled: FakeContext) -> None:
    found, message = await refusal("x = 'a' * 10**9", enabled, memory_mb=64)
    assert (found, message) == ("python_memory", "line 1: the memory limit is reached")
    assert await value("result = len('a' * 10**7)", enabled, memory_mb=64) == 10**7


@pytest.mark.parametrize("code", ["while True: pass", "import time\ntime.sleep(60)"])
async def test_time_is_limited(enabled: FakeContext, code: str) -> None:
    found, message = await refusal(code, enabled, timeout_ms=500)
    assert found == "node_timeout"
    assert "500 ms" in message


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("{'d': datetime.date(2024, 1, 5)}", {"d": "2024-01-05"}),
        ("[datetime.datetime(2024, 1, 5, 9, 30)]", ["2024-01-05T09:30:00"]),
        (
            "datetime.datetime(2024, 1, 5, tzinfo=datetime.timezone.utc)",
            "2024-01-05T00:00:00+00:00",
        ),
        ("datetime.timedelta(hours=30)", 108_000),
        ("decimal.Decimal('12.50')", 12.5),
        ("decimal.Decimal('0.1000000000000000055')", "0.1000000000000000055"),
        ("decimal.Decimal('34043416109404255712')", 34043416109404255712),
        ("34043416109404255712", 34043416109404255712),
        ("{3, 1, 2}", [1, 2, 3]),
        ("({'b', 'a'}, frozenset())", [["a", "b"], []]),
        ("uuid.UUID(int=7)", "00000000-0000-0000-0000-000000000007"),
        ("{datetime.date(2024, 1, 5): 1, 2: 'x', None: 0}", {"2024-01-05": 1, "2": "x", "null": 0}),
        ("enum.Enum('Colour', {'RED': 'red'}).RED", "red"),
        ("'\N{GRINNING FACE}'", "\N{GRINNING FACE}"),
    ],
)
async def test_values_beyond_json_are_written_without_loss(
    enabled: FakeContext, made: str, expected: object
) -> None:
    code = f"import datetime, decimal, enum, uuid\nresult = {made}"
    assert await value(code, enabled) == expected


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("chr(0xD83D)", "result has half a character"),
        ("{'a': ['b', chr(0xDE00) + 'x']}", "result['a'][1] has half a character"),
        ("{chr(0xD83D): 1}", "a key of result has half a character"),
        ("[float('nan')]", "result[0] is nan"),
        ("b'abc'", "base64.b64encode"),
        ("(x for x in 'ab')", "use list"),
        ("{(1, 2): 3}", "use texts as keys"),
        ("{1: 'a', '1': 'b'}", "two fields called '1'"),
    ],
)
async def test_what_cannot_be_written_is_told_with_its_place(
    enabled: FakeContext, made: str, said: str
) -> None:
    found, message = await refusal(f"result = {made}", enabled)
    assert found == "python_result"
    assert said in message


async def test_half_a_character_in_what_is_said_or_raised_is_shown(enabled: FakeContext) -> None:
    assert await value("print(chr(0xD83D))\nresult = 1", enabled) == 1
    found, message = await refusal("raise ValueError(chr(0xD83D))", enabled)
    assert found == "python_failed"
    assert "\\ud83d" in message


async def test_threads_do_not_outlive_it(enabled: FakeContext) -> None:
    code = (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\nresult = 'done'"
    )
    assert await value(code, enabled) == "done"


async def test_output_is_limited(enabled: FakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_RESULT_BYTES", 1000)
    found, _ = await refusal("result = 'x' * 2000", enabled)
    assert found == "output_too_large"
    code = "while True: print('x' * 10_000)"
    assert (await refusal(code, enabled, timeout_ms=300))[0] == "node_timeout"


async def test_nothing_runs_where_it_cannot_be_shut_in(
    enabled: FakeContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = tmp_path / "launcher.py"
    source = process.LAUNCHER.read_text()
    closed.write_text(source.replace("libc.unshare(flags)", "-1"))
    monkeypatch.setattr(process, "LAUNCHER", closed)
    found, message = await refusal("result = 1", enabled)
    assert found == "python_unavailable"
    assert "unprivileged user namespaces" in message
    monkeypatch.setattr(sys, "platform", "darwin")
    assert (await refusal("result = 1", enabled))[0] == "python_unavailable"
