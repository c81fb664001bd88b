"""Follows one run: what is stored first, then what happens, without a gap and without a double."""

import asyncio
from collections.abc import AsyncIterator

from backend.actor import Actor
from backend.errors import Gone
from backend.runs import event_log, history
from backend.runs.bus import Delivery, Subscription
from backend.runs.executor import executor

START = 0
"""The cursor before the first event."""

SILENCE_S = 15.0
"""After so long without a delivery the table is read again: the bus may have lost the last one."""


class RunStream:
    """One viewer's way through a run's events. Iterate it once; `close` ends it early."""

    def __init__(self, run_id: str, after: int, subscription: Subscription | None) -> None:
        """Without a subscription there is nothing left to see."""
        self.run_id = run_id
        self.ended = subscription is None
        self._seen = after
        self._subscription = subscription

    def close(self) -> None:
        """Let the iteration end after what it is at."""
        if self._subscription is not None:
            self._subscription.close()

    async def __aiter__(self) -> AsyncIterator[Delivery]:
        """The events; `ended` is True afterwards when the last one was the run's last."""
        if self._subscription is None:
            return
        # entered before the table is read, so that nothing falls between the two
        with self._subscription:
            while not self._subscription.closed:
                async for delivery in self._stored():
                    yield delivery
                if self.ended:
                    return
                async for delivery in self._live(self._subscription):
                    yield delivery
                if self.ended:
                    return

    async def _stored(self) -> AsyncIterator[Delivery]:
        while True:
            rows = await event_log.read(self.run_id, self._seen)
            for row in rows:
                delivery = event_log.delivery(row)
                self._seen, self.ended = row[1], delivery.ends
                yield delivery
            if len(rows) < event_log.PAGE:
                return

    async def _live(self, subscription: Subscription) -> AsyncIterator[Delivery]:
        """What arrives, until something is missing and the table must be read again."""
        while (delivery := await _next(subscription)) is not None:
            if delivery.seq is None:
                yield delivery
            elif delivery.seq == self._seen + 1:
                self._seen, self.ended = delivery.seq, delivery.ends
                yield delivery
                if self.ended:
                    return
            elif delivery.seq > self._seen:
                return


async def _next(subscription: Subscription) -> Delivery | None:
    try:
        async with asyncio.timeout(SILENCE_S):
            return await subscription.next()
    except TimeoutError:
        return None


async def follow(actor: Actor, run_id: str, after: int = START) -> RunStream:
    """The run's events with a `seq` greater than `after`, and its tokens from now on.

    The stream ends after the run's last event. Raises NotFound for a run of another tenant, and
    Gone when the log does not reach back to `after` or has never reached it.
    """
    record = await history.find(actor, run_id)
    if after > record.last_seq:
        raise Gone(
            f"The run's events end at {record.last_seq}: there is no event {after} to go on from.",
            code="cursor_gone",
        )
    if after < record.last_seq:
        rows = await event_log.read(run_id, after, limit=1)
        if not rows or rows[0][1] != after + 1:
            raise Gone(f"The events after {after} are not kept any more.", code="cursor_gone")
    over = record.status.ended and after == record.last_seq
    return RunStream(run_id, after, None if over else executor().bus.subscribe(run_id))
