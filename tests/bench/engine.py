"""The engine within this process: what the journal costs, and whether branches wait."""

import asyncio
import operator
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

import msgspec
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from uuid_utils.compat import uuid7

from backend.commands.serving import settle_memory
from backend.database import close_database, open_database
from backend.runs.bus import LocalBus
from backend.runs.journal import RunJournal
from backend.runs.journal_writer import JournalWriter
from backend.runs.record import RunRecord
from backend.runs.schemas import RunMode, Trigger
from backend.runs.status import RunStatus
from backend.settings import Settings
from backend.system.logs import configure_logs
from graphs.compile import CompiledGraph, compile_definition
from graphs.definition import Definition
from graphs.events import RunCompleted
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Category, NodeContext, NodeType, Output, Params, Services
from graphs.registry import registry
from graphs.scope import Journal, RunControl
from tests.bench import drawings
from tests.bench.area import Area
from tests.bench.table import Figure

LENGTH = 10
AT_ONCE = 32
RUNS = 448
RUNS_A_ROUND = 16
"""Or two for each of those at once: short rounds, so that all arms meet the same disturbances."""
INPUTS = {"n": 0, "city": "Oslo"}
BRANCHES_MS = ([400], [100, 100, 100, 100], [50, 250, 100], [20, 20])
CRITICAL_PATH_S = max(map(sum, BRANCHES_MS)) / 1000
MAKESPANS = 7

Run = Callable[[], Awaitable[None]]


class EffectParams(Params, frozen=True):
    fields: dict[str, Any]


class Effect(NodeType[EffectParams]):
    """Gives its fields like `set_fields`, and counts as having an effect outside."""

    name = "set_fields"
    title = "Effect"
    category = Category.DATA
    icon = "bolt"
    params_type = EffectParams

    async def run(self, params: EffectParams, ctx: NodeContext) -> Output:
        return Output(params.fields)


async def measure(area: Area) -> None:
    """Fills the rows of its area, like every module's `measure`."""
    configure_logs("warning")
    settle_memory()
    directory = area.place("data")
    await open_database(Settings(data_dir=directory, secret_key="k" * 32))
    writer = JournalWriter(LocalBus())
    writer.open()
    try:
        async with AsyncExitStack() as stack:
            saver = await stack.enter_async_context(
                AsyncSqliteSaver.from_conn_string(str(directory / "checkpoints.db"))
            )
            # as ours, so that neither arm waits for the disk at every commit
            await saver.conn.execute("PRAGMA synchronous = NORMAL")
            langgraph = _plain_chain(saver)
            bare = _plain_chain(None)
            definition = _definition(drawings.chain(LENGTH))
            effects = {**registry(), "set_fields": Effect()}
            graphs = {
                "chain": compile_definition(definition),
                "effects": compile_definition(definition, effects),
            }
            for name, graph in graphs.items():
                await _compare(area, name, graph, writer, langgraph, bare)
        await _makespan(area, writer)
    finally:
        await writer.close()
        await close_database()


async def _compare(
    area: Area,
    name: str,
    graph: CompiledGraph,
    writer: JournalWriter,
    langgraph: Run,
    bare: Run,
) -> None:
    async def journalled() -> None:
        await _execute(graph, lambda run_id: RunJournal(writer, _record(run_id)), INPUTS)

    async def unstored() -> None:
        await _execute(graph, lambda _: MemoryJournal(), INPUTS)

    for at_once, suffix in ((1, ""), (AT_ONCE, "32")):
        rates = await _interleaved(area, at_once, (journalled, unstored, langgraph, bare))
        area.found(f"{name}.{at_once}", *_ratio(rates[0], rates[1]))
        area.found(f"{name}.saver{suffix}", *_ratio(rates[0], rates[2]))
        if name == "chain":
            area.found(f"{name}.bare{suffix}", *_ratio(rates[0], rates[3]))


