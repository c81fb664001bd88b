"""How runs reach executors, and how events and signals travel: the seam to more than one process.

`RunBus` is the interface; `LocalBus` is the implementation within one process. The database stays
the truth: a bus may lose what it carries, and costs latency only.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct

from graphs.events import ApprovalAnswer

SUBSCRIPTION_LIMIT = 1024
"""Deliveries that wait for one slow viewer; beyond, it reads the table again."""


class Delivery:
    """One event on its way to viewers, encoded once for all of them.

    `seq` is None for what is not stored; `body` is the event's JSON; `ends` tells that it is the
    run's last.
    """

    __slots__ = ("_sse", "_text", "body", "ends", "kind", "run_id", "seq")

    def __init__(
        self, run_id: str, seq: int | None, kind: str, body: bytes, *, ends: bool = False
    ) -> None:
        self.run_id = run_id
        self.seq = seq
        self.kind = kind
        self.body = body
        self.ends = ends
        self._sse: bytes | None = None
        self._text: str | None = None

    @property
    def sse(self) -> bytes:
        """The event as a block of a `text/event-stream`."""
        if self._sse is None:
            head = b"" if self.seq is None else b"id: %d\n" % self.seq
            self._sse = b"%sevent: %s\ndata: %s\n\n" % (head, self.kind.encode(), self.body)
        return self._sse

    @property
    def text(self) -> str:
        """The event as a message of the WebSocket."""
        if self._text is None:
            seq = "null" if self.seq is None else self.seq
            self._text = (
                f'{{"type":"event","run_id":"{self.run_id}","seq":{seq},'
                f'"event":{self.body.decode()}}}'
            )
        return self._text


class Cancel(Struct, frozen=True, tag=True):
    """Stop; unless `graceful`, the running steps too."""

    run_id: str
    reason: str
    graceful: bool = False


class PauseRun(Struct, frozen=True, tag=True):
    """Start nothing more, and stand still when the running nodes have finished."""

    run_id: str
    by: str


class CancelStep(Struct, frozen=True, tag=True):
    """Let one running step fail."""

    run_id: str
    step_id: str
    by: str


class Answer(Struct, frozen=True, tag=True):
    """What somebody answered to a question of the run."""

    run_id: str
    answer: ApprovalAnswer


class ChangeBreakpoints(Struct, frozen=True, tag=True):
    """Where to stop from now on."""

    run_id: str
    breakpoints: tuple[str, ...]


Signal = Cancel | PauseRun | CancelStep | Answer | ChangeBreakpoints
"""A person's wish for a run in progress."""

SignalHandler = Callable[[Signal], Awaitable[bool]]


class Subscription:
    """A viewer's bounded queue of one run's deliveries; leaving the context ends it."""

    def __init__(self, bus: "LocalBus", run_id: str) -> None:
        self._bus = bus
        self._run_id = run_id
        self._queue: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._overflowed = False
        self.closed = False

    def __enter__(self) -> Self:
        self._bus.join(self._run_id, self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bus.leave(self._run_id, self)

    def offer(self, deliveries: Sequence[Delivery]) -> None:
        """Queue deliveries, or drop all that wait when there are too many."""
        if len(self._queue) + len(deliveries) > SUBSCRIPTION_LIMIT:
            self._queue.clear()
            self._overflowed = True
        else:
            self._queue.extend(deliveries)
        self._arrived.set()

    def close(self) -> None:
        """Let `next` return None from now on."""
        self.closed = True
        self._arrived.set()

    async def next(self) -> Delivery | None:
        """The next delivery, or None: when closed, or once some were dropped for being too many.

        After a drop the table has to be read.
        """
        while not self._queue and not self._overflowed and not self.closed:
            self._arrived.clear()
            await self._arrived.wait()
        if self._overflowed or self.closed:
            self._overflowed = False
            return None
        return self._queue.popleft()


class RunBus(Protocol):
    """What services, executors and viewers use of a bus."""

    async def enqueue(self, run_id: str) -> None:
        """Ring for a stored run that waits for an executor."""
        ...

    def claims(self) -> AsyncIterator[str]:
        """The runs this process is asked to take up."""
        ...

    def publish(self, run_id: str, deliveries: Sequence[Delivery]) -> None:
        """Hand durable events and tokens to whoever watches."""
        ...

    def watched(self, run_id: str) -> bool:
        """Whether somebody watches, so that it is worth encoding anything."""
        ...

    def subscribe(self, run_id: str) -> Subscription:
        """A queue of what is published from now on."""
        ...

    async def signal(self, signal: Signal) -> bool:
        """Tell the executor that has the run; False when none has it, or it is too late."""
        ...

    def on_signal(self, handler: "SignalHandler") -> None:
        """Say who takes the signals of this process; it returns whether it could heed them."""
        ...


class LocalBus:
    """A bus within one process."""

    def __init__(self) -> None:
        self._viewers: dict[str, set[Subscription]] = {}
        self._runs: asyncio.Queue[str] = asyncio.Queue()
        self._handler: SignalHandler | None = None

    async def enqueue(self, run_id: str) -> None:
        self._runs.put_nowait(run_id)

    async def claims(self) -> AsyncIterator[str]:
        while True:
            yield await self._runs.get()

    def publish(self, run_id: str, deliveries: Sequence[Delivery]) -> None:
        for viewer in self._viewers.get(run_id, ()):
            viewer.offer(deliveries)

    def watched(self, run_id: str) -> bool:
        return run_id in self._viewers

    def subscribe(self, run_id: str) -> Subscription:
        return Subscription(self, run_id)

    async def signal(self, signal: Signal) -> bool:
        return self._handler is not None and await self._handler(signal)

    def on_signal(self, handler: SignalHandler) -> None:
        self._handler = handler

    def join(self, run_id: str, subscription: Subscription) -> None:
        """Begin to offer a run's deliveries to a subscription."""
        self._viewers.setdefault(run_id, set()).add(subscription)

    def leave(self, run_id: str, subscription: Subscription) -> None:
        """Stop offering; forgets the run with its last viewer."""
        viewers = self._viewers.get(run_id)
        if viewers is not None:
            viewers.discard(subscription)
            if not viewers:
                del self._viewers[run_id]
