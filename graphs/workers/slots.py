"""Places for work that several owners wait for: in turn, and never all of them for one owner."""

import asyncio
import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future

from msgspec import Struct


class Slot(Struct, eq=False):
    """A place that was asked for; `given` ends when it is granted."""

    owner: str
    size: int
    given: "Future[None]"


class Slots:
    """`capacity` units altogether, of which one owner has `per_owner` at most at a time.

    Whoever has least is next, and among equals who was served longest ago. Nobody passes one whose
    turn it is, so that large pieces are not put off for ever. For any thread and event loop.
    """

    def __init__(self, capacity: int, per_owner: int) -> None:
        self._capacity = capacity
        self._per_owner = per_owner
        self._lock = threading.Lock()
        self._free = capacity
        self._held: dict[str, int] = {}
        self._served: OrderedDict[str, int] = OrderedDict()
        self._turns = itertools.count(1)
        self._waiting: dict[str, deque[Slot]] = {}

    def ask(self, owner: str, size: int = 1) -> Slot:
        """Ask for a place; more than one owner may have is cut to that."""
        slot = Slot(owner, min(size, self._per_owner), Future())
        with self._lock:
            self._waiting.setdefault(owner, deque()).append(slot)
        self._grant()
        return slot

    def give_back(self, slot: Slot) -> None:
        """End a place, or the waiting for it."""
        with self._lock:
            queue = self._waiting.get(slot.owner)
            if queue is not None and slot in queue:
                queue.remove(slot)
                if not queue:
                    del self._waiting[slot.owner]
            else:
                self._free += slot.size
                self._held[slot.owner] -= slot.size
                if not self._held[slot.owner]:
                    del self._held[slot.owner]
        self._grant()

    async def take(
        self, owner: str, size: int = 1, waits: Callable[[], None] | None = None
    ) -> Slot:
        """A place, once there is one; `waits` is called if that is not at once.

        Whoever is cancelled does not wait any more.
        """
        slot = self.ask(owner, size)
        try:
            if waits is not None and not slot.given.done():
                waits()
            await asyncio.shield(asyncio.wrap_future(slot.given))
        except BaseException:
            self.give_back(slot)
            raise
        return slot

    def _grant(self) -> None:
        granted: list[Slot] = []
        with self._lock:
            while (slot := self._next()) is not None:
                self._free -= slot.size
                self._held[slot.owner] = self._held.get(slot.owner, 0) + slot.size
                self._served.pop(slot.owner, None)
                self._served[slot.owner] = next(self._turns)
                if len(self._served) > 1000:
                    self._served.popitem(last=False)
                granted.append(slot)
        for slot in granted:
            slot.given.set_result(None)

    def _next(self) -> Slot | None:
        ready = [
            owner
            for owner, queue in self._waiting.items()
            if self._held.get(owner, 0) + queue[0].size <= self._per_owner
        ]
        if not ready:
            return None
        owner = min(ready, key=lambda each: (self._held.get(each, 0), self._served.get(each, 0)))
        queue = self._waiting[owner]
        if queue[0].size > self._free:
            return None
        slot = queue.popleft()
        if not queue:
            del self._waiting[owner]
        return slot
