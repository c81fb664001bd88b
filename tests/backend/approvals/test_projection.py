"""The table of questions follows the events, in their commit and on both databases."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend.database import execute, fetch
from backend.run_hooks import run_hooks
from backend.runs.bus import LocalBus
from backend.runs.deletion import delete_runs
from backend.runs.journal import Fenced, RunJournal
from backend.runs.journal_writer import JournalWriter
from backend.settings import Settings
from graphs.events import (
    AnswerSource,
    Failure,
    RunCancelled,
    RunCancelledData,
    StepCancelled,
    StepCancelledData,
    StepFailed,
    StepFailedData,
)
from tests.backend.approvals.questions import answer, ask
from tests.backend.runs.journals import begin, complete, start


@pytest.fixture
async def writer(database: Settings) -> AsyncIterator[JournalWriter]:
    made = JournalWriter(LocalBus(), run_hooks())
    made.open()
    yield made
    await made.close()


async def asking(writer: JournalWriter, **changes: Any) -> tuple[RunJournal, str]:
    run = begin(writer)
    start(run)
    approval_id = ask(run, **changes)
    await run.flush()
    return run, approval_id


async def row(approval_id: str) -> dict[str, Any]:
    rows = await fetch("SELECT * FROM approval WHERE id = ?", approval_id)
    assert len(rows) == 1
    return rows[0]


async def test_a_question_is_a_row(writer: JournalWriter) -> None:
    run, approval_id = await asking(writer, title="Ship", assignee="ada", role="admin")
    found = await row(approval_id)
    assert found["run_id"] == run.record.id
    assert (found["tenant_id"], found["workflow_name"]) == ("acme", "Flow")
    assert (found["status"], found["assignee"], found["role"]) == ("open", "ada", "admin")
    assert found["search_text"] == "ship go on? flow"
    assert found["answer"] is found["answered_at"] is None


async def test_what_no_database_stores_in_texts_does_not_stop_the_run(
    writer: JournalWriter,
) -> None:
    _, approval_id = await asking(writer, message="a\0b", title="\0", assignee="a\0da")
    assert (await row(approval_id))["assignee"] == "ada"


@pytest.mark.parametrize(
    ("given", "status", "stored"),
    [
        ({"answer": True, "by": "ada", "comment": "fine"}, "answered", "true"),
        ({"answer": None, "by": "ada"}, "answered", "null"),
        ({"answer": False, "source": AnswerSource.DEADLINE}, "answered", "false"),
        ({"source": AnswerSource.DEADLINE}, "expired", None),
    ],
)
async def test_an_answer_settles_it(
    writer: JournalWriter, given: dict[str, Any], status: str, stored: str | None
) -> None:
    run, approval_id = await asking(writer)
    answer(run, approval_id, **given)
    await run.flush()
    found = await row(approval_id)
    assert (found["status"], found["answer"]) == (status, stored)
    assert found["answered_by"] == given.get("by")
    assert found["comment"] == given.get("comment")
    assert found["source"] == given.get("source", "person")
    assert found["answered_at"] is not None


async def test_asked_and_answered_in_one_commit(writer: JournalWriter) -> None:
    run = begin(writer)
    start(run)
    approval_id = ask(run)
    answer(run, approval_id, answer=True, source=AnswerSource.MOCK)
    complete(run)
    await run.flush()
    assert (await row(approval_id))["status"] == "answered"


async def test_the_end_of_its_run_closes_it(writer: JournalWriter) -> None:
    run, first = await asking(writer)
    second = ask(run, "other")
    answer(run, first, answer=True)
    run.append(RunCancelled(run_id=run.record.id, data=RunCancelledData("enough", 1)))
    await run.flush()
    assert [(await row(each))["status"] for each in (first, second)] == ["answered", "cancelled"]


@pytest.mark.parametrize("cancelled", [False, True])
async def test_the_end_of_its_step_closes_it(writer: JournalWriter, cancelled: bool) -> None:
    run, approval_id = await asking(writer)
    other = ask(run, "other")
    names: dict[str, Any] = {"run_id": run.record.id, "node_id": "ask", "step_id": approval_id}
    failure = Failure("node_timeout", "too long")
    if cancelled:
        run.append(StepCancelled(**names, data=StepCancelledData(1, failure)))
    else:
        run.append(StepFailed(**names, data=StepFailedData(failure, 1)))
    await run.flush()
    assert [(await row(each))["status"] for each in (approval_id, other)] == ["cancelled", "open"]


async def test_whoever_lost_the_run_changes_nothing(writer: JournalWriter) -> None:
    run, approval_id = await asking(writer)
    await execute("UPDATE run SET epoch = epoch + 1 WHERE id = ?", run.record.id)
    late = ask(run, "late")
    answer(run, approval_id, answer=True)
    with pytest.raises(Fenced):
        await run.flush()
    assert (await row(approval_id))["status"] == "open"
    assert await fetch("SELECT id FROM approval WHERE id = ?", late) == []


async def test_a_question_is_asked_once(writer: JournalWriter) -> None:
    run, approval_id = await asking(writer)
    again = ask(run, "again", approval_id=approval_id, message="Other?")
    await run.flush()
    assert again != approval_id
    assert "Go on?" in (await row(approval_id))["request"]


async def test_it_goes_with_its_run(writer: JournalWriter) -> None:
    run, approval_id = await asking(writer)
    _, kept = await asking(writer)
    complete(run)
    await run.flush()
    await delete_runs([run.record.id], run_hooks())
    assert await fetch("SELECT id FROM approval WHERE id = ?", approval_id) == []
    assert (await row(kept))["status"] == "open"
