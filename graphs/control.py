"""How a run in progress is steered: pauses, breakpoints, cancelling, answers; its steps' gate.

A pause unwinds the run: what has not begun, or waits, settles as suspended, and the next start of
the run goes on from the journal. Nothing here outlives the process.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from graphs.errors import RunCancelled, RunSuspended
from graphs.events import (
    ApprovalAnswer,
    ApprovalAnswered,
    PauseReason,
    RunEvent,
    Side,
    StepEvent,
    Stop,
)
from graphs.recorded import Recorded
from graphs.run_options import Breakpoint, RunMode, RunOptions

QUIET_S = 0.05
"""How long nothing must have worked before a run whose steps only wait is put aside."""


class SteeredStep(Protocol):
    """What the control needs of a running step."""

    step_id: str

    def cancel(self, by: str | None) -> None:
        """Make the step fail as cancelled."""
        ...

    def answered(self, answer: ApprovalAnswer) -> ApprovalAnswered:
        """The event that records the answer."""
        ...


class ControlledJournal(Protocol):
    """What the control needs of the run's journal."""

    recorded: Recorded

    def append(self, event: RunEvent) -> None: ...


class Parked:
    """A step that waits for a person or the clock. `long`: the run may be put aside for it."""

    __slots__ = ("_control", "future", "long", "step", "wake_at", "woken")

    def __init__(
        self, control: "RunControl", step: SteeredStep, wake_at: datetime | None, long: bool
    ) -> None:
        self._control = control
        self.step = step
        self.wake_at = wake_at
        self.long = long
        self.woken = False
        self.future: asyncio.Future[ApprovalAnswer | None]
        self.future = asyncio.get_running_loop().create_future()

    def wake(self, answer: ApprovalAnswer | None = None) -> None:
        """Let the step go on; it counts as working from this moment."""
        if not self.future.done():
            self.woken = True
            self._control.busy()
            self.future.set_result(answer)

    def stop(self, error: Exception) -> None:
        """Make the step's waiting raise."""
        if not self.future.done():
            self.future.set_exception(error)


