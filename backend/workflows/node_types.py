"""The node types as the palette, the property form and other programs see them."""

import inspect
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from backend.tenants import service as tenants
from graphs.node_type import Join, NodeType, Port, PortsBy, PortsFrom
from graphs.registry import registry


class NodeTypeView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A kind of node.

    `outputs_from`: further ports, one per entry of the list `param`, named by its `key`.
    `outputs_by`: which ports there are depends on the value of a setting.
    `keywords`: other words under which people look for it.
    `join_param`: the setting that says whether several in-edges must all be live.
    Every type has a port `error` besides when a node's `on_error` is `error`. One that is not
    `available` can be drawn, but its steps fail.
    """

    type: str
    title: str
    description: str
    category: str
    icon: str
    keywords: tuple[str, ...] = ()
    params_schema: dict[str, Any]
    inputs: list[Port]
    outputs: list[Port]
    outputs_from: PortsFrom | None
    outputs_by: PortsBy | None = None
    join_param: str | None = None
    pure: bool
    container: bool
    available: bool
    unavailable_reason: str | None = None


async def node_types_for(tenant_id: str) -> list[NodeTypeView]:
    """Every installed node type, and for this tenant whether it can be used."""
    reasons = {"python": await tenants.python_unavailable_reason(tenant_id)}
    return [
        msgspec.structs.replace(view, available=False, unavailable_reason=reason)
        if (reason := reasons.get(view.type)) is not None
        else view
        for view in node_types()
    ]


@cache
def node_types() -> tuple[NodeTypeView, ...]:
    """Every installed node type, in the palette's order."""
    return tuple(_view(kind) for kind in registry().values())


def _view(kind: NodeType[Any]) -> NodeTypeView:
    return NodeTypeView(
        type=kind.name,
        title=kind.title,
        description=inspect.getdoc(type(kind)) or "",
        category=kind.category,
        icon=kind.icon,
        keywords=kind.keywords,
        params_schema={
            key: value
            for key, value in kind.params_schema().items()
            if key not in ("title", "description")
        },
        inputs=[_titled(port) for port in kind.inputs],
        outputs=[_titled(port) for port in kind.outputs],
        outputs_from=kind.outputs_from,
        outputs_by=kind.outputs_by,
        join_param=_join_param(kind),
        pure=kind.pure,
        container=kind.container,
        available=True,
    )


def _titled(port: Port) -> Port:
    return Port(port.name, port.title or port.name.capitalize())


def _join_param(kind: NodeType[Any]) -> str | None:
    names = (info.encode_name for info in msgspec.structs.fields(kind.params_type))
    return next((name for name in names if kind.join({name: Join.ALL}) is Join.ALL), None)
