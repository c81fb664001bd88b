"""Gives jobs to worker processes, and ends those that take too much of anything.

A worker is started when it is needed, kept for the next job, and ended when there is none for a
while.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from graphs.workers.driver import ASK_AGAIN_S, Driver, Task
from graphs.workers.limits import Limits
from graphs.workers.slots import Slots
from graphs.workers.worker import Interruption

T = TypeVar("T")
Job = Callable[[Interruption], T]


class WorkerPool:
    """At most `workers` processes with the same limits; one owner never has all of them.

    `purpose` says in errors what they do, such as "work on tables".
    """

    def __init__(self, workers: int, limits: Limits, purpose: str, per_owner: int = 0) -> None:
        self.limits = limits
        self.purpose = purpose
        self.slots = Slots(workers, per_owner or max(workers - 1, 1))
        self._lock = threading.Lock()
        self._drivers: list[Driver] = []
        self._idle: list[Driver] = []
        _pools.append(self)

    async def run(
        self,
        job: Job[T],
        answer: Any,
        *,
        owner: str = "",
        cleanup: Callable[[], None] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> T:
        """What the job returns, as the type `answer`; `owner` is whose turn it counts as.

        `say` is told, in words for the analyst, when the job has to wait for its turn.
        `cleanup` is called when the worker did not live to tidy up. Raises NodeError as the job
        does, or `memory_limit`, `time_limit`, `output_too_large`, `worker_ended`,
        `worker_crashed`; WorkerBroke. Whoever is cancelled waits until the job has ended.
        """
        if os.name != "posix":
            return await run_here(job)
        slot = await self.slots.take(owner, waits=self._waits(say))
        task = Task(job, answer, self.limits, cleanup)
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

    def _waits(self, say: Callable[[str], None] | None) -> Callable[[], None] | None:
        told = f"waits for its turn: the processes to {self.purpose} are busy with other work"
        return None if say is None else lambda: say(told)

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

    def _driver(self) -> Driver:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            driver = Driver(self)
            self._drivers.append(driver)
        driver.start()
        return driver

    def rest(self, driver: Driver) -> None:
        """A driver has nothing to do."""
        with self._lock:
            self._idle.append(driver)

    def leave(self, driver: Driver, *, closing: bool) -> bool:
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
            await asyncio.wait((ended,), timeout=ASK_AGAIN_S)
        ended.exception()
        raise
