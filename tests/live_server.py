"""A real server in a process of its own, for streams, browsers and sudden death."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
READY_WITHIN_S = 90
STOPPED_WITHIN_S = 10


class LiveServer:
    """`url`, `port`, `data_dir`, `password` of the user admin, and `process` while it runs."""

    def __init__(self, data_dir: Path, password: str, **environment: str) -> None:
        self.data_dir = data_dir
        self.password = password
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = environment

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return self._log_path.read_text()

    @property
    def _log_path(self) -> Path:
        return self.data_dir / "server.log"

    def start(self, command: str = "serve") -> None:
        """Start it on its data dir, again if need be, and wait until it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if "HEDDLE_" not in name}
        with self._log_path.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "backend", command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={
                    **clean,
                    "HEDDLE_DATA_DIR": str(self.data_dir),
                    "HEDDLE_PORT": str(self.port),
                    "HEDDLE_ADMIN_PASSWORD": self.password,
                    "HEDDLE_EXAMPLES": "off",
                    **self._environment,
                },
            )
        until = time.monotonic() + READY_WITHIN_S
        while not self._ready():
            assert self.process.poll() is None, f"the server ended:\n{self.log}"
            assert time.monotonic() < until, f"the server is not ready:\n{self.log}"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self._end(signal.SIGKILL)

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to stop. Returns how many seconds it took."""
        began = time.monotonic()
        self._end(sig)
        return time.monotonic() - began

    def token(self) -> str:
        """A token of the user admin."""
        body = {"username": "admin", "password": self.password}
        answer = httpx.post(f"{self.url}/api/v1/auth/login", json=body)
        return answer.raise_for_status().json()["access_token"]

    def client(self, timeout_s: float = 10) -> httpx.Client:
        """A client that is signed in as admin; the caller closes it."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _end(self, sig: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the server did not stop:\n{self.log}") from None
        self.process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
