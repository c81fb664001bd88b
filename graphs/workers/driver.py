"""Drives one worker process: hands it a job, waits for the answer, and starts another when it dies.

It is a thread, so that any event loop can use the same workers.
"""

import os
import queue
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import cloudpickle  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from graphs.errors import NodeError
from graphs.workers.failures import Died, End, cause, out_of_memory, stopped, too_long
from graphs.workers.limits import Limits
from graphs.workers.process import START_S, Process
from graphs.workers.protocol import Broken, Failed, Kind, decode, frame
from graphs.workers.worker import Interruption

IDLE_S = 20.0
"""How long a worker waits for the next job before it ends."""

GRACE_S = 0.1
"""How long a job has to stop by itself."""

ASK_AGAIN_S = 0.02

Job = Callable[[Interruption], Any]


class WorkerBroke(RuntimeError):
    """A job raised what no analyst can mend; the worker's traceback is its note."""


class Pool(Protocol):
    """What a driver needs to know of the pool that it belongs to."""

    limits: Limits
    purpose: str

    def rest(self, driver: "Driver") -> None:
        """A driver has nothing to do."""
        ...

    def leave(self, driver: "Driver", *, closing: bool) -> bool:
        """Whether a driver may end: not when it was just given something."""
        ...


class Task:
    """A job on its way, and what becomes of it."""

    def __init__(
        self, job: Job, answer: Any, limits: Limits, cleanup: Callable[[], None] | None
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


class Driver(threading.Thread):
    """Drives one worker, and starts another in its place when it has died."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(name="heddle-worker", daemon=True)
        self._pool = pool
        self._inbox: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._worker: Process | None = None
        self._waking, self._wake = os.pipe()
        os.set_blocking(self._waking, False)
        self._closing = False

    @property
    def pid(self) -> int | None:
        worker = self._worker
        return None if worker is None else worker.pid

    def give(self, task: Task) -> None:
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
                late.ended.set_exception(stopped())
        os.close(self._waking)
        os.close(self._wake)

    def _rouse(self) -> None:
        try:
            os.write(self._wake, b"!")
        except OSError:
            return

    def _do(self, task: Task) -> Any:
        if task.stopped:
            raise stopped()
        raw = task.pack()
        if self._worker is not None and not self._worker.is_alive():
            self._end()
        if self._worker is None:
            self._worker = Process(self._pool.limits)
        try:
            kind, body = self._talk(self._worker, task, raw)
            return _result(kind, body, task, self._pool.purpose)
        except Died as died:
            ended_by = self._end()
            error = died.error or cause(ended_by, self._pool.purpose, self._pool.limits)
            if task.cleanup is not None:
                task.cleanup()
            raise error from None
        except NodeError as error:
            if error.code == "memory_limit":
                # what is left of its memory may lie in pieces
                self._end()
            raise

    def _end(self) -> End:
        """End the worker; returns how it ended."""
        worker, self._worker = self._worker, None
        return End(0, 0) if worker is None else worker.end()

    def _talk(self, worker: Process, task: Task, raw: bytes) -> tuple[int, bytearray]:
        """The worker's answer to a job. Raises Died."""
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
                    raise Died(stopped())
                worker.send(frame(Kind.STOP))
            if now >= until:
                raise Died(too_long(self._pool.purpose, limits))
            pause = until - now if stop_at is None else ASK_AGAIN_S
            for descriptor, _ in watch.poll(pause * 1000 + 1):
                if descriptor == self._waking:
                    _drain(self._waking)
                    continue
                for kind, body in worker.receive(limits.answer_bytes):
                    if kind != Kind.READY:
                        return kind, body
                    worker.ready = True
                    until = time.monotonic() + limits.wall_s


def _result(kind: int, body: bytearray, task: Task, purpose: str) -> Any:
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
            raise out_of_memory(purpose, task.limits)
        broken: Broken = decode(body, Broken)
    except msgspec.DecodeError as error:
        raise Died(NodeError("the worker's answer is damaged", code="worker_ended")) from error
    raised = WorkerBroke(broken.error)
    raised.add_note(broken.trace)
    raise raised


def _drain(descriptor: int) -> None:
    try:
        os.read(descriptor, 4096)
    except BlockingIOError:
        return
