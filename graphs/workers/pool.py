"""Gives jobs to worker processes, and ends those that take too much of anything.

A worker is started when it is needed, kept for the next job, and ended when there is none for a
while. Each is driven by a thread of its own, so that any event loop can use the same pool.
"""

import asyncio
import atexit
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import cloudpickle  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from graphs.errors import NodeError
from graphs.workers.limits import Limits
from graphs.workers.protocol import HEAD, Broken, Failed, Kind, decode, frame
from graphs.workers.slots import Slots
from graphs.workers.worker import Interruption

IDLE_S = 20.0
"""How long a worker waits for the next job before it ends."""

START_S = 60.0
GRACE_S = 0.1
"""How long a job has to stop by itself."""

_ASK_AGAIN_S = 0.02
_CHUNK = 1024 * 1024
_MAIN = "from graphs.workers.worker import main; main()"

T = TypeVar("T")
Job = Callable[[Interruption], T]


class WorkerBroke(RuntimeError):
    """A job raised what no analyst can mend; the worker's traceback is its note."""


class WorkerPool:
    """At most `workers` processes with the same limits; one owner never has all of them.

    `purpose` says in errors what they do, such as "work on tables".
    """

    def __init__(self, workers: int, limits: Limits, purpose: str, per_owner: int = 0) -> None:
        self.limits = limits
        self.purpose = purpose
        self.slots = Slots(workers, per_owner or max(workers - 1, 1))
        self._lock = threading.Lock()
        self._drivers: list[_Driver] = []
        self._idle: list[_Driver] = []
        _pools.append(self)

    async def run(
        self,
        job: Job[T],
        answer: Any,
        *,
        owner: str = "",
        cleanup: Callable[[], None] | None = None,
    ) -> T:
        """What the job returns, as the type `answer`; `owner` is whose turn it counts as.

        `cleanup` is called when the worker did not live to tidy up. Raises NodeError as the job
        does, or `memory_limit`, `time_limit`, `output_too_large`, `worker_ended`; WorkerBroke.
        Whoever is cancelled waits until the job has ended.
        """
        if os.name != "posix":
            return await run_here(job)
        slot = await self.slots.take(owner)
        task = _Task(job, answer, self.limits, cleanup)
        task.ended.add_done_callback(lambda _: self.slots.give_back(slot))
        self._driver().give(task)
        ended = asyncio.wrap_future(task.ended)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            task.stop()
            await asyncio.wait((ended,))
            if not ended.cancelled():
                ended.exception()
            raise

    def close(self) -> None:
        """End every worker; what it works on fails."""
        with self._lock:
            drivers = list(self._drivers)
        for driver in drivers:
            driver.close()
        for driver in drivers:
            driver.join()

    def processes(self) -> list[int]:
        """The ids of the workers there are."""
        with self._lock:
            return [driver.pid for driver in self._drivers if driver.pid is not None]

    def _driver(self) -> "_Driver":
        with self._lock:
            if self._idle:
                return self._idle.pop()
            driver = _Driver(self)
            self._drivers.append(driver)
        driver.start()
        return driver

    def rest(self, driver: "_Driver") -> None:
        """A driver has nothing to do."""
        with self._lock:
            self._idle.append(driver)

    def leave(self, driver: "_Driver", *, closing: bool) -> bool:
        """Whether a driver may end: not when it was just given something."""
        with self._lock:
            if driver in self._idle:
                self._idle.remove(driver)
            elif not closing:
                return False
            self._drivers.remove(driver)
        return True


_pools: list[WorkerPool] = []


@atexit.register
def close_pools() -> None:
    """End the workers of all pools; the next job starts new ones."""
    for pool in _pools:
        pool.close()


async def run_here(job: Job[T]) -> T:
    """The job in a thread of this process, without limits of its own."""
    interruption = Interruption()
    ended = asyncio.get_running_loop().run_in_executor(None, job, interruption)
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        while not ended.done():
            interruption.interrupt()
            await asyncio.wait((ended,), timeout=_ASK_AGAIN_S)
        ended.exception()
        raise


