"""The one extension point: what a node type is and what it is given when it runs.

A node type is one file in `graphs/nodes/` with one subclass of `NodeType`. Its docstring is the
palette's help, its `Params` struct makes the form, the validation, the JSON Schema and the docs.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from http.cookiejar import CookieJar
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

import msgspec
from msgspec import Struct, field

from graphs.artifacts import ArtifactStore, FolderArtifacts, RunFiles
from graphs.events import ApprovalAnswer, ApprovalRequest, Usage


class Category(StrEnum):
    """The palette's sections, in its order."""

    FLOW = "flow"
    DATA = "data"
    TABLES = "tables"
    AI = "ai"
    INTEGRATION = "integration"


class Port(Struct, frozen=True):
    """A place where edges begin or end."""

    name: str
    title: str = ""


class PortsFrom(Struct, frozen=True):
    """Output ports made from a list in the params: one per entry of `param`, named by its `key`.

    An entry that is a text is the name itself. Declarative, so that the canvas and the compiler
    derive the same ports from the raw params.
    """

    param: str
    key: str


class PortsCase(Struct, frozen=True):
    """The output ports for one value of a param: those made from a list, then the fixed ones."""

    outputs: tuple[Port, ...] = ()
    outputs_from: PortsFrom | None = None


class PortsBy(Struct, frozen=True):
    """Output ports that depend on the value of `param`; `default` holds while it is not set.

    For a value that is not among the `cases` the node type's own ports hold.
    """

    param: str
    default: str
    cases: Mapping[str, PortsCase]


class Join(StrEnum):
    """When a node with several in-edges runs: when any is live, or only when all are."""

    ANY = "any"
    ALL = "all"


