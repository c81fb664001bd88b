"""The heddle command, and the server that it starts and stops."""

import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from backend.__main__ import main
from graphs.nodes.set_fields import SetFields
from tests.live_server import ROOT, LiveServer

HELLO = """
inputs: {type: object, properties: {city: {type: string}}, required: [city]}
nodes:
  - {id: start, type: start}
  - {id: greet, type: set_fields, params: {fields: {text: "Hello {{ input.city }}"}}}
edges: [{id: e1, source: start, target: greet}]
"""


def heddle(
    data_dir: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if "HEDDLE_" not in name}
    return subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**clean, "HEDDLE_DATA_DIR": str(data_dir), **environment},
        check=False,
    )


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    path = tmp_path / "hello.yaml"
    path.write_text(HELLO)
    return path


class TestRunningADocument:
    def test_it_prints_its_events(self, tmp_path: Path, hello: Path) -> None:
        done = heddle(tmp_path, "workflow", "run", str(hello), "--input", "city=Bergen")
        assert done.returncode == 0, done.stderr
        kinds = [line.split()[1] for line in done.stdout.splitlines()]
        assert kinds == [
            "run.started",
            "step.started",
            "step.completed",
            "step.started",
            "step.completed",
            "run.completed",
        ]
        assert json.loads(done.stdout.splitlines()[-1].split(": ", 1)[1]) == {
            "greet": {"text": "Hello Bergen"}
        }
        assert not (tmp_path / "heddle.db").exists()

    def test_a_failing_run_ends_with_1(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.json"
        nodes = [
            {"id": "start", "type": "start"},
            {"id": "stop", "type": "fail", "params": {"message": "no such luck"}},
        ]
        edges = [{"id": "e", "source": "start", "target": "stop"}]
        path.write_text(json.dumps({"nodes": nodes, "edges": edges}))
        done = heddle(tmp_path, "workflow", "run", str(path))
        assert done.returncode == 1
        assert "no such luck" in done.stdout
        assert "run.failed" in done.stdout

    @pytest.mark.usefixtures("own_logs")
    def test_a_question_is_asked_at_the_terminal_until_it_fits(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        path = tmp_path / "ask.json"
        nodes = [
            {"id": "start", "type": "start"},
            {"id": "ask", "type": "approval", "params": {"message": "Go on?"}},
            {"id": "went", "type": "set_fields", "params": {"fields": {"on": True}}},
        ]
        edges = [
            {"id": "e1", "source": "start", "target": "ask"},
            {"id": "e2", "source": "ask", "source_port": "yes", "target": "went"},
        ]
        path.write_text(json.dumps({"nodes": nodes, "edges": edges}))

        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(sys, "stdin", Terminal("perhaps\nyes\n"))
        assert main(["workflow", "run", str(path)]) == 0
        told = capsys.readouterr().out
        assert "That does not fit" in told
        assert told.strip().endswith('{"went":{"on":true}}')
        alone = heddle(tmp_path, "workflow", "run", str(path))
        assert alone.returncode == 1
        assert "asks a person: Go on?" in alone.stderr

    @pytest.mark.usefixtures("own_logs")
    def test_a_bug_of_a_node_leaves_its_traceback_on_standard_error(
        self,
        tmp_path: Path,
        hello: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        async def broken(*_: object) -> object:
            raise ZeroDivisionError("a bug of ours with pass-word in it")

        monkeypatch.setattr(SetFields, "run", broken)
        monkeypatch.setenv("HEDDLE_SECRET_SHOP", "pass-word")
        assert main(["workflow", "run", str(hello), "--input", "city=Bergen"]) == 1
        told = capsys.readouterr()
        found = re.search(r"node_defect: .*reference (\w+)", told.out)
        assert found is not None
        assert f"defect {found[1]} at greet" in told.err
        assert "Traceback" in told.err
        assert "ZeroDivisionError" in told.err
        assert "pass-word" not in told.err
        assert "Traceback" not in told.out

    def test_what_cannot_run_is_told(self, tmp_path: Path, hello: Path) -> None:
        missing = heddle(tmp_path, "workflow", "run", str(hello))
        assert missing.returncode == 1
        assert "city" in missing.stderr
        assert "Traceback" not in missing.stderr
        hello.write_text("nodes: [{id: a, type: no_such_type}]")
        unknown = heddle(tmp_path, "workflow", "run", str(hello))
        assert unknown.returncode == 1
        assert "no_such_type" in unknown.stderr
        assert heddle(tmp_path, "workflow", "run", "nowhere.yaml").returncode == 1

    @pytest.mark.parametrize(
        ("name", "text", "arguments", "says"),
        [
            ("a.yaml", "nodes: [\n", [], "not valid YAML"),
            ("a.json", '{"nodes": [}', [], "no JSON"),
            ("a.json", "", [], "no JSON"),
            ("a.yaml", "hello", [], "Expected `object`"),
            ("a.yaml", "nodes: []\nextra: 1", [], "/extra"),
            ("a.yaml", HELLO, ["--input", "city"], "name=value"),
            ("a.yaml", HELLO, ["--input", "city=7"], "/inputs/city"),
        ],
    )
    def test_a_mistake_is_told_without_a_trace(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        own_logs: None,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        text: str,
        arguments: list[str],
        says: str,
    ) -> None:
        monkeypatch.setenv("HEDDLE_DATA_DIR", str(tmp_path))
        (tmp_path / name).write_text(text)
        assert main(["workflow", "run", str(tmp_path / name), *arguments]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("heddle: ")
        assert says in captured.err


@pytest.fixture
def own_logs() -> Iterator[None]:
    """Lets a test set logging up in this process."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    logging.getLogger().handlers = []
    logging.getLogger().setLevel(logging.WARNING)


@pytest.mark.usefixtures("own_logs")
def test_users_and_documents_without_a_server(
    tmp_path: Path, hello: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEDDLE_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str, stdin: str = "") -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = main([*arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    password = "correct horse battery\n"
    assert run("user", "add", "Ada", "--role", "admin", "--password-stdin", stdin=password)[0] == 0
    assert run("user", "add", "bob", "--password-stdin", stdin=password)[0] == 0
    assert "taken" in run("user", "add", "ada", "--password-stdin", stdin=password)[1]
    code, told = run("user", "password", "ada", "--password-stdin", stdin="short\n")
    assert (code, "/password" in told) == (1, True)
    assert run("user", "password", "ada", "--password-stdin", stdin=password)[0] == 0
    assert run("user", "disable", "bob")[0] == 0
    assert run("user", "list")[1] == "ada\tadmin\tactive\nbob\teditor\tdisabled\n"
    assert run("user", "disable", "bob", "--undo")[0] == 0
    assert "administrator" in run("user", "disable", "ada")[1]
    assert "no user" in run("user", "disable", "eve")[1]

    assert run("workflow", "import", str(hello))[0] == 0
    target = tmp_path / "copy.json"
    assert run("workflow", "export", "hello", "-o", str(target))[0] == 0
    assert json.loads(target.read_text())["definition"]["nodes"][1]["id"] == "greet"
    code, text = run("workflow", "export", "hello", "--format", "yaml")
    assert (code, "Hello {{ input.city }}" in text) == (0, True)
    assert run("workflow", "export", "nothing")[0] == 1
    for version in ("seven", "0", "7"):
        code, told = run("workflow", "export", "hello", "--version", version)
        assert (code, "version" in told) == (1, True)


def test_a_document_is_all_that_is_written(tmp_path: Path, hello: Path) -> None:
    assert heddle(tmp_path, "workflow", "import", str(hello)).stdout.count("\n") == 1
    exported = heddle(tmp_path, "workflow", "export", "hello")
    assert json.loads(exported.stdout)["name"] == "hello"


def test_a_database_out_of_reach_is_told(tmp_path: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    done = heddle(tmp_path, "migrate", HEDDLE_DATABASE_URL=nowhere)
    assert done.returncode == 1
    assert "database cannot be opened" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_cannot_be_are_told(tmp_path: Path) -> None:
    done = heddle(tmp_path, "migrate", HEDDLE_SECRET_KEY="too short")
    assert done.returncode == 1
    assert "HEDDLE_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


class TestTheServer:
    def test_up_says_where_to_go_and_how_to_begin(self, tmp_path: Path) -> None:
        server = LiveServer(tmp_path, "")
        server.start("up")
        assert server.process is not None
        process = server.process
        assert httpx.get(f"{server.url}/setup").status_code == 200
        seconds = server.stop(signal.SIGINT)
        assert process.returncode == 0
        assert seconds < 5
        assert f"Heddle is running at {server.url}" in server.log
        assert f"{server.url}/setup" in server.log
        assert "HEDDLE_ADMIN_PASSWORD" in server.log
        assert "Traceback" not in server.log

    def test_it_can_be_killed_and_started_again(self, live_server: LiveServer) -> None:
        token = live_server.token()
        live_server.kill()
        live_server.start()
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{live_server.url}/api/v1/auth/me", headers=headers)
        assert answer.json()["username"] == "admin"

    def test_an_open_stream_does_not_hold_it_up(self, live_server: LiveServer) -> None:
        waiting = {
            "nodes": [
                {"id": "start", "type": "start"},
                {"id": "wait", "type": "wait", "params": {"duration_ms": 60_000}},
            ],
            "edges": [{"id": "e", "source": "start", "target": "wait"}],
        }
        with live_server.client() as client:
            made = client.post("/api/v1/workflows", json={"name": "w", "definition": waiting})
            url = f"/api/v1/workflows/{made.json()['id']}/runs"
            run = client.post(url, json={"version": "draft"}).json()
            events = f"/api/v1/runs/{run['id']}/events"
            headers = {"Accept": "text/event-stream"}
            with client.stream("GET", events, headers=headers) as stream:
                lines = stream.iter_lines()
                assert any("run.started" in line for line in lines)
                assert live_server.stop(signal.SIGINT) < 5
        assert "Traceback" not in live_server.log

    def test_a_taken_port_is_told(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            done = heddle(tmp_path, "serve", HEDDLE_PORT=port)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert f"127.0.0.1:{port}" in line
        assert "in use" in line
        assert "HEDDLE_PORT" in line
