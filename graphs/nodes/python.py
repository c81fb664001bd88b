"""The node type `python`."""

from typing import Annotated, Any

from msgspec import Meta, field

from graphs.errors import NodeError
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from graphs.sandbox.process import Limits, execute

MAX_TIMEOUT_MS = 300_000
MAX_MEMORY_MB = 2048


class PythonParams(Params, frozen=True, kw_only=True):
    code: Annotated[
        str,
        Meta(
            title="Code",
            description="Sets `result`, or defines `main(prev, inputs)` and returns it. `prev` is "
            "what arrives, `inputs` what is set below.",
            min_length=1,
            max_length=100_000,
            examples=["result = [row for row in prev if row['amount'] > inputs['least']]"],
            extra_json_schema={"x-widget": "code", "x-expression": False},
        ),
    ]
    inputs: Annotated[
        dict[str, Any],
        Meta(
            title="Inputs",
            description="Values for the code, as expressions over earlier steps.",
            examples=[{"least": "{{ vars.least }}"}],
            extra_json_schema={"x-widget": "key_value"},
        ),
    ] = field(default_factory=dict[str, Any])
    timeout_ms: Annotated[
        int,
        Meta(
            title="Time limit",
            description="How long until the code is stopped.",
            ge=100,
            le=MAX_TIMEOUT_MS,
            extra_json_schema={"x-widget": "duration"},
        ),
    ] = 10_000
    memory_mb: Annotated[
        int,
        Meta(
            title="Memory limit",
            description="Megabytes that the code's data may take.",
            ge=16,
            le=MAX_MEMORY_MB,
        ),
    ] = 256


class Python(NodeType[PythonParams]):
    """Runs a few lines of Python over what arrives. Off until an administrator enables it.

    Its output is the value of `result`, or what `main(prev, inputs)` returns: anything that JSON
    can hold, dates and times as ISO 8601 texts, decimals without loss, sets as lists. What the code
    prints goes to the run's log. It has the standard library, but no network, no files, no
    environment and no credentials, and is stopped when it takes too much time or memory.
    """

    name = "python"
    title = "Python"
    category = Category.DATA
    icon = "code"
    keywords = ("code", "script", "function")
    params_type = PythonParams

    async def run(self, params: PythonParams, ctx: NodeContext) -> Output:
        if not ctx.services.python_enabled:
            raise NodeError(
                "the Python node is off; an administrator can enable it under Settings",
                code="python_disabled",
                retryable=False,
            )
        limits = Limits(time_ms=params.timeout_ms, memory_mb=params.memory_mb)
        owner = ctx.services.owner
        return Output(await execute(params.code, ctx.prev, params.inputs, limits, ctx.log, owner))

    async def mock(self, params: PythonParams, ctx: NodeContext) -> Output:
        """Nothing is executed: what an earlier run put out, otherwise what arrives."""
        return Output(ctx.services.recorded.get(ctx.node_id, ctx.prev))
