"""Waits for a turn as long as those before get theirs: a busy queue is not a stuck one."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

_LOOKS_EVERY_S = 0.1


@asynccontextmanager
async def patience(moved: Callable[[], int], without_s: float) -> AsyncGenerator[None]:
    """Raises TimeoutError when `moved`, which counts what others got done, has stood still for
    `without_s`.

    The time is counted in looks at it: while this process does not get its turns, none passes.
    """
    loop = asyncio.get_running_loop()
    last, still = moved(), 0

    def look() -> None:
        nonlocal last, still, timer
        now = moved()
        still = still + 1 if now == last else 0
        last = now
        if still * _LOOKS_EVERY_S >= without_s:
            limit.reschedule(loop.time())
        else:
            timer = loop.call_later(_LOOKS_EVERY_S, look)

    async with asyncio.timeout(None) as limit:
        timer = loop.call_later(_LOOKS_EVERY_S, look)
        try:
            yield
        finally:
            timer.cancel()
