"""The node type `wait`."""

import asyncio
from typing import Annotated

from msgspec import Meta

from graphs.node_type import Category, NodeContext, NodeType, Output, Params

DAY_MS = 86_400_000


class WaitParams(Params, frozen=True):
    duration_ms: Annotated[
        int,
        Meta(
            title="Duration",
            description="How long to wait, in milliseconds; at most a day.",
            ge=0,
            le=DAY_MS,
            examples=[1000],
        ),
    ]


class Wait(NodeType[WaitParams]):
    """Waits, then passes on what arrived. Other branches go on meanwhile."""

    name = "wait"
    title = "Wait"
    category = Category.FLOW
    icon = "hourglass_empty"
    params_type = WaitParams

    async def run(self, params: WaitParams, ctx: NodeContext) -> Output:
        await asyncio.sleep(params.duration_ms / 1000)
        return Output(ctx.prev)
