"""`graph`: hand-written graphs whose nodes are recorded steps."""

import asyncio
import operator
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from graphs.definition import Definition, Node
from graphs.errors import DefinitionError, NodeError
from graphs.events import (
    LlmToken,
    ResumeReason,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunPaused,
    RunResumed,
    RunResumedData,
    StepCancelled,
    StepCompleted,
    StepFailed,
    StepStarted,
)
from graphs.library import catalog as module
from graphs.library.catalog import catalog
from graphs.library.execution import AT_ONCE
from graphs.library.graph import Context, LibraryGraph
from graphs.node_type import Services
from graphs.registry import registry
from tests.fake_openai import Request, Say, fake_openai, say, say_json
from tests.graphs.engine import Execution, chain

CALLS: list[str] = []
"""Which nodes of the test's graphs have really been executed."""
GATES: list[asyncio.Event] = []
"""What holds the square of 3 up, if anything."""


MOST = [0, 0]
"""How many squares were worked out at once at most, and are now."""


class State(TypedDict, total=False):
    numbers: list[int]
    squares: Annotated[list[int], operator.add]
    total: int


async def square(part: dict[str, int]) -> dict[str, Any]:
    CALLS.append(f"square {part['number']}")
    MOST[1] += 1
    MOST[0] = max(MOST)
    await asyncio.sleep(0.01)
    MOST[1] -= 1
    if part["number"] == 3 and GATES:
        await GATES[0].wait()
    if part["number"] < 0:
        raise NodeError("no negative numbers", code="negative", retryable=False)
    return {"squares": [part["number"] ** 2]}


async def spread(state: State) -> Any:
    CALLS.append("spread")
    return Command(goto=[Send("square", {"number": number}) for number in state["numbers"]])


async def add_up(state: State) -> dict[str, Any]:
    CALLS.append("add_up")
    return {"total": sum(state["squares"])}


def squares() -> Any:
    graph: Any = StateGraph(State)
    graph.add_node("spread", spread, destinations=("square",))
    graph.add_node("square", square)
    graph.add_node("add_up", add_up)
    graph.add_edge(START, "spread")
    graph.add_edge("square", "add_up")
    graph.add_edge("add_up", END)
    return graph


async def again(state: State) -> dict[str, Any]:
    return {"total": state.get("total", 0) + 1}


def endless() -> Any:
    graph: Any = StateGraph(State)
    graph.add_node("again", again)
    graph.add_edge(START, "again")
    graph.add_conditional_edges("again", lambda state: "again", ["again"])
    return graph


def unstorable() -> Any:
    async def give(state: State) -> dict[str, Any]:
        return {"total": object()}

    graph: Any = StateGraph(State)
    graph.add_node("give", give)
    graph.add_edge(START, "give")
    return graph


def asking() -> Any:
    async def ask(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
        CALLS.append("ask")
        answer = await runtime.context.model.ask_for_data("How many?", {"type": "integer"})
        return {"total": answer}

    graph: Any = StateGraph(State, Context)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    return graph


def foreign(name: str, build: Any, **more: Any) -> LibraryGraph:
    return LibraryGraph(
        name=name,
        title=name.capitalize(),
        description="A graph of the tests.",
        input_schema={
            "type": "object",
            "properties": {"numbers": {"type": "array", "items": {"type": "integer"}}},
            "additionalProperties": False,
        },
        output_schema={"type": "object", "properties": {"total": {"const": 7}}},
        build=build,
        **more,
    )


SQUARES = foreign("squares", squares)
ENDLESS = foreign("endless", endless, recursion_limit=5)
UNSTORABLE = foreign("unstorable", unstorable)
ASKING = foreign("asking", asking)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    points = [
        EntryPoint(name.lower(), f"{__name__}:{name}", module.ENTRY_POINT_GROUP)
        for name in ("SQUARES", "ENDLESS", "UNSTORABLE", "ASKING")
    ]
    monkeypatch.setattr(module, "entry_points", lambda group: points)
    catalog.cache_clear()
    CALLS.clear()
    GATES.clear()
    MOST[:] = [0, 0]
    yield
    catalog.cache_clear()


def calling(name: str, given: dict[str, Any], **params: Any) -> Definition:
    return chain(Node(id="g", type="graph", params={"name": name, "input": given, **params}))


def inner(execution: Execution, kind: type[RunEvent] = StepCompleted) -> list[str]:
    """`node[visit]` of the inner steps, in order."""
    return [
        f"{event.node_id}{event.path.removeprefix('g')}"
        for event in execution.of(kind)
        if event.path
    ]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def test_inner_nodes_are_steps() -> None:
    execution = Execution(calling("squares", {"numbers": [1, 2]}))
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"g": {"numbers": [1, 2], "squares": [1, 4], "total": 5}}
    assert inner(execution) == ["spread[0]", "square[0]", "square[1]", "add_up[0]"]
    started = {event.node_id: event.data for event in execution.of(StepStarted) if event.path}
    assert (started["square"].node_type, started["square"].name) == ("graph", "square")


async def test_finished_inner_nodes_are_not_executed_again() -> None:
    GATES.append(asyncio.Event())
    definition = calling("squares", {"numbers": [1, 2, 3, 4]})
    dies = Execution(definition)
    running = asyncio.create_task(dies.finish())
    await until(lambda: len(inner(dies)) == 4)
    running.cancel()
    await asyncio.wait([running])
    assert CALLS == ["spread", "square 1", "square 2", "square 3", "square 4"]
    CALLS.clear()
    GATES.clear()
    survives = Execution(definition, earlier=dies.events)
    end = await survives.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs["g"]["total"] == 30
    assert end.data.outputs["g"]["squares"] == [1, 4, 9, 16]
    assert CALLS == ["square 3", "add_up"]
    completed = inner(survives)
    assert len(completed) == len(set(completed)) == 6


