"""Finds the node types: every module of `graphs.nodes`, and entry points of `heddle.nodes`."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from graphs import nodes
from graphs.node_type import Category, NodeType

ENTRY_POINT_GROUP = "heddle.nodes"


@cache
def registry() -> Mapping[str, NodeType[Any]]:
    """All node types by name, in the palette's order. Raises ValueError for a name given twice."""
    found: dict[str, NodeType[Any]] = {}
    for cls in [*_built_in(), *_installed()]:
        if cls.name in found:
            raise ValueError(f"two node types are called {cls.name!r}")
        found[cls.name] = cls()
    sections = list(Category)
    order = sorted(found.values(), key=lambda kind: (sections.index(kind.category), kind.title))
    return MappingProxyType({kind.name: kind for kind in order})


def _built_in() -> Iterator[type[NodeType[Any]]]:
    for module in pkgutil.iter_modules(nodes.__path__):
        loaded = importlib.import_module(f"{nodes.__name__}.{module.name}")
        for _, cls in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(cls, NodeType) and cls.__module__ == loaded.__name__:
                yield cls


def _installed() -> Iterator[type[NodeType[Any]]]:
    for point in entry_points(group=ENTRY_POINT_GROUP):
        loaded: Any = point.load()
        if not (inspect.isclass(loaded) and issubclass(loaded, NodeType)):
            raise TypeError(f"entry point {point.name!r} of {ENTRY_POINT_GROUP} is no NodeType")
        yield loaded
