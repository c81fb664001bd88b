"""The node type `repeat_until`."""

from typing import Annotated, Any

from msgspec import Meta

from graphs.errors import NodeError
from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class RepeatUntilParams(Params, frozen=True):
    condition: Annotated[
        Any,
        Meta(
            title="Until",
            description=(
                "Looked at after each round: true ends the loop. It sees the body's steps, "
                "{{ item }} (what the round put out) and {{ index }} (0 for the first)."
            ),
            examples=["{{ item.done }}", "{{ index >= 4 }}"],
            extra_json_schema={
                "x-widget": "condition",
                "x-lazy": True,
                "x-placeholder": "{{ item.done }}",
            },
        ),
    ]
    max_iterations: Annotated[
        int,
        Meta(
            title="At most",
            description="How many rounds there may be; a loop that needs more fails.",
            ge=1,
            le=1000,
        ),
    ] = 10


class RepeatUntil(NodeType[RepeatUntilParams]):
    """Runs its body again and again until a condition holds. Its output is the last round's.

    In the body, {{ item }} is what the round before put out (in the first round: what arrived at
    this node) and {{ index }} is the number of the round, from 0.
    """

    name = "repeat_until"
    title = "Repeat until"
    category = Category.FLOW
    icon = "loop"
    keywords = ("loop", "while", "iterate", "poll", "retry")
    params_type = RepeatUntilParams
    container = True
    waits = True

    async def run(self, params: RepeatUntilParams, ctx: NodeContext) -> Output:
        item: Any = ctx.prev
        for index in range(params.max_iterations):
            item = await ctx.run_body(item, index)
            if ctx.evaluate("condition", item, index):
                return Output(item)
        rounds = "round" if params.max_iterations == 1 else "rounds"
        raise NodeError(
            f"the condition of '{ctx.node_id}' did not hold after {params.max_iterations} {rounds}",
            code="loop_limit",
            retryable=False,
        )

    async def mock(self, params: RepeatUntilParams, ctx: NodeContext) -> Output:
        """Made-up data may never fulfil the condition: then the last round is taken."""
        item: Any = ctx.prev
        for index in range(params.max_iterations):
            item = await ctx.run_body(item, index)
            if ctx.evaluate("condition", item, index):
                break
        return Output(item)
