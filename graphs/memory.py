"""A journal in memory: runs without a database, for the command line, tests and benchmarks."""

from collections.abc import Callable, Iterable

from graphs.events import (
    RunEvent,
    StepCompleted,
    StepEvent,
    StepFailed,
    StepSkipped,
    StepStarted,
)

StepKey = tuple[str, str]


def step_key(event: StepEvent) -> StepKey:
    """A step's identity within its run: iteration path and node id."""
    return (event.path or "", event.node_id)


class MemoryJournal:
    """Keeps events in a list; `earlier` are those of a process that executed a part of the run.

    `watch` is called with every event, tokens included, as it is appended.
    """

    def __init__(
        self,
        earlier: Iterable[RunEvent] = (),
        watch: Callable[[RunEvent], None] | None = None,
    ) -> None:
        self.events: list[RunEvent] = list(earlier)
        self.recovered = bool(self.events)
        self._watch = watch
        self._outcomes: dict[StepKey, StepCompleted | StepFailed | StepSkipped] = {}
        self._started: dict[StepKey, StepStarted] = {}
        for event in self.events:
            self._remember(event)

    def _remember(self, event: RunEvent) -> None:
        match event:
            case StepStarted():
                self._started.setdefault(step_key(event), event)
            case StepCompleted() | StepFailed() | StepSkipped():
                self._outcomes[step_key(event)] = event
                self._started.pop(step_key(event), None)
            case _:
                pass

    def outcome(self, path: str, node_id: str) -> StepCompleted | StepFailed | StepSkipped | None:
        return self._outcomes.get((path, node_id))

    def started(self, path: str, node_id: str) -> StepStarted | None:
        return self._started.get((path, node_id))

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
