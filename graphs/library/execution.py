"""Executes a hand-written graph inside a node: each of its nodes is a step that is recorded.

A node's update is what is recorded, so that after a restart the finished ones are not executed
again; which ones come, LangGraph works out anew from the same updates.
"""

import asyncio
import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, cast

import msgspec
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError
from langgraph.types import Command, Send

from graphs import mock_model, model_call, model_data
from graphs.chat_model import MOCK, ModelSettings, Question
from graphs.errors import NodeError
from graphs.library.graph import Context, LibraryGraph
from graphs.node_type import NodeContext

MAX_REPAIRS = 2
AT_ONCE = 8
"""How many nodes of one graph work side by side: a model's server may not take more."""

COMMAND = "$command"

_INNER: ContextVar[NodeContext] = ContextVar("heddle_inner_step")


async def execute(
    graph: LibraryGraph, given: Mapping[str, Any], settings: ModelSettings, ctx: NodeContext
) -> Any:
    """The graph's output. `given` satisfies its input schema. Raises NodeError if it fails."""
    compiled = _instrumented(graph.build(), Execution(ctx)).compile(name=graph.name)
    context = Context(StepModel(settings))
    try:
        limits = {"recursion_limit": graph.recursion_limit, "max_concurrency": AT_ONCE}
        return await compiled.ainvoke(dict(given), limits, context=context)
    except GraphRecursionError:
        raise NodeError(
            f"{graph.title} had not come to an end after {graph.recursion_limit} rounds; "
            "give it a smaller task",
            code="graph_limit",
            retryable=False,
        ) from None


class StepModel:
    """The `Model` of a graph's nodes: asks within the step of whichever node is running."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings

    async def ask(self, prompt: str, *, system: str = "", example: str | None = None) -> str:
        question = Question(prompt, system, mocked=example)
        return (await model_call.ask(self._settings, question, _INNER.get())).text

    async def ask_for_data(
        self, prompt: str, schema: dict[str, Any], *, system: str = "", example: Any = None
    ) -> Any:
        mocked = None
        if self._settings.model == MOCK:
            made = mock_model.example(schema, prompt) if example is None else example
            mocked = msgspec.json.encode(made).decode()
        told = f"{system}\n\n{model_data.instruction(schema)}".strip()
        data = await model_data.ask_for_data(
            self._settings,
            Question(prompt, told, mocked=mocked),
            _INNER.get(),
            reading=lambda text: model_data.read(text, schema),
            max_repairs=MAX_REPAIRS,
        )
        return data.value


class Execution:
    """One execution of a graph: how often each node was visited, and what has failed.

    LangGraph would cancel a failing node's siblings; they are let finish and be recorded first.
    """

    def __init__(self, ctx: NodeContext) -> None:
        self._ctx = ctx
        self._visits: Counter[str] = Counter()
        self._working = 0
        self._idle = asyncio.Event()
        self._failure: Exception | None = None

    async def visit(self, name: str, node: Any, state: Any, config: RunnableConfig) -> Any:
        """Execute a node as a step, or return what it did in an earlier process."""
        visit = self._visits[name]
        self._visits[name] += 1

        async def run(inner: NodeContext) -> Any:
            token = _INNER.set(inner)
            try:
                return _recordable(name, await node.ainvoke(state, config))
            finally:
                _INNER.reset(token)

        if self._failure is None:
            self._working += 1
            self._idle.clear()
            try:
                return _update(await self._ctx.inner_step(name, visit, _plain(state), run))
            except Exception as error:  # noqa: BLE001 raised below, when the siblings are done
                self._failure = self._failure or error
            finally:
                self._working -= 1
                if not self._working:
                    self._idle.set()
        await self._idle.wait()
        assert self._failure is not None
        raise self._failure


def _instrumented(graph: Any, execution: Execution) -> Any:
    """The graph with its nodes wrapped; the one given stays as it is."""
    wrapped = copy.copy(graph)
    wrapped.nodes = {}
    for name, spec in graph.nodes.items():
        wrapped.add_node(
            name,
            _wrapper(name, spec.runnable, execution),
            input_schema=spec.input_schema,
            defer=spec.defer,
            destinations=spec.ends or None,
        )
    return wrapped


def _wrapper(name: str, node: Any, execution: Execution) -> Any:
    async def visited(state: Any, config: RunnableConfig) -> Any:
        return await execution.visit(name, node, state, config)

    return visited


def _recordable(name: str, result: object) -> Any:
    """A node's result as JSON; commands become objects."""
    if isinstance(result, Command):
        command = cast("Command[Any]", result)
        if command.graph is not None or command.resume is not None:
            raise _unusable(name, "a command for another graph")
        goto: Any = command.goto
        many = isinstance(goto, Sequence) and not isinstance(goto, str)
        targets = cast("Sequence[Any]", goto if many else [goto])
        ways = [
            {"node": target.node, "arg": target.arg} if isinstance(target, Send) else target
            for target in targets
        ]
        result = {COMMAND: {"update": command.update, "goto": ways}}
    elif result is not None and not isinstance(result, Mapping):
        raise _unusable(name, type(result).__name__)
    try:
        return msgspec.json.decode(msgspec.json.encode(result))
    except (TypeError, ValueError, RecursionError) as error:
        raise _unusable(name, str(error)) from error


def _unusable(name: str, what: str) -> NodeError:
    return NodeError(
        f"the graph's node {name!r} returned what cannot be recorded: {what}; "
        "states must be plain JSON",
        code="output_invalid",
        retryable=False,
    )


def _update(recorded: Any) -> Any:
    """What LangGraph gets of a recorded result."""
    if not isinstance(recorded, dict) or COMMAND not in recorded:
        return cast("Any", recorded)
    command: dict[str, Any] = cast("dict[str, Any]", recorded)[COMMAND]
    goto: Any = [
        target if isinstance(target, str) else Send(target["node"], target["arg"])
        for target in command["goto"]
    ]
    return Command(update=command["update"], goto=goto)


def _plain(state: Any) -> Any:
    """The state as JSON, for those who look at the step; what is none reads as text."""
    return msgspec.json.decode(msgspec.json.encode(state, enc_hook=str))