async def _interleaved(area: Area, at_once: int, arms: tuple[Run, ...]) -> list[list[float]]:
    """Runs a second of each arm, round by round; in a round the arms take turns."""
    rates: list[list[float]] = [[] for _ in arms]
    runs = max(RUNS_A_ROUND, 2 * at_once)
    for arm in arms:
        await _timed(arm, at_once, at_once)
    for _ in range(area.times(RUNS) // runs or 1):
        for arm, found in zip(arms, rates, strict=True):
            found.append(runs / await _timed(arm, runs, at_once))
    return rates


async def _timed(arm: Run, runs: int, at_once: int) -> float:
    turns = iter(range(runs))

    async def worker() -> None:
        for _ in turns:
            await arm()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return time.perf_counter() - began


def _ratio(rates: list[float], others: list[float]) -> Figure:
    ratio = statistics.median(map(operator.truediv, rates, others))
    return Figure(ratio, f"{statistics.median(rates):.0f} ÷ {statistics.median(others):.0f} runs/s")


async def _makespan(area: Area, writer: JournalWriter) -> None:
    graph = compile_definition(_definition(drawings.branches(*BRANCHES_MS)))
    found: list[float] = []
    for _ in range(area.times(MAKESPANS, at_least=2)):
        began = time.perf_counter()
        await _execute(graph, lambda run_id: RunJournal(writer, _record(run_id)), {})
        found.append((time.perf_counter() - began) / CRITICAL_PATH_S)
    area.found(
        "makespan",
        statistics.median(found),
        f"critical path {CRITICAL_PATH_S * 1000:.0f} ms; in lock-step it would be"
        f" {_lock_step_ms()} ms",
    )


def _lock_step_ms() -> int:
    longest = max(map(len, BRANCHES_MS))
    steps = ([branch[i] for branch in BRANCHES_MS if i < len(branch)] for i in range(longest))
    return sum(map(max, steps))


async def _execute(
    graph: CompiledGraph, journal_for: Callable[[str], Journal], inputs: dict[str, Any]
) -> None:
    run_id = str(uuid7())
    end = await run(
        graph,
        run_id=run_id,
        inputs=inputs,
        journal=journal_for(run_id),
        services=Services(),
        control=RunControl(),
    )
    assert isinstance(end, RunCompleted), end


def _record(run_id: str) -> RunRecord:
    return RunRecord(
        id=run_id,
        tenant_id="bench",
        workflow_id="bench",
        workflow_name="bench",
        version=1,
        definition_hash="bench",
        status=RunStatus.QUEUED,
        mode=RunMode.FULL,
        trigger=Trigger.API,
        inputs=INPUTS,
        created_at=datetime.now(UTC),
    )


def _definition(drawing: drawings.Definition) -> Definition:
    return msgspec.convert(drawing, Definition)


class _State(TypedDict):
    outputs: Annotated[dict[str, Any], operator.or_]


def _plain_chain(saver: AsyncSqliteSaver | None) -> Run:
    """The same chain as a user of LangGraph writes it, with its own checkpointer or with none."""
    builder: Any = StateGraph(_State)
    before = START
    for index in range(LENGTH):
        node_id = f"step{index}"
        builder.add_node(node_id, _counting(before, node_id))
        builder.add_edge(before, node_id)
        before = node_id
    builder.add_edge(before, END)
    graph: Any = builder.compile(checkpointer=saver)

    async def langgraph() -> None:
        config: RunnableConfig = {"configurable": {"thread_id": str(uuid7())}}
        end = await graph.ainvoke({"outputs": {START: INPUTS}}, config)
        assert end["outputs"][before]["n"] == LENGTH, end

    return langgraph


def _counting(before: str, node_id: str) -> Callable[[_State], Awaitable[dict[str, Any]]]:
    async def step(state: _State) -> dict[str, Any]:
        previous = state["outputs"][before]
        return {"outputs": {node_id: {"city": previous["city"], "n": previous["n"] + 1}}}

    return step
