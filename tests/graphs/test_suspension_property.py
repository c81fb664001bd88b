"""Random graphs that are paused, stepped through, asked, answered, cut off and retried at random.

Whatever happens to a run on its way, it comes to what the reference says, step by step the same.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from graphs import control as control_module
from graphs.compile import CompiledGraph, compile_definition
from graphs.events import (
    AnswerSource,
    ApprovalAnswer,
    ApprovalAnswered,
    ApprovalRequested,
    PauseReason,
    ResumeReason,
    RunEvent,
    RunFailed,
    RunPaused,
    RunResumed,
    RunResumedData,
    StepCompleted,
    StepStarted,
)
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Services
from graphs.recorded import step_key
from graphs.run_options import RunConfig, RunMode, RunOptions
from graphs.scope import RunControl
from tests.graphs.random_graphs import TYPES, check, fates, random_definition
from tests.graphs.reference import interpret

FULL = RunOptions()
STEPS = 3_000
"""More pauses than any of these runs has steps: it does not come to its end."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "QUIET_S", 0.001)


class Process:
    """One process that executes a run for a while."""

    def __init__(
        self, graph: CompiledGraph, earlier: Iterable[RunEvent], options: RunOptions
    ) -> None:
        self.control = RunControl()
        self.graph = graph
        self.options = options
        self.watch: Callable[[RunEvent], None] = lambda event: None
        self.journal = MemoryJournal(earlier, watch=lambda event: self.watch(event))

    async def work(self) -> RunEvent:
        return await run(
            self.graph,
            run_id="r",
            inputs={},
            journal=self.journal,
            services=Services(),
            control=self.control,
            options=self.options,
        )

    def then(self, *events: RunEvent) -> list[RunEvent]:
        """The events for the next process, with what happened in between."""
        for event in events:
            self.journal.append(event)
        return self.journal.events


def resumed(reason: ResumeReason) -> RunResumed:
    return RunResumed(run_id="r", data=RunResumedData(reason))


def answer(question: ApprovalRequested) -> ApprovalAnswer:
    return ApprovalAnswer(
        approval_id=question.step_id, source=AnswerSource.PERSON, answer=question.step_id
    )


def answered(question: ApprovalRequested) -> ApprovalAnswered:
    return ApprovalAnswered(
        run_id="r",
        node_id=question.node_id,
        step_id=question.step_id,
        path=question.path,
        data=answer(question),
    )


def open_questions(events: Iterable[RunEvent]) -> list[ApprovalRequested]:
    events = list(events)
    done = {event.step_id for event in events if isinstance(event, ApprovalAnswered)}
    asked = [event for event in events if isinstance(event, ApprovalRequested)]
    assert len({event.step_id for event in asked}) == len(asked), "asked twice"
    return [event for event in asked if event.step_id not in done]


@pytest.mark.parametrize("most", [None, 1, 3])
async def test_paused_and_cut_off_at_random_moments(most: int | None) -> None:
    seen: Counter[str] = Counter()
    options = RunOptions(config=RunConfig(max_concurrency=most))
    for seed in range(60):
        rng = random.Random(seed)
        definition = random_definition(seed)
        graph = compile_definition(definition, TYPES)
        events: list[RunEvent] = []
        for _ in range(STEPS):
            process = Process(graph, events, options)
            left = rng.randint(2, 12)

            def pause(_: RunEvent, process: Process = process, left: list[int] = [left]) -> None:  # noqa: B006
                left[0] -= 1
                if left[0] == 0:
                    process.control.pause()

            process.watch = pause
            end = await process.work()
            seen[type(end).__name__] += 1
            if not isinstance(end, RunPaused):
                break
            assert end.data.reason is PauseReason.PAUSE
            events = process.journal.events
            if rng.random() < 0.3:
                cut = rng.randint(len(events) // 2, len(events) - 1)
                events = events[:cut]
                seen["cut"] += 1
            else:
                events = process.then(resumed(ResumeReason.RESUME))
        check(process.journal.events, interpret(definition, {}), f"seed {seed}")
    assert seen["RunPaused"] > 60, seen
    assert seen["RunFailed"] > 10, seen
    assert seen["cut"] > 20, seen


async def test_stepping_from_the_first_node_to_the_end() -> None:
    steps = 0
    options = RunOptions(mode=RunMode.DEBUG)
    for seed in range(60):
        definition = random_definition(seed)
        graph = compile_definition(definition, TYPES)
        events: list[RunEvent] = []
        for _ in range(STEPS):
            process = Process(graph, events, options)
            before = len(events)
            end = await process.work()
            began = [
                event
                for event in process.journal.events[before:]
                if isinstance(event, StepStarted) and not event.data.recovered
            ]
            assert len(began) <= 1, f"seed {seed}: {began}"
            steps += len(began)
            if not isinstance(end, RunPaused):
                break
            assert end.data.reason is PauseReason.BREAKPOINT
            assert end.data.stops
            events = process.then(resumed(ResumeReason.STEP))
        check(process.journal.events, interpret(definition, {}), f"seed {seed}")
    assert steps > 300


async def test_questions_answered_in_any_order_at_any_time() -> None:
    seen: Counter[str] = Counter()
    for seed in range(120):
        rng = random.Random(seed)
        definition = random_definition(seed, asking=0.3)
        graph = compile_definition(definition, TYPES)
        events: list[RunEvent] = []
        for _ in range(STEPS):
            process = Process(graph, events, FULL)

            def perhaps(
                event: RunEvent, process: Process = process, rng: random.Random = rng
            ) -> None:
                if isinstance(event, ApprovalRequested) and rng.random() < 0.5:
                    delay_s = rng.choice([0, 0, 0.001, 0.002])
                    asyncio.get_running_loop().call_later(delay_s, give, process, event)

            def give(process: Process, event: ApprovalRequested) -> None:
                seen["taken" if process.control.answer(answer(event)) else "too late"] += 1

            process.watch = perhaps
            end = await process.work()
            if not isinstance(end, RunPaused):
                break
            assert end.data.reason is PauseReason.WAITING
            questions = open_questions(process.journal.events)
            assert questions, f"seed {seed}: nothing to wait for"
            chosen = rng.sample(questions, rng.randint(0, len(questions)))
            seen["while aside"] += len(chosen)
            given = [answered(question) for question in chosen]
            events = process.then(*given, resumed(ResumeReason.ANSWER))
        check(process.journal.events, interpret(definition, {}), f"seed {seed}")
        assert not open_questions(process.journal.events)
        seen[type(end).__name__] += 1
    assert min(seen["taken"], seen["while aside"], seen["RunCompleted"]) > 30, seen


async def test_retries_execute_nothing_twice_that_has_finished() -> None:
    retried = 0
    for seed in range(120):
        definition = random_definition(seed)
        graph = compile_definition(definition, TYPES)
        first = Process(graph, [], FULL)
        if not isinstance(await first.work(), RunFailed):
            continue
        before = [step_key(e) for e in first.journal.events if isinstance(e, StepCompleted)]
        expected = fates(first.journal.events)
        second = Process(graph, first.then(resumed(ResumeReason.RETRY)), FULL)
        end = await second.work()
        # the same nodes fail again: everything comes out as it was
        assert isinstance(end, RunFailed), f"seed {seed}"
        assert fates(second.journal.events) == expected, f"seed {seed}"
        after = [step_key(e) for e in second.journal.events if isinstance(e, StepCompleted)]
        assert after == before, f"seed {seed}"
        retried += 1
    assert retried > 20
