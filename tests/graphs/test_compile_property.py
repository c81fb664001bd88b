"""The compiled graph against the reference interpreter, on random graphs with random timing."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from graphs.compile import compile_definition
from graphs.definition import Body, Definition, Edge, Node, OnError
from graphs.errors import NodeError
from graphs.events import (
    RunCompleted,
    RunEvent,
    RunFailed,
    StepCompleted,
    StepEvent,
    StepFailed,
    StepSkipped,
    StepStarted,
)
from graphs.execute import run
from graphs.memory import MemoryJournal
from graphs.node_type import Join, NodeType, Output, Params, Port, Services
from graphs.nodes.start import Start
from graphs.recorded import step_key
from graphs.scope import RunControl
from tests.graphs.reference import interpret

GRAPHS = 600
PORTS = ("out", "left", "right")


class SaysParams(Params):
    says: str = "out"
    mode: str = "any"
    yields: int = 0


class Says(NodeType[SaysParams]):
    """Takes the port it is told to take, or raises, after letting others go first."""

    name, title, category, icon = "says", "Says", "flow", "help"  # type: ignore[assignment]
    params_type = SaysParams
    outputs = tuple(Port(name) for name in PORTS)

    def join(self, params: Any) -> Join:
        return Join(params.get("mode", "any"))

    async def run(self, params: SaysParams, ctx: Any) -> Output:
        for _ in range(params.yields):
            await asyncio.sleep(0)
        if params.says == "raise":
            raise NodeError("told to")
        return Output({"at": ctx.node_id, "prev": ctx.prev}, (params.says,))


class TimesParams(Params):
    times: int = 1
    yields: int = 0


class Times(NodeType[TimesParams]):
    """A container that runs its body a number of times, all at once."""

    name, title, category, icon = "times", "Times", "flow", "help"  # type: ignore[assignment]
    params_type = TimesParams
    container = True

    async def run(self, params: TimesParams, ctx: Any) -> Output:
        bodies = [ctx.run_body(index, index) for index in range(params.times)]
        results = await asyncio.gather(*bodies, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return Output(results)


TYPES: dict[str, NodeType[Any]] = {"says": Says(), "times": Times(), "start": Start()}


def random_graph(rng: random.Random, prefix: str, depth: int) -> Body:
    """A random acyclic graph; every node but the first has at least one in-edge."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for index in range(rng.randint(1, 9 if depth == 0 else 4)):
        node_id = f"{prefix}n{index}"
        on_error = rng.choice(list(OnError))
        if depth < 2 and rng.random() < 0.15:
            params: dict[str, Any] = {"times": rng.randint(0, 3)}
            body = random_graph(rng, f"{node_id}_", depth + 1)
            node = Node(id=node_id, type="times", params=params, body=body, on_error=on_error)
        else:
            says = "raise" if rng.random() < 0.25 else rng.choice(PORTS)
            params = {"says": says, "mode": rng.choice(["any", "all"]), "yields": rng.randint(0, 4)}
            node = Node(id=node_id, type="says", params=params, on_error=on_error)
        for source in rng.sample(nodes, min(len(nodes), rng.choice([1, 1, 2, 3]))):
            ports = ["out"] if source.type == "times" else list(PORTS)
            ports += ["error"] * 2 if source.on_error is OnError.ERROR else []
            taken = source.params.get("says", "out")
            ports += [taken] * 6 if taken in ports else []
            edges.append(
                Edge(
                    id=f"e{prefix}{len(edges)}",
                    source=source.id,
                    source_port=rng.choice(ports),
                    target=node_id,
                )
            )
        nodes.append(node)
    return Body(nodes=nodes, edges=edges)


def random_definition(seed: int) -> Definition:
    rng = random.Random(seed)
    body = random_graph(rng, "", 0)
    first = Edge(id="first", source="start", target=body.nodes[0].id)
    start = Node(id="start", type="start")
    return Definition(nodes=[start, *body.nodes], edges=[first, *body.edges])


def without_messages(value: Any) -> Any:
    """Outputs as the reference writes them: an error is only the fact that there was one."""
    match value:
        case {"error": {"code": _, "message": _}}:
            return {"error": True}
        case dict():
            return {key: without_messages(item) for key, item in value.items()}
        case list():
            return [without_messages(item) for item in value]
        case _:
            return value


def fates(events: list[RunEvent]) -> dict[tuple[str, str], str]:
    names = {StepCompleted: "completed", StepFailed: "failed", StepSkipped: "skipped"}
    return {
        step_key(e): names[type(e)] for e in events if type(e) in names and isinstance(e, StepEvent)
    }


async def execute(definition: Definition, journal: MemoryJournal) -> RunEvent:
    return await run(
        compile_definition(definition, TYPES),
        run_id="r",
        inputs={},
        journal=journal,
        services=Services(),
        control=RunControl(),
    )


@pytest.mark.parametrize("block", range(6))
async def test_compiled_graphs_do_what_the_reference_does(block: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(block * GRAPHS // 6, (block + 1) * GRAPHS // 6):
        definition = random_definition(seed)
        expected = interpret(definition, {})
        journal = MemoryJournal()
        end = await execute(definition, journal)
        assert fates(journal.events) == expected.fates, f"seed {seed}"
        assert isinstance(end, RunFailed) == expected.failed, f"seed {seed}"
        if isinstance(end, RunCompleted):
            assert without_messages(end.data.outputs) == expected.outputs, f"seed {seed}"
        starts = Counter(step_key(e) for e in journal.events if isinstance(e, StepStarted))
        assert set(starts.values()) <= {1}, f"seed {seed}: a node fired twice"
        assert [e.seq for e in journal.events] == list(range(1, len(journal.events) + 1))
        seen.update(expected.fates.values())
        seen["runs failed"] += expected.failed
    assert min(seen[kind] for kind in ("completed", "skipped", "failed", "runs failed")) > 10, seen


async def test_a_run_cut_off_anywhere_goes_on_to_the_same_end() -> None:
    cuts = 0
    for seed in range(150):
        definition = random_definition(seed)
        whole = MemoryJournal()
        await execute(definition, whole)
        for cut in random.Random(seed).sample(range(len(whole.events)), min(3, len(whole.events))):
            rest = MemoryJournal(earlier=whole.events[:cut])
            await execute(definition, rest)
            assert fates(rest.events) == fates(whole.events), f"seed {seed}, cut {cut}"
            ended = [step_key(e) for e in rest.events if isinstance(e, StepCompleted | StepFailed)]
            assert len(ended) == len(set(ended)), f"seed {seed}, cut {cut}: recorded twice"
            cuts += 1
    assert cuts >= 300
