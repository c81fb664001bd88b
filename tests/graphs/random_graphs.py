"""Random drawings for tests of the engine, and what its runs of them come to."""

import asyncio
import random
from collections import Counter
from typing import Any

from graphs.definition import Body, Definition, Edge, Node, OnError
from graphs.errors import NodeError
from graphs.events import (
    ApprovalKind,
    ApprovalRequest,
    RunCompleted,
    RunEvent,
    RunFailed,
    StepCompleted,
    StepEvent,
    StepFailed,
    StepSkipped,
    StepStarted,
)
from graphs.node_type import Join, NodeType, Output, Params, Port
from graphs.nodes.repeat_until import RepeatUntil, RepeatUntilParams
from graphs.nodes.start import Start
from graphs.recorded import step_key
from tests.graphs.reference import Result

PORTS = ("out", "left", "right")


class SaysParams(Params):
    says: str = "out"
    mode: str = "any"
    yields: int = 0
    asks: bool = False


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
        if params.asks:
            request = ApprovalRequest(
                approval_id=ctx.step_id, kind=ApprovalKind.TEXT, message="?", answer_schema={}
            )
            given = await ctx.ask(request)
            assert given.answer == ctx.step_id, "the answer to another question"
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


class Loop(RepeatUntil):
    """The engine's own loop; `times` is what the reference reads."""

    class LoopParams(RepeatUntilParams):
        times: int = 1

    params_type = LoopParams


TYPES: dict[str, NodeType[Any]] = {
    "says": Says(),
    "times": Times(),
    "repeat_until": Loop(),
    "start": Start(),
}


def random_graph(rng: random.Random, prefix: str, depth: int, asking: float) -> Body:
    """A random acyclic graph; every node but the first has at least one in-edge."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for index in range(rng.randint(1, 9 if depth == 0 else 4)):
        node_id = f"{prefix}n{index}"
        on_error = rng.choice(list(OnError))
        if depth < 2 and rng.random() < 0.15:
            body = random_graph(rng, f"{node_id}_", depth + 1, asking)
            params: dict[str, Any] = {"times": rng.randint(0, 3)}
            kind = rng.choice(["times", "repeat_until"])
            if kind == "repeat_until":
                rounds = rng.randint(1, 3)
                params = {"times": rounds, "max_iterations": rng.randint(1, 4)}
                params["condition"] = f"{{{{ index + 1 >= {rounds} }}}}"
            node = Node(id=node_id, type=kind, params=params, body=body, on_error=on_error)
        else:
            says = "raise" if rng.random() < 0.25 else rng.choice(PORTS)
            params = {"says": says, "mode": rng.choice(["any", "all"]), "yields": rng.randint(0, 4)}
            if rng.random() < asking:
                params["asks"] = True
            node = Node(id=node_id, type="says", params=params, on_error=on_error)
        for source in rng.sample(nodes, min(len(nodes), rng.choice([1, 1, 2, 3]))):
            ports = ["out"] if source.body is not None else list(PORTS)
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


def random_definition(seed: int, asking: float = 0) -> Definition:
    """With `asking`, that part of the nodes asks a question before it goes on."""
    rng = random.Random(seed)
    body = random_graph(rng, "", 0, asking)
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


def check(events: list[RunEvent], expected: Result, where: str) -> None:
    """Hold a whole run, in however many processes, against the reference."""
    end = events[-1]
    assert fates(events) == expected.fates, where
    assert isinstance(end, RunFailed if expected.failed else RunCompleted), where
    if isinstance(end, RunCompleted):
        assert without_messages(end.data.outputs) == expected.outputs, where
    assert [event.seq for event in events] == list(range(1, len(events) + 1)), where
    ended = Counter(
        step_key(event)
        for event in events
        if isinstance(event, StepCompleted | StepFailed | StepSkipped)
    )
    assert set(ended.values()) <= {1}, f"{where}: recorded twice"
    finished = set()
    for event in events:
        if isinstance(event, StepStarted):
            assert step_key(event) not in finished, f"{where}: a finished step ran again"
        elif isinstance(event, StepCompleted | StepFailed):
            finished.add(step_key(event))
