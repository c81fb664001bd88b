"""Runs of a part of the drawing: only the selected nodes run, the others stay as they were."""

from graphs.definition import Definition, Edge, Node
from graphs.events import (
    RunCompleted,
    RunEvent,
    RunStarted,
    StepCompleted,
    StepCompletedData,
    StepSkipped,
    StepSkippedData,
)
from graphs.run_options import RunOptions
from tests.graphs.engine import Execution, chain

LINE = chain(
    Node(id="a", type="template", params={"text": "a{{ input.n }}"}),
    Node(id="b", type="template", params={"text": "{{ steps.a.text }}b"}),
    Node(id="c", type="template", params={"text": "{{ prev.text }}c"}),
)


def only(*nodes: str) -> RunOptions:
    return RunOptions(selected=frozenset(nodes))


def seed(node_id: str, output: object) -> StepCompleted:
    data = StepCompletedData(output, ("out",), 0, reused_from="earlier")
    return StepCompleted(run_id="run", node_id=node_id, step_id=f"s-{node_id}", data=data)


async def test_up_to_a_node() -> None:
    execution = Execution(LINE, inputs={"n": 1}, options=only("start", "a", "b"))
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"b": {"text": "a1b"}}
    assert execution.of(RunStarted)[0].data.total == 3
    assert not [e for e in execution.events if getattr(e, "node_id", "") == "c"]


async def test_one_node_with_earlier_data() -> None:
    earlier: list[RunEvent] = [seed("start", {}), seed("a", {"text": "old"})]
    execution = Execution(LINE, earlier=earlier, options=only("b"))
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"b": {"text": "oldb"}}
    assert execution.executed() == ["b"]


async def test_from_a_node_on() -> None:
    earlier: list[RunEvent] = [seed("start", {}), seed("a", {"text": "old"})]
    execution = Execution(LINE, earlier=earlier, options=only("b", "c"))
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"c": {"text": "oldbc"}}


async def test_a_path_that_was_not_taken_stays_so() -> None:
    nodes = [Node(id="start", type="start"), Node(id="l", type="merge")]
    nodes += [Node(id="r", type="merge"), Node(id="j", type="merge")]
    pairs = [("start", "l"), ("start", "r"), ("l", "j"), ("r", "j")]
    edges = [Edge(id=f"{a}{b}", source=a, target=b) for a, b in pairs]
    skipped = StepSkipped(
        run_id="run", node_id="l", step_id="s", data=StepSkippedData("dead_path", "earlier")
    )
    earlier: list[RunEvent] = [seed("start", {}), seed("r", "right"), skipped]
    drawn = Definition(nodes=nodes, edges=edges)
    execution = Execution(drawn, earlier=earlier, options=only("j"))
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"j": "right"}


async def test_an_end_that_is_selected_gives_the_output() -> None:
    drawn = chain(Node(id="a", type="merge"), Node(id="end", type="end", params={"output": 7}))
    whole = await Execution(drawn, options=only("start", "a", "end")).finish()
    assert isinstance(whole, RunCompleted)
    assert whole.data.outputs == 7
    part = await Execution(drawn, inputs={"x": 1}, options=only("start", "a")).finish()
    assert isinstance(part, RunCompleted)
    assert part.data.outputs == {"a": {"x": 1}}
