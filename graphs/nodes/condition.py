"""The node type `if`."""

from typing import Annotated, Any

from msgspec import Meta

from graphs.node_type import Category, NodeContext, NodeType, Output, Params, Port


class IfParams(Params, frozen=True):
    condition: Annotated[
        bool | int | float | list[Any] | dict[str, Any] | None,
        Meta(
            title="Condition",
            description="Null, 0, false and what is empty count as false.",
            examples=["{{ input.amount > 100 }}"],
            extra_json_schema={
                "x-widget": "condition",
                "x-placeholder": "{{ input.amount > 100 }}",
            },
        ),
    ]


class If(NodeType[IfParams]):
    """Sends what arrives to the port `true` or to the port `false`, as its condition says."""

    name = "if"
    title = "If"
    category = Category.FLOW
    icon = "call_split"
    keywords = ("branch", "condition", "else", "decide", "when")
    params_type = IfParams
    outputs = (Port("true", "True"), Port("false", "False"))
    pure = True

    async def run(self, params: IfParams, ctx: NodeContext) -> Output:
        return Output(ctx.prev, ("true" if params.condition else "false",))
