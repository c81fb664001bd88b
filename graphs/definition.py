"""The document a user draws: inputs, variables, nodes, edges, notes and groups.

Everything here is a frozen msgspec struct and exactly the JSON of the API; nothing is resolved or
checked beyond its shape (`graphs.validate` does that), so a half-finished drawing still loads.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from msgspec import Struct, field


class OnError(StrEnum):
    """What a node's failure, after its retries, means for the run."""

    FAIL = "fail"
    """The run fails; branches that do not depend on the node still finish."""
    CONTINUE = "continue"
    """The node's first port goes on with `{"error": {"code", "message"}}`."""
    ERROR = "error"
    """The node's `error` port goes on with the same object; its other ports are dead."""


class Position(Struct, frozen=True, forbid_unknown_fields=True):
    """Canvas coordinates in pixels at zoom 1; inside a body, relative to the container."""

    x: float = 0
    y: float = 0


class Size(Struct, frozen=True, forbid_unknown_fields=True):
    """Pixels at zoom 1; only containers, notes and groups have one of their own."""

    width: float
    height: float


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """Attempt n waits `delay_ms * multiplier ** (n - 1)` before attempt n + 1."""

    max_attempts: int = 1
    delay_ms: int = 500
    multiplier: float = 2


class Pin(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Data that stands in for a node in runs of the draft; a published version ignores it.

    `port` is the output port it leaves through; None is the node type's first.
    """

    output: Any = None
    port: str | None = None


class Node(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A placed box. `params` stay raw, so that an unknown type still opens in the editor."""

    id: str
    type: str
    name: str = ""
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    position: Position = Position()
    size: Size | None = None
    retry: Retry = Retry()
    timeout_ms: int | None = None
    on_error: OnError = OnError.FAIL
    disabled: bool = False
    pinned: Pin | None = None
    body: "Body | None" = None


class Edge(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From an output port of one node to an input port of another in the same graph or body."""

    id: str
    source: str
    source_port: str = "out"
    target: str
    target_port: str = "in"


class Note(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A sticky note in Markdown; it never runs."""

    id: str
    text: str = ""
    color: str = "yellow"
    position: Position = Position()
    size: Size = Size(240, 120)


class Group(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A named frame around nodes and notes of one graph; nothing runs differently for it.

    `members` are their ids; one that there is not, or that lies in another graph, says nothing.
    `collapsed`: drawn as one card.
    """

    id: str
    name: str = ""
    color: str = "blue"
    members: list[str] = field(default_factory=list[str])
    collapsed: bool = False
    position: Position = Position()
    size: Size = Size(320, 240)


class Body(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a container node (`for_each`) executes once per item. Node ids are unique overall."""

    nodes: list[Node] = field(default_factory=list[Node])
    edges: list[Edge] = field(default_factory=list[Edge])
    groups: list[Group] = field(default_factory=list[Group])


class Definition(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole drawing. `inputs` is a JSON Schema of type object; `variables` are constants."""

    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    nodes: list[Node] = field(default_factory=list[Node])
    edges: list[Edge] = field(default_factory=list[Edge])
    notes: list[Note] = field(default_factory=list[Note])
    groups: list[Group] = field(default_factory=list[Group])


def walk(graph: Definition | Body, pointer: str = "") -> Iterator[tuple[Node, str]]:
    """Every node, bodies included, with its JSON pointer such as `/nodes/3/body/nodes/0`."""
    for index, node in enumerate(graph.nodes):
        here = f"{pointer}/nodes/{index}"
        yield node, here
        if node.body is not None:
            yield from walk(node.body, f"{here}/body")
