"""One worker process as its server sees it: started, spoken to, and ended."""

import os
import resource
import select
import signal
import socket
import subprocess
import sys

import msgspec

from graphs.workers.failures import Died, End, answer_too_large
from graphs.workers.limits import Limits
from graphs.workers.protocol import HEAD

START_S = 60.0

_CHUNK = 1024 * 1024
_MAIN = "from graphs.workers.worker import main; main()"


class Process:
    """A worker, and the socket to it."""

    def __init__(self, limits: Limits) -> None:
        self.ready = False
        self._buffer = bytearray()
        self.link, theirs = socket.socketpair()
        self._inherited = _own_peak()
        paths = [os.path.abspath(path or ".") for path in sys.path]
        try:
            with theirs:
                given = msgspec.json.encode(limits).decode()
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-P", "-S", "-c", _MAIN),
                        *(str(theirs.fileno()), str(os.getpid()), given),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # nothing of the server's environment, where its secrets are
                    env={
                        "PYTHONPATH": os.pathsep.join(paths),
                        "MALLOC_ARENA_MAX": "2",
                        "LANG": "C.UTF-8",
                    },
                    pass_fds=(theirs.fileno(),),
                )
        except BaseException:
            self.link.close()
            raise
        self.pid = self._process.pid
        self.link.settimeout(START_S)

    def is_alive(self) -> bool:
        """Between jobs it says nothing: what can be read then is its end."""
        watch = select.poll()
        watch.register(self.link, select.POLLIN)
        return not watch.poll(0)

    def send(self, raw: bytes) -> None:
        try:
            self.link.sendall(raw)
        except OSError:
            raise Died from None

    def receive(self, most: int) -> list[tuple[int, bytearray]]:
        """The frames that are whole. Raises Died, NodeError `output_too_large`."""
        try:
            chunk = self.link.recv(_CHUNK)
        except OSError:
            chunk = b""
        if not chunk:
            raise Died
        self._buffer += chunk
        whole: list[tuple[int, bytearray]] = []
        while len(self._buffer) >= HEAD.size:
            kind, size = HEAD.unpack_from(self._buffer)
            if size > most:
                raise Died(answer_too_large(most))
            if len(self._buffer) < HEAD.size + size:
                break
            whole.append((kind, self._buffer[HEAD.size : HEAD.size + size]))
            del self._buffer[: HEAD.size + size]
        return whole

    def end(self) -> End:
        """End it; returns how it ended."""
        self.link.close()
        try:
            # dead already, it keeps its own status
            os.kill(self.pid, signal.SIGKILL)
            _, status, used = os.wait4(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            # somebody else in this process has waited for it
            self._process.returncode = 0
            return End(0, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        unit = 1 if sys.platform == "darwin" else 1024
        peak = used.ru_maxrss if used.ru_maxrss > self._inherited else 0
        return End(max(-self._process.returncode, 0), peak * unit)


def _own_peak() -> int:
    """What the kernel counts a child's peak from, in units of `ru_maxrss`: that of its parent.

    On Linux without what the parent itself was counted from, which `getrusage` would tell.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
