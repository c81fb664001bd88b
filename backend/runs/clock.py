"""Wakes what waits for a moment: paused runs, and whatever else has due moments.

One task sleeps until the earliest moment of all; runs that wait cost nothing meanwhile. The
moments are in the database, so that a restart loses none.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from graphs.events import now

LONGEST_SLEEP_S = 60.0
"""The machine's clock may be set, or the machine sleep: look at it so often."""

RETRY_AFTER = timedelta(seconds=5)

log = structlog.get_logger("heddle.runs")


class Alarm(Struct, frozen=True):
    """`earliest` tells the next moment at which something is due; `ring` does all that is due."""

    earliest: Callable[[], Awaitable[datetime | None]]
    ring: Callable[[datetime], Awaitable[None]]


class Clock:
    """Rings alarms when their moments come."""

    def __init__(self, *alarms: Alarm) -> None:
        self._alarms = alarms
        self._next: datetime | None = None
        self._sooner = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin; what has become due while nobody watched is rung at once."""
        self._next = now()
        self._task = asyncio.create_task(self._run(), name="clock")

    async def close(self) -> None:
        """Stop; what is being rung is left to the next start."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def note(self, moment: datetime) -> None:
        """Say that something becomes due at a moment that may be the earliest."""
        if self._next is None or moment < self._next:
            self._next = moment
            self._sooner.set()

    async def _run(self) -> None:
        while True:
            await self._sleep()
            moment = now()
            if self._next is None or moment < self._next:
                continue
            # whatever is noted from here on is kept beside what the alarms tell
            self._next = None
            for alarm in self._alarms:
                await self._ring(alarm, moment)

    async def _sleep(self) -> None:
        self._sooner.clear()
        delay_s = None
        if self._next is not None:
            delay_s = min(max((self._next - now()).total_seconds(), 0.0), LONGEST_SLEEP_S)
        try:
            async with asyncio.timeout(delay_s):
                await self._sooner.wait()
        except TimeoutError:
            pass

    async def _ring(self, alarm: Alarm, moment: datetime) -> None:
        try:
            await alarm.ring(moment)
            earliest = await alarm.earliest()
        except Exception as error:  # noqa: BLE001 the clock must go on whatever breaks
            log.warning("alarm_failed", error=repr(error))
            earliest = now() + RETRY_AFTER
        if earliest is not None:
            # what is still due after ringing is not tried again at once
            self.note(max(earliest, moment + timedelta(milliseconds=50)))
