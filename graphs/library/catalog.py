"""Finds the hand-written graphs: those of this package, and entry points of `heddle.graphs`.

They are imported on first use, because they import LangGraph, which takes half a second.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from graphs.library.graph import LibraryGraph

ENTRY_POINT_GROUP = "heddle.graphs"
BUILT_IN = ("map_reduce_summary", "plan_and_execute", "reason_and_act", "reflection")


@cache
def catalog() -> Mapping[str, LibraryGraph]:
    """All graphs by name, ordered by title. Raises ValueError for a name given twice."""
    found: dict[str, LibraryGraph] = {}
    for graph in [*_built_in(), *_installed()]:
        if graph.name in found:
            raise ValueError(f"two graphs are called {graph.name!r}")
        found[graph.name] = graph
    order = sorted(found.values(), key=lambda graph: graph.title)
    return MappingProxyType({graph.name: graph for graph in order})


def _built_in() -> Iterator[LibraryGraph]:
    for name in BUILT_IN:
        yield import_module(f"graphs.library.{name}").GRAPH


def _installed() -> Iterator[LibraryGraph]:
    for point in entry_points(group=ENTRY_POINT_GROUP):
        loaded: Any = point.load()
        if not isinstance(loaded, LibraryGraph):
            raise TypeError(f"entry point {point.name!r} of {ENTRY_POINT_GROUP} is no LibraryGraph")
        yield loaded
