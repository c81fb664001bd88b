"""A failed or cancelled run goes on from what has finished, in as many processes as it takes."""

import asyncio
from typing import Any

from graphs.definition import Body, Definition, Edge, Node, OnError, Retry
from graphs.errors import NodeError
from graphs.events import (
    ApprovalRequested,
    ResumeReason,
    RunCancelled,
    RunCompleted,
    RunFailed,
    StepCompleted,
    StepRetrying,
    StepStarted,
)
from graphs.node_type import NodeContext
from tests.graphs.engine import Execution, Scripted, answered, chain, failing
from tests.graphs.test_suspension import ASK


class Flaky:
    """A script that fails until it is repaired, and counts its calls by path."""

    def __init__(self) -> None:
        self.broken = True
        self.calls: list[str] = []

    def __call__(self, ctx: NodeContext) -> Any:
        self.calls.append(str(ctx.prev))
        if self.broken:
            raise NodeError("broken")
        return "repaired"


async def test_a_retry_executes_what_failed_and_what_it_held_up() -> None:
    flaky = Flaky()
    nodes = [Node(id="start", type="start"), Node(id="bad", type="bad")]
    nodes += [Node(id=name, type="merge") for name in ("after", "last", "good")]
    pairs = [("start", "bad"), ("bad", "after"), ("after", "last"), ("start", "good")]
    edges = [Edge(id=f"{a}{b}", source=a, target=b) for a, b in pairs]
    first = Execution(Definition(nodes=nodes, edges=edges), Scripted("bad", flaky))
    assert isinstance(await first.finish(), RunFailed)
    assert first.executed() == ["start", "bad", "good"]
    flaky.broken = False
    second = first.next(ResumeReason.RETRY)
    end = await second.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"last": "repaired", "good": {}}
    assert second.executed() == ["start", "bad", "good", "bad", "after", "last"]
    bad = [event for event in second.of(StepStarted) if event.node_id == "bad"]
    assert [event.attempt for event in bad] == [1, 2]
    assert bad[0].step_id != bad[1].step_id
    assert not bad[1].data.recovered


async def test_a_retry_has_all_its_attempts_again() -> None:
    node = Node(id="x", type="x", retry=Retry(max_attempts=2, delay_ms=1))
    first = Execution(chain(node), Scripted("x", failing(3)))
    assert isinstance(await first.finish(), RunFailed)
    second = first.next(ResumeReason.RETRY)
    end = await second.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": {"attempt": 4}}
    assert [event.attempt for event in second.of(StepRetrying)] == [1, 3]
    assert {event.data.delay_ms for event in second.of(StepRetrying)} == {1}


async def test_a_retried_loop_executes_only_the_items_that_failed() -> None:
    flaky, fine = Flaky(), []

    def script(ctx: NodeContext) -> Any:
        if ctx.prev == 1:
            return flaky(ctx)
        fine.append(ctx.prev)
        return "fine"

    body = Body(nodes=[Node(id="x", type="x")])
    params = {"items": [0, 1, 2], "max_concurrency": 3}
    loop = Node(id="loop", type="for_each", params=params, body=body)
    first = Execution(chain(loop), Scripted("x", script))
    assert isinstance(await first.finish(), RunFailed)
    flaky.broken = False
    end = await first.next(ResumeReason.RETRY).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"loop": ["fine", "repaired", "fine"]}
    assert sorted(fine) == [0, 2]


async def test_an_error_that_became_data_stays() -> None:
    flaky, other = Flaky(), Flaky()
    nodes = [Node(id="start", type="start"), Node(id="a", type="a", on_error=OnError.CONTINUE)]
    nodes += [Node(id="b", type="b")]
    pairs = [("start", "a"), ("a", "b")]
    edges = [Edge(id=f"{a}{b}", source=a, target=b) for a, b in pairs]
    drawn = Definition(nodes=nodes, edges=edges)
    first = Execution(drawn, Scripted("a", flaky), Scripted("b", other))
    assert isinstance(await first.finish(), RunFailed)
    flaky.broken = other.broken = False
    assert isinstance(await first.next(ResumeReason.RETRY).finish(), RunCompleted)
    assert len(flaky.calls) == 1
    assert len(other.calls) == 2


