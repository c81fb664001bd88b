"""Who may answer what, once, and what an answer must be; on both databases."""

import asyncio
from typing import Any

import pytest
from msgspec import UNSET

from backend.actor import Actor, Role
from backend.approvals import service as approvals
from backend.approvals.schemas import ApprovalStatus, Respond
from backend.approvals.service import ApprovalFilter
from backend.errors import AppError, Conflict, Forbidden, Invalid, NotFound
from backend.pagination import PageRequest
from backend.runs import service as runs
from backend.runs.schemas import RunMode
from tests.backend.approvals.asking import (
    FORM,
    OPTIONS,
    asking,
    member,
    open_questions,
    question_of,
    started,
    until_ended,
    until_status,
)
from tests.backend.runs.conftest import Editor


async def outputs(editor: Editor, run_id: str) -> Any:
    return (await until_ended(editor, run_id)).outputs


@pytest.mark.parametrize(
    ("params", "answer", "output"),
    [
        ({}, True, {"on_yes": {"at": "yes"}}),
        ({}, False, {"on_no": {"at": "no"}}),
        ({"kind": "choice", "options": OPTIONS}, "wait", {"on_wait": {"at": "wait"}}),
    ],
)
async def test_the_run_goes_on_where_the_answer_leads(
    editor: Editor, params: dict[str, Any], answer: Any, output: Any
) -> None:
    ports = ("ship", "wait") if params else ("yes", "no")
    question = await question_of(editor, asking(*ports, **params))
    assert question.message == "Go on with Oslo?"
    assert question.may_answer
    answered = await approvals.respond(
        editor.actor, question.id, Respond(answer=answer, comment=" fine ")
    )
    assert (answered.status, answered.answer) == (ApprovalStatus.ANSWERED, answer)
    assert (answered.answered_by, answered.comment) == ("ann", "fine")
    assert answered.answered_at is not None
    run = await until_ended(editor, question.run_id)
    assert run.status == "completed"
    found = run.outputs if len(run.outputs) > 1 else {**run.outputs}
    assert {name: value for name, value in found.items() if value is not None} == output


async def test_a_form_is_filled_in_and_its_defaults_too(editor: Editor) -> None:
    question = await question_of(editor, asking(kind="form", form_schema=FORM))
    given = {"amount": 5, "to": {"iban": "NO93 8601"}}
    await approvals.respond(editor.actor, question.id, Respond(answer=given))
    output = (await outputs(editor, question.run_id))["ask"]
    assert output["answer"] == {**given, "currency": "EUR"}
    assert (output["by"], output["source"]) == ("ann", "person")


@pytest.mark.parametrize(
    ("params", "answer", "pointers"),
    [
        ({}, "yes", {"/answer"}),
        ({"kind": "choice", "options": OPTIONS}, "sink", {"/answer"}),
        ({"kind": "text"}, "", {"/answer"}),
        ({"kind": "text"}, 7, {"/answer"}),
        (
            {"kind": "form", "form_schema": FORM},
            {"amount": 0, "to": {}},
            {"/answer/amount", "/answer/to/iban"},
        ),
        ({"kind": "form", "form_schema": FORM}, {}, {"/answer/amount", "/answer/to"}),
        ({"kind": "form", "form_schema": FORM}, [], {"/answer"}),
    ],
)
async def test_what_does_not_fit_is_refused_with_every_place(
    editor: Editor, params: dict[str, Any], answer: Any, pointers: set[str]
) -> None:
    question = await question_of(editor, asking(**params))
    with pytest.raises(Invalid) as refused:
        await approvals.respond(editor.actor, question.id, Respond(answer=answer))
    assert refused.value.code == "answer_invalid"
    assert {error.pointer for error in refused.value.errors} == pointers
    assert (await approvals.get(editor.actor, question.id)).status is ApprovalStatus.OPEN


ANN, BOB, EVE, ADA = "ann", "bob", "eve", "ada"
ROLES = {ANN: Role.ADMIN, BOB: Role.EDITOR, EVE: Role.VIEWER, ADA: Role.VIEWER}


@pytest.mark.parametrize(
    ("meant", "may", "code"),
    [
        ({}, {ANN, BOB}, "forbidden"),
        ({"assignee": "Ada"}, {ADA}, "not_assignee"),
        ({"role": "admin"}, {ANN}, "not_assignee"),
        ({"role": "editor"}, {ANN, BOB}, "not_assignee"),
        ({"role": "viewer"}, {ANN, BOB, EVE, ADA}, ""),
        ({"assignee": "ada", "role": "admin"}, {ADA, ANN}, "not_assignee"),
    ],
)
async def test_a_question_is_for_its_assignee_or_role(
    editor: Editor, meant: dict[str, str], may: set[str], code: str
) -> None:
    question = await question_of(editor, asking(**meant))
    everybody = {name: member(editor, name, role) for name, role in ROLES.items()}
    for name, actor in everybody.items():
        seen = await approvals.get(actor, question.id)
        assert seen.may_answer == (name in may), name
        mine = await approvals.list_approvals(actor, ApprovalFilter(mine=True), PageRequest())
        assert (mine.total == 1) == (name in may), name
        counted = await approvals.open_approvals(actor)
        assert (counted.open, counted.mine) == (1, int(name in may)), name
        if name not in may:
            with pytest.raises(Forbidden) as refused:
                await approvals.respond(actor, question.id, Respond(answer=True))
            assert refused.value.code == code
    chosen = everybody[sorted(may)[0]]
    answered = await approvals.respond(chosen, question.id, Respond(answer=True))
    assert answered.answered_by == chosen.username


