"""A server outside of everything that counts which steps of which runs had their effect."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Ledger:
    """Counts `POST /<ticket>/<node>`; each answer takes `delay_s`.

    `GET` is answered with 404 until the gate is open.
    """

    def __init__(self, delay_s: float = 0.02) -> None:
        self._delay_s = delay_s
        self._counts: Counter[tuple[str, str]] = Counter()
        self._changed = threading.Condition()
        self._open = False
        ledger = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                ticket, node = self.path.strip("/").split("/")
                ledger.note(ticket, node)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                time.sleep(ledger._delay_s)
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.end_headers()
                    self.wfile.write(b'{"noted": true}')
                except ConnectionError:
                    pass

            def do_GET(self) -> None:
                self.send_response(200 if ledger._open else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How often each node of each ticket has had its effect."""
        with self._changed:
            return Counter(self._counts)

    def note(self, ticket: str, node: str) -> None:
        """Count an effect."""
        with self._changed:
            self._counts[ticket, node] += 1
            self._changed.notify_all()

    def open_gate(self) -> None:
        """Answer every `GET` with 200 from now on."""
        self._open = True

    def wait_for(self, effects: int, timeout_s: float = 30) -> None:
        """Return when there are so many effects in all."""
        with self._changed:
            enough = self._changed.wait_for(lambda: self._counts.total() >= effects, timeout_s)
        assert enough, f"only {self._counts.total()} of {effects} effects"

    def close(self) -> None:
        """Stop counting."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
