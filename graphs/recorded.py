"""What a run's earlier events mean for whoever goes on with it: the fold shared by all journals."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from graphs.events import (
    ApprovalAnswer,
    ApprovalAnswered,
    ApprovalRequested,
    ResumeReason,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCancelled,
    StepCompleted,
    StepEvent,
    StepFailed,
    StepRetrying,
    StepSkipped,
    StepStarted,
    Stop,
)

StepKey = tuple[str, str]

Outcome = StepCompleted | StepFailed | StepSkipped | StepCancelled
"""How a step ended for good. A StepCancelled is one only when it holds an error."""

UPSTREAM_FAILED = "upstream_failed"


def step_key(event: StepEvent) -> StepKey:
    """A step's identity within its run: iteration path and node id."""
    return (event.path or "", event.node_id)


class Begun(Struct, frozen=True):
    """A step that began and has no end.

    `step_id` and `at` (when it first started) are None when a retried run begins it anew.
    `attempt` is the one to go on with, `first` the one from which its attempts are counted;
    `resume_at` is when that attempt begins, of a step that is between two.
    """

    step_id: str | None
    at: datetime | None
    attempt: int
    first: int
    resume_at: datetime | None = None


class Recorded:
    """What is known of a run from its events; `remember` takes them in their order."""

    def __init__(self, events: Iterable[RunEvent] = ()) -> None:
        self.recovered = False
        """True when an earlier process has already executed a part of this run."""
        self.stops: tuple[Stop, ...] = ()
        """Where the run last stood; these places are let through."""
        self.stepping: bool | None = None
        """Whether it is to stop before every node; None when nobody said so either way."""
        self.permits = 0
        """How many nodes may still start while stepping."""
        self.active_ms = 0
        self._outcomes: dict[StepKey, Outcome] = {}
        self._begun: dict[StepKey, Begun] = {}
        self._last: dict[StepKey, int] = {}
        self._questions: dict[str, ApprovalRequested] = {}
        self._answers: dict[str, ApprovalAnswer] = {}
        self._paths: set[str] = set()
        self._containers: set[StepKey] = set()
        for event in events:
            self.remember(event)

    def outcome(self, path: str, node_id: str) -> Outcome | None:
        """The recorded end of a step, which is then never executed again."""
        return self._outcomes.get((path, node_id))

    def begun(self, path: str, node_id: str) -> Begun | None:
        """What is known of a step that has no recorded end, when it began already."""
        return self._begun.get((path, node_id))

    def unfinished(self) -> Iterator[tuple[StepKey, Begun]]:
        """The steps that began and have no recorded end."""
        return ((key, begun) for key, begun in self._begun.items() if begun.step_id is not None)

    def ended(self, path: str = "") -> Iterator[str]:
        """The ids of the nodes in `path` whose step has a recorded end."""
        return (node_id for where, node_id in self._outcomes if where == path)

    def asked(self, step_id: str) -> ApprovalRequested | None:
        """A step's question to a person."""
        return self._questions.get(step_id)

    def answer(self, step_id: str) -> ApprovalAnswer | None:
        """What a step was answered."""
        return self._answers.get(step_id)

    def remember(self, event: RunEvent) -> None:
        """Take the next event."""
        match event:
            case StepStarted():
                self._start(event)
            case StepRetrying(data=data):
                before = self._begun[step_key(event)]
                resume_at = data.next_at or event.at + timedelta(milliseconds=data.delay_ms)
                self._begun[step_key(event)] = Begun(
                    before.step_id, before.at, event.attempt + 1, before.first, resume_at
                )
            case StepCompleted() | StepFailed() | StepSkipped() | StepCancelled():
                self._end(event)
            case ApprovalRequested():
                self._questions[event.step_id] = event
            case ApprovalAnswered(data=answer):
                self._answers[event.step_id] = answer
            case RunStarted():
                self.recovered = True
            case RunPaused(data=pause):
                self.stops = pause.stops
                self.active_ms = pause.active_ms
            case RunResumed(data=resumed):
                self._resume(resumed.reason)
            case _:
                pass

    def _start(self, event: StepStarted) -> None:
        key = step_key(event)
        before = self._begun.get(key)
        self.permits = 0
        if before is None:
            begun = Begun(event.step_id, event.at, event.attempt, event.attempt)
        elif before.step_id is None:
            begun = Begun(event.step_id, event.at, event.attempt, before.first)
        else:
            begun = Begun(before.step_id, before.at, event.attempt, before.first)
        self._begun[key] = begun
        self._note_container(key[0])

    def _end(self, event: Outcome) -> None:
        key = step_key(event)
        self._begun.pop(key, None)
        if not isinstance(event, StepSkipped):
            self._last[key] = event.attempt
        if not isinstance(event, StepCancelled) or event.data.error is not None:
            self._outcomes[key] = event

    def _note_container(self, path: str) -> None:
        if not path or path in self._paths:
            return
        self._paths.add(path)
        outer, _, own = path.rpartition("/")
        self._containers.add((outer, own.partition("[")[0].partition("@")[0]))

    def _resume(self, reason: ResumeReason) -> None:
        match reason:
            case ResumeReason.STEP:
                self.stepping, self.permits = True, 1
            case ResumeReason.RESUME:
                self.stepping, self.permits = False, 0
            case ResumeReason.RETRY:
                self._retry()
            case ResumeReason.ANSWER | ResumeReason.TIMER:
                pass

    def _retry(self) -> None:
        """Forget what failed and what it held up; what finished stays, whatever came of it."""
        again = [key for key, outcome in self._outcomes.items() if _failed(outcome)]
        for key in again:
            del self._outcomes[key]
        # a step that never ended begins anew too: its question was withdrawn with the run's end
        for key, begun in self._begun.items():
            self._last[key] = begun.attempt
        self._begun.clear()
        for key, attempt in self._last.items():
            if key not in self._outcomes:
                # its path holds the attempt: what finished within is found there again
                count = attempt if key in self._containers else attempt + 1
                self._begun[key] = Begun(None, None, count, count)
        self.active_ms = 0


def _failed(outcome: Outcome) -> bool:
    match outcome:
        case StepFailed() | StepCancelled():
            return True
        case StepSkipped(data=data):
            return data.reason == UPSTREAM_FAILED
        case StepCompleted():
            return False
