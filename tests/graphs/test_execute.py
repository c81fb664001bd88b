"""What a run does beyond the order of its nodes: failures, retries, limits, cancelling, secrets."""

import asyncio
from datetime import timedelta
from typing import Any

from graphs.compile import compile_definition
from graphs.definition import Body, Definition, Edge, Node, OnError, Retry
from graphs.errors import NodeError
from graphs.events import (
    LlmCompleted,
    LlmToken,
    Log,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepRetrying,
    StepStarted,
    Usage,
    now,
)
from graphs.node_type import Defect, NodeContext, Services
from graphs.step_context import MAX_LINES
from tests.graphs.engine import Execution, Scripted, chain, failing


async def test_a_run_tells_its_story_in_gap_free_events() -> None:
    node = Node(id="greet", type="set_fields", params={"fields": {"text": "Hi {{ input.name }}"}})
    execution = Execution(chain(node), inputs={"name": "Ada"})
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"greet": {"text": "Hi Ada"}}
    assert [event.seq for event in execution.events] == [1, 2, 3, 4, 5, 6]
    assert [type(event) for event in execution.events] == [
        RunStarted,
        StepStarted,
        StepCompleted,
        StepStarted,
        StepCompleted,
        RunCompleted,
    ]
    assert execution.of(RunStarted)[0].data.total == 2


async def test_branches_do_not_wait_for_each_other() -> None:
    chain_is_through = asyncio.Event()

    async def slow(ctx: NodeContext) -> str:
        await asyncio.wait_for(chain_is_through.wait(), 5)
        return "slow"

    def last(ctx: NodeContext) -> str:
        chain_is_through.set()
        return "last"

    nodes = [
        Node(id="start", type="start"),
        Node(id="slow", type="slow"),
        *(Node(id=f"b{index}", type="wait", params={"duration_ms": 0}) for index in range(3)),
        Node(id="last", type="last"),
        Node(id="both", type="merge", params={"mode": "all"}),
    ]
    order = [("start", "slow"), ("start", "b0"), ("b0", "b1"), ("b1", "b2"), ("b2", "last")]
    edges = [
        Edge(id=f"{source}-{target}", source=source, target=target)
        for source, target in [*order, ("slow", "both"), ("last", "both")]
    ]
    execution = Execution(
        Definition(nodes=nodes, edges=edges), Scripted("slow", slow), Scripted("last", last)
    )
    end = await execution.finish()
    assert isinstance(end, RunCompleted), end
    assert end.data.outputs == {"both": {"slow": "slow", "last": "last"}}


def test_the_graph_shows_the_drawing() -> None:
    nodes = [Node(id="start", type="start"), Node(id="a", type="merge"), Node(id="b", type="merge")]
    edges = [
        Edge(id="1", source="start", target="a"),
        Edge(id="2", source="start", target="b"),
        Edge(id="3", source="a", target="b"),
    ]
    drawn = compile_definition(Definition(nodes=nodes, edges=edges)).graph.get_graph()
    assert {(edge.source, edge.target) for edge in drawn.edges} == {
        ("__start__", "start"),
        ("start", "a"),
        ("start", "b"),
        ("a", "b"),
        ("b", "__end__"),
    }


async def test_a_failing_node_is_retried_with_growing_pauses() -> None:
    node = Node(id="x", type="x", retry=Retry(max_attempts=3, delay_ms=1, multiplier=3))
    execution = Execution(chain(node), Scripted("x", failing(2)))
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": {"attempt": 3}}
    retries = execution.of(StepRetrying)
    assert [(event.attempt, event.data.delay_ms) for event in retries] == [(1, 1), (2, 3)]
    assert execution.of(StepCompleted)[-1].attempt == 3


async def test_what_cannot_succeed_is_not_retried() -> None:
    node = Node(id="x", type="x", retry=Retry(max_attempts=3, delay_ms=1))
    execution = Execution(chain(node), Scripted("x", failing(9, "wrong key", retryable=False)))
    end = await execution.finish()
    assert isinstance(end, RunFailed)
    assert (end.data.error.node_id, end.data.error.message) == ("x", "wrong key")
    assert not execution.of(StepRetrying)


async def test_an_independent_branch_finishes_after_a_failure() -> None:
    nodes = [
        Node(id="start", type="start"),
        Node(id="bad", type="bad"),
        Node(id="after", type="merge"),
        Node(id="good", type="template", params={"text": "done"}),
    ]
    edges = [
        Edge(id="1", source="start", target="bad"),
        Edge(id="2", source="bad", target="after"),
        Edge(id="3", source="start", target="good"),
    ]
    execution = Execution(
        Definition(nodes=nodes, edges=edges), Scripted("bad", failing(1, "stop here"))
    )
    end = await execution.finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.message == "stop here"
    assert set(execution.finished()) == {
        "start:completed",
        "bad:failed",
        "after:skipped",
        "good:completed",
    }
    (skipped,) = [event for event in execution.events if event.__class__.__name__ == "StepSkipped"]
    assert skipped.data.reason == "upstream_failed"


