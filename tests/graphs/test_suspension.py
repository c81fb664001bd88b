"""A run is put aside when somebody pauses it, or when all that is left waits; and goes on later."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from graphs.compile import compile_definition
from graphs.definition import Body, Definition, Edge, Node
from graphs.events import (
    ApprovalAnswered,
    ApprovalRequested,
    PauseReason,
    ResumeReason,
    RunCancelled,
    RunCompleted,
    RunPaused,
    StepCancelled,
    StepCompleted,
    StepStarted,
    now,
)
from graphs.node_type import BoundWorkflow, NodeContext, Services
from graphs.nodes.for_each import ForEach
from graphs.registry import registry
from tests.graphs.engine import Execution, Scripted, answer, answered, ask, chain

ASK = Scripted("ask", ask)
ASK.waits = True  # type: ignore[misc]


def bound(definition: Definition, *scripted: Scripted) -> BoundWorkflow:
    types = {**registry(), **{kind.name: kind for kind in scripted}}
    graph = compile_definition(definition, types)
    return BoundWorkflow(workflow_id="w", name="Inner", version=1, graph=graph)


def gapless(execution: Execution) -> bool:
    return [e.seq for e in execution.events] == list(range(1, len(execution.events) + 1))


async def test_a_pause_lets_running_nodes_finish_and_starts_no_other() -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def script(ctx: NodeContext) -> str:
        reached.set()
        await go_on.wait()
        return "finished"

    drawn = chain(Node(id="x", type="x"), Node(id="y", type="merge"))
    execution = Execution(drawn, Scripted("x", script))
    await execution.begin()
    await reached.wait()
    execution.control.pause("ada")
    go_on.set()
    end = await execution.ended()
    assert isinstance(end, RunPaused)
    assert (end.data.reason, end.data.by, end.data.stops) == (PauseReason.PAUSE, "ada", ())
    assert execution.finished() == ["start:completed", "x:completed"]

    rest = execution.next()
    end = await rest.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"y": "finished"}
    assert rest.executed() == ["start", "x", "y"]
    assert gapless(rest)


async def test_a_pause_with_nothing_left_to_do_does_not_pause() -> None:
    def script(ctx: NodeContext) -> None:
        execution.control.pause()

    execution = Execution(chain(Node(id="x", type="x")), Scripted("x", script))
    assert isinstance(await execution.finish(), RunCompleted)


async def test_a_pause_passes_down_into_loops() -> None:
    def script(ctx: NodeContext) -> Any:
        if ctx.prev == 1:
            execution.control.pause()
        return ctx.prev

    body = Body(
        nodes=[Node(id="x", type="x"), Node(id="y", type="merge")],
        edges=[Edge(id="i", source="x", target="y")],
    )
    params = {"items": [0, 1, 2], "max_concurrency": 1}
    loop = Node(id="loop", type="for_each", params=params, body=body)
    execution = Execution(chain(loop), Scripted("x", script))
    assert isinstance(await execution.finish(), RunPaused)
    assert execution.executed() == ["start", "loop", "loop[0]/x", "loop[0]/y", "loop[1]/x"]
    rest = execution.next()
    end = await rest.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"loop": [0, 1, 2]}
    again = rest.executed()[len(execution.executed()) :]
    assert again == ["loop", "loop[1]/y", "loop[2]/x", "loop[2]/y"]


async def test_a_run_that_waits_for_a_person_alone_is_put_aside() -> None:
    execution = Execution(chain(Node(id="ask", type="ask"), Node(id="y", type="merge")), ASK)
    end = await execution.finish()
    assert isinstance(end, RunPaused)
    assert end.data.reason is PauseReason.WAITING
    assert end.data.wake_at is None
    (question,) = execution.of(ApprovalRequested)
    rest = execution.next(ResumeReason.ANSWER, extra=[answered(question, 7)])
    end = await rest.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"y": 7}
    assert len(rest.of(ApprovalRequested)) == 1
    assert len({e.step_id for e in rest.of(StepStarted) if e.node_id == "ask"}) == 1


async def test_taken_up_again_without_an_answer_it_waits_on_and_asks_nothing_twice() -> None:
    first = Execution(chain(Node(id="ask", type="ask")), ASK)
    await first.finish()
    second = first.next(ResumeReason.RESUME)
    assert isinstance(await second.finish(), RunPaused)
    assert len(second.of(ApprovalRequested)) == 1


async def test_an_answer_while_other_branches_work_wakes_its_step() -> None:
    answered_then = asyncio.Event()

    async def slow(ctx: NodeContext) -> str:
        await answered_then.wait()
        await asyncio.sleep(0.1)
        return "slow"

    drawn = Definition(
        nodes=[
            Node(id="start", type="start"),
            Node(id="ask", type="ask"),
            Node(id="slow", type="slow"),
        ],
        edges=[
            Edge(id="1", source="start", target="ask"),
            Edge(id="2", source="start", target="slow"),
        ],
    )
    execution = Execution(drawn, ASK, Scripted("slow", slow))
    await execution.begin()
    question = await execution.until(lambda: next(iter(execution.of(ApprovalRequested)), None))
    await asyncio.sleep(0.1)  # longer than the quiet moment: the other branch keeps the run alive
    assert execution.control.answer(answer(question.step_id, "now"))
    assert not execution.control.answer(answer(question.step_id, "again"))
    answered_then.set()
    end = await execution.ended()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"ask": "now", "slow": "slow"}
    finished = [e.node_id for e in execution.of(StepCompleted)]
    assert finished.index("ask") < finished.index("slow")
    assert len(execution.of(ApprovalAnswered)) == 1


async def test_questions_in_a_loop_are_asked_side_by_side_and_answered_in_any_order() -> None:
    body = Body(nodes=[Node(id="ask", type="ask")])
    loop = Node(id="loop", type="for_each", params={"items": [0, 1, 2]}, body=body)
    execution = Execution(chain(loop), ASK)
    assert isinstance(await execution.finish(), RunPaused)
    for path in ("loop[2]", "loop[0]", "loop[1]"):
        (question,) = [e for e in execution.of(ApprovalRequested) if e.path == path]
        execution = execution.next(ResumeReason.ANSWER, extra=[answered(question, path)])
        end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"loop": ["loop[0]", "loop[1]", "loop[2]"]}
    assert len(execution.of(ApprovalRequested)) == 3


async def test_a_question_within_another_workflow_waits_too() -> None:
    inner = chain(Node(id="ask", type="ask"))
    services = Services(workflows={"w@active": bound(inner, ASK)})
    call = Node(id="call", type="workflow", params={"workflow_id": "w"})
    execution = Execution(chain(call), ASK, services=services)
    assert isinstance(await execution.finish(), RunPaused)
    (question,) = execution.of(ApprovalRequested)
    assert question.path == "call[0]"
    rest = execution.next(ResumeReason.ANSWER, extra=[answered(question, 1)])
    end = await rest.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"call": {"ask": 1}}


@pytest.mark.parametrize("turns", range(8))
async def test_an_answer_in_the_very_moment_of_being_put_aside_is_not_lost(turns: int) -> None:
    """It is taken and the run goes on, or it is refused and the run is paused: never neither."""
    execution = Execution(chain(Node(id="ask", type="ask")), ASK)
    control = execution.control
    halting = asyncio.Event()
    halt = control._halt

    def told(reason: PauseReason) -> None:
        halt(reason)
        halting.set()

    control._halt = told
    await execution.begin()
    await halting.wait()
    (question,) = execution.of(ApprovalRequested)
    for _ in range(turns):
        await asyncio.sleep(0)
    taken = control.answer(answer(question.step_id))
    assert taken or turns
    assert isinstance(await execution.ended(), RunCompleted if taken else RunPaused)
    assert bool(execution.of(RunPaused)) is not taken
    assert gapless(execution)


async def test_an_answer_before_a_taken_up_run_has_reached_the_question() -> None:
    first = Execution(chain(Node(id="ask", type="ask")), ASK)
    await first.finish()
    (question,) = first.of(ApprovalRequested)
    second = first.next()
    await second.begin()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert second.control.answer(answer(question.step_id))
    assert isinstance(await second.ended(), RunCompleted)
    assert not second.control.answer(answer(question.step_id))


async def test_an_answer_for_a_run_that_is_not_here_is_refused() -> None:
    execution = Execution(chain(Node(id="ask", type="ask")), ASK)
    await execution.finish()
    (question,) = execution.of(ApprovalRequested)
    assert not execution.control.answer(answer(question.step_id))


async def test_a_long_wait_is_put_aside_until_its_moment() -> None:
    drawn = chain(Node(id="x", type="wait", params={"duration_ms": 60_000}))
    execution = Execution(drawn)
    end = await execution.finish()
    assert isinstance(end, RunPaused)
    (started,) = [e for e in execution.of(StepStarted) if e.node_id == "x"]
    assert end.data.wake_at is not None
    assert abs(end.data.wake_at - started.at - timedelta(seconds=60)) < timedelta(seconds=1)
    started.at = now() - timedelta(seconds=61)
    assert isinstance(await execution.next(ResumeReason.TIMER).finish(), RunCompleted)


async def test_a_short_wait_beside_a_question_keeps_the_run_alive() -> None:
    drawn = Definition(
        nodes=[
            Node(id="start", type="start"),
            Node(id="ask", type="ask"),
            Node(id="wait", type="wait", params={"duration_ms": 150}),
        ],
        edges=[
            Edge(id="1", source="start", target="ask"),
            Edge(id="2", source="start", target="wait"),
        ],
    )
    execution = Execution(drawn, ASK)
    assert isinstance(await execution.finish(), RunPaused)
    assert "wait:completed" in execution.finished()


async def test_a_pause_does_not_wait_for_steps_that_wait() -> None:
    drawn = chain(Node(id="x", type="wait", params={"duration_ms": 20_000}))
    execution = Execution(drawn)
    await execution.begin()
    await execution.until(lambda: execution.executed() == ["start", "x"])
    await asyncio.sleep(0.01)
    execution.control.pause()
    end = await execution.ended()
    assert isinstance(end, RunPaused)
    assert end.data.reason is PauseReason.PAUSE


async def test_a_step_that_could_go_on_makes_the_run_go_on() -> None:
    """Between two items of a loop nothing seems to work: the run must not be left aside then."""
    body = Body(nodes=[Node(id="x", type="x")])
    params = {"items": [0, 1], "max_concurrency": 1}
    drawn = Definition(
        nodes=[
            Node(id="start", type="start"),
            Node(id="ask", type="ask"),
            Node(id="loop", type="hesitant", params=params, body=body),
        ],
        edges=[
            Edge(id="1", source="start", target="ask"),
            Edge(id="2", source="start", target="loop"),
        ],
    )

    class Hesitant(ForEach):
        """Takes its time before its items, and does not look as if it worked."""

        name = "hesitant"

        async def run(self, params: Any, ctx: Any) -> Any:
            async with ctx._nested():
                await asyncio.sleep(0.2)
            return await super().run(params, ctx)

    hesitant: Any = Hesitant()
    execution = Execution(drawn, ASK, Scripted("x", lambda ctx: ctx.prev), hesitant)
    await execution.begin()
    end = await execution.ended()
    assert isinstance(end, RunPaused)
    assert "loop:completed" in execution.finished()
    assert len(execution.of(RunPaused)) == 1
    assert len(execution.of(ApprovalRequested)) == 1
    assert gapless(execution)


async def test_cancelling_gracefully_cancels_what_waits() -> None:
    execution = Execution(chain(Node(id="ask", type="ask"), Node(id="y", type="merge")), ASK)
    await execution.begin()
    await execution.until(lambda: execution.of(ApprovalRequested))
    execution.control.cancel("enough", graceful=True)
    assert isinstance(await execution.ended(), RunCancelled)
    assert [e.node_id for e in execution.of(StepCancelled)] == ["ask"]
    assert "y:skipped" not in execution.finished()


async def test_a_run_adds_up_how_long_it_was_active() -> None:
    def script(ctx: NodeContext) -> Any:
        execution.control.pause()
        return asyncio.sleep(0.05)

    execution = Execution(
        chain(Node(id="x", type="x"), Node(id="y", type="merge")), Scripted("x", script)
    )
    end = await execution.finish()
    assert isinstance(end, RunPaused)
    assert end.data.active_ms >= 50
    second = await execution.next().finish()
    assert isinstance(second, RunCompleted)
    assert second.data.duration_ms >= end.data.active_ms
