"""The node type `set_fields`."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from msgspec import Meta

from graphs.errors import NodeError
from graphs.language.values import describe
from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class SetFieldsParams(Params, frozen=True):
    fields: Annotated[
        dict[str, Any],
        Meta(
            title="Fields",
            description="The fields of the object that this node puts out.",
            examples=[{"text": "Hello {{ input.city }}"}],
            extra_json_schema={"x-widget": "key_value"},
        ),
    ]
    keep_input: Annotated[
        bool,
        Meta(
            title="Keep the input's fields",
            description="Put out what arrives with these fields added or replaced.",
        ),
    ] = False


class SetFields(NodeType[SetFieldsParams]):
    """Makes an object from the fields you name. Values may be expressions over earlier steps."""

    name = "set_fields"
    title = "Set fields"
    category = Category.DATA
    icon = "edit_note"
    keywords = ("map", "transform", "assign", "variable", "edit", "json")
    params_type = SetFieldsParams
    pure = True

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return params.get("keep_input", False) is not False

    async def run(self, params: SetFieldsParams, ctx: NodeContext) -> Output:
        prev: Any = ctx.prev
        if not params.keep_input or prev is None:
            return Output(params.fields)
        if not isinstance(prev, Mapping):
            raise NodeError(
                f"only an object's fields can be kept, and {describe(prev)} arrived",
                retryable=False,
            )
        return Output({**cast("Mapping[str, Any]", prev), **params.fields})
