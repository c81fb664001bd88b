"""The part of an exported file that executes: what a node sees, dead paths, retries, errors.

Exported files hold copies of what they use of this module; nothing here is run by the server.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from http.cookiejar import CookieJar
from typing import Annotated, Any, Literal, TypedDict
from uuid import uuid4

import httpx

from graphs.errors import ExpressionError, NodeError, NodeTimeoutError
from graphs.exporting.runtime_values import UnsetType, violations
from graphs.json_schema import with_defaults
from graphs.problems import pointer


@dataclass(frozen=True)
class Output:
    """What a node returns, and the ports that go on; without any, its first one."""

    value: Any
    ports: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a node ended. Only edges from `ports` are live: none after a skip or a failure."""

    output: Any = None
    ports: tuple[str, ...] = ()
    ran: bool = True
    error: NodeError | None = None


@dataclass(frozen=True)
class Retry:
    """Attempt n waits `delay_ms * multiplier ** (n - 1)` before attempt n + 1."""

    max_attempts: int = 1
    delay_ms: int = 500
    multiplier: float = 2


def merge(left: dict[str, Outcome], right: dict[str, Outcome]) -> dict[str, Outcome]:
    """Join the outcomes of nodes that ran side by side."""
    return {**left, **right}


class State(TypedDict, total=False):
    """What goes through the graph. `item` and `index` are those of a loop's body."""

    run_id: str
    input: dict[str, Any]
    arriving: Any
    steps: Annotated[dict[str, Outcome], merge]
    item: Any
    index: int


class Steps(dict[str, Any]):
    """Outputs by node; what was skipped, or has not run yet, is None."""

    def __missing__(self, key: str) -> None:
        return None


@dataclass(frozen=True)
class Services:
    """What nodes use of the world outside."""

    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    artifacts: Any = None
    files: Any = None
    cookies: CookieJar = field(default_factory=CookieJar)
    allow_hosts: tuple[str, ...] = ()
    prices: Mapping[str, Any] = field(default_factory=dict[str, Any])
    owner: str = ""


@dataclass(frozen=True)
class Setting:
    """What is the same for every node: the workflow's variables, and the services."""

    variables: Mapping[str, Any]
    services: Services
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    """To questions that an `approval` would ask on the terminal, by node."""


@dataclass
class Run:
    """A node's view of the run: what arrived, the inputs, the outputs of earlier nodes."""

    node_id: str
    state: State
    prev: Any
    setting: Setting
    body: Body | None = None
    lazy: Mapping[str, Callable[[Run], Any]] = field(default_factory=dict[str, Any])
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    attempt: int = 1
    mock: bool = False
    limit: asyncio.Timeout | None = None

    @property
    def input(self) -> dict[str, Any]:
        return self.state.get("input", {})

    inputs = input

    @property
    def steps(self) -> Steps:
        outcomes = self.state.get("steps", {}).items()
        return Steps({node_id: outcome.output for node_id, outcome in outcomes})

    @property
    def vars(self) -> Mapping[str, Any]:
        return self.setting.variables

    @property
    def secrets(self) -> Mapping[str, str]:
        return self.setting.services.secrets

    @property
    def item(self) -> Any:
        return self.state.get("item")

    @property
    def index(self) -> int:
        return self.state.get("index", 0)

    @property
    def services(self) -> Services:
        return self.setting.services

    @property
    def run_id(self) -> str:
        return self.state.get("run_id", "")

    @property
    def step_id(self) -> str:
        index = f"[{self.index}]" if "index" in self.state else ""
        return f"{self.node_id}{index}"

    @property
    def idempotency_key(self) -> str:
        return f"{self.run_id}:{self.step_id}"

    def log(self, message: str, level: str = "info") -> None:
        print(f"{level}: {self.node_id}: {message}", file=sys.stderr)  # noqa: T201

    def llm_started(self, model: str) -> None:
        """A model is asked."""

    def token(self, text: str) -> None:
        """A model has said something."""

    def llm_completed(self, model: str, usage: Any, duration_ms: int) -> None:
        """A model has answered."""

    async def run_body(self, item: Any, index: int) -> Any:
        """Execute the node's body once."""
        assert self.body is not None
        return await self.body.run(self, item, index)

    def evaluate(self, field: str, item: Any, index: int) -> Any:
        """A setting that is worked out after an execution of the body."""
        state: State = {**self.state, "item": item, "index": index}
        if self.body is not None:
            state["steps"] = {**state.get("steps", {}), **self.body.latest}
        return self.lazy[field](Run(self.node_id, state, self.prev, self.setting))

    async def inner_step(
        self, name: str, visit: int, arrived: Any, run: Callable[[Run], Awaitable[Any]]
    ) -> Any:
        """A part of the node's work."""
        return await run(self)

    async def wait_until(self, moment: datetime) -> None:
        """Wait; it does not count as the node's own time."""
        with self.standing():
            await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))

    @contextmanager
    def standing(self) -> Generator[None]:
        """Let the node's time limit stand still."""
        if self.limit is None or (ends := self.limit.when()) is None:
            yield
            return
        loop = asyncio.get_running_loop()
        left = ends - loop.time()
        self.limit.reschedule(None)
        yield
        self.limit.reschedule(loop.time() + left)

    async def ask(self, request: Any) -> Answer:
        """Ask on the terminal, unless `--answer` has said it already."""
        given = self.setting.answers.get(self.node_id, MISSING)
        while given is MISSING:
            print(request.message, file=sys.stderr)  # noqa: T201
            wanted = json.dumps(request.answer_schema, ensure_ascii=False)
            print(f"The answer as JSON, such as {wanted}:", file=sys.stderr)  # noqa: T201
            try:
                with self.standing():
                    line = await asyncio.to_thread(input)
            except EOFError:
                given = request.default_answer
                break
            with suppress(ValueError):
                given = json.loads(line)
        problems = [] if isinstance(given, UnsetType) else violations(request.answer_schema, given)
        if problems:
            raise NodeError(f"the answer does not fit: {problems[0].message}", retryable=False)
        return Answer(given)


