"""Breakpoints before and after nodes, debug mode, and going on step by step."""

import asyncio
from typing import Any

from graphs.definition import Body, Definition, Edge, Node
from graphs.events import (
    PauseReason,
    ResumeReason,
    RunCompleted,
    RunEnd,
    RunPaused,
    Side,
    StepStarted,
    Stop,
)
from graphs.node_type import NodeContext, Services
from graphs.run_options import Breakpoint, RunMode, RunOptions
from tests.graphs.engine import Execution, Scripted, answered, chain
from tests.graphs.test_suspension import ASK, bound

LINE = chain(*(Node(id=name, type="merge") for name in "abc"))


def fork() -> Definition:
    """start → left and right → end"""
    nodes = [Node(id="start", type="start"), *(Node(id=n, type="merge") for n in ("l", "r", "j"))]
    pairs = [("start", "l"), ("start", "r"), ("l", "j"), ("r", "j")]
    edges = [Edge(id=f"{a}{b}", source=a, target=b) for a, b in pairs]
    return Definition(nodes=nodes, edges=edges)


def breaking(*points: Breakpoint, **fields: Any) -> RunOptions:
    return RunOptions(breakpoints=frozenset(points), **fields)


def stops(end: RunEnd | RunPaused) -> list[str]:
    assert isinstance(end, RunPaused)
    assert end.data.reason is PauseReason.BREAKPOINT
    return [
        f"{stop.path}/{stop.node_id}" if stop.path else f"{stop.node_id}" for stop in end.data.stops
    ]


async def test_a_breakpoint_stops_before_its_node_and_is_passed_once() -> None:
    options = breaking(Breakpoint("b"))
    first = Execution(LINE, options=options)
    assert stops(await first.finish()) == ["b"]
    assert first.executed() == ["start", "a"]
    assert isinstance(await first.next(options=options).finish(), RunCompleted)


async def test_a_breakpoint_stops_after_its_node() -> None:
    options = breaking(Breakpoint("b", Side.AFTER))
    first = Execution(LINE, options=options)
    end = await first.finish()
    assert isinstance(end, RunPaused)
    assert end.data.stops == (Stop("b", None, Side.AFTER),)
    assert first.executed() == ["start", "a", "b"]
    assert isinstance(await first.next(options=options).finish(), RunCompleted)


async def test_before_and_after_the_same_node() -> None:
    options = breaking(Breakpoint("b"), Breakpoint("b", Side.AFTER))
    run = Execution(LINE, options=options)
    sides = []
    while isinstance(end := await run.finish(), RunPaused):
        sides += [stop.side for stop in end.data.stops]
        run = run.next(options=options)
    assert sides == [Side.BEFORE, Side.AFTER]


async def test_a_breakpoint_in_one_branch_stops_the_others_too() -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(ctx: NodeContext) -> str:
        reached.set()
        await go_on.wait()
        return "slow"

    nodes = [Node(id="start", type="start"), Node(id="slow", type="slow")]
    nodes += [Node(id="until", type="until")]
    nodes += [Node(id="b", type="merge"), Node(id="after", type="merge")]
    pairs = [("start", "slow"), ("slow", "after"), ("start", "until"), ("until", "b")]
    edges = [Edge(id=f"{a}{b}", source=a, target=b) for a, b in pairs]
    run = Execution(
        Definition(nodes=nodes, edges=edges),
        Scripted("slow", slow),
        Scripted("until", lambda ctx: reached.wait()),
        options=breaking(Breakpoint("b")),
    )
    await run.begin()
    await run.until(lambda: run.control.pausing)
    go_on.set()
    assert stops(await run.ended()) == ["b"]
    assert run.finished() == ["start:completed", "until:completed", "slow:completed"]


async def test_breakpoints_change_while_the_run_goes_on() -> None:
    def script(ctx: NodeContext) -> None:
        run.control.breakpoints = frozenset({Breakpoint("c")})

    drawn = chain(Node(id="x", type="x"), Node(id="b", type="merge"), Node(id="c", type="merge"))
    run = Execution(drawn, Scripted("x", script), options=breaking(Breakpoint("b")))
    assert stops(await run.finish()) == ["c"]


async def test_debug_mode_goes_node_by_node() -> None:
    debug = RunOptions(mode=RunMode.DEBUG)
    run = Execution(LINE, options=debug)
    seen = []
    while isinstance(end := await run.finish(), RunPaused):
        seen.append(stops(end))
        run = run.next(ResumeReason.STEP, options=debug)
    assert seen == [["start"], ["a"], ["b"], ["c"]]
    assert isinstance(end, RunCompleted)


