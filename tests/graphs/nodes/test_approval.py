"""`approval` asks a person; its ports are the answers."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET, Struct

from graphs.definition import Node
from graphs.events import (
    AnswerSource,
    ApprovalAnswer,
    ApprovalKind,
    ApprovalRequest,
    now,
)
from graphs.json_schema import violations
from graphs.nodes.approval import MAX_DETAILS_BYTES
from graphs.params import convert_params, param_problems
from graphs.registry import registry
from graphs.validate import validate
from tests.graphs.conftest import FakeContext, execute, failure
from tests.graphs.engine import chain

FORM = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "minimum": 1},
        "due": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
    "required": ["amount", "due", "tags"],
}
OPTIONS: list[Any] = [{"value": "ship", "label": "Ship it"}, "wait", {"value": "drop"}]


class Person(Struct):
    """Somebody who answers what is asked; without an answer the deadline passes."""

    answer: Any = UNSET
    asked: ApprovalRequest | None = None

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        self.asked = request
        if self.answer is UNSET:
            return ApprovalAnswer(
                approval_id=request.approval_id,
                source=AnswerSource.DEADLINE,
                answer=request.default_answer,
            )
        return ApprovalAnswer(
            approval_id=request.approval_id,
            source=AnswerSource.PERSON,
            answer=self.answer,
            by="ada",
            comment="fine",
        )

    @property
    def request(self) -> ApprovalRequest:
        assert self.asked is not None
        return self.asked


def asking(ctx: FakeContext, *answer: Any) -> Person:
    person = Person(*answer)
    ctx.ask = person.ask  # type: ignore[attr-defined]
    return person


async def run(ctx: FakeContext, *answer: Any, **params: Any) -> Any:
    person = asking(ctx, *answer)
    return await execute("approval", {"message": "Go on?", **params}, ctx), person.request


@pytest.mark.parametrize(("answer", "port"), [(True, "yes"), (False, "no")])
async def test_a_confirmation_goes_on_at_yes_or_no(
    ctx: FakeContext, answer: bool, port: str
) -> None:
    output, request = await run(ctx, answer)
    assert output.ports == (port,)
    assert {**output.value, "answered_at": None} == {
        "answer": answer,
        "by": "ada",
        "comment": "fine",
        "answered_at": None,
        "source": "person",
    }
    assert output.value["answered_at"] <= now()
    assert (request.approval_id, request.kind) == ("step-1", ApprovalKind.CONFIRMATION)
    assert request.answer_schema == {"type": "boolean"}
    assert (request.deadline_at, request.remind_at, request.default_answer) == (None, None, UNSET)


async def test_a_choice_goes_on_at_the_option_that_was_chosen(ctx: FakeContext) -> None:
    output, request = await run(ctx, "wait", kind="choice", options=OPTIONS)
    assert output.ports == ("wait",)
    assert request.answer_schema["enum"] == ["ship", "wait", "drop"]
    assert request.answer_schema["x-labels"] == ["Ship it", "wait", "drop"]


async def test_a_text_and_a_form_go_on_at_their_only_port(ctx: FakeContext) -> None:
    output, request = await run(ctx, "because", kind="text")
    assert (output.ports, output.value["answer"]) == (None, "because")
    assert violations(request.answer_schema, "")
    output, request = await run(ctx, {"amount": 2}, kind="form", form_schema=FORM)
    assert (output.ports, output.value["answer"]) == (None, {"amount": 2})
    assert request.answer_schema == FORM


async def test_says_what_is_asked_of_whom_and_until_when(ctx: FakeContext) -> None:
    ctx.inputs = {"city": "Oslo", "who": " Ada "}
    ctx.prev = {"rows": 3}
    _, request = await run(
        ctx,
        True,
        message="Deliver to {{ input.city }}?",
        title="Delivery",
        details="{{ prev }}",
        assignee="{{ input.who }}",
        role="admin",
        deadline_ms=60_000,
        remind_after_ms=1_000,
        default_answer=False,
    )
    assert (request.message, request.title) == ("Deliver to Oslo?", "Delivery")
    assert (request.context, request.assignee, request.role) == ({"rows": 3}, "ada", "admin")
    assert request.deadline_at == ctx.started_at + timedelta(minutes=1)
    assert request.remind_at == ctx.started_at + timedelta(seconds=1)
    assert request.default_answer is False


async def test_the_default_answer_holds_when_the_deadline_has_passed(ctx: FakeContext) -> None:
    output, _ = await run(ctx, deadline_ms=1, default_answer=False)
    assert output.ports == ("no",)
    assert (output.value["source"], output.value["by"]) == ("deadline", None)


async def test_without_a_default_answer_the_step_fails_for_good(ctx: FakeContext) -> None:
    asking(ctx)
    error = await failure("approval", {"message": "?", "deadline_ms": 1}, ctx)
    assert (error.code, error.retryable) == ("approval_expired", False)


@pytest.mark.parametrize(
    ("params", "answer", "ports"),
    [
        ({}, True, ("yes",)),
        ({"default_answer": False}, False, ("no",)),
        ({"kind": "choice", "options": OPTIONS}, "ship", ("ship",)),
        ({"kind": "choice", "options": OPTIONS, "default_answer": "drop"}, "drop", ("drop",)),
        ({"kind": "text"}, None, None),
        ({"kind": "form", "form_schema": FORM}, None, None),
    ],
)
async def test_in_mock_mode_an_answer_is_made(
    ctx: FakeContext, params: dict[str, Any], answer: Any, ports: tuple[str, ...] | None
) -> None:
    person = asking(ctx)
    kind = registry()["approval"]
    typed = convert_params(kind, {"message": "Go on?", **params})
    output = await kind.mock(typed, ctx)  # type: ignore[arg-type]
    assert output.ports == ports
    given = output.value["answer"]
    assert given == answer if answer is not None else given
    assert not violations(person.request.answer_schema, given)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kind": "choice"}, "Options"),
        ({"kind": "form"}, "Form"),
        ({"default_answer": "perhaps"}, "Default answer"),
        ({"kind": "choice", "options": ["a"], "default_answer": "b"}, "Default answer"),
        ({"kind": "form", "form_schema": FORM, "default_answer": {"amount": 0}}, "Default answer"),
        ({"details": "{{ 'x' * 70000 }}"}, f"{MAX_DETAILS_BYTES:,}"),
        ({"role": "king"}, "Role"),
        ({"deadline_ms": 0}, "Deadline"),
    ],
)
async def test_settings_that_do_not_fit_are_refused(
    ctx: FakeContext, params: dict[str, Any], said: str
) -> None:
    asking(ctx, True)
    error = await failure("approval", {"message": "?", **params}, ctx)
    assert (error.code, error.retryable) == ("params_invalid", False)
    assert said in error.message


PORTS = [
    ({}, ("yes", "no")),
    ({"kind": "confirmation"}, ("yes", "no")),
    ({"kind": "choice", "options": OPTIONS}, ("ship", "wait", "drop")),
    ({"kind": "choice", "options": ["a", "a"]}, ("a",)),
    ({"kind": "choice"}, ()),
    ({"kind": "text"}, ("out",)),
    ({"kind": "form"}, ("out",)),
    ({"kind": 7}, ("out",)),
]


@pytest.mark.parametrize(("params", "ports"), PORTS)
def test_the_ports_are_the_answers(params: dict[str, Any], ports: tuple[str, ...]) -> None:
    assert registry()["approval"].ports(params) == ports


@pytest.mark.parametrize(
    ("params", "ports"),
    [({}, ("no",)), ({"kind": "choice", "options": OPTIONS}, ()), ({"kind": "text"}, ("out",))],
)
def test_an_error_never_counts_as_a_yes(params: dict[str, Any], ports: tuple[str, ...]) -> None:
    assert registry()["approval"].ports_after_error(params) == ports


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({}, None),
        ({"kind": "choice", "options": OPTIONS}, None),
        ({"kind": "form", "form_schema": FORM}, None),
        ({"kind": "choice"}, ("options",)),
        ({"kind": "choice", "options": ["a", {"value": "a"}]}, ("options", 1, "value")),
        ({"kind": "choice", "options": ["a", "a"]}, ("options", 1)),
        ({"kind": "form"}, ("form_schema",)),
        ({"kind": "form", "form_schema": {"type": "string"}}, ("form_schema", "type")),
    ],
)
def test_a_drawing_says_what_is_missing(
    params: dict[str, Any], place: tuple[str | int, ...] | None
) -> None:
    found = list(param_problems(registry()["approval"], {"message": "?", **params}))
    assert [problem.path for problem in found] == ([] if place is None else [place])


def test_edges_lead_from_the_answers() -> None:
    ask = Node(id="ask", type="approval", params={"message": "?"})
    definition = chain(ask, Node(id="after", type="set_fields", params={"fields": {"a": 1}}))
    assert [problem.code for problem in validate(definition)] == ["edge_port_unknown"]
