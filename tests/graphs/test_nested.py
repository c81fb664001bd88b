"""Steps within steps: other workflows, and parts of a node that are recorded one by one."""

import asyncio
from decimal import Decimal
from typing import Any

from graphs.compile import compile_definition
from graphs.definition import Definition, Node, OnError, Retry
from graphs.errors import NodeError
from graphs.events import (
    ApprovalRequested,
    LlmCompleted,
    ResumeReason,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepStarted,
    Usage,
)
from graphs.node_type import BoundWorkflow, NodeContext, Price, Services
from tests.graphs.engine import Execution, Scripted, answered, ask, chain
from tests.graphs.test_suspension import bound

CALL = Node(id="call", type="workflow", params={"workflow_id": "w", "inputs": {"n": 2}})


def greeting() -> Definition:
    shown = Node(
        id="shown", name="Shown", type="template", params={"text": "{{ vars.hi }} {{ input.n }}"}
    )
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "m": {"default": 5}}}
    line = chain(
        shown, Node(id="end", type="end", params={"output": "{{ steps.shown.text }} {{ input.m }}"})
    )
    return Definition(inputs=schema, variables={"hi": "hello"}, nodes=line.nodes, edges=line.edges)


async def test_another_workflow_runs_with_its_own_inputs_and_variables() -> None:
    services = Services(workflows={"w@active": bound(greeting())})
    execution = Execution(chain(CALL), services=services, inputs={"n": "outer"})
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"call": "hello 2 5"}
    steps = {(e.path, e.node_id): e.data for e in execution.of(StepStarted)}
    assert list(steps) == [
        (None, "start"),
        (None, "call"),
        ("call[0]", "start"),
        ("call[0]", "shown"),
        ("call[0]", "end"),
    ]
    shown = steps[("call[0]", "shown")]
    assert (shown.node_type, shown.name) == ("template", "Shown")
    assert steps[(None, "call")].node_type is None


async def test_inputs_that_do_not_fit_fail_the_node() -> None:
    services = Services(workflows={"w@active": bound(greeting())})
    bad = Node(id="call", type="workflow", params={"workflow_id": "w", "inputs": {"n": "x"}})
    end = await Execution(chain(bad), services=services).finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "input_invalid"
    assert "'n'" in end.data.error.message


async def test_a_failure_inside_names_the_workflow_and_the_node() -> None:
    inner = chain(Node(id="bad", type="fail", params={"message": "no luck"}))
    services = Services(workflows={"w@2": bound(inner)})
    call = Node(id="call", type="workflow", params={"workflow_id": "w", "version": 2})
    end = await Execution(chain(call), services=services).finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "failed_by_workflow"
    assert end.data.error.message == "workflow 'Inner', node 'bad': no luck"


async def test_a_workflow_that_was_not_bound_says_so() -> None:
    end = await Execution(chain(CALL)).finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "workflow_not_bound"


async def test_workflows_that_call_one_another_without_end_are_stopped() -> None:
    workflows: dict[str, BoundWorkflow] = {}
    call = Node(id="call", type="workflow", params={"workflow_id": "w"})
    workflows["w@active"] = BoundWorkflow(
        workflow_id="w", name="Loop", version=1, graph=compile_definition(chain(call))
    )
    execution = Execution(chain(call), services=Services(workflows=workflows))
    end = await execution.finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "recursion_limit"
    deepest = max((event.path or "").count("/") for event in execution.of(StepStarted))
    assert deepest == 15


async def test_cancelling_passes_down() -> None:
    reached = asyncio.Event()

    async def script(ctx: NodeContext) -> None:
        reached.set()
        await asyncio.sleep(30)

    slow = Scripted("slow", script)
    services = Services(workflows={"w@active": bound(chain(Node(id="x", type="slow")), slow)})
    execution = Execution(chain(CALL), slow, services=services)
    await execution.begin()
    await reached.wait()
    execution.control.cancel("enough")
    assert isinstance(await execution.ended(), RunCancelled)
    assert {(e.path, e.node_id) for e in execution.of(StepCancelled)} == {
        ("call[0]", "x"),
        (None, "call"),
    }


async def test_a_retried_call_executes_only_what_failed() -> None:
    state = {"broken": True}
    calls: list[str] = []

    def script(ctx: NodeContext) -> str:
        calls.append(ctx.node_id)
        if ctx.node_id == "b" and state["broken"]:
            raise NodeError("broken")
        return ctx.node_id

    x = Scripted("x", script)
    inner = chain(Node(id="a", type="x"), Node(id="b", type="x"))
    services = Services(workflows={"w@active": bound(inner, x)})
    first = Execution(chain(CALL), x, services=services)
    assert isinstance(await first.finish(), RunFailed)
    state["broken"] = False
    assert isinstance(await first.next(ResumeReason.RETRY).finish(), RunCompleted)
    assert calls == ["a", "b", "b"]