async def test_siblings_of_a_failing_node_end_and_are_recorded() -> None:
    GATES.append(asyncio.Event())
    execution = Execution(calling("squares", {"numbers": [3, -1]}))
    running = asyncio.create_task(execution.finish())
    await until(lambda: bool(execution.of(StepFailed)))
    GATES[0].set()
    end = await running
    assert isinstance(end, RunFailed)
    assert (end.data.error.code, end.data.error.node_id) == ("negative", "g")
    assert inner(execution, StepFailed) == ["square[1]"]
    assert inner(execution) == ["spread[0]", "square[0]"]
    assert "add_up" not in CALLS


async def test_cancelling_reaches_inside() -> None:
    GATES.append(asyncio.Event())
    execution = Execution(calling("squares", {"numbers": [3]}))
    running = asyncio.create_task(execution.finish())
    await until(lambda: "square 3" in CALLS)
    execution.control.cancel("enough")
    end = await running
    assert type(end).__name__ == "RunCancelled"
    assert inner(execution, StepCancelled) == ["square[0]"]


async def test_a_pause_stops_between_inner_nodes() -> None:
    GATES.append(asyncio.Event())
    definition = calling("squares", {"numbers": [3]})
    execution = Execution(definition)
    running = asyncio.create_task(execution.finish())
    await until(lambda: "square 3" in CALLS)
    execution.control.pause()
    GATES[0].set()
    await running
    assert isinstance(execution.events[-1], RunPaused)
    assert inner(execution) == ["spread[0]", "square[0]"]
    CALLS.clear()
    resumed = RunResumed(run_id="run", data=RunResumedData(ResumeReason.RESUME))
    end = await Execution(definition, earlier=[*execution.events, resumed]).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs["g"]["total"] == 9
    assert CALLS == ["add_up"]


async def test_not_all_nodes_work_at_once() -> None:
    numbers = list(range(100, 100 + 3 * AT_ONCE))
    end = await Execution(calling("squares", {"numbers": numbers})).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs["g"]["squares"] == [number**2 for number in numbers]
    assert MOST[0] == AT_ONCE


async def test_a_graph_without_an_end_is_stopped() -> None:
    execution = Execution(calling("endless", {}))
    end = await execution.finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "graph_limit"
    assert len(inner(execution)) == 5


async def test_a_state_that_is_no_json_is_refused() -> None:
    end = await Execution(calling("unstorable", {})).finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "output_invalid"
    assert "'give'" in end.data.error.message


async def test_inner_nodes_ask_the_model_of_the_settings() -> None:
    async with fake_openai([say("three"), say_json(3)]) as server:
        definition = calling("asking", {}, model="openai:m", base_url=server.url)
        execution = Execution(definition, services=Services(allow_hosts=("127.0.0.1",)))
        end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs["g"]["total"] == 3
    tokens = [event for event in execution.seen if isinstance(event, LlmToken)]
    assert {(event.path, event.node_id) for event in tokens} == {("g[0]", "ask")}
    (step,) = [event for event in execution.of(StepCompleted) if event.node_id == "ask"]
    assert (step.data.usage.input_tokens, step.data.usage.output_tokens) == (22, 8)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("nothing", {}, "there is no graph 'nothing'; choose from: asking"),
        ("squares", {"nunbers": []}, "Squares takes no 'nunbers', only: numbers"),
        ("reflection", {}, "needs 'task' in its input"),
    ],
)
def test_wrong_settings_are_problems_of_the_drawing(
    name: str, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(DefinitionError, match=words) as caught:
        Execution(calling(name, given))
    assert caught.value.problems[0].node_id == "g"


async def test_input_that_does_not_fit_fails_the_step() -> None:
    end = await Execution(calling("squares", {"numbers": "{{ input.x }}"})).finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code in ("params_invalid", "expression_invalid")


async def test_in_mock_mode_foreign_graphs_do_nothing(ctx: Any) -> None:
    kind = registry()["graph"]
    params = kind.params_type(name="squares", input={"numbers": [1]}, model="openai:x")
    assert (await kind.mock(params, ctx)).value == {"total": 7}
    assert CALLS == []


async def test_a_graph_of_this_house_answers_from_the_mock() -> None:
    def answers(request: Request) -> Say:
        raise AssertionError("nobody must be asked")

    async with fake_openai(answers) as server:
        definition = calling("reflection", {"task": "A haiku"}, base_url=server.url)
        first = await Execution(definition).finish()
        second = await Execution(definition).finish()
    assert isinstance(first, RunCompleted)
    assert isinstance(second, RunCompleted)
    assert first.data.outputs == second.data.outputs
    assert first.data.outputs["g"]["rounds"] == 1


def test_an_entry_point_must_be_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("x", "graphs.definition:Definition", module.ENTRY_POINT_GROUP)
    monkeypatch.setattr(module, "entry_points", lambda group: [point])
    catalog.cache_clear()
    with pytest.raises(TypeError, match="no LibraryGraph"):
        catalog()


def test_a_name_cannot_be_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("x", "graphs.library.reflection:GRAPH", module.ENTRY_POINT_GROUP)
    monkeypatch.setattr(module, "entry_points", lambda group: [point])
    catalog.cache_clear()
    with pytest.raises(ValueError, match="two graphs are called 'reflection'"):
        catalog()