class Params(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every node type's settings.

    A field's `msgspec.Meta` gives title, description, limits and examples;
    `extra_json_schema` may hold: `x-secret` (may use `{{ secrets.NAME }}`), `x-expression: false`
    (taken literally), `x-json-schema: true` (must be a sound JSON Schema), `x-widget`
    (`textarea`, `expression`, `condition`, `model`, `key_value`, `json`, `column`, `file`,
    `workflow`, `library_graph`, `code`, `duration`: milliseconds), `x-lazy: true` (kept back for
    `ctx.evaluate`), `x-placeholder`, `x-writes: true` (a file that need not be there), and for
    forms `x-when` and `x-unless`: the field applies only while, or unless, each sibling named has
    one of the values.
    """


P = TypeVar("P", bound=Params)


class Output(Struct, frozen=True):
    """What a node returns: a JSON-able value and the output ports that become live.

    Without `ports` the node type's first port is live.
    """

    value: Any
    ports: tuple[str, ...] | None = None


class Price(Struct, frozen=True, kw_only=True):
    """What a model costs, in US dollars per million tokens."""

    input_usd: Decimal
    output_usd: Decimal


class BoundWorkflow(Struct, frozen=True, kw_only=True):
    """A workflow that a `workflow` node calls, bound to one definition when its run began.

    `graph` is a `graphs.compile.CompiledGraph`; `version` None is a frozen draft.
    """

    workflow_id: str
    name: str
    version: int | None
    graph: Any


class Defect(Struct, frozen=True, kw_only=True):
    """An exception that a node type was not made for, as a traceback without secrets.

    `reference` is what the step's error says.
    """

    trace: str
    reference: str
    node_type: str
    run_id: str
    node_id: str
    step_id: str


def _unheard(defect: Defect) -> None:
    pass


class Services(Struct, frozen=True, kw_only=True):
    """What a run may use of the world outside; made for each run by whoever executes it.

    `allow_hosts`: private hosts and networks that outgoing calls may reach all the same.
    `secrets`: what `{{ secrets.NAME }}` finds. `files` None: the run has no workspace. `prices`:
    by model name as written in params. `workflows`: by `<workflow id>@<version or active>`.
    `recorded`: outputs of an earlier real run by node id, for mock mode. `python_enabled`: whether
    an administrator allows the `python` node. `cookies`: what servers gave this run to keep.
    `owner`: whose turn it is where work has to wait. `on_defect` hears of the node types' own bugs.
    """

    allow_hosts: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    artifacts: ArtifactStore = field(default_factory=FolderArtifacts)
    files: RunFiles | None = None
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    workflows: Mapping[str, BoundWorkflow] = field(default_factory=dict[str, BoundWorkflow])
    recorded: Mapping[str, Any] = field(default_factory=dict[str, Any])
    python_enabled: bool = False
    cookies: CookieJar = field(default_factory=CookieJar)
    owner: str = ""
    on_defect: Callable[[Defect], None] = _unheard


class NodeContext(Protocol):
    """A running node's view of its run."""

    run_id: str
    node_id: str
    step_id: str
    attempt: int
    started_at: datetime
    """When the step first started, by this process or by one that has died since."""
    prev: Any
    """What arrived: the one live upstream's output, or `{node id: output}` of several."""
    mock: bool
    """Whether nothing may happen outside: `NodeType.mock` is called in place of `run`."""

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The run's inputs with their defaults."""
        ...

    @property
    def steps(self) -> Mapping[str, Any]:
        """The outputs of the steps before this one by node id, as expressions see them."""
        ...

    @property
    def services(self) -> Services:
        """What the run may use of the world outside."""
        ...

    @property
    def idempotency_key(self) -> str:
        """`run:node` or `run:path:node`: equal for every attempt of this step, and no other."""
        ...

    def log(self, message: str, level: str = "info") -> None:
        """Write a line to the run's log, shown beside the step."""
        ...

    def mask(self, text: str) -> str:
        """The text without the run's secrets and what was made of them."""
        ...

    def llm_started(self, model: str) -> None:
        """Say that a model call begins."""
        ...

    def token(self, text: str) -> None:
        """Show a piece of text that a model produced; it is streamed and not stored."""
        ...

    def llm_completed(self, model: str, usage: Usage, duration_ms: int) -> None:
        """Say what a model call consumed; it is added to the step's and the run's usage."""
        ...

    async def run_body(self, item: Any, index: int) -> Any:
        """Execute the container's body once. Returns its outputs; raises NodeError if it fails."""
        ...

    def evaluate(self, field: str, item: Any, index: int) -> Any:
        """The value of a param marked `x-lazy`, after an execution of the body.

        Its expressions see the body's steps, and `item` and `index` as given. Raises NodeError.
        """
        ...

    async def run_workflow(self, reference: str, inputs: Mapping[str, Any]) -> Any:
        """Execute a workflow of `services.workflows` within this run; returns its outputs.

        Its steps lie in the path `<this node>[0]`. Raises NodeError if it fails.
        """
        ...

    async def inner_step(
        self,
        name: str,
        visit: int,
        arrived: Any,
        run: Callable[["NodeContext"], Awaitable[Any]],
    ) -> Any:
        """Execute a part of this node as a step of its own, in the path `<this node>[<visit>]`.

        What `run` returned is recorded: after a restart it is returned without another execution.
        It is called with a context whose tokens, logs and usage belong to the inner step.
        """
        ...

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Ask a person, once per step (`approval_id` is the step's id), and wait for the answer.

        Meanwhile the run may be put aside and go on in another process: nothing before this call
        may have an effect outside. In mock mode nobody is asked: the default answer is the answer.
        """
        ...

    async def wait_until(self, moment: datetime) -> None:
        """Wait; for a long time, the run may be put aside like in `ask`."""
        ...


class NodeType(ABC, Generic[P]):
    """A kind of node. Subclasses set the class variables and write `run`.

    `pure`: running it again has no effect outside and costs next to nothing, so its outcome need
    not be on disk before the next node starts. Leave it False in doubt.
    """

    name: ClassVar[str]
    """The `type` of its nodes in a definition, such as `set_fields`."""
    title: ClassVar[str]
    category: ClassVar[Category]
    icon: ClassVar[str]
    """A Material Icons ligature, such as `call_split`."""
    keywords: ClassVar[tuple[str, ...]] = ()
    """Other words, in small letters, under which people look for it in the palette."""
    params_type: ClassVar[type[Params]] = Params
    inputs: ClassVar[tuple[Port, ...]] = (Port("in"),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("out"),)
    outputs_from: ClassVar[PortsFrom | None] = None
    outputs_by: ClassVar[PortsBy | None] = None
    pure: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    """True when it mostly waits (for a body, a person, the clock): takes no `max_concurrency`."""
    container: ClassVar[bool] = False
    """True when the node has a body that `ctx.run_body` executes."""

    @abstractmethod
    async def run(self, params: P, ctx: NodeContext) -> Output:
        """Do the work. `params` are resolved. Raise NodeError with a message for the analyst."""

    async def mock(self, params: P, ctx: NodeContext) -> Output:
        """Stand in for `run` in mock mode. A node type with effects outside overrides this."""
        return await self.run(params, ctx)

    def join(self, params: Mapping[str, Any]) -> Join:
        """How the node treats several in-edges; `params` are raw."""
        return Join.ANY

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        """Whether it works on what arrives without an expression that says so. Params are raw."""
        return True

    def ports(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of the output ports for these raw params, the `error` port not included."""
        case = PortsCase(self.outputs, self.outputs_from)
        if self.outputs_by is not None:
            value: Any = params.get(self.outputs_by.param, self.outputs_by.default)
            case = self.outputs_by.cases.get(value, case) if isinstance(value, str) else case
        names = [port.name for port in case.outputs]
        if case.outputs_from is not None:
            entries: Any = params.get(case.outputs_from.param)
            made = [
                port
                for entry in (cast("list[Any]", entries) if isinstance(entries, list) else [])
                if (port := _member(entry, case.outputs_from.key))
            ]
            names = [*dict.fromkeys(made), *(name for name in names if name not in made)]
        return tuple(names)

    def ports_after_error(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The ports that go on with a failed step's error when `on_error` is `continue`."""
        return self.ports(params)[:1]

    def check(self, params: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """What is wrong with raw params beyond each single field: where, and what helps."""
        return ()

    def params_schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of the params, references resolved into `$defs`."""
        (schema,), defs = msgspec.json.schema_components(
            [self.params_type], ref_template="#/$defs/{name}"
        )
        root = defs.pop(self.params_type.__name__, schema)
        return {**root, "$defs": defs} if defs else root


def _member(entry: Any, key: str) -> str | None:
    value: Any = cast("dict[str, Any]", entry).get(key) if isinstance(entry, dict) else entry
    return value if isinstance(value, str) else None