async def test_a_cancelled_run_can_be_retried() -> None:
    calls: list[int] = []

    async def script(ctx: NodeContext) -> str:
        calls.append(ctx.attempt)
        await asyncio.sleep(30 if ctx.attempt == 1 else 0)
        return "done"

    drawn = chain(Node(id="x", type="x"), Node(id="y", type="merge"))
    first = Execution(drawn, Scripted("x", script))
    await first.begin()
    await first.until(lambda: calls)
    first.control.cancel("wrong")
    assert isinstance(await first.ended(), RunCancelled)
    end = await first.next(ResumeReason.RETRY).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"y": "done"}


async def test_after_a_retry_the_question_is_a_new_one() -> None:
    first = Execution(chain(Node(id="ask", type="ask")), ASK)
    await first.begin()
    question = await first.until(lambda: next(iter(first.of(ApprovalRequested)), None))
    first.control.cancel("not now")
    await first.ended()
    second = first.next(ResumeReason.RETRY)
    await second.finish()
    asked = second.of(ApprovalRequested)
    assert len(asked) == 2
    assert asked[1].step_id != question.step_id
    end = await second.next(ResumeReason.ANSWER, extra=[answered(asked[1], 1)]).finish()
    assert isinstance(end, RunCompleted)


async def test_attempts_count_on_in_the_next_process() -> None:
    node = Node(id="x", type="x", retry=Retry(max_attempts=3, delay_ms=1))
    first = Execution(chain(node), Scripted("x", failing(2)))
    await first.finish()
    retrying = first.of(StepRetrying)[1]
    second = Execution(chain(node), Scripted("x", failing(9)), earlier=first.events[: retrying.seq])
    end = await second.finish()
    assert isinstance(end, RunFailed)
    assert second.of(StepStarted)[-1].attempt == 3
    assert len(second.of(StepRetrying)) == 2


async def test_the_key_of_a_step_is_the_same_for_all_its_attempts() -> None:
    keys: list[str] = []

    def script(ctx: NodeContext) -> None:
        keys.append(ctx.idempotency_key)
        raise NodeError("no")

    node = Node(id="x", type="x", retry=Retry(max_attempts=2, delay_ms=1))
    first = Execution(chain(node), Scripted("x", script))
    await first.finish()
    await first.next(ResumeReason.RETRY).finish()
    assert keys == ["run:x"] * 4


async def test_nothing_finished_is_executed_twice_after_many_retries() -> None:
    left = [5]

    def script(ctx: NodeContext) -> str:
        left[0] -= 1
        if left[0]:
            raise NodeError("not yet")
        return "done"

    execution = Execution(
        chain(Node(id="a", type="merge"), Node(id="x", type="x")), Scripted("x", script)
    )
    while not isinstance(await execution.finish(), RunCompleted):
        execution = execution.next(ResumeReason.RETRY)
    assert [event.node_id for event in execution.of(StepCompleted)] == ["start", "a", "x"]


async def test_a_server_s_wish_to_wait_is_respected() -> None:
    def script(ctx: NodeContext) -> str:
        if ctx.attempt == 1:
            raise NodeError("busy", retry_after_ms=40)
        return "done"

    node = Node(id="x", type="x", retry=Retry(max_attempts=2, delay_ms=1))
    execution = Execution(chain(node), Scripted("x", script))
    assert isinstance(await execution.finish(), RunCompleted)
    assert execution.of(StepRetrying)[0].data.delay_ms == 40


async def test_nobody_can_ask_for_more_than_five_minutes() -> None:
    def script(ctx: NodeContext) -> None:
        raise NodeError("busy", retry_after_ms=86_400_000)

    node = Node(id="x", type="x", retry=Retry(max_attempts=2, delay_ms=1))
    execution = Execution(chain(node), Scripted("x", script))
    await execution.begin()
    (event,) = await execution.until(lambda: execution.of(StepRetrying))
    execution.control.cancel("enough")
    await execution.ended()
    assert event.data.delay_ms == 300_000
