"""Runs inside its own process: shuts itself in its limits, then does one job after the other."""

import os
import pickle
import queue
import socket
import sys
import threading
import traceback
from collections.abc import Callable

import msgspec

from graphs.errors import GraphError, NodeError
from graphs.workers.limits import Limits, confine, grant_cpu
from graphs.workers.protocol import HEAD, Broken, Failed, Kind, encode, frame


class Interruption:
    """How a job learns that it is to stop: by looking, or by what it has hung here."""

    def __init__(self) -> None:
        self.stopped = False
        self.stop: Callable[[], None] | None = None
        """Called, by another thread and perhaps again and again, once the job is to stop."""

    def interrupt(self) -> None:
        """Stop the job."""
        self.stopped = True
        if self.stop is not None:
            self.stop()


class _Jobs:
    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.next: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.interruption = Interruption()

    def listen(self) -> None:
        """Read what the server says; without a server there is nothing left to do."""
        try:
            while True:
                kind, size = HEAD.unpack(_exactly(self.link, HEAD.size))
                body = _exactly(self.link, size)
                if kind == Kind.JOB:
                    # whatever stops from here on stops this job
                    self.interruption = Interruption()
                    self.next.put(body)
                elif kind == Kind.STOP:
                    self.interruption.interrupt()
        finally:
            os._exit(0)


def main() -> None:
    """The process. Arguments: the descriptor of the socket, the parent's id, the limits as JSON."""
    descriptor, parent, given = sys.argv[1:4]
    limits = msgspec.json.decode(given, type=Limits)
    confine(limits, int(parent))
    jobs = _Jobs(socket.socket(fileno=int(descriptor)))
    threading.Thread(target=jobs.listen, daemon=True).start()
    jobs.link.sendall(frame(Kind.READY))
    while True:
        raw = jobs.next.get()
        grant_cpu(limits.cpu_s)
        said = _answer(raw, jobs.interruption)
        del raw
        jobs.link.sendall(said)


def _answer(raw: bytes, interruption: Interruption) -> bytes:
    try:
        folder, job = pickle.loads(raw)
        if os.getcwd() != folder:
            os.chdir(folder)
        return frame(Kind.ANSWER, encode(job(interruption)))
    except GraphError as error:
        retryable = error.retryable if isinstance(error, NodeError) else False
        later = error.retry_after_ms if isinstance(error, NodeError) else None
        return frame(Kind.FAILED, encode(Failed(error.message, error.code, retryable, later)))
    except MemoryError:
        return frame(Kind.OUT_OF_MEMORY)
    except BaseException as error:  # noqa: BLE001 whatever it is, the server is told
        said = f"{type(error).__name__}: {error}"
        return frame(Kind.BROKEN, encode(Broken(said, traceback.format_exc())))


def _exactly(link: socket.socket, size: int) -> bytes:
    parts = bytearray(size)
    view, at = memoryview(parts), 0
    while at < size:
        got = link.recv_into(view[at:])
        if not got:
            raise EOFError
        at += got
    return bytes(parts)
