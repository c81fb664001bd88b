"""A run that waits for people: in loops, beside other work, over restarts and deadlines."""

import asyncio

import pytest

from backend.approvals import due
from backend.approvals import service as approvals
from backend.approvals.schemas import ApprovalStatus, Respond
from backend.database import execute, fetch
from backend.errors import Conflict
from backend.runs import service as runs
from backend.runs.executor import Executor
from graphs.definition import OnError
from graphs.events import now
from tests.backend.approvals.asking import (
    asking,
    beside_work,
    in_a_loop,
    open_questions,
    question_of,
    started,
    until_ended,
    until_status,
)
from tests.backend.runs.conftest import Editor
from tests.live_server import LiveServer


async def test_a_run_that_only_waits_is_put_aside(editor: Editor, executor: Executor) -> None:
    question = await question_of(editor, asking("yes"))
    run = await until_status(editor, question.run_id, "paused")
    assert run.pause is not None
    assert run.pause.reason == "waiting"
    active = executor.active.get(run.id)
    if active is not None:
        await active.ended.wait()
    await approvals.respond(editor.actor, question.id, Respond(answer=True))
    assert (await until_ended(editor, run.id)).status == "completed"


async def test_each_item_of_a_loop_asks_for_itself(editor: Editor) -> None:
    run = await started(editor, in_a_loop())
    questions = await open_questions(editor.actor, run.id, 3)
    assert {question.path for question in questions} == {"loop[0]", "loop[1]", "loop[2]"}
    by_message = {question.message: question for question in questions}
    for letter in "cab":
        view = by_message[f"{letter}?"]
        seen = await approvals.get(editor.actor, view.id)
        assert seen.arrived == letter
        await approvals.respond(editor.actor, view.id, Respond(answer=letter.upper()))
    ended = await until_ended(editor, run.id)
    assert ended.status == "completed", ended.error
    assert [each["answer"] for each in ended.outputs["loop"]] == ["A", "B", "C"]


async def test_other_branches_go_on_meanwhile(editor: Editor) -> None:
    run = await started(editor, beside_work())
    (question,) = await open_questions(editor.actor, run.id)
    await until_status(editor, run.id, "paused")
    steps = {step.node_id: step.status for step in (await runs.steps(editor.actor, run.id)).items}
    assert steps["work"] == "completed"
    assert "on_yes" not in steps
    await approvals.respond(editor.actor, question.id, Respond(answer=True))
    ended = await until_ended(editor, run.id)
    assert ended.outputs == {"on_yes": {"at": "yes"}, "work": {"done": True}}


async def test_an_answer_may_come_before_the_run_is_put_aside(editor: Editor) -> None:
    for _ in range(5):
        question = await question_of(editor, asking("yes"))
        await approvals.respond(editor.actor, question.id, Respond(answer=True))
        assert (await until_ended(editor, question.run_id)).status == "completed"


async def test_a_paused_run_takes_the_answer_and_stays_paused(editor: Editor) -> None:
    question = await question_of(editor, asking("yes"))
    await until_status(editor, question.run_id, "paused")
    await runs.pause(editor.actor, question.run_id)
    await approvals.respond(editor.actor, question.id, Respond(answer=True))
    assert (await runs.get(editor.actor, question.run_id)).status == "paused"
    await runs.resume(editor.actor, question.run_id)
    assert (await until_ended(editor, question.run_id)).status == "completed"


async def test_the_default_answer_holds_at_the_deadline(editor: Editor) -> None:
    definition = asking("yes", "no", deadline_ms=300, default_answer=False)
    run = await started(editor, definition)
    ended = await until_ended(editor, run.id)
    assert ended.status == "completed"
    (question,) = (await approvals.list_of_run(editor.actor, run.id)).items
    assert (question.status, question.answer) == (ApprovalStatus.ANSWERED, False)
    assert (question.source, question.answered_by) == ("deadline", None)
    steps = {step.node_id: step.status for step in (await runs.steps(editor.actor, run.id)).items}
    assert (steps["on_no"], steps["on_yes"]) == ("completed", "skipped")


async def test_without_a_default_answer_the_step_fails(editor: Editor) -> None:
    run = await started(editor, asking("yes", deadline_ms=300))
    ended = await until_ended(editor, run.id)
    assert ended.status == "failed"
    assert ended.error is not None
    assert (ended.error.code, ended.error.node_id) == ("approval_expired", "ask")
    (question,) = (await approvals.list_of_run(editor.actor, run.id)).items
    assert question.status is ApprovalStatus.EXPIRED
    with pytest.raises(Conflict) as refused:
        await approvals.respond(editor.actor, question.id, Respond(answer=True))
    assert refused.value.code == "approval_closed"


