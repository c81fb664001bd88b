"""The node type `merge`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from graphs.node_type import Category, Join, NodeContext, NodeType, Output, Params


class MergeParams(Params, frozen=True):
    mode: Annotated[
        Join,
        Meta(
            title="Go on when",
            description="any: at least one branch arrives; all: every branch arrives.",
            extra_json_schema={"x-expression": False},
        ),
    ] = Join.ANY


class Merge(NodeType[MergeParams]):
    """Brings branches together: waits for all of them and passes on what arrived.

    One branch: its output. Several: an object with each branch's output under its node's id.
    With mode `all` the node is skipped when any branch was not taken.
    """

    name = "merge"
    title = "Merge"
    category = Category.FLOW
    icon = "call_merge"
    keywords = ("join", "wait for all", "combine")
    params_type = MergeParams
    pure = True

    async def run(self, params: MergeParams, ctx: NodeContext) -> Output:
        return Output(ctx.prev)

    def join(self, params: Mapping[str, Any]) -> Join:
        return Join.ALL if params.get("mode") == Join.ALL else Join.ANY
