"""The node type `end`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class EndParams(Params, frozen=True):
    output: Annotated[
        Any | UnsetType,
        Meta(
            title="Output",
            description="What the run returns. Left out: what arrives at this node.",
            examples=["{{ prev }}", {"answer": "{{ steps.ask.text }}"}],
            extra_json_schema={"x-widget": "json", "x-placeholder": "{{ prev }}"},
        ),
    ] = UNSET


class End(NodeType[EndParams]):
    """Says what the run returns. Optional: without it a run returns its last nodes' outputs.

    With several, only those that are reached count.
    """

    name = "end"
    title = "End"
    category = Category.FLOW
    icon = "flag"
    keywords = ("output", "return", "result", "finish")
    params_type = EndParams
    outputs = ()
    pure = True

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return "output" not in params

    async def run(self, params: EndParams, ctx: NodeContext) -> Output:
        return Output(ctx.prev if params.output is UNSET else params.output)