async def test_on_error_turns_a_failure_into_data() -> None:
    for on_error, port in ((OnError.CONTINUE, "out"), (OnError.ERROR, "error")):
        bad = Node(id="bad", type="bad", on_error=on_error)
        shown = Node(id="shown", type="template", params={"text": "{{ prev.error.message }}"})
        drawn = chain(bad, shown)
        drawn.edges[-1] = Edge(id="e", source="bad", source_port=port, target="shown")
        execution = Execution(drawn, Scripted("bad", failing(1, "broken")))
        end = await execution.finish()
        assert isinstance(end, RunCompleted)
        completed = {event.node_id: event.data for event in execution.of(StepCompleted)}
        assert completed["bad"].ports == (port,)
        assert completed["bad"].error.message == "broken"
        assert "broken" in str(completed["shown"].output)


async def test_a_step_over_its_time_limit_fails_by_name() -> None:
    node = Node(id="x", type="x", timeout_ms=20)
    execution = Execution(chain(node), Scripted("x", lambda ctx: asyncio.sleep(30)))
    end = await execution.finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "node_timeout"
    assert "20 ms" in end.data.error.message


async def test_outputs_that_cannot_be_stored_fail_their_step() -> None:
    for value, words in ((object(), "JSON"), ("x" * 105_000_000, "at most")):
        execution = Execution(
            chain(Node(id="x", type="x")), Scripted("x", lambda ctx, value=value: value)
        )
        end = await execution.finish()
        assert isinstance(end, RunFailed)
        assert words in end.data.error.message


async def test_a_bug_of_a_node_is_told_the_server_and_not_tried_again() -> None:
    def script(ctx: NodeContext) -> Any:
        return {}[ctx.services.secrets["KEY"]]

    heard: list[Defect] = []
    services = Services(secrets={"KEY": "pass-word"}, on_defect=heard.append)
    node = Node(id="x", type="x", retry=Retry(max_attempts=3, delay_ms=1))
    execution = Execution(chain(node), Scripted("x", script), services=services)
    end = await execution.finish()
    assert isinstance(end, RunFailed)
    [defect] = heard
    assert end.data.error.code == "node_defect"
    assert "node type 'x'" in end.data.error.message
    assert defect.reference in end.data.error.message
    assert "KeyError" not in str(execution.events)
    assert "KeyError" in defect.trace
    assert "in script" in defect.trace
    assert "pass-word" not in defect.trace
    assert defect.node_id == "x"


async def test_a_step_cannot_fill_the_journal_with_its_log() -> None:
    def script(ctx: NodeContext) -> Any:
        for number in range(5000):
            ctx.log(f"line {number}")
        ctx.log("x" * 100_000)

    execution = Execution(chain(Node(id="x", type="x")), Scripted("x", script))
    await execution.finish()
    lines = execution.of(Log)
    assert len(lines) == MAX_LINES + 1
    assert lines[-1].data.level == "warning"
    assert "1,000" in lines[-1].data.message


async def test_a_connection_that_dies_does_not_look_like_a_cancelled_run() -> None:
    def script(ctx: NodeContext) -> Any:
        raise asyncio.CancelledError

    end = await Execution(chain(Node(id="x", type="x")), Scripted("x", script)).finish()
    assert isinstance(end, RunFailed)
    assert "connection" in end.data.error.message


async def test_cancelling_stops_running_steps_and_starts_no_other() -> None:
    reached = asyncio.Event()

    async def script(ctx: NodeContext) -> None:
        reached.set()
        await asyncio.sleep(30)

    drawn = chain(Node(id="x", type="x"), Node(id="y", type="merge"))
    execution = Execution(drawn, Scripted("x", script))
    task = asyncio.create_task(execution.finish())
    await reached.wait()
    execution.control.cancel("wrong city")
    end = await task
    assert isinstance(end, RunCancelled)
    assert end.data.reason == "wrong city"
    assert [event.node_id for event in execution.of(StepCancelled)] == ["x"]
    assert not [event for event in execution.of(StepStarted) if event.node_id == "y"]


async def test_cancelling_gracefully_lets_running_steps_finish() -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def script(ctx: NodeContext) -> str:
        reached.set()
        await go_on.wait()
        return "finished"

    drawn = chain(Node(id="x", type="x"), Node(id="y", type="merge"))
    execution = Execution(drawn, Scripted("x", script))
    task = asyncio.create_task(execution.finish())
    await reached.wait()
    execution.control.cancel("enough", graceful=True)
    go_on.set()
    assert isinstance(await task, RunCancelled)
    assert execution.finished() == ["start:completed", "x:completed"]


