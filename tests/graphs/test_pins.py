"""Pinned data stands in for a node, in runs of the draft only."""

from typing import Any

import pytest

from graphs.definition import Body, Edge, Node, Pin
from graphs.errors import NodeError
from graphs.events import RunCompleted, RunFailed, StepCompleted
from graphs.node_type import NodeContext
from graphs.problems import ProblemCode
from graphs.run_options import RunOptions
from graphs.validate import validate
from tests.graphs.engine import Execution, Scripted, chain

DRAFT = RunOptions(use_pins=True)


def forbidden(ctx: NodeContext) -> Any:
    raise NodeError("it ran")


PINNED = chain(
    Node(id="x", type="x", pinned=Pin(output={"city": "Rome"})),
    Node(id="y", type="template", params={"text": "{{ steps.x.city }}"}),
)


async def test_pinned_data_stands_in_for_the_node() -> None:
    execution = Execution(PINNED, Scripted("x", forbidden), options=DRAFT)
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"y": {"text": "Rome"}}
    assert execution.executed() == ["start", "y"]
    pins = {event.node_id: event.data.pinned for event in execution.of(StepCompleted)}
    assert pins == {"start": False, "x": True, "y": False}


async def test_a_published_version_ignores_it() -> None:
    end = await Execution(PINNED, Scripted("x", forbidden)).finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.message == "it ran"


async def test_it_leaves_through_the_port_it_names() -> None:
    pin = Pin(output=1, port="false")
    node = Node(id="x", type="if", params={"condition": "{{ true }}"}, pinned=pin)
    drawn = chain(node, Node(id="y", type="merge"))
    drawn.edges[-1] = Edge(id="e", source="x", source_port="false", target="y")
    end = await Execution(drawn, options=DRAFT).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"y": 1}


async def test_a_pinned_loop_does_not_run_its_body() -> None:
    body = Body(nodes=[Node(id="x", type="x")])
    loop = Node(id="l", type="for_each", params={"items": [1]}, body=body, pinned=Pin(output=[9]))
    execution = Execution(chain(loop), Scripted("x", forbidden), options=DRAFT)
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"l": [9]}


async def test_nodes_in_a_body_can_be_pinned() -> None:
    body = Body(nodes=[Node(id="x", type="x", pinned=Pin(output="pin"))])
    loop = Node(id="l", type="for_each", params={"items": [1, 2]}, body=body)
    end = await Execution(chain(loop), Scripted("x", forbidden), options=DRAFT).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"l": ["pin", "pin"]}


@pytest.mark.parametrize(("port", "codes"), [("out", []), ("old", [ProblemCode.PIN_PORT_UNKNOWN])])
def test_the_port_must_be_there(port: str, codes: list[ProblemCode]) -> None:
    node = Node(id="x", type="merge", pinned=Pin(output=1, port=port))
    problems = validate(chain(node))
    assert [problem.code for problem in problems] == codes
    if problems:
        assert problems[0].pointer == "/nodes/1/pinned/port"
