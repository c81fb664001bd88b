"""The node type `wait`."""

import asyncio
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from graphs.events import now
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
    """Waits, then passes on what arrived. Other branches go on meanwhile.

    The time counts from the step's start, a restart of the server included.
    """

    name = "wait"
    title = "Wait"
    category = Category.FLOW
    icon = "hourglass_empty"
    params_type = WaitParams

    async def run(self, params: WaitParams, ctx: NodeContext) -> Output:
        until = ctx.started_at + timedelta(milliseconds=params.duration_ms)
        await asyncio.sleep((until - now()).total_seconds())
        return Output(ctx.prev)
