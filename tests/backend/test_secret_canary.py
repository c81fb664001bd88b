"""A secret that a node uses reaches the server it is meant for, and nothing else."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import structlog

from backend.app import create_app
from backend.settings import Secrets, Settings
from backend.system.logs import configure_logs
from tests.backend.test_system import configure_standard_logging_back
from tests.conftest import PASSWORD, client_of, running, sign_in

CANARY = "canary-5f2e91c7"
API = "/api/v1"


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it got; under /broken with a failure."""

    def do_GET(self) -> None:
        status = 500 if self.path.startswith("/broken") else 200
        body = json.dumps({"headers": dict(self.headers)}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.seen.append(dict(self.headers))  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.seen = []  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = structlog.get_config()
    configure_logs("debug", stream)
    yield stream
    structlog.configure(**before)
    configure_standard_logging_back()


def _files(folder: Path) -> list[Path]:
    return list(folder.glob("heddle.db*"))


async def test_it_is_nowhere_to_be_read(
    echo: ThreadingHTTPServer,
    written: io.StringIO,
    make_settings: Callable[..., Settings],
    tmp_path: Path,
) -> None:
    settings = make_settings(allow_hosts=("127.0.0.1",), secrets=Secrets({"X": CANARY}))
    address = f"http://127.0.0.1:{echo.server_port}"
    auths = {
        "bearer": {"type": "bearer", "token": "{{ secrets.X }}"},
        "basic": {"type": "basic", "username": "ada", "password": "{{ secrets.X }}"},
        "header": {"type": "header", "name": "X-API-Key", "value": "{{ secrets.X }}"},
    }
    definition: dict[str, Any] = {
        "nodes": [
            {"id": "start", "type": "start"},
            *(
                {
                    "id": f"{name}_{path}",
                    "type": "http_request",
                    "params": {"url": f"{address}/{path}", "auth": auth},
                    "on_error": "continue",
                }
                for name, auth in auths.items()
                for path in ("fine", "broken")
            ),
        ],
        "edges": [],
    }
    definition["edges"] = [
        {"id": f"e_{node['id']}", "source": "start", "target": node["id"]}
        for node in definition["nodes"][1:]
    ]
    shown: list[str] = [repr(settings)]
    app = create_app(settings)
    async with running(app), client_of(app) as client:
        await sign_in(client, "admin", PASSWORD)

        async def show(answer: httpx.Response) -> httpx.Response:
            shown.append(f"{answer.headers}{answer.text}")
            return answer

        made = await client.post(f"{API}/workflows", json={"name": "w", "definition": definition})
        url = f"{API}/workflows/{made.json()['id']}"
        await show(made)
        await show(await client.post(f"{url}/versions", json={}))
        run = await show(await client.post(f"{url}/runs", json={}, headers={"Prefer": "wait=30"}))
        assert run.json()["status"] == "completed", run.text
        run_url = f"{API}/runs/{run.json()['id']}"
        for path in (
            *(run_url, f"{run_url}/steps", f"{run_url}/events", f"{run_url}/logs"),
            *(f"{run_url}/definition", f"{url}/export?format=yaml", f"{url}/export?format=json"),
            *("/metrics", f"{API}/system/health", f"{API}/node-types"),
        ):
            answer = await show(await client.get(path))
            assert answer.status_code == 200, answer.text
        stolen = {
            "nodes": [
                {"id": "start", "type": "start"},
                {"id": "t", "type": "template", "params": {"text": "{{ secrets.X }}"}},
            ],
            "edges": [{"id": "e", "source": "start", "target": "t"}],
        }
        body = {"name": "thief", "definition": stolen}
        refused = await show(await client.post(f"{API}/workflows", json=body))
        assert refused.status_code == 422
        validated = await client.post(f"{url}/validate", json={"definition": stolen})
        assert (await show(validated)).json()["valid"] is False
    seen = json.dumps(echo.seen)  # type: ignore[attr-defined]
    basic = base64.b64encode(f"ada:{CANARY}".encode()).decode()
    assert seen.count(f"Bearer {CANARY}") >= 2
    assert seen.count(f"Basic {basic}") >= 2
    assert f'"X-API-Key": "{CANARY}"' in seen
    stored = b"".join(map(Path.read_bytes, _files(tmp_path)))
    assert len(stored) > 10_000
    for text in (*shown, written.getvalue(), stored.decode("latin-1")):
        assert CANARY not in text
        assert basic not in text
