"""The node type `wait`."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from graphs.node_type import Category, NodeContext, NodeType, Output, Params

DAY_MS = 86_400_000


class WaitParams(Params, frozen=True):
    duration_ms: Annotated[
        int,
        Meta(
            title="Duration",
            description="How long to wait; at most a day.",
            ge=0,
            le=DAY_MS,
            examples=[1000],
            extra_json_schema={"x-widget": "duration", "x-placeholder": "30 s"},
        ),
    ]


class Wait(NodeType[WaitParams]):
    """Waits, then passes on what arrived. Other branches go on meanwhile.

    The time counts from the step's start, a restart of the server included.
    """

    name = "wait"
    title = "Wait"
    category = Category.FLOW
    icon = "hourglass_empty"
    keywords = ("delay", "sleep", "pause", "timer")
    params_type = WaitParams
    waits = True

    async def run(self, params: WaitParams, ctx: NodeContext) -> Output:
        await ctx.wait_until(ctx.started_at + timedelta(milliseconds=params.duration_ms))
        return Output(ctx.prev)

    async def mock(self, params: WaitParams, ctx: NodeContext) -> Output:
        """No time passes."""
        return Output(ctx.prev)
