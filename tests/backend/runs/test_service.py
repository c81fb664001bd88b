"""Runs from the inside: start, wait, cancel, look at, delete; on both kinds of database."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from backend.actor import Actor, Role
from backend.errors import Conflict, Forbidden, Invalid, NotFound
from backend.pagination import PageRequest
from backend.runs import service
from backend.runs.executor import Executor
from backend.runs.journal_writer import read_run
from backend.runs.schemas import CleanupRuns, StartRun, Trigger
from backend.runs.service import RunFilter
from backend.runs.status import RunStatus, StepStatus
from backend.workflows import service as workflows
from backend.workflows.schemas import CreateWorkflow, Validation
from graphs.definition import Definition, Node
from graphs.events import now
from tests.backend.runs.conftest import Editor
from tests.backend.runs.drawings import (
    branching,
    chain,
    failing,
    greeting,
    looping,
    node,
    slow,
)
from tests.backend.runs.ledger import Ledger


async def test_a_run_gives_outputs_progress_and_times(editor: Editor) -> None:
    run = await editor.run(greeting(), city="Rome")
    assert run.status is RunStatus.COMPLETED
    assert run.outputs == {"greet": {"text": "Hello Rome"}}
    assert run.inputs == {"city": "Rome"}
    assert run.version == 1
    assert (run.progress.completed, run.progress.total, run.progress.percent) == (2, 2, 100)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.duration_ms is not None
    assert run.created_at <= run.started_at <= run.finished_at
    assert await service.get(editor.actor, run.id) == run


async def test_inputs_get_their_defaults(editor: Editor) -> None:
    assert (await editor.run(greeting())).inputs == {"city": "Oslo"}


async def test_start_returns_a_stored_run_that_is_executed(editor: Editor) -> None:
    workflow_id = await editor.publish(slow(50))
    run = await service.start(editor.actor, workflow_id, StartRun(), Trigger.MANUAL)
    assert run.status is RunStatus.QUEUED
    assert run.trigger is Trigger.MANUAL
    assert await read_run(run.id) is not None
    ended = await service.wait(editor.actor, run.id, 10)
    assert ended.status is RunStatus.COMPLETED


async def test_waiting_gives_up_after_its_time(editor: Editor) -> None:
    workflow_id = await editor.publish(slow(400))
    run = await service.start_and_wait(editor.actor, workflow_id, StartRun(), 0.05)
    assert run.status is RunStatus.RUNNING
    assert (await service.wait(editor.actor, run.id, 0.01)).status is RunStatus.RUNNING
    assert (await service.wait(editor.actor, run.id, 10)).status is RunStatus.COMPLETED


async def test_the_same_run_id_starts_one_run(editor: Editor) -> None:
    workflow_id = await editor.publish(greeting())
    run_id = str(uuid7())
    first = await service.start(editor.actor, workflow_id, StartRun(), run_id=run_id)
    again = await service.start(editor.actor, workflow_id, StartRun(), run_id=run_id)
    waited = await service.start_and_wait(editor.actor, workflow_id, StartRun(), 10, run_id=run_id)
    assert first.id == again.id == waited.id == run_id
    assert waited.status is RunStatus.COMPLETED
    assert (await service.stats(editor.actor)).total == 1


async def test_more_runs_than_may_run_at_once_all_finish(
    editor: Editor, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_concurrency", 3)
    workflow_id = await editor.publish(slow(20))
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, len(executor.active))
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    runs = await asyncio.gather(
        *(service.start_and_wait(editor.actor, workflow_id, StartRun(), 20) for _ in range(30))
    )
    watching.cancel()
    assert {run.status for run in runs} == {RunStatus.COMPLETED}
    assert most == 3
    for run in runs:
        found, total = await service.events(editor.actor, run.id, 0, 100)
        assert [event.seq for event in found] == list(range(1, total + 1))


async def test_a_failing_run_says_why(editor: Editor) -> None:
    run = await editor.run(failing(), city="Rome")
    assert run.status is RunStatus.FAILED
    assert run.outputs is None
    assert run.error is not None
    assert run.error.node_id == "stop"
    assert run.error.message == "No luck in Rome"
    lines = (await service.logs(editor.actor, run.id)).items
    assert [line.level for line in lines] == ["error", "error"]
    assert lines[0].node_id == "stop"
    assert (await service.logs(editor.actor, run.id, "error")).items == lines


async def test_steps_show_what_went_in_and_what_came_out(editor: Editor) -> None:
    run = await editor.run(branching(), days=5)
    steps = {step.node_id: step for step in (await service.steps(editor.actor, run.id)).items}
    assert {name: step.status for name, step in steps.items()} == {
        "start": StepStatus.COMPLETED,
        "ask": StepStatus.COMPLETED,
        "big": StepStatus.COMPLETED,
        "small": StepStatus.SKIPPED,
        "join": StepStatus.COMPLETED,
    }
    inputs = {"city": "Oslo", "days": 5}
    assert steps["start"].input == inputs
    assert steps["ask"].input == inputs
    assert steps["ask"].ports == ["true"]
    assert steps["big"].input == inputs
    assert steps["big"].output == {"size": "big"}
    assert steps["small"].input is None
    assert steps["small"].skip_reason == "dead_path"
    assert steps["join"].input == {"size": "big"}
    assert steps["join"].node_type == "merge"
    one = await service.step(editor.actor, run.id, steps["big"].id)
    assert one == steps["big"]


async def test_a_disabled_node_is_seen_through(editor: Editor) -> None:
    drawing = chain(
        Node(id="off", type="set_fields", params={"fields": {"a": 1}}, disabled=True),
        node("after", "set_fields", fields={"b": 2}),
    )
    run = await editor.run(drawing)
    steps = {step.node_id: step for step in (await service.steps(editor.actor, run.id)).items}
    assert steps["off"].skip_reason == "disabled"
    assert steps["after"].input == {"city": "Oslo"}


async def test_steps_of_a_loop_show_their_items(editor: Editor) -> None:
    run = await editor.run(looping(), names=["ann", "bob"])
    assert run.status is RunStatus.COMPLETED
    steps = {
        (step.path, step.node_id): step
        for step in (await service.steps(editor.actor, run.id)).items
    }
    assert steps[("loop[0]", "shout")].input == "ann"
    assert steps[("loop[1]", "shout")].input == "bob"
    assert steps[("loop[1]", "shout")].output == {"loud": "BOB"}
    assert steps[("loop[1]", "keep")].input == {"loud": "BOB"}
    assert run.progress.completed == 2


async def test_events_are_gap_free_and_paged(editor: Editor) -> None:
    run = await editor.run(greeting())
    found, total = await service.events(editor.actor, run.id, 0, 1000)
    assert [event.seq for event in found] == list(range(1, total + 1))
    assert [event.kind for event in found] == [
        "run.queued",
        "run.started",
        "step.started",
        "step.completed",
        "step.started",
        "step.completed",
        "run.completed",
    ]
    rest, left = await service.events(editor.actor, run.id, 4, 2)
    assert [event.seq for event in rest] == [5, 6]
    assert left == 3


async def test_a_run_is_cancelled_at_once(editor: Editor) -> None:
    workflow_id = await editor.publish(slow(30_000, 1))
    run = await service.start(editor.actor, workflow_id, StartRun())
    await editor.until_steps_run(1)
    cancelled = await service.cancel(editor.actor, run.id, "not needed")
    assert cancelled.status is RunStatus.CANCELLED
    assert cancelled.cancel_reason == "not needed"
    steps = {
        step.node_id: step.status for step in (await service.steps(editor.actor, run.id)).items
    }
    assert steps["w0"] is StepStatus.CANCELLED
    assert "w1" not in steps
    with pytest.raises(Conflict):
        await service.cancel(editor.actor, run.id)


async def test_a_graceful_cancel_lets_the_running_step_finish(
    editor: Editor, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(delay_s=0.5)
    services = replace(executor._services, allow_hosts=("127.0.0.1",))
    monkeypatch.setattr(executor, "_services", services)
    url = f"{ledger.url}/t/w0"
    call = node("w0", "http_request", method="POST", url=url)
    workflow_id = await editor.publish(chain(call, node("w1", "wait", duration_ms=1)))
    run = await service.start(editor.actor, workflow_id, StartRun())
    await editor.until_steps_run(1)
    asked = await service.cancel(editor.actor, run.id, graceful=True)
    assert asked.status is RunStatus.CANCELLING
    assert (await service.wait(editor.actor, run.id, 10)).status is RunStatus.CANCELLED
    steps = {
        step.node_id: step.status for step in (await service.steps(editor.actor, run.id)).items
    }
    ledger.close()
    assert steps["w0"] is StepStatus.COMPLETED
    assert "w1" not in steps


async def test_a_queued_run_is_cancelled_before_it_begins(
    editor: Editor, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_concurrency", 1)
    workflow_id = await editor.publish(slow(2_000))
    first = await service.start(editor.actor, workflow_id, StartRun())
    second = await service.start(editor.actor, workflow_id, StartRun())
    cancelled = await service.cancel(editor.actor, second.id)
    assert cancelled.status is RunStatus.CANCELLED
    assert cancelled.started_at is None
    assert (await service.steps(editor.actor, second.id)).items == []
    assert (await service.wait(editor.actor, first.id, 10)).status is RunStatus.COMPLETED


async def test_running_steps_are_listed_over_all_runs(editor: Editor) -> None:
    workflow_id = await editor.publish(slow(30_000))
    runs = [await service.start(editor.actor, workflow_id, StartRun()) for _ in range(3)]
    steps = await editor.until_steps_run(3)
    assert {step.run_id for step in steps} == {run.id for run in runs}
    assert {step.node_id for step in steps} == {"w0"}
    assert (await service.running_steps(Editor().actor)).items == []
    for run in runs:
        await service.cancel(editor.actor, run.id)
    assert (await service.running_steps(editor.actor)).items == []


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [({"days": "many"}, "/inputs/days"), ({"city": 7, "days": "x"}, "/inputs/city")],
)
async def test_wrong_inputs_are_refused_before_anything_is_stored(
    editor: Editor, inputs: dict[str, object], pointer: str
) -> None:
    workflow_id = await editor.publish(greeting())
    with pytest.raises(Invalid) as refusal:
        await service.start(editor.actor, workflow_id, StartRun(inputs=inputs))
    assert pointer in [error.pointer for error in refusal.value.errors]
    assert len(refusal.value.errors) == len(inputs)
    assert (await service.stats(editor.actor)).total == 0


async def test_a_broken_draft_is_refused_with_every_problem(editor: Editor) -> None:
    broken = Definition(
        nodes=[
            Node(id="start", type="start"),
            Node(id="odd", type="no_such_type"),
            Node(id="empty", type="http_request"),
        ]
    )
    made = await workflows.create(
        editor.actor,
        CreateWorkflow(name="Broken", definition=broken, validate=Validation.NONE),
    )
    with pytest.raises(Invalid) as refusal:
        await service.start(editor.actor, made.id, StartRun(version="draft"))
    assert {error.node_id for error in refusal.value.errors} >= {"odd", "empty"}
    assert all(error.pointer.startswith("/definition") for error in refusal.value.errors)


async def test_an_unpublished_workflow_runs_its_draft(editor: Editor) -> None:
    made = await workflows.create(editor.actor, CreateWorkflow(name="Draft", definition=greeting()))
    run = await service.start_and_wait(editor.actor, made.id, StartRun(), 10)
    assert (run.status, run.version) == (RunStatus.COMPLETED, None)
    with pytest.raises(Conflict):
        await service.start(editor.actor, made.id, StartRun(version="active"))
    with pytest.raises(NotFound):
        await service.start(editor.actor, made.id, StartRun(version=7))


async def test_a_run_keeps_to_the_version_it_began_with(editor: Editor) -> None:
    workflow_id = await editor.publish(slow(200))
    run = await service.start(editor.actor, workflow_id, StartRun())
    await workflows.put_draft(editor.actor, workflow_id, greeting())
    later = await service.start_and_wait(editor.actor, workflow_id, StartRun(version="draft"), 10)
    ended = await service.wait(editor.actor, run.id, 10)
    assert ended.outputs.keys() == {"w0"}
    assert later.outputs.keys() == {"greet"}
    assert [step.node_id for step in (await service.steps(editor.actor, run.id)).items] == [
        "start",
        "w0",
    ]


async def test_a_viewer_looks_and_does_nothing(editor: Editor) -> None:
    run = await editor.run(greeting())
    tenant_id = editor.actor.tenant_id
    viewer = Actor("v", "vera", tenant_id, Role.VIEWER)
    assert await service.get(viewer, run.id) == run
    for refused in (
        service.start(viewer, run.workflow_id, StartRun()),
        service.cancel(viewer, run.id),
        service.delete(viewer, run.id),
        service.cleanup(Actor("e", "ed", tenant_id, Role.EDITOR), CleanupRuns(older_than_hours=0)),
    ):
        with pytest.raises(Forbidden):
            await refused


async def test_another_tenant_sees_nothing(editor: Editor) -> None:
    run = await editor.run(greeting())
    step = (await service.steps(editor.actor, run.id)).items[0]
    stranger = Editor().actor
    for hidden in (
        service.get(stranger, run.id),
        service.wait(stranger, run.id, 1),
        service.steps(stranger, run.id),
        service.step(stranger, run.id, step.id),
        service.events(stranger, run.id, 0, 10),
        service.logs(stranger, run.id),
        service.cancel(stranger, run.id),
        service.delete(stranger, run.id),
        service.start(stranger, run.workflow_id, StartRun()),
    ):
        with pytest.raises(NotFound):
            await hidden
    page = await service.list_runs(stranger, RunFilter(), PageRequest())
    assert (page.items, page.total) == ([], 0)
    assert await service.latest_by_workflow(stranger, [run.workflow_id]) == {}
    assert (await service.stats(stranger)).total == 0


async def test_ended_runs_are_deleted_with_their_events(editor: Editor) -> None:
    run = await editor.run(greeting())
    await service.delete(editor.actor, run.id)
    with pytest.raises(NotFound):
        await service.get(editor.actor, run.id)
    workflow_id = await editor.publish(slow(30_000))
    active = await service.start(editor.actor, workflow_id, StartRun())
    with pytest.raises(Conflict):
        await service.delete(editor.actor, active.id)
    await service.cancel(editor.actor, active.id)
    await service.delete(editor.actor, active.id)
    assert (await service.stats(editor.actor)).total == 0


async def test_cleanup_deletes_what_ended_long_enough_ago(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CLEANUP_BATCH", 2)
    workflow_id = await editor.publish(slow(30_000))
    active = await service.start(editor.actor, workflow_id, StartRun())
    for _ in range(5):
        await editor.run(greeting())
    stranger = Editor()
    kept = await stranger.run(greeting())
    assert await service.cleanup(editor.actor, CleanupRuns(older_than_hours=1)) == 0
    assert await service.cleanup(editor.actor, CleanupRuns(older_than_hours=0)) == 5
    page = await service.list_runs(editor.actor, RunFilter(), PageRequest())
    assert [run.id for run in page.items] == [active.id]
    assert page.total == 1
    assert await service.get(stranger.actor, kept.id) == kept
    await service.cancel(editor.actor, active.id)


async def test_stats_count_by_status_and_trigger(editor: Editor) -> None:
    for _ in range(3):
        good = await editor.run(greeting())
    await editor.run(failing())
    stats = await service.stats(editor.actor)
    assert (stats.total, stats.active) == (4, 0)
    assert stats.by_status[RunStatus.COMPLETED] == 3
    assert stats.by_status[RunStatus.FAILED] == 1
    assert stats.by_trigger[Trigger.API] == 4
    assert (await service.stats(editor.actor, good.workflow_id)).total == 1


async def test_lists_filter_page_and_count(editor: Editor) -> None:
    actor = editor.actor
    hello = await editor.publish(greeting(), name="Say 100% hello")
    bad = await editor.publish(failing(), name="Always failing")
    runs = [
        await service.start_and_wait(actor, workflow_id, StartRun(), 10, trigger)
        for workflow_id, trigger in [
            (hello, Trigger.API),
            (bad, Trigger.MANUAL),
            (hello, Trigger.MANUAL),
            (bad, Trigger.API),
            (hello, Trigger.API),
        ]
    ]
    ids = [run.id for run in runs]

    async def listed(page: PageRequest | None = None, **filters: object) -> tuple[list[int], int]:
        found = await service.list_runs(
            actor,
            RunFilter(**filters),  # pyright: ignore[reportArgumentType]
            page or PageRequest(),
        )
        return [ids.index(run.id) for run in found.items], found.total

    assert await listed() == ([4, 3, 2, 1, 0], 5)
    assert await listed(PageRequest(sort="created_at")) == ([0, 1, 2, 3, 4], 5)
    assert await listed(workflow_id=hello) == ([4, 2, 0], 3)
    assert await listed(status=RunStatus.FAILED) == ([3, 1], 2)
    assert await listed(trigger=Trigger.MANUAL, workflow_id=bad) == ([1], 1)
    assert await listed(search="HELLO") == ([4, 2, 0], 3)
    assert await listed(search="100%") == ([4, 2, 0], 3)
    assert await listed(search="100_") == ([], 0)
    assert await listed(search=ids[2]) == ([2], 1)
    assert await listed(search=str(uuid7())) == ([], 0)
    assert await listed(created_after=runs[3].created_at) == ([4, 3], 2)
    assert await listed(created_before=runs[3].created_at) == ([2, 1, 0], 3)
    assert await listed(created_after=now() + timedelta(hours=1)) == ([], 0)

    first = await service.list_runs(actor, RunFilter(), PageRequest(limit=2))
    second = await service.list_runs(
        actor, RunFilter(), PageRequest(limit=2, cursor=first.next_cursor)
    )
    third = await service.list_runs(
        actor, RunFilter(), PageRequest(limit=2, cursor=second.next_cursor)
    )
    pages = [*first.items, *second.items, *third.items]
    assert [run.id for run in pages] == ids[::-1]
    assert (first.total, third.next_cursor) == (5, None)

    latest = await service.latest_by_workflow(actor, [hello, bad, str(uuid7())])
    assert {workflow_id: run.id for workflow_id, run in latest.items()} == {
        hello: ids[4],
        bad: ids[3],
    }