class AnswerSource(StrEnum):
    PERSON = "person"


@dataclass(frozen=True)
class Answer:
    """What a person answered."""

    answer: Any
    by: str = "terminal"
    comment: str | None = None
    answered_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    source: AnswerSource = AnswerSource.PERSON


NodeFunction = Callable[[Run], Awaitable[Any]]


def step(
    node_id: str,
    function: NodeFunction,
    setting: Setting,
    *,
    after: Sequence[tuple[str, str]] = (),
    ports: Sequence[str] = ("out",),
    ports_after_error: Sequence[str] | None = None,
    join: Literal["any", "all"] = "any",
    retry: Retry = Retry(),
    timeout_ms: int | None = None,
    on_error: Literal["fail", "continue", "error"] = "fail",
    disabled: bool = False,
    body: Body | None = None,
    lazy: Mapping[str, Callable[[Run], Any]] | None = None,
) -> Callable[[State], Awaitable[dict[str, Any]]]:
    """A LangGraph node around a node function.

    `after`: the edges that lead here, as (node, port). A node is skipped when none of them is
    live, with `join="all"` when any of them is dead. A failure never stops other branches:
    it becomes the node's outcome, as `on_error` says.
    """

    async def settle(state: State) -> Outcome:
        outcomes = state.get("steps", {})
        live = {source: port for source, port in after if port in outcomes[source].ports}
        dead = any(port not in outcomes[source].ports for source, port in after)
        if after and (not live or (dead and join == "all")):
            return Outcome(ran=False)
        arrived = {source: outcomes[source].output for source, _ in after if source in live}
        prev = arrived if len(arrived) > 1 else next(iter(arrived.values()), state.get("arriving"))
        if disabled:
            return Outcome(prev, tuple(ports[:1]))
        try:
            run = Run(node_id, state, prev, setting, body, lazy or {})
            made = await attempts(run, function, retry, timeout_ms)
        except NodeError as error:
            value = {**(error.data or {}), "error": {"code": error.code, "message": error.message}}
            if on_error == "fail":
                return Outcome(ran=False, error=error)
            after_error = tuple(ports[:1]) if ports_after_error is None else ports_after_error
            return Outcome(value, ("error",) if on_error == "error" else tuple(after_error))
        if isinstance(made, Output):
            return Outcome(made.value, tuple(ports[:1]) if made.ports is None else made.ports)
        return Outcome(made, tuple(ports[:1]))

    async def execute(state: State) -> dict[str, Any]:
        return {"steps": {node_id: await settle(state)}}

    execute.__name__ = node_id
    return execute


async def attempts(run: Run, function: NodeFunction, retry: Retry, timeout_ms: int | None) -> Any:
    """Call the function until it succeeds, or raise the NodeError of the last attempt."""
    while True:
        try:
            return await attempt_once(run, function, timeout_ms)
        except NodeError as error:
            if not error.retryable or run.attempt >= retry.max_attempts:
                raise
            delay_ms = round(retry.delay_ms * retry.multiplier ** (run.attempt - 1))
            run.log(f"attempt {run.attempt} failed, another follows: {error.message}", "warning")
        await asyncio.sleep(delay_ms / 1000)
        run.attempt += 1


async def attempt_once(run: Run, function: NodeFunction, timeout_ms: int | None) -> Any:
    """One attempt; whatever goes wrong becomes a NodeError."""
    limit = asyncio.timeout(None if timeout_ms is None else timeout_ms / 1000)
    run.limit = limit
    try:
        async with limit:
            return await function(run)
    except ExpressionError as error:
        raise NodeError(error.message, code=error.code, retryable=False) from error
    except NodeError:
        raise
    except TimeoutError as error:
        if not limit.expired():
            raise NodeError(f"{type(error).__name__}: {error}") from error
        detail = f"took longer than its time limit of {timeout_ms} ms"
        raise NodeTimeoutError(detail) from None
    except (TypeError, ZeroDivisionError, OverflowError) as error:
        # what Python's operators say to values they cannot be applied to
        raise NodeError(str(error), code="expression_invalid", retryable=False) from error
    except Exception as error:
        raise NodeError(f"{type(error).__name__}: {error}") from error


