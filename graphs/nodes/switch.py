"""The node type `switch`."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from graphs.expressions import format_value
from graphs.node_type import Category, NodeContext, NodeType, Output, Params, Port, PortsFrom


class Case(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    equals: Annotated[
        Any,
        Meta(title="Equals", description="The value that leads to this port; a text or any value."),
    ]
    port: Annotated[
        str,
        Meta(
            title="Port",
            description="The name of the port.",
            min_length=1,
            max_length=60,
            extra_json_schema={"x-expression": False},
        ),
    ]


class SwitchParams(Params, frozen=True):
    value: Annotated[
        Any,
        Meta(
            title="Value",
            description="What is compared with each case, in their order.",
            examples=["{{ input.country }}"],
            extra_json_schema={"x-widget": "expression", "x-placeholder": "{{ input.country }}"},
        ),
    ]
    cases: Annotated[
        list[Case],
        Meta(
            title="Cases", description="The first that equals the value is taken.", max_length=100
        ),
    ]


class Switch(NodeType[SwitchParams]):
    """Sends what arrives to the port of the first case that equals the value, else to `default`.

    A number and a text that reads the same are equal here.
    """

    name = "switch"
    title = "Switch"
    category = Category.FLOW
    icon = "alt_route"
    keywords = ("branch", "route", "case", "router")
    params_type = SwitchParams
    outputs = (Port("default", "Otherwise"),)
    outputs_from = PortsFrom("cases", "port")
    pure = True

    async def run(self, params: SwitchParams, ctx: NodeContext) -> Output:
        for case in params.cases:
            if _equal(params.value, case.equals):
                return Output(ctx.prev, (case.port,))
        return Output(ctx.prev, ("default",))


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return format_value(value) == format_value(wanted)
    if isinstance(value, str) != isinstance(wanted, str) and None not in (value, wanted):
        return format_value(value) == format_value(wanted)
    return value == wanted
