"""A journal in memory: runs without a database, for the command line, tests and benchmarks."""

from collections.abc import Callable, Iterable

from graphs.events import RunEvent
from graphs.recorded import Recorded


class MemoryJournal:
    """Keeps events in a list; `earlier` are those of a process that executed a part of the run.

    `watch` is called with every event, tokens included, as it is appended.
    """

    careful = False

    def __init__(
        self,
        earlier: Iterable[RunEvent] = (),
        watch: Callable[[RunEvent], None] | None = None,
    ) -> None:
        self.events: list[RunEvent] = list(earlier)
        self.recorded = Recorded(self.events)
        self._watch = watch

    def append(self, event: RunEvent) -> None:
        event.seq = len(self.events) + 1
        self.events.append(event)
        if self._watch is not None:
            self._watch(event)

    def live(self, event: RunEvent) -> None:
        if self._watch is not None:
            self._watch(event)

    async def flush(self) -> None:
        return None

    async def reload(self) -> None:
        self.recorded = Recorded(self.events)
