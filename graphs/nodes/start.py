"""The node type `start`."""

from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class Start(NodeType[Params]):
    """Where every run begins. Its output is the run's inputs, with their defaults filled in.

    A workflow has exactly one. Which inputs there are is set in the workflow's input form.
    """

    name = "start"
    title = "Start"
    category = Category.FLOW
    icon = "play_circle"
    keywords = ("trigger", "input", "begin")
    inputs = ()
    pure = True

    async def run(self, params: Params, ctx: NodeContext) -> Output:
        return Output(dict(ctx.inputs))