async def test_other_tenants_see_and_answer_nothing(editor: Editor) -> None:
    question = await question_of(editor, asking())
    stranger = Editor().actor
    for attempt in (
        approvals.get(stranger, question.id),
        approvals.respond(stranger, question.id, Respond(answer=True)),
        approvals.list_of_run(stranger, question.run_id),
        approvals.get(editor.actor, "\0"),
    ):
        with pytest.raises(NotFound):
            await attempt
    page = await approvals.list_approvals(stranger, ApprovalFilter(), PageRequest())
    assert page.total == 0
    assert (await approvals.open_approvals(stranger)).open == 0


async def test_a_question_is_answered_once(editor: Editor) -> None:
    question = await question_of(editor, asking())
    bob = member(editor, "bob", Role.EDITOR)
    await approvals.respond(bob, question.id, Respond(answer=False))
    with pytest.raises(Conflict, match="bob was faster") as refused:
        await approvals.respond(editor.actor, question.id, Respond(answer=True))
    assert refused.value.code == "approval_answered"
    assert refused.value.extra["answered_by"] == "bob"
    assert (await approvals.get(bob, question.id)).answer is False


async def test_of_many_at_once_one_answers(editor: Editor) -> None:
    question = await question_of(editor, asking("yes", "no"))
    people = [member(editor, f"user{number}", Role.EDITOR) for number in range(12)]

    async def attempt(actor: Actor, answer: bool) -> str:
        try:
            await approvals.respond(actor, question.id, Respond(answer=answer))
        except AppError as error:
            return error.code
        return actor.username

    told = await asyncio.gather(
        *(attempt(actor, number % 2 == 0) for number, actor in enumerate(people))
    )
    winners = [name for name in told if name.startswith("user")]
    assert len(winners) == 1
    assert set(told) - set(winners) <= {"approval_answered"}
    assert (await approvals.get(editor.actor, question.id)).answered_by == winners[0]
    run = await until_ended(editor, question.run_id)
    assert run.status == "completed"


async def test_a_cancelled_run_takes_its_questions_back(editor: Editor) -> None:
    question = await question_of(editor, asking())
    await runs.cancel(editor.actor, question.run_id)
    assert (await approvals.get(editor.actor, question.id)).status is ApprovalStatus.CANCELLED
    with pytest.raises(Conflict) as refused:
        await approvals.respond(editor.actor, question.id, Respond(answer=True))
    assert refused.value.code == "approval_closed"
    assert (await approvals.open_approvals(editor.actor)).open == 0


async def test_a_retry_asks_anew(editor: Editor) -> None:
    question = await question_of(editor, asking("yes"))
    await runs.cancel(editor.actor, question.run_id)
    await runs.retry(editor.actor, question.run_id)
    (again,) = await open_questions(editor.actor, question.run_id)
    assert again.id != question.id
    await approvals.respond(editor.actor, again.id, Respond(answer=True))
    assert (await until_ended(editor, question.run_id)).status == "completed"
    asked = await approvals.list_of_run(editor.actor, again.run_id)
    statuses = [view.status for view in asked.items]
    assert statuses == [ApprovalStatus.CANCELLED, ApprovalStatus.ANSWERED]


async def test_the_run_is_shown_beside_the_question(editor: Editor) -> None:
    question = await question_of(
        editor, asking(details="{{ {'n': 1} }}"), inputs={"city": "Bergen"}
    )
    seen = await approvals.get(editor.actor, question.id)
    assert (seen.run.id, seen.run.inputs) == (question.run_id, {"city": "Bergen"})
    assert seen.details == {"n": 1}
    assert seen.node_name == "ask"
    assert seen.arrived == {"city": "Bergen"}
    assert [step.node_id for step in seen.steps] == ["start"]
    assert seen.workflow_name == "Flow"


async def test_questions_are_found(editor: Editor) -> None:
    first = await question_of(editor, asking(title="100% wool"))
    second = await question_of(editor, asking(), inputs={"city": "Tromsø"})
    await approvals.respond(editor.actor, second.id, Respond(answer=True))

    async def ids(**filters: Any) -> list[str]:
        found = await approvals.list_approvals(
            editor.actor, ApprovalFilter(**filters), PageRequest()
        )
        assert found.total == len(found.items)
        return [view.id for view in found.items]

    assert await ids() == [second.id, first.id]
    assert await ids(status=ApprovalStatus.OPEN) == [first.id]
    assert await ids(status=ApprovalStatus.ANSWERED) == [second.id]
    assert await ids(mine=True) == [first.id]
    assert await ids(run_id=second.run_id) == [second.id]
    assert await ids(workflow_id=first.workflow_id) == [first.id]
    assert await ids(search="100% WOOL") == [first.id]
    assert await ids(search="tromsø") == [second.id]
    assert await ids(search="_") == []
    assert await ids(search="flow") == [second.id, first.id]


async def test_nobody_is_asked_in_a_mock_run(editor: Editor) -> None:
    run = await started(editor, asking("yes", "no"), mode=RunMode.MOCK)
    ended = await until_ended(editor, run.id)
    assert ended.status == "completed", ended.error
    (question,) = (await approvals.list_of_run(editor.actor, run.id)).items
    assert (question.status, question.source) == (ApprovalStatus.ANSWERED, "mock")
    assert question.answer is True
    assert question.default_answer in (True, UNSET)


async def test_they_go_with_their_run(editor: Editor) -> None:
    question = await question_of(editor, asking())
    await runs.cancel(editor.actor, question.run_id)
    await until_status(editor, question.run_id, "cancelled")
    await runs.delete(editor.actor, question.run_id)
    with pytest.raises(NotFound):
        await approvals.get(editor.actor, question.id)