async def test_one_step_lets_exactly_one_of_several_branches_go_on() -> None:
    debug = RunOptions(mode=RunMode.DEBUG)
    run = Execution(fork(), options=debug)
    seen = []
    while isinstance(end := await run.finish(), RunPaused):
        seen.append(set(stops(end)))
        before = len(run.of(StepStarted))
        run = run.next(ResumeReason.STEP, options=debug)
        assert len(run.of(StepStarted)) == before
    assert seen[:2] == [{"start"}, {"l", "r"}]
    assert len(seen) == 4
    assert seen[-1] == {"j"}
    assert len(run.executed()) == 4


async def test_resuming_in_debug_mode_goes_on_to_the_next_breakpoint() -> None:
    options = breaking(Breakpoint("c"), mode=RunMode.DEBUG)
    run = Execution(LINE, options=options)
    assert stops(await run.finish()) == ["start"]
    run = run.next(ResumeReason.RESUME, options=options)
    assert stops(await run.finish()) == ["c"]
    assert isinstance(await run.next(ResumeReason.RESUME, options=options).finish(), RunCompleted)


async def test_one_step_from_a_breakpoint_of_an_ordinary_run() -> None:
    options = breaking(Breakpoint("a"))
    run = Execution(LINE, options=options)
    assert stops(await run.finish()) == ["a"]
    run = run.next(ResumeReason.STEP, options=options)
    assert stops(await run.finish()) == ["b"]
    assert isinstance(await run.next(ResumeReason.RESUME, options=options).finish(), RunCompleted)


async def test_a_crash_in_the_middle_of_a_step_does_not_grant_a_second() -> None:
    debug = RunOptions(mode=RunMode.DEBUG)
    first = Execution(LINE, options=debug)
    await first.finish()
    second = first.next(ResumeReason.STEP, options=debug)
    assert stops(await second.finish()) == ["a"]
    kept = [
        e for e in second.events if not isinstance(e, RunPaused) or e.data.stops[0] != Stop("a")
    ]
    third = Execution(LINE, earlier=kept, options=debug)
    assert stops(await third.finish()) == ["a"]
    assert third.executed() == ["start"]


async def test_stepping_goes_into_loops_and_other_workflows() -> None:
    debug = RunOptions(mode=RunMode.DEBUG)
    body = Body(nodes=[Node(id="x", type="merge")])
    params = {"items": [0, 1], "max_concurrency": 1}
    loop = Node(id="loop", type="for_each", params=params, body=body)
    call = Node(id="call", type="workflow", params={"workflow_id": "w"})
    services = Services(workflows={"w@active": bound(chain(Node(id="x", type="merge")))})
    run = Execution(chain(loop, call), services=services, options=debug)
    seen = []
    while isinstance(end := await run.finish(), RunPaused):
        seen += stops(end)
        run = run.next(ResumeReason.STEP, options=debug)
    assert isinstance(end, RunCompleted)
    assert seen == ["start", "loop", "loop[0]/x", "loop[1]/x", "call", "call[0]/start", "call[0]/x"]


async def test_breakpoints_are_those_of_the_run_s_own_drawing() -> None:
    call = Node(id="call", type="workflow", params={"workflow_id": "w"})
    services = Services(workflows={"w@active": bound(chain(Node(id="x", type="merge")))})
    drawn = chain(call, Node(id="x", type="merge"))
    run = Execution(drawn, services=services, options=breaking(Breakpoint("x")))
    assert stops(await run.finish()) == ["x"]


async def test_a_breakpoint_in_a_loop_stops_in_every_round() -> None:
    options = breaking(Breakpoint("x"))
    body = Body(nodes=[Node(id="x", type="merge")])
    params = {"items": [0, 1], "max_concurrency": 1}
    loop = Node(id="loop", type="for_each", params=params, body=body)
    run = Execution(chain(loop), options=options)
    seen = []
    while isinstance(end := await run.finish(), RunPaused):
        seen += stops(end)
        run = run.next(options=options)
    assert seen == ["loop[0]/x", "loop[1]/x"]


async def test_an_answer_to_a_debugged_run_lets_only_that_step_go_on() -> None:
    debug = RunOptions(mode=RunMode.DEBUG)
    run = Execution(
        chain(Node(id="ask", type="ask"), Node(id="y", type="merge")), ASK, options=debug
    )
    await run.finish()
    run = run.next(ResumeReason.STEP, options=debug)
    assert stops(await run.finish()) == ["ask"]
    run = run.next(ResumeReason.STEP, options=debug)
    end = await run.finish()
    assert isinstance(end, RunPaused)
    assert end.data.reason is PauseReason.WAITING
    question = next(e for e in run.events if type(e).__name__ == "ApprovalRequested")
    run = run.next(ResumeReason.ANSWER, options=debug, extra=[answered(question)])  # type: ignore[arg-type]
    assert stops(await run.finish()) == ["y"]
