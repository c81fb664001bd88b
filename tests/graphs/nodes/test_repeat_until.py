"""`repeat_until` goes round until its condition holds, and no more often than it may."""

from typing import Any

import pytest

from graphs.definition import Body, Node
from graphs.errors import NodeError
from graphs.events import RunCompleted, RunFailed, StepStarted
from tests.graphs.conftest import FakeContext, execute, failure
from tests.graphs.engine import Execution, chain


def loop(condition: str, most: int = 10, **fields: Any) -> Node:
    count = Node(
        id="count",
        type="set_fields",
        params={"fields": {"n": "{{ item.n + 1 }}", "round": "{{ index }}"}},
    )
    params = {"condition": condition, "max_iterations": most}
    return Node(id="loop", type="repeat_until", params=params, body=Body(nodes=[count]), **fields)


async def test_each_round_gets_what_the_last_put_out() -> None:
    execution = Execution(chain(loop("{{ item.n >= 3 }}")), inputs={"n": 0})
    end = await execution.finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"loop": {"n": 3, "round": 2}}
    rounds = [event.path for event in execution.of(StepStarted) if event.node_id == "count"]
    assert rounds == ["loop[0]", "loop[1]", "loop[2]"]


@pytest.mark.parametrize(
    "condition", ["{{ steps.count.n > 1 }}", "{{ index == 1 }}", "${index==1}"]
)
async def test_the_condition_sees_the_body_and_the_number_of_the_round(condition: str) -> None:
    end = await Execution(chain(loop(condition)), inputs={"n": 0}).finish()
    assert isinstance(end, RunCompleted)
    assert end.data.outputs == {"loop": {"n": 2, "round": 1}}


async def test_a_loop_over_its_limit_fails_by_name() -> None:
    end = await Execution(chain(loop("{{ false }}", most=2)), inputs={"n": 0}).finish()
    assert isinstance(end, RunFailed)
    assert end.data.error.code == "loop_limit"
    assert "'loop'" in end.data.error.message
    assert "2 rounds" in end.data.error.message


async def test_a_condition_that_cannot_be_evaluated_fails_the_node() -> None:
    end = await Execution(chain(loop("{{ item.n + 'x' > 2 }}")), inputs={"n": 0}).finish()
    assert isinstance(end, RunFailed)
    assert "item.n" in end.data.error.message


async def test_a_failing_round_fails_the_node(ctx: FakeContext) -> None:
    async def body(item: Any, index: int) -> Any:
        raise NodeError("no luck")

    ctx.body = body
    assert (await failure("repeat_until", {"condition": "{{ true }}"}, ctx)).message == "no luck"


async def test_the_first_round_gets_what_arrived(ctx: FakeContext) -> None:
    seen: list[Any] = []

    async def body(item: Any, index: int) -> Any:
        seen.append((item, index))
        return f"{item}+"

    ctx.prev, ctx.body = "x", body
    ctx.lazy = lambda field, item, index: (field, index) == ("condition", 1)
    assert (await execute("repeat_until", {"condition": "{{ … }}"}, ctx)).value == "x++"
    assert seen == [("x", 0), ("x+", 1)]
