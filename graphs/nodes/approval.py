"""The node type `approval`."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from graphs.errors import NodeError
from graphs.events import ApprovalKind, ApprovalRequest
from graphs.json_schema import violations
from graphs.mock_model import example
from graphs.node_type import (
    Category,
    NodeContext,
    NodeType,
    Output,
    Params,
    Port,
    PortsBy,
    PortsCase,
    PortsFrom,
)
from graphs.problems import pointer

MAX_DETAILS_BYTES = 64 * 1024
MAX_ANSWER_LENGTH = 20_000
MAX_DELAY_MS = 366 * 86_400_000

_LITERAL: dict[str, Any] = {"x-expression": False}


class Option(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of the answers to choose from."""

    value: Annotated[
        str,
        Meta(
            title="Value",
            description="The answer, and the name of its port.",
            min_length=1,
            max_length=60,
            examples=["ship"],
            extra_json_schema=_LITERAL,
        ),
    ]
    label: Annotated[
        str,
        Meta(
            title="Label",
            description="What the person reads; the value when empty.",
            max_length=200,
            examples=["Ship it today"],
            extra_json_schema=_LITERAL,
        ),
    ] = ""


class AnswererRole(StrEnum):
    """The least role that may answer."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class ApprovalParams(Params, frozen=True):
    message: Annotated[
        str,
        Meta(
            title="Question",
            description="What the person is asked.",
            min_length=1,
            max_length=10_000,
            examples=["Send the report to {{ input.recipient }}?"],
            extra_json_schema={"x-widget": "textarea"},
        ),
    ]
    title: Annotated[
        str,
        Meta(
            title="Title",
            description="A few words for the inbox; the question itself when empty.",
            max_length=200,
        ),
    ] = ""
    kind: Annotated[
        ApprovalKind,
        Meta(
            title="Kind of answer",
            description="Yes or no, one of several options, words, or a form whose fields a JSON "
            "Schema describes.",
            extra_json_schema=_LITERAL,
        ),
    ] = ApprovalKind.CONFIRMATION
    options: Annotated[
        list[Option | Annotated[str, Meta(min_length=1, max_length=60)]],
        Meta(
            title="Options",
            description="Each a value with a label, or only a text. Every option has a port "
            "of its own.",
            max_length=50,
            extra_json_schema={
                **_LITERAL,
                "items": {"$ref": "#/$defs/Option"},
                "x-when": {"kind": ["choice"]},
            },
        ),
    ] = field(default_factory=list[Option | str])
    form_schema: Annotated[
        dict[str, Any] | None,
        Meta(
            title="Form",
            description="The JSON Schema of the answer, an object.",
            extra_json_schema={
                **_LITERAL,
                "x-widget": "json",
                "x-json-schema": True,
                "x-when": {"kind": ["form"]},
            },
        ),
    ] = None
    details: Annotated[
        Any,
        Meta(
            title="Details",
            description="Data that is shown beside the question; at most 64 KB.",
            extra_json_schema={"x-widget": "expression", "x-placeholder": "{{ prev }}"},
        ),
    ] = None
    assignee: Annotated[
        str,
        Meta(
            title="Assignee",
            description="The user name of the one person who may answer.",
            max_length=64,
            examples=["ada"],
        ),
    ] = ""
    role: Annotated[
        AnswererRole | None,
        Meta(
            title="Role",
            description="Everybody with at least this role may answer, beside the assignee if "
            "there is one. Without either, every editor may.",
        ),
    ] = None
    deadline_ms: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_DELAY_MS)] | None,
        Meta(
            title="Deadline",
            description="How long the question stays open. Then the default answer holds; without "
            "one the step fails.",
            extra_json_schema={"x-widget": "duration", "x-placeholder": "2 days"},
        ),
    ] = None
    default_answer: Annotated[
        Any,
        Meta(
            title="Default answer",
            description="The answer when the deadline has passed: true or false, an option's "
            "value, a text, or the form's data.",
            extra_json_schema={"x-widget": "expression"},
        ),
    ] = None
    remind_after_ms: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_DELAY_MS)] | None,
        Meta(
            title="Remind after",
            description="When nobody has answered by then, the inbox says so.",
            extra_json_schema={"x-widget": "duration", "x-placeholder": "1 day"},
        ),
    ] = None


class Approval(NodeType[ApprovalParams]):
    """Asks a person and waits for the answer, for as long as it takes. Other branches go on.

    A confirmation goes on at `yes` or `no`, a choice at the port of the option that was chosen,
    a text and a form at `out`. The output holds `answer`, `by`, `comment`, `answered_at` and
    `source`: `person`, `deadline` when the default answer was taken, or `mock`. Questions are
    answered in the inbox, in the run, or through the API; a run that waits costs nothing and
    outlives restarts. When the deadline passes without a default answer, the step fails with
    `approval_expired`.
    """

    name = "approval"
    title = "Approval"
    category = Category.FLOW
    icon = "how_to_reg"
    keywords = ("human", "review", "sign off", "ask", "confirm", "wait for a person")
    params_type = ApprovalParams
    outputs_by = PortsBy(
        "kind",
        default=ApprovalKind.CONFIRMATION.value,
        cases={
            ApprovalKind.CONFIRMATION.value: PortsCase((Port("yes", "Yes"), Port("no", "No"))),
            ApprovalKind.CHOICE.value: PortsCase(outputs_from=PortsFrom("options", "value")),
        },
    )
    waits = True

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: ApprovalParams, ctx: NodeContext) -> Output:
        return await _ask(_request(params, ctx), ctx)

    async def mock(self, params: ApprovalParams, ctx: NodeContext) -> Output:
        """Nobody is asked: the default answer, else the first that there is."""
        request = _request(params, ctx)
        if request.default_answer is UNSET:
            made = _first_answer(request)
            request = msgspec.structs.replace(request, default_answer=made)
        return await _ask(request, ctx)

    def ports_after_error(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Never the port of an answer that nobody gave, unless it is the refusal."""
        ports = self.ports(params)
        return tuple(port for port in ports if port in ("no", "out"))

    def check(self, params: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
        kind = params.get("kind", ApprovalKind.CONFIRMATION)
        if kind == ApprovalKind.CHOICE:
            yield from _option_problems(params.get("options"))
        if kind == ApprovalKind.FORM:
            schema = params.get("form_schema")
            if not isinstance(schema, dict):
                yield ("form_schema",), "'Form' is required for a form: describe its fields"
            elif cast("dict[str, Any]", schema).get("type", "object") != "object":
                yield ("form_schema", "type"), "'Form': a form is an object; set type to 'object'"


def _option_problems(options: Any) -> Iterable[tuple[tuple[str | int, ...], str]]:
    if not isinstance(options, list) or not options:
        yield ("options",), "'Options' is required for a choice: add at least one"
        return
    seen: set[Any] = set()
    for index, option in enumerate(cast("list[Any]", options)):
        whole = isinstance(option, dict)
        value: Any = cast("dict[str, Any]", option).get("value") if whole else option
        if isinstance(value, str) and value in seen:
            path = ("options", index, "value") if whole else ("options", index)
            yield path, f"'Options': there are two options {value!r}; give one another value"
        elif isinstance(value, str):
            seen.add(value)


async def _ask(request: ApprovalRequest, ctx: NodeContext) -> Output:
    given = await ctx.ask(request)
    if given.answer is UNSET:
        raise NodeError(
            "nobody answered before the deadline, and there is no default answer",
            code="approval_expired",
            retryable=False,
        )
    value = {
        "answer": given.answer,
        "by": given.by,
        "comment": given.comment,
        "answered_at": given.answered_at,
        "source": given.source.value,
    }
    match request.kind:
        case ApprovalKind.CONFIRMATION:
            return Output(value, ("yes" if given.answer else "no",))
        case ApprovalKind.CHOICE:
            return Output(value, (str(given.answer),))
        case ApprovalKind.TEXT | ApprovalKind.FORM:
            return Output(value)


def _request(params: ApprovalParams, ctx: NodeContext) -> ApprovalRequest:
    schema = answer_schema(params)
    default = UNSET if params.default_answer is None else _default(params.default_answer, schema)
    details = msgspec.json.encode(params.details, enc_hook=str)
    if len(details) > MAX_DETAILS_BYTES:
        raise _refusal(
            f"'Details': {len(details):,} bytes; at most {MAX_DETAILS_BYTES:,} are shown beside a "
            "question: choose the fields that the person needs"
        )
    return ApprovalRequest(
        approval_id=ctx.step_id,
        kind=params.kind,
        title=params.title,
        message=params.message,
        answer_schema=schema,
        context=params.details,
        assignee=params.assignee.strip().lower() or None,
        role=None if params.role is None else params.role.value,
        deadline_at=_after(ctx, params.deadline_ms),
        remind_at=_after(ctx, params.remind_after_ms),
        default_answer=default,
    )


def answer_schema(params: ApprovalParams) -> dict[str, Any]:
    """The JSON Schema of the answer; `x-labels` are what people read for the members of `enum`."""
    match params.kind:
        case ApprovalKind.CONFIRMATION:
            return {"type": "boolean"}
        case ApprovalKind.CHOICE:
            options = [
                Option(value=option) if isinstance(option, str) else option
                for option in params.options
            ]
            if not options:
                raise _refusal("'Options' is required for a choice: add at least one")
            return {
                "type": "string",
                "enum": [option.value for option in options],
                "x-labels": [option.label or option.value for option in options],
            }
        case ApprovalKind.TEXT:
            return {"type": "string", "minLength": 1, "maxLength": MAX_ANSWER_LENGTH}
        case ApprovalKind.FORM:
            if params.form_schema is None:
                raise _refusal("'Form' is required for a form: describe its fields")
            return {"type": "object", **params.form_schema}


def _default(value: Any, schema: dict[str, Any]) -> Any | UnsetType:
    wrong = violations(schema, value)
    if wrong:
        place = pointer("", wrong[0].path)
        raise _refusal(f"'Default answer' {place}: {wrong[0].message}".replace(" :", ":"))
    return value


def _first_answer(request: ApprovalRequest) -> Any:
    match request.kind:
        case ApprovalKind.CONFIRMATION:
            return True
        case ApprovalKind.CHOICE:
            return request.answer_schema["enum"][0]
        case ApprovalKind.TEXT | ApprovalKind.FORM:
            return example(request.answer_schema, request.message)


def _after(ctx: NodeContext, delay_ms: int | None) -> Any:
    return None if delay_ms is None else ctx.started_at + timedelta(milliseconds=delay_ms)


def _refusal(message: str) -> NodeError:
    return NodeError(message, code="params_invalid", retryable=False)