class WorkflowFailed(Exception):
    """A node failed, and its workflow with it."""

    def __init__(self, node_id: str, error: NodeError) -> None:
        super().__init__(f"node {node_id!r} failed ({error.code}): {error.message}")
        self.node_id = node_id
        self.code = error.code


async def execute(graph: Any, inputs: Mapping[str, Any]) -> dict[str, Outcome]:
    """Invoke the compiled graph; the outcomes of its nodes. Raises WorkflowFailed."""
    state: State = {
        "run_id": str(uuid4()),
        "input": dict(inputs),
        "arriving": dict(inputs),
        "steps": {},
    }
    end = await graph.ainvoke(state, {"recursion_limit": 10_000})
    outcomes: dict[str, Outcome] = end["steps"]
    for node_id, outcome in outcomes.items():
        if outcome.error is not None:
            raise WorkflowFailed(node_id, outcome.error)
    return outcomes


def outputs_of(
    outcomes: Mapping[str, Outcome], leaves: Sequence[str], ends: Sequence[str] = ()
) -> Any:
    """What the workflow returns: of the `end` nodes that were reached, or else of the leaves."""
    reached = {leaf: outcomes[leaf].output for leaf in leaves if outcomes[leaf].ran}
    if not ends:
        return reached
    reached = {leaf: output for leaf, output in reached.items() if leaf in ends}
    return next(iter(reached.values())) if len(reached) == 1 else reached


@dataclass(frozen=True)
class Body:
    """What a loop executes: a compiled graph, and the nodes whose outputs are its result."""

    graph: Any
    nodes: Sequence[str]
    leaves: Sequence[str]
    latest: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    """The outcomes of its last execution: of use where there is one at a time."""

    async def run(self, run: Run, item: Any, index: int) -> Any:
        """Execute it once. Raises NodeError when a node of it fails."""
        outer = {
            node_id: outcome
            for node_id, outcome in run.state.get("steps", {}).items()
            if node_id not in self.nodes
        }
        state: State = {**run.state, "arriving": item, "steps": outer, "item": item, "index": index}
        end = await self.graph.ainvoke(state, {"recursion_limit": 10_000})
        outcomes: dict[str, Outcome] = end["steps"]
        self.latest.clear()
        self.latest.update({node_id: outcomes[node_id] for node_id in self.nodes})
        for node_id in self.nodes:
            error = outcomes[node_id].error
            if error is not None:
                message = f"item {index}, node '{node_id}': {error.message}"
                raise NodeError(message, code=error.code)
        reached = {leaf: outcomes[leaf].output for leaf in self.leaves if outcomes[leaf].ran}
        return next(iter(reached.values()), None) if len(self.leaves) == 1 else reached


def http_client(allow_hosts: Sequence[str] = (), **options: Any) -> httpx.AsyncClient:
    """A client for calls to other servers; private networks are not refused here."""
    return httpx.AsyncClient(**options)


class Transport(httpx.AsyncHTTPTransport):
    """The usual transport."""

    def __init__(self, allow_hosts: Sequence[str] = ()) -> None:
        super().__init__()


def refusal(error: BaseException | None) -> None:
    """Nothing is refused here."""


def command_line(
    workflow: Callable[[dict[str, Any]], Coroutine[Any, Any, Any]],
    schema: Mapping[str, Any],
    setting: Setting,
) -> int:
    """Read the inputs, run the workflow, and print its outputs as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--inputs", metavar="FILE", help="a JSON file with all inputs")
    parser.add_argument("--answer", action="append", default=[], metavar="NODE=VALUE")
    arguments = parser.parse_args()
    given: dict[str, Any] = {}
    if arguments.inputs:
        with open(arguments.inputs, encoding="utf-8") as file:
            given = json.load(file)
    given.update(pairs(parser, arguments.input))
    setting.answers.update(pairs(parser, arguments.answer))
    inputs = with_defaults(schema, given)
    problems = violations({"type": "object", **schema}, inputs)
    if problems:
        parser.error("; ".join(f"{pointer('', found.path)}: {found.message}" for found in problems))
    try:
        outputs = asyncio.run(workflow(inputs))
    except WorkflowFailed as failure:
        print(failure, file=sys.stderr)  # noqa: T201
        return 1
    json.dump(outputs, sys.stdout, ensure_ascii=False, indent=2)
    print()  # noqa: T201
    return 0


def pairs(parser: argparse.ArgumentParser, texts: list[str]) -> dict[str, Any]:
    """`name=value` each; the value is JSON where it can be read as such, otherwise a text."""
    found: dict[str, Any] = {}
    for pair in texts:
        name, equals, raw = pair.partition("=")
        if not equals:
            parser.error(f"this should be name=value: {pair!r}")
        try:
            found[name] = json.loads(raw)
        except ValueError:
            found[name] = raw
    return found
