"""Answers that swell when they are unpacked: given up early, and nobody else waits for them."""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import zstandard

from tests.security.arena import Arena
from tests.security.test_outbound_limits import zeros_deflate, zeros_gzip, zeros_zstd

BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: zeros_gzip(60),
    "deflate": lambda: zeros_deflate(60),
    "zstd": lambda: zeros_zstd(300),
    "gzip, gzip": lambda: gzip.compress(zeros_gzip(60)),
    "gzip, gzip, gzip": lambda: gzip.compress(gzip.compress(zeros_gzip(60))),
    "zstd, gzip": lambda: gzip.compress(zeros_zstd(300)),
    "gzip, zstd": lambda: zstandard.compress(zeros_gzip(60)),
    "br": lambda: b"x" * 1000,
}


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    """The address of a server: its paths are the compressions, `lists` JSON of many lists."""
    bodies = {name.replace(", ", "-"): make() for name, make in BOMBS.items()}
    lists = gzip.compress(b"[" + b"[]," * 9_000_000 + b"[]]", 1)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            body = lists if name == "lists" else bodies[name]
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if name == "lists" else "text/csv")
            encoding = "gzip" if name == "lists" else name.replace("-", ", ")
            self.send_header("Content-Encoding", encoding)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("keep", [{}, {"response": "file"}], ids=["value", "file"])
def test_all_at_once(arena: Arena, web: str, keep: dict[str, str]) -> None:
    attacks = [
        [("http_request", {"url": f"{web}/{name.replace(', ', '-')}", **keep})] for name in BOMBS
    ]
    runs = arena.attack(*attacks, more_mb=300)
    for name, run in zip(BOMBS, runs, strict=True):
        expected = "response_invalid" if name == "br" else "response_too_large"
        assert (run["status"], run["error"]["code"]) == ("failed", expected), name


def test_json_of_many_lists(arena: Arena, web: str) -> None:
    lists = [("http_request", {"url": f"{web}/lists"})]
    runs = arena.attack(lists, lists, more_mb=500)
    for run in runs:
        assert run["error"]["code"] == "response_too_large"