class RunControl:
    """The handle by which a run in progress is steered from outside."""

    def __init__(self) -> None:
        self.cancelled: str | None = None
        """The reason, once somebody has cancelled or the time is over."""
        self.expired = False
        """Whether it was the run's time limit that cancelled it."""
        self.pausing: PauseReason | None = None
        """Why nothing new starts any more."""
        self.paused_by: str | None = None
        self.gated = False
        """Whether a step must ask `admits` before it starts; False for most runs, always."""
        self.places: asyncio.Semaphore | None = None
        """The places for nodes that work at the same time; None without a limit."""
        self.disturbed = False
        """Whether a run that is being put aside could have gone on after all."""
        self.doomed: set[str] = set()
        """Steps that were cancelled before they ran in this process."""
        self._breakpoints: frozenset[Breakpoint] | None = None
        self._passed: frozenset[Stop] = frozenset()
        self._stepping = False
        self._permits = 0
        self._stops: dict[Stop, None] = {}
        self._task: asyncio.Task[Any] | None = None
        self._journal: ControlledJournal | None = None
        self._running: dict[str, SteeredStep] = {}
        self._parked: dict[str, Parked] = {}
        self._unwound: dict[str, Parked] = {}
        self._answers: dict[str, ApprovalAnswer] = {}
        self._quiet_s = QUIET_S
        self._working = 0
        self._moves = 0

    # for whoever steers

    def cancel(self, reason: str, *, graceful: bool = False) -> None:
        """Start no further step; unless `graceful`, also stop the running ones now."""
        self.cancelled = reason
        self.gated = True
        for parked in self._parked.values():
            parked.stop(RunCancelled(reason))
        if self._task is not None and not graceful:
            self._task.cancel()

    def pause(self, by: str | None = None) -> None:
        """Let the running steps finish and start no other; the run is then put aside."""
        if self.pausing is None or self.pausing is PauseReason.WAITING:
            self.paused_by = by
            self._halt(PauseReason.PAUSE)

    @property
    def breakpoints(self) -> frozenset[Breakpoint]:
        """Where the run stops. They may be replaced at any time."""
        return self._breakpoints or frozenset()

    @breakpoints.setter
    def breakpoints(self, breakpoints: Iterable[Breakpoint]) -> None:
        self._breakpoints = frozenset(breakpoints)
        self._update()

    def cancel_step(self, step_id: str, by: str | None = None) -> bool:
        """Make one running step fail as cancelled.

        False when it does not run here; should it begin in this process, it fails at once.
        """
        step = self._running.get(step_id)
        if step is None:
            self.doomed.add(step_id)
            return False
        step.cancel(by)
        return True

    def answer(self, answer: ApprovalAnswer) -> bool:
        """Record the answer to a step's question and wake the step.

        False when this process does not have the run (any more), or when nothing was asked.
        The answer is durable after the journal's next `flush`.
        """
        journal, step_id = self._journal, answer.approval_id
        if journal is None or step_id in self._answers:
            return False
        parked = self._parked.get(step_id) or self._unwound.get(step_id)
        if parked is not None:
            event = parked.step.answered(answer)
        else:
            # taken up again, and not yet at the question
            asked = journal.recorded.asked(step_id)
            if asked is None or journal.recorded.answer(step_id) is not None:
                return False
            event = _answered(asked, answer)
        journal.append(event)
        self._answers[step_id] = answer
        if step_id in self._unwound:
            self.disturbed = True
        elif parked is not None:
            parked.wake(answer)
        return True

    # for the engine

    def attach(self, task: "asyncio.Task[Any]") -> None:
        """Say which task executes the run."""
        self._task = task

    def open(self, journal: ControlledJournal, options: RunOptions) -> None:
        """Begin an execution of the run."""
        recorded = journal.recorded
        self._journal = journal
        if self._breakpoints is None:
            self._breakpoints = options.breakpoints
        if self.pausing is PauseReason.WAITING:
            self.pausing = None
        if self.disturbed:
            # something works unseen; each time it is given longer to show itself
            self._quiet_s *= 4
            self.disturbed = False
        self._stops = {}
        self._unwound = {}
        self._passed = frozenset(recorded.stops)
        debugging = options.mode is RunMode.DEBUG
        self._stepping = debugging if recorded.stepping is None else recorded.stepping
        self._permits = recorded.permits
        most = options.config.max_concurrency
        self.places = None if most is None else asyncio.Semaphore(most)
        self._update()

    def close(self) -> None:
        """Take no more answers: the run's end or its pause is being recorded."""
        self._journal = None

    def expire(self) -> None:
        """Stop the run because its time is over."""
        self.expired = True
        self.cancel("its time is over")

    def admits(self, node_id: str, path: str, *, own: bool, begun: bool) -> bool:
        """Whether a step may start now; where the run then stands is noted.

        `own`: its node is one of the run's drawing, where breakpoints are set. `begun`: it
        started already in an earlier process.
        """
        if self.cancelled is not None:
            return False
        stop = Stop(node_id, path or None)
        if self.pausing is None:
            if begun or not self._stops_at(stop, own):
                return True
            if self._stepping and self._permits:
                self._permits -= 1
                return True
            self._halt(PauseReason.BREAKPOINT)
        if self.pausing is PauseReason.WAITING:
            self.disturbed = True
        elif self.pausing is PauseReason.BREAKPOINT and not begun and self._stops_at(stop, own):
            self._stops[stop] = None
        return False

    def passed(self, node_id: str, path: str) -> None:
        """Note that a step of the run's own drawing has ended: a place to stop after it."""
        if Breakpoint(node_id, Side.AFTER) in self.breakpoints:
            if self.pausing is None or self.pausing is PauseReason.WAITING:
                self._halt(PauseReason.BREAKPOINT)
            if self.pausing is PauseReason.BREAKPOINT:
                self._stops[Stop(node_id, path or None, Side.AFTER)] = None

    def _stops_at(self, stop: Stop, own: bool) -> bool:
        if self._stepping:
            return True
        if not own or stop in self._passed:
            return False
        return Breakpoint(stop.node_id) in self.breakpoints

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Where the run stands."""
        return tuple(self._stops)

    @property
    def wake_at(self) -> datetime | None:
        """When the earliest of the steps that were put aside goes on by itself."""
        moments = [parked.wake_at for parked in self._unwound.values() if parked.wake_at]
        return min(moments, default=None)

    def enter(self, step: SteeredStep) -> None:
        """Count a step that begins to work."""
        self._running[step.step_id] = step
        self.busy()

    def leave(self, step: SteeredStep) -> None:
        """Count a step that has ended."""
        del self._running[step.step_id]
        self.idle()

    def busy(self) -> None:
        """Count a step that works again after waiting."""
        self._working += 1
        self._moves += 1

    def idle(self) -> None:
        """Count a step that waits, for something inside it or outside; or that has ended."""
        self._working -= 1
        if not self._working and self._parked:
            loop = asyncio.get_running_loop()
            loop.call_later(self._quiet_s, self._put_aside, self._moves)

    def park(self, step: SteeredStep, *, wake_at: datetime | None, long: bool) -> Parked:
        """Let a step wait. Raises RunSuspended or RunCancelled when nothing is to wait any more."""
        parked = Parked(self, step, wake_at, long)
        if self.cancelled is not None:
            raise RunCancelled(self.cancelled)
        if self.pausing is not None:
            self._unwound[step.step_id] = parked
            raise RunSuspended
        self._parked[step.step_id] = parked
        self.idle()
        return parked

    def unpark(self, parked: Parked) -> None:
        """Count a step that waits no longer, whatever the reason."""
        self._parked.pop(parked.step.step_id, None)
        if not parked.woken:
            self.busy()

    def early_answer(self, step_id: str) -> ApprovalAnswer | None:
        """An answer that was given in this process before the step asked for it."""
        return self._answers.get(step_id)

    def _halt(self, reason: PauseReason) -> None:
        self.pausing = reason
        self.gated = True
        parked, self._parked = self._parked, {}
        self._unwound |= parked
        for waiting in parked.values():
            waiting.stop(RunSuspended())

    def _put_aside(self, moves: int) -> None:
        if self._working or moves != self._moves or not self._parked:
            return
        going_on = self.pausing is None and self.cancelled is None
        if going_on and all(parked.long for parked in self._parked.values()):
            self._halt(PauseReason.WAITING)

    def _update(self) -> None:
        halted = self.cancelled is not None or self.pausing is not None
        self.gated = halted or self._stepping or bool(self._breakpoints)


def _answered(asked: StepEvent, answer: ApprovalAnswer) -> ApprovalAnswered:
    return ApprovalAnswered(
        run_id=asked.run_id,
        node_id=asked.node_id,
        step_id=asked.step_id,
        path=asked.path,
        attempt=asked.attempt,
        data=answer,
    )
