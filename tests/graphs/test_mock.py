"""In mock mode nothing happens outside: every node type with effects says what stands in for it."""

from typing import Any

from graphs.definition import Body, Edge, Node
from graphs.events import AnswerSource, ApprovalAnswered, ApprovalRequested, RunCompleted
from graphs.node_type import NodeType, Output, Params, Services
from graphs.registry import registry
from graphs.run_options import RunMode, RunOptions
from tests.graphs.engine import Execution, chain

MOCK = RunOptions(mode=RunMode.MOCK)

HARMLESS: dict[str, str] = {}
"""Node types that are not pure and yet run as they are in mock mode, with the reason."""


def test_every_type_with_effects_says_what_stands_in_for_it() -> None:
    missing = [
        kind.name
        for kind in registry().values()
        if not kind.pure and type(kind).mock is NodeType.mock and kind.name not in HARMLESS
    ]
    assert missing == []


class Real(NodeType[Params]):
    """Has effects."""

    name, title, category, icon = "real", "Real", "flow", "help"  # type: ignore[assignment]

    async def run(self, params: Params, ctx: Any) -> Output:
        raise AssertionError("it ran")

    async def mock(self, params: Params, ctx: Any) -> Output:
        assert ctx.mock
        return Output("mocked")


async def test_the_stand_in_runs_in_place_of_the_node() -> None:
    real: Any = Real()
    execution = Execution(chain(Node(id="x", type="real")), real, options=MOCK)
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": "mocked"}


async def test_it_does_so_inside_loops_and_pure_nodes_run_as_ever() -> None:
    real: Any = Real()
    body = Body(nodes=[Node(id="x", type="real")])
    loop = Node(id="loop", type="for_each", params={"items": [1, 2]}, body=body)
    last = Node(id="t", type="template", params={"text": "{{ len(steps.loop) }}"})
    end = await Execution(chain(loop, last), real, options=MOCK).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"t": {"text": "2"}}


async def test_http_requests_answer_with_what_was_recorded() -> None:
    node = Node(id="x", type="http_request", params={"url": "http://127.0.0.1:1/"})
    recorded = {"x": {"status": 200, "headers": {}, "body": "real"}}
    execution = Execution(chain(node), services=Services(recorded=recorded), options=MOCK)
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"x": recorded["x"]}


async def test_nobody_is_asked_and_no_time_passes() -> None:
    question = Node(id="ask", type="approval", params={"message": "Go on?"})
    wait = Node(id="wait", type="wait", params={"duration_ms": 3_600_000})
    drawn = chain(question, wait)
    drawn.edges[-1] = Edge(id="e", source="ask", source_port="yes", target="wait")
    execution = Execution(drawn, options=MOCK)
    assert isinstance(await execution.finish(), RunCompleted)
    (answer,) = execution.of(ApprovalAnswered)
    assert answer.data.source is AnswerSource.MOCK
    assert answer.data.answer is True
    assert len(execution.of(ApprovalRequested)) == 1, "what would have been asked is recorded"


async def test_a_loop_whose_condition_made_up_data_never_fulfils_ends_all_the_same() -> None:
    body = Body(nodes=[Node(id="x", type="set_fields", params={"fields": {"done": False}})])
    params = {"condition": "{{ item.done }}", "max_iterations": 3}
    loop = Node(id="loop", type="repeat_until", params=params, body=body)
    end = await Execution(chain(loop), options=MOCK).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"loop": {"done": False}}
