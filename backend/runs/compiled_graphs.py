"""Keeps the compiled graphs of the definitions that runs use, so that each is compiled once."""

import asyncio
from collections import OrderedDict

from backend.workflows import service as workflows
from graphs.compile import CompiledGraph, compile_definition
from graphs.definition import Definition

GRAPHS_KEPT = 128
"""Compiled graphs kept; one takes a few hundred kilobytes."""


class CompiledGraphs:
    """The most recently used ones, by the hash of their frozen definition."""

    def __init__(self) -> None:
        self._graphs: OrderedDict[str, CompiledGraph] = OrderedDict()

    async def get(self, tenant_id: str, definition_hash: str) -> CompiledGraph:
        """The compiled graph of a frozen definition. Raises DefinitionError."""
        graph = self._graphs.get(definition_hash)
        if graph is None:
            definition = await workflows.definition_by_hash(tenant_id, definition_hash)
            graph = await asyncio.to_thread(_compile, definition)
            self._graphs[definition_hash] = graph
            if len(self._graphs) > GRAPHS_KEPT:
                self._graphs.popitem(last=False)
        else:
            self._graphs.move_to_end(definition_hash)
        return graph


def _compile(definition: Definition) -> CompiledGraph:
    graph = compile_definition(definition)
    # made on first use otherwise, and for a large drawing that would hold up all others
    _ = graph.graph
    return graph