class _Task:
    def __init__(
        self, job: Job[Any], answer: Any, limits: Limits, cleanup: Callable[[], None] | None
    ) -> None:
        self.job = job
        self.answer = answer
        self.limits = limits
        self.cleanup = cleanup
        self.ended: Future[Any] = Future()
        self.stopped = False
        self._wake: Callable[[], None] | None = None

    def stop(self) -> None:
        """Ask the job to stop, and make it if it does not."""
        self.stopped = True
        if self._wake is not None:
            self._wake()

    def begun(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def pack(self) -> bytes:
        """The job as bytes."""
        dumps: Callable[[Any], bytes] = cloudpickle.dumps  # pyright: ignore
        return frame(Kind.JOB, dumps((os.getcwd(), self.job)))


class _Died(Exception):
    """The worker is gone, by itself or because it was ended; `error` is what that means."""

    def __init__(self, error: NodeError | None = None) -> None:
        super().__init__()
        self.error = error


class _Driver(threading.Thread):
    """Drives one worker, and starts another in its place when it has died."""

    def __init__(self, pool: WorkerPool) -> None:
        super().__init__(name="heddle-worker", daemon=True)
        self._pool = pool
        self._inbox: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._worker: _Worker | None = None
        self._waking, self._wake = os.pipe()
        os.set_blocking(self._waking, False)
        self._closing = False

    @property
    def pid(self) -> int | None:
        worker = self._worker
        return None if worker is None else worker.pid

    def give(self, task: _Task) -> None:
        task.begun(self._rouse)
        self._inbox.put(task)

    def close(self) -> None:
        self._closing = True
        self._inbox.put(None)
        self._rouse()

    def run(self) -> None:
        while True:
            try:
                task = self._inbox.get(timeout=IDLE_S)
            except queue.Empty:
                task = None
            if task is None:
                if self._pool.leave(self, closing=self._closing):
                    break
                continue
            ended, value, error = task.ended, None, None
            try:
                value = self._do(task)
            except BaseException as raised:  # noqa: BLE001 whoever waits for the job is told
                error = raised
            if not self._closing:
                self._pool.rest(self)
            del task
            if error is None:
                ended.set_result(value)
            else:
                ended.set_exception(error)
            del ended, value, error
        self._end()
        while not self._inbox.empty():
            late = self._inbox.get()
            if late is not None:
                late.ended.set_exception(_stopped())
        os.close(self._waking)
        os.close(self._wake)

    def _rouse(self) -> None:
        try:
            os.write(self._wake, b"!")
        except OSError:
            return

    def _do(self, task: _Task) -> Any:
        if task.stopped:
            raise _stopped()
        raw = task.pack()
        if self._worker is not None and not self._worker.is_alive():
            self._end()
        if self._worker is None:
            self._worker = _Worker(self._pool)
        try:
            kind, body = self._talk(self._worker, task, raw)
            return _result(kind, body, task, self._pool)
        except _Died as died:
            ended_by = self._end()
            error = died.error or _cause(ended_by, self._pool)
            if task.cleanup is not None:
                task.cleanup()
            raise error from None
        except NodeError as error:
            if error.code == "memory_limit":
                # what is left of its memory may lie in pieces
                self._end()
            raise

    def _end(self) -> int:
        """End the worker; returns the signal that ended it, 0 for none."""
        worker, self._worker = self._worker, None
        return 0 if worker is None else worker.end()

    def _talk(self, worker: "_Worker", task: _Task, raw: bytes) -> tuple[int, bytearray]:
        """The worker's answer to a job. Raises _Died."""
        limits = task.limits
        worker.send(raw)
        until = time.monotonic() + (limits.wall_s if worker.ready else START_S)
        stop_at: float | None = None
        watch = select.poll()
        watch.register(worker.link, select.POLLIN)
        watch.register(self._waking, select.POLLIN)
        while True:
            now = time.monotonic()
            if (task.stopped or self._closing) and stop_at is None:
                stop_at = now + (0 if self._closing else GRACE_S)
            if stop_at is not None:
                if now >= stop_at:
                    raise _Died(_stopped())
                worker.send(frame(Kind.STOP))
            if now >= until:
                raise _Died(_too_long(self._pool, limits))
            pause = until - now if stop_at is None else _ASK_AGAIN_S
            for descriptor, _ in watch.poll(pause * 1000 + 1):
                if descriptor == self._waking:
                    _drain(self._waking)
                    continue
                for kind, body in worker.receive(limits.answer_bytes):
                    if kind != Kind.READY:
                        return kind, body
                    worker.ready = True
                    until = time.monotonic() + limits.wall_s


class _Worker:
    """One process, and the socket to it."""

    def __init__(self, pool: WorkerPool) -> None:
        self.ready = False
        self._buffer = bytearray()
        self.link, theirs = socket.socketpair()
        paths = [os.path.abspath(path or ".") for path in sys.path]
        try:
            with theirs:
                limits = msgspec.json.encode(pool.limits).decode()
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-P", "-S", "-c", _MAIN),
                        *(str(theirs.fileno()), str(os.getpid()), limits),
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
            raise _Died from None

    def receive(self, most: int) -> list[tuple[int, bytearray]]:
        """The frames that are whole. Raises _Died, NodeError `output_too_large`."""
        try:
            chunk = self.link.recv(_CHUNK)
        except OSError:
            chunk = b""
        if not chunk:
            raise _Died
        self._buffer += chunk
        whole: list[tuple[int, bytearray]] = []
        while len(self._buffer) >= HEAD.size:
            kind, size = HEAD.unpack_from(self._buffer)
            if size > most:
                raise _Died(_answer_too_large(most))
            if len(self._buffer) < HEAD.size + size:
                break
            whole.append((kind, self._buffer[HEAD.size : HEAD.size + size]))
            del self._buffer[: HEAD.size + size]
        return whole

    def end(self) -> int:
        """End it; returns the signal that ended it, 0 for none."""
        self.link.close()
        try:
            # dead already, it keeps its own status
            os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            # somebody else in this process has waited for it
            self._process.returncode = 0
            return 0
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return max(-self._process.returncode, 0)


def _result(kind: int, body: bytearray, task: _Task, pool: WorkerPool) -> Any:
    try:
        if kind == Kind.ANSWER:
            return decode(body, task.answer)
        if kind == Kind.FAILED:
            failed: Failed = decode(body, Failed)
            raise NodeError(
                failed.message,
                code=failed.code,
                retryable=failed.retryable,
                retry_after_ms=failed.retry_after_ms,
            )
        if kind == Kind.OUT_OF_MEMORY:
            raise out_of_memory(pool)
        broken: Broken = decode(body, Broken)
    except msgspec.DecodeError as error:
        raise _Died(NodeError("the worker's answer is damaged", code="worker_ended")) from error
    raised = WorkerBroke(broken.error)
    raised.add_note(broken.trace)
    raise raised


_BY_ITSELF = frozenset({signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGSEGV})
"""How allocators and JavaScript engines end their own process when they get no memory."""


def _cause(signal_: int, pool: WorkerPool) -> NodeError:
    """Why a worker has died that nobody ended."""
    if signal_ == signal.SIGXCPU:
        return _too_long(pool, pool.limits)
    if signal_ in _BY_ITSELF:
        return out_of_memory(pool)
    name = signal.Signals(signal_).name if signal_ else "no signal"
    return NodeError(
        f"the process to {pool.purpose} ended before the work was done ({name}); run it again, and "
        "tell the operator if it happens again",
        code="worker_ended",
    )


def out_of_memory(pool: WorkerPool) -> NodeError:
    """What a worker needs more memory for than it may have."""
    return NodeError(
        f"this needs more than the {pool.limits.data_bytes // 1024**2} MB of memory that a process "
        f"to {pool.purpose} may use; work on fewer rows, fewer columns or smaller values",
        code="memory_limit",
        retryable=False,
    )


def _too_long(pool: WorkerPool, limits: Limits) -> NodeError:
    return NodeError(
        f"this took longer than the {limits.wall_s:g} s ({limits.cpu_s} s of processor time) that "
        f"a process to {pool.purpose} may take; work on fewer rows, or in several steps",
        code="time_limit",
        retryable=False,
    )


def _answer_too_large(most: int) -> NodeError:
    return NodeError(
        f"the result is larger than {most // 1024**2} MB; select fewer rows or columns",
        code="output_too_large",
        retryable=False,
    )


def _stopped() -> NodeError:
    return NodeError("the work was stopped", code="worker_ended")


def _drain(descriptor: int) -> None:
    try:
        os.read(descriptor, 4096)
    except BlockingIOError:
        return