def parts(*names: str, calls: list[str], fail: str = "") -> Any:
    """A script whose node has these parts."""

    async def script(ctx: NodeContext) -> Any:
        outputs = []
        for visit, name in enumerate(names):

            async def work(inner: NodeContext, name: str = name) -> Any:
                calls.append(name)
                inner.llm_completed("m", Usage(1_000_000, 500_000), 1)
                if name == fail:
                    raise NodeError("broke")
                return {"part": name}

            outputs.append(await ctx.inner_step(name, visit, None, work))
        return outputs

    return script


PRICES = {"m": Price(input_usd=Decimal("2.5"), output_usd=Decimal("0.1"))}


async def test_parts_of_a_node_are_steps_with_their_own_usage() -> None:
    calls: list[str] = []
    execution = Execution(
        chain(Node(id="x", type="x")),
        Scripted("x", parts("plan", "act", calls=calls)),
        services=Services(prices=PRICES),
    )
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": [{"part": "plan"}, {"part": "act"}]}
    inner = {(e.path, e.node_id): e.data for e in execution.of(StepCompleted) if e.path}
    assert set(inner) == {("x[0]", "plan"), ("x[1]", "act")}
    assert inner[("x[0]", "plan")].usage == Usage(1_000_000, 500_000, "2.55")
    assert execution.of(StepCompleted)[-1].data.usage == Usage(2_000_000, 1_000_000, "5.1")
    assert len(execution.of(LlmCompleted)) == 2
    (started,) = [e for e in execution.of(StepStarted) if e.node_id == "plan"]
    assert started.data.name == "plan"


async def test_finished_parts_are_not_executed_again_wherever_the_process_dies() -> None:
    whole: list[str] = []
    drawn = chain(Node(id="x", type="x"))
    first = Execution(drawn, Scripted("x", parts("a", "b", "c", calls=whole)))
    await first.finish()
    for cut in range(1, len(first.events)):
        calls: list[str] = []
        script = Scripted("x", parts("a", "b", "c", calls=calls))
        rest = Execution(drawn, script, earlier=first.events[:cut])
        end = await rest.finish()
        assert isinstance(end, RunCompleted)
        assert end.data.outputs == first.end.data.outputs  # type: ignore[union-attr]
        ended = [e.node_id for e in rest.of(StepCompleted)]
        assert len(ended) == len(set(ended))
        done = [e.node_id for e in first.events[:cut] if isinstance(e, StepCompleted)]
        assert calls == [name for name in "abc" if name not in done or "x" in done][: len(calls)]


async def test_a_failing_part_fails_its_node_and_a_retry_repeats_it_alone() -> None:
    calls: list[str] = []
    drawn = chain(Node(id="x", type="x"))
    first = Execution(drawn, Scripted("x", parts("a", "b", calls=calls, fail="b")))
    assert isinstance(await first.finish(), RunFailed)
    assert [e.node_id for e in first.of(StepFailed)] == ["b", "x"]
    earlier = first.next(ResumeReason.RETRY).journal.events
    second = Execution(drawn, Scripted("x", parts("a", "b", calls=calls)), earlier=earlier)
    assert isinstance(await second.finish(), RunCompleted)
    assert calls == ["a", "b", "b"]


async def test_another_attempt_begins_all_parts_anew() -> None:
    calls: list[str] = []
    node = Node(
        id="x", type="x", retry=Retry(max_attempts=2, delay_ms=1), on_error=OnError.CONTINUE
    )
    execution = Execution(chain(node), Scripted("x", parts("a", "b", calls=calls, fail="b")))
    assert isinstance(await execution.finish(), RunCompleted)
    paths = [e.path for e in execution.of(StepStarted) if e.path]
    assert paths == ["x[0]", "x[1]", "x@2[0]", "x@2[1]"]


async def test_a_part_may_ask_a_person() -> None:
    async def script(ctx: NodeContext) -> Any:
        return await ctx.inner_step("ask", 0, None, ask)

    first = Execution(chain(Node(id="x", type="x")), Scripted("x", script))
    assert isinstance(await first.finish(), RunPaused)
    (question,) = first.of(ApprovalRequested)
    assert (question.path, question.node_id) == ("x[0]", "ask")
    end = await first.next(ResumeReason.ANSWER, extra=[answered(question, 3)]).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": 3}


async def test_a_node_that_swallows_the_suspension_is_suspended_all_the_same() -> None:
    async def script(ctx: NodeContext) -> Any:
        try:
            return await ask(ctx)
        except Exception:  # noqa: BLE001 as careless code does
            return "swallowed"

    first = Execution(chain(Node(id="x", type="x")), Scripted("x", script))
    assert isinstance(await first.finish(), RunPaused)


async def test_a_pause_between_parts_that_follow_one_another() -> None:
    calls: list[str] = []

    async def script(ctx: NodeContext) -> Any:
        async def work(inner: NodeContext) -> str:
            calls.append(inner.node_id)
            if inner.node_id == "a" and len(calls) == 1:
                first.control.pause()
            return inner.node_id

        return [await ctx.inner_step(name, 0, None, work) for name in "ab"]

    first = Execution(chain(Node(id="x", type="x")), Scripted("x", script))
    assert isinstance(await first.finish(), RunPaused)
    assert calls == ["a"]
    assert isinstance(await first.next().finish(), RunCompleted)
    assert calls == ["a", "b"]