async def test_cancelling_gracefully_inside_a_loop_cancels_the_container() -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def script(ctx: NodeContext) -> str:
        reached.set()
        await go_on.wait()
        return "finished"

    body = Body(
        nodes=[Node(id="x", type="x"), Node(id="y", type="merge")],
        edges=[Edge(id="i", source="x", target="y")],
    )
    loop = Node(id="loop", type="for_each", params={"items": [1], "max_concurrency": 1}, body=body)
    execution = Execution(chain(loop), Scripted("x", script))
    task = asyncio.create_task(execution.finish())
    await reached.wait()
    execution.control.cancel("enough", graceful=True)
    go_on.set()
    assert isinstance(await task, RunCancelled)
    assert "x:completed" in execution.finished()
    assert execution.finished()[-1] == "loop:cancelled"


async def test_stopping_the_process_records_no_end() -> None:
    reached = asyncio.Event()

    async def script(ctx: NodeContext) -> None:
        reached.set()
        await asyncio.sleep(30)

    execution = Execution(chain(Node(id="x", type="x")), Scripted("x", script))
    task = asyncio.create_task(execution.finish())
    await reached.wait()
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    assert execution.finished() == ["start:completed"]


async def test_a_started_step_keeps_its_identity_in_the_next_process() -> None:
    keys: list[str] = []
    drawn = chain(Node(id="x", type="x"))
    script = Scripted("x", lambda ctx: keys.append(ctx.idempotency_key))
    first = Execution(drawn, script)
    await first.finish()
    until = next(i for i, e in enumerate(first.events) if getattr(e, "node_id", "") == "x")
    second = Execution(drawn, script, earlier=first.events[: until + 1])
    await second.finish()
    steps = {event.step_id for event in second.of(StepStarted) if event.node_id == "x"}
    assert len(steps) == 1
    assert second.of(StepStarted)[-1].data.recovered
    assert keys == ["run:x", "run:x"]


async def test_a_wait_goes_on_where_the_dead_process_left_it() -> None:
    drawn = chain(Node(id="x", type="wait", params={"duration_ms": 3_600_000}))
    hour_ago = now() - timedelta(hours=1)
    before = StepStarted(run_id="run", node_id="x", step_id="s", at=hour_ago, seq=1)
    execution = Execution(drawn, earlier=[before])
    end = await asyncio.wait_for(execution.finish(), 5)
    assert isinstance(end, RunCompleted)


async def test_a_disabled_node_passes_on_what_arrives() -> None:
    off = Node(id="off", type="template", params={"text": "never"}, disabled=True)
    execution = Execution(chain(off, Node(id="end", type="end")), inputs={"a": 1})
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"a": 1}
    assert execution.finished()[1] == "off:skipped"


async def test_secrets_never_reach_outputs_errors_or_logs() -> None:
    secret = 'pa"ss-word'

    def leak(ctx: NodeContext) -> Any:
        ctx.log(f"calling with {ctx.services.secrets['KEY']}")
        if ctx.node_id == "y":
            raise NodeError(f"401 for {secret}")
        return {"echo": ctx.services.secrets["KEY"]}

    drawn = chain(Node(id="x", type="x"), Node(id="y", type="x"))
    execution = Execution(drawn, Scripted("x", leak), services=Services(secrets={"KEY": secret}))
    end = await execution.finish()
    assert isinstance(end, RunFailed)
    assert "pa" + '"ss' not in str(execution.events)
    assert len(execution.of(Log)) == 2
    assert "•••" in str(execution.of(StepFailed)[0].data.error.message)


async def test_tokens_are_shown_and_not_kept_and_usage_adds_up() -> None:
    def script(ctx: NodeContext) -> str:
        for word in ("Hello ", "world"):
            ctx.token(word)
        ctx.llm_completed("m", Usage(3, 2, "0.01"), 5)
        ctx.llm_completed("m", Usage(1, 1, "0.02"), 5)
        return "Hello world"

    execution = Execution(chain(Node(id="x", type="x")), Scripted("x", script))
    await execution.finish()
    tokens = [event for event in execution.seen if isinstance(event, LlmToken)]
    assert [token.data.text for token in tokens] == ["Hello ", "world"]
    assert all(token.seq is None for token in tokens)
    assert not execution.of(LlmToken)
    assert len(execution.of(LlmCompleted)) == 2
    assert execution.of(StepCompleted)[-1].data.usage == Usage(4, 3, "0.03")
