"""One step is cancelled alone: it fails, and the run goes on as its node says."""

import asyncio
from typing import Any

import pytest

from graphs.definition import Body, Node, OnError, Retry
from graphs.events import (
    ApprovalRequested,
    ResumeReason,
    RunCompleted,
    RunFailed,
    RunPaused,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetrying,
)
from graphs.node_type import NodeContext
from tests.graphs.engine import Execution, Scripted, answered, chain, failing
from tests.graphs.engine import ask as ask_script
from tests.graphs.test_suspension import ASK


async def hang(ctx: NodeContext) -> None:
    await asyncio.sleep(30)


async def swallow(ctx: NodeContext) -> str:
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        return "went on regardless"
    return "never"


async def cancelled(execution: Execution, node_id: str = "x") -> Any:
    await execution.begin()
    await execution.until(lambda: node_id in [e.rpartition("/")[2] for e in execution.executed()])
    await asyncio.sleep(0.01)
    (step,) = [e for e in execution.events if getattr(e, "node_id", "") == node_id][:1]
    assert execution.control.cancel_step(step.step_id, "ada")  # type: ignore[union-attr]
    return await execution.ended()


@pytest.mark.parametrize("script", [hang, swallow])
async def test_a_cancelled_step_fails_its_run(script: Any) -> None:
    drawn = chain(Node(id="x", type="x"), Node(id="y", type="merge"))
    execution = Execution(drawn, Scripted("x", script))
    end = await cancelled(execution)
    assert isinstance(end, RunFailed)
    assert (end.data.error.code, end.data.error.node_id) == ("step_cancelled", "x")
    assert "ada" in end.data.error.message
    (event,) = execution.of(StepCancelled)
    assert event.data.error.code == "step_cancelled"
    assert execution.finished()[1:] == ["x:cancelled", "y:skipped"]


@pytest.mark.parametrize(
    ("on_error", "port"), [(OnError.CONTINUE, ("out",)), (OnError.ERROR, ("error",))]
)
async def test_a_cancelled_step_may_be_data(on_error: OnError, port: tuple[str, ...]) -> None:
    execution = Execution(chain(Node(id="x", type="x", on_error=on_error)), Scripted("x", hang))
    assert isinstance(await cancelled(execution), RunCompleted)
    completed = execution.of(StepCompleted)[-1]
    assert completed.data.ports == port
    assert completed.data.error.code == "step_cancelled"
    assert not execution.of(StepFailed, StepCancelled)


async def test_cancelling_ends_the_pause_before_another_attempt() -> None:
    node = Node(id="x", type="x", retry=Retry(max_attempts=5, delay_ms=30_000))
    execution = Execution(chain(node), Scripted("x", failing(9)))
    assert isinstance(await cancelled(execution), RunFailed)
    assert len(execution.of(StepRetrying)) == 1


async def test_cancelling_a_loop_stops_what_it_executes() -> None:
    body = Body(nodes=[Node(id="x", type="x")])
    loop = Node(id="loop", type="for_each", params={"items": [1, 2]}, body=body)
    execution = Execution(chain(loop), Scripted("x", hang))
    assert isinstance(await cancelled(execution, "loop"), RunFailed)
    ends = {(e.path, e.node_id): e.data.error for e in execution.of(StepCancelled)}
    assert set(ends) == {("loop[0]", "x"), ("loop[1]", "x"), (None, "loop")}
    assert ends[("loop[0]", "x")] is None
    assert ends[(None, "loop")].code == "step_cancelled"


async def test_a_step_inside_a_loop_fails_its_item_alone() -> None:
    def script(ctx: NodeContext) -> Any:
        return hang(ctx) if ctx.prev == 1 else ctx.prev

    params = {"items": [0, 1, 2], "on_item_error": "skip"}
    body = Body(nodes=[Node(id="x", type="x")])
    execution = Execution(
        chain(Node(id="loop", type="for_each", params=params, body=body)), Scripted("x", script)
    )
    await execution.begin()
    await execution.until(lambda: len(execution.of(StepCompleted)) == 3)
    (step,) = [e for e in execution.events if getattr(e, "path", "") == "loop[1]"]
    assert execution.control.cancel_step(step.step_id)  # type: ignore[union-attr]
    end = await execution.ended()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"loop": [0, 2]}


async def test_a_step_that_waits_for_a_person_can_be_cancelled() -> None:
    execution = Execution(chain(Node(id="x", type="ask")), Scripted("ask", ask_script))
    end = await cancelled(execution)
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "step_cancelled"


async def test_a_step_of_a_run_put_aside_is_cancelled_when_it_goes_on() -> None:
    first = Execution(chain(Node(id="x", type="ask")), ASK)
    assert isinstance(await first.finish(), RunPaused)
    (question,) = first.of(ApprovalRequested)
    second = first.next()
    assert not second.control.cancel_step(question.step_id)
    end = await second.finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "step_cancelled"
    third = second.next(ResumeReason.RETRY, extra=[answered(question)])
    assert isinstance(await third.finish(), RunPaused)
    assert len(third.of(ApprovalRequested)) == 2


async def test_a_step_that_has_ended_cannot_be_cancelled() -> None:
    execution = Execution(chain(Node(id="y", type="merge")))
    await execution.finish()
    step = execution.of(StepCompleted)[-1]
    assert not execution.control.cancel_step(step.step_id)


async def test_what_fails_because_a_step_in_it_was_cancelled_was_not_cancelled_itself() -> None:
    body = Body(nodes=[Node(id="x", type="x")])
    loop = Node(id="loop", type="for_each", params={"items": [0]}, body=body)
    execution = Execution(chain(loop), Scripted("x", hang))
    end = await cancelled(execution)
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "step_cancelled"
    assert execution.finished()[1:] == ["x:cancelled", "loop:failed"]
