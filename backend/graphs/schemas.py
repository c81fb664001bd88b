"""What the endpoints of hand-written graphs give."""

from typing import Any

from msgspec import Struct

from graphs.library.drawing import Drawing


class GraphView(Struct, frozen=True, kw_only=True):
    """A graph that the node `graph` runs, whose `input` must satisfy the `input_schema`."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    drawing: Drawing
