"""The node type `template`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class TemplateParams(Params, frozen=True):
    text: Annotated[
        str,
        Meta(
            title="Text",
            description="Text with expressions in it, such as {{ input.city }}.",
            examples=[
                "Dear {{ input.name }},\nyour order {{ steps.order.body.id }} is on its way."
            ],
            extra_json_schema={"x-widget": "textarea"},
        ),
    ]


class Template(NodeType[TemplateParams]):
    """Writes a text with values filled in. Its output is `{"text": …}`."""

    name = "template"
    title = "Template"
    category = Category.DATA
    icon = "article"
    keywords = ("text", "format", "string", "email")
    params_type = TemplateParams
    pure = True

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: TemplateParams, ctx: NodeContext) -> Output:
        return Output({"text": params.text})
