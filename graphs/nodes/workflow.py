"""The node type `workflow`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class WorkflowParams(Params, frozen=True):
    workflow_id: Annotated[
        str,
        Meta(
            title="Workflow",
            description="Which workflow is executed.",
            min_length=1,
            extra_json_schema={"x-widget": "workflow", "x-expression": False},
        ),
    ]
    version: Annotated[
        Literal["active"] | Annotated[int, Meta(ge=1)],
        Meta(
            title="Version",
            description="active: the one in use when the run begins. A number: always that one.",
            extra_json_schema={"x-expression": False},
        ),
    ] = "active"
    inputs: Annotated[
        dict[str, Any],
        Meta(
            title="Inputs",
            description="What the workflow gets; its defaults hold for what is left out.",
            examples=[{"city": "{{ input.city }}"}],
            extra_json_schema={"x-widget": "key_value"},
        ),
    ] = field(default_factory=dict[str, Any])


class Workflow(NodeType[WorkflowParams]):
    """Executes another workflow as one step. Its output is what that workflow puts out.

    Its steps are shown inside this one; pausing or cancelling the run holds for them too.
    """

    name = "workflow"
    title = "Workflow"
    category = Category.FLOW
    icon = "account_tree"
    keywords = ("sub-workflow", "call", "reuse", "nested")
    params_type = WorkflowParams
    waits = True

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: WorkflowParams, ctx: NodeContext) -> Output:
        reference = f"{params.workflow_id}@{params.version}"
        return Output(await ctx.run_workflow(reference, params.inputs))

    async def mock(self, params: WorkflowParams, ctx: NodeContext) -> Output:
        """Its nodes stand in for themselves."""
        return await self.run(params, ctx)
