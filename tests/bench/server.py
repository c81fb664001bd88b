"""The real server as a process of its own, signed in to, with its CPU and memory readable."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.bench.load import HOST, Connection, Response, encode_request
from tests.processes import MB, process_tree, stat_of, tree_bytes

ROOT = Path(__file__).parent.parent.parent
PASSWORD = "bench-password-1"
READY_WITHIN_S = 30
STOPPED_WITHIN_S = 10
POLL_S = 0.005
# ours to set; and without bytecode every start would compile anew, as no installation does
_OURS = ("HEDDLE_", "PYTHONDONTWRITEBYTECODE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class ServerError(Exception):
    """The server did not start, or answered something that makes measuring pointless."""


IDLE_AT_MOST_S = 2.0
"""After this a connection is opened anew: the server closes one that was idle for 5 s."""


class Server:
    """One server process; `ready_s` is what it took from its start to being ready."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, data_dir: Path) -> None:
        self.process = process
        self.port = port
        self.data_dir = data_dir
        self.ready_s = 0.0
        self._headers: dict[str, str] = {}
        self._connection: Connection | None = None
        self._last_used = 0.0

    @property
    def database(self) -> Path:
        return self.data_dir / "heddle.db"

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The bytes of a request to the API, signed in; `path` is relative to /api/v1."""
        all_headers = {**self._headers, "Accept": "application/json", **(headers or {})}
        return encode_request(method, f"/api/v1{path}", all_headers, body)

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """A request on the server's own connection. Returns the JSON of a 2xx answer."""
        loop = asyncio.get_running_loop()
        if self._connection is not None and loop.time() - self._last_used > IDLE_AT_MOST_S:
            await self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = await Connection.open(self.port)
        response = await self._connection.send(self.request(method, path, body, headers))
        self._last_used = loop.time()
        return succeeded(response).json() if response.body else None

    async def sign_in(self) -> None:
        account = {"username": "admin", "password": PASSWORD}
        answer = await self.call("POST", "/auth/login", account)
        self._headers = {"Authorization": f"Bearer {answer['access_token']}"}

    async def publish(self, name: str, definition: Mapping[str, Any]) -> str:
        """Create a workflow and publish it. Returns its id."""
        made = await self.call("POST", "/workflows", {"name": name, "definition": definition})
        await self.call("POST", f"/workflows/{made['id']}/versions", {})
        return made["id"]

    def cpu_ms(self) -> float:
        """What the process and its children have used since they started."""
        return sum(_cpu_ticks(pid) for pid in process_tree(self.process.pid)) * 1000 / _TICKS_PER_S

    def memory_mb(self) -> float:
        """The resident memory of the process and its children."""
        return tree_bytes(self.process.pid) / MB

    async def close(self) -> None:
        """Stop the process as Ctrl-C does, by force when it does not listen."""
        if self._connection is not None:
            await self._connection.close()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), STOPPED_WITHIN_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


@asynccontextmanager
async def running_server(data_dir: Path) -> AsyncIterator[Server]:
    """Start the server on a data directory, sign in, and stop it afterwards."""
    server = await start(data_dir)
    try:
        await server.sign_in()
        yield server
    finally:
        await server.close()


async def start(data_dir: Path) -> Server:
    """Start the server and wait until it is ready. The caller closes it."""
    port = _free_port()
    log = data_dir / "server.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
        "HEDDLE_DATA_DIR": str(data_dir),
        "HEDDLE_HOST": HOST,
        "HEDDLE_PORT": str(port),
        "HEDDLE_ADMIN_PASSWORD": PASSWORD,
        "HEDDLE_LOG_LEVEL": "warning",
    }
    with _opened(log) as output:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "backend", "serve"),
            cwd=ROOT,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    server = Server(process, port, data_dir)
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while not await _ready(port):
                if process.returncode is not None:
                    raise ServerError(f"the server ended at once:\n{tail(log)}")
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        await server.close()
        raise ServerError(f"not ready within {READY_WITHIN_S} s:\n{tail(log)}") from None
    server.ready_s = time.perf_counter() - began
    return server


def succeeded(response: Response) -> Response:
    """The response if it is a 2xx. Raises ServerError."""
    if not 200 <= response.status < 300:
        raise ServerError(f"answered {response.status}: {response.body[:500].decode()}")
    return response


def tail(log: Path) -> str:
    """The end of a log file."""
    return log.read_text(errors="replace")[-3000:]


async def _ready(port: int) -> bool:
    try:
        connection = await Connection.open(port)
    except OSError:
        return False
    try:
        return (await connection.send(encode_request("GET", "/health/ready"))).status == 200
    except OSError:
        return False
    finally:
        await connection.close()


def _opened(path: Path) -> Any:
    return path.open("ab")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return taken.getsockname()[1]


def _cpu_ticks(pid: int) -> int:
    # utime, stime and those of children that have ended
    return sum(int(ticks) for ticks in stat_of(pid)[11:15])