@pytest.mark.parametrize(
    ("on_error", "goes_on", "stays"),
    [(OnError.ERROR, "on_error", "on_no"), (OnError.CONTINUE, "on_no", "on_yes")],
)
async def test_what_nobody_answered_is_never_a_yes(
    editor: Editor, on_error: OnError, goes_on: str, stays: str
) -> None:
    ports = ("yes", "no", *(["error"] if on_error is OnError.ERROR else []))
    run = await started(editor, asking(*ports, on_error=on_error, deadline_ms=200))
    assert (await until_ended(editor, run.id)).status == "completed"
    steps = {step.node_id: step.status for step in (await runs.steps(editor.actor, run.id)).items}
    assert (steps[goes_on], steps[stays]) == ("completed", "skipped")
    assert steps["on_yes"] == "skipped"


async def test_the_deadline_holds_while_the_run_is_paused_too(editor: Editor) -> None:
    question = await question_of(
        editor, asking("yes", "no", deadline_ms=3_600_000, default_answer=True)
    )
    await until_status(editor, question.run_id, "paused")
    await runs.pause(editor.actor, question.run_id)
    past = now().replace(year=2020)
    await execute("UPDATE approval SET deadline_at = ? WHERE id = ?", past, question.id)
    await due.ring(now())
    for _ in range(1000):
        if (await approvals.get(editor.actor, question.id)).status is ApprovalStatus.ANSWERED:
            break
        await asyncio.sleep(0.01)
    assert (await approvals.get(editor.actor, question.id)).source == "deadline"
    assert (await runs.get(editor.actor, question.run_id)).status == "paused"


async def test_a_reminder_is_noted_and_logged_once(editor: Editor) -> None:
    question = await question_of(editor, asking("yes", assignee="ann", remind_after_ms=1))
    await until_status(editor, question.run_id, "paused")
    for _ in range(1000):
        seen = await approvals.get(editor.actor, question.id)
        lines = (await runs.logs(editor.actor, question.run_id, "warning")).items
        if seen.reminded_at is not None and lines:
            break
        await asyncio.sleep(0.01)
    assert seen.reminded_at is not None
    assert [(line.level, line.node_id) for line in lines] == [("warning", "ask")]
    assert "ann" in lines[0].message
    await due.ring(now())
    assert len((await runs.logs(editor.actor, question.run_id, "warning")).items) == 1
    await approvals.respond(editor.actor, question.id, Respond(answer=True))
    ended = await until_ended(editor, question.run_id)
    assert ended.status == "completed"
    rows = await fetch("SELECT seq FROM run_event WHERE run_id = ? ORDER BY seq", ended.id)
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))


async def test_what_no_run_asks_any_more_is_closed_and_not_tried_again(editor: Editor) -> None:
    question = await question_of(editor, asking("yes"))
    await runs.cancel(editor.actor, question.run_id)
    past = now().replace(year=2020)
    await execute(
        "UPDATE approval SET status = 'open', deadline_at = ? WHERE id = ?", past, question.id
    )
    await due.ring(now())
    for _ in range(1000):
        if await due.earliest() is None:
            break
        await asyncio.sleep(0.01)
    assert (await approvals.get(editor.actor, question.id)).status is ApprovalStatus.CANCELLED


async def test_the_clock_knows_what_is_due_next(editor: Editor) -> None:
    assert await due.earliest() is None
    question = await question_of(editor, asking(remind_after_ms=3_600_000, deadline_ms=7_200_000))
    assert question.remind_at is not None
    assert await due.earliest() == question.remind_at
    await execute("UPDATE approval SET reminded_at = remind_at WHERE id = ?", question.id)
    assert question.deadline_at is not None
    assert await due.earliest() == question.deadline_at
    await approvals.respond(editor.actor, question.id, Respond(answer=True))
    assert await due.earliest() is None


def test_a_question_outlives_the_server(live_server: LiveServer) -> None:
    definition = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "ask", "type": "approval", "params": {"message": "Go on?"}},
            {"id": "after", "type": "set_fields", "params": {"fields": {"went": "on"}}},
        ],
        "edges": [
            {"id": "e1", "source": "start", "target": "ask"},
            {"id": "e2", "source": "ask", "source_port": "yes", "target": "after"},
        ],
    }
    with live_server.client() as api:
        made = api.post("/api/v1/workflows", json={"name": "W", "definition": definition}).json()
        run = api.post(f"/api/v1/workflows/{made['id']}/runs", json={"version": "draft"}).json()
        question = None
        for _ in range(500):
            page = api.get("/api/v1/approvals", params={"status": "open"}).json()
            if page["items"]:
                question = page["items"][0]
                break
        assert question is not None
    live_server.kill()
    live_server.start()
    with live_server.client() as api:
        assert api.get(f"/api/v1/approvals/{question['id']}").json()["status"] == "open"
        url = f"/api/v1/approvals/{question['id']}/respond"
        answered = api.post(url, json={"answer": True})
        assert answered.status_code == 200, answered.text
        for _ in range(500):
            ended = api.get(f"/api/v1/runs/{run['id']}").json()
            if ended["status"] not in ("queued", "running", "paused"):
                break
        assert (ended["status"], ended["outputs"]) == ("completed", {"after": {"went": "on"}})
        assert api.post(url, json={"answer": True}).json()["code"] == "approval_answered"
