"""The node type `start`."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class StartParams(Params, frozen=True):
    output: Annotated[
        Any | UnsetType,
        Meta(
            title="Passes on",
            description="What arrives at the first steps. Left out: all inputs.",
            examples=["{{ input.orders }}"],
            extra_json_schema={"x-widget": "json", "x-placeholder": "{{ input }}"},
        ),
    ] = UNSET


class Start(NodeType[StartParams]):
    """Where every run begins. Its output is the run's inputs, with their defaults filled in.

    A workflow has exactly one. Which inputs there are is set in the workflow's input form.
    """

    name = "start"
    title = "Start"
    category = Category.FLOW
    icon = "play_circle"
    keywords = ("trigger", "input", "begin")
    params_type = StartParams
    inputs = ()
    pure = True

    async def run(self, params: StartParams, ctx: NodeContext) -> Output:
        return Output(dict(ctx.inputs) if params.output is UNSET else params.output)
