"""The node type `fail`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from graphs.errors import NodeError
from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class FailParams(Params, frozen=True):
    message: Annotated[
        str,
        Meta(
            title="Message",
            description="Why the run fails; it is shown to whoever looks at the run.",
            examples=["There is no customer {{ input.customer_id }}."],
            extra_json_schema={"x-widget": "textarea"},
        ),
    ]


class Fail(NodeType[FailParams]):
    """Ends the run as failed with your message, for cases that must not go on."""

    name = "fail"
    title = "Fail"
    category = Category.FLOW
    icon = "error_outline"
    keywords = ("error", "stop", "throw", "abort")
    params_type = FailParams
    outputs = ()
    pure = True

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: FailParams, ctx: NodeContext) -> Output:
        raise NodeError(params.message, code="failed_by_workflow", retryable=False)
