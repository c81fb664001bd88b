"""The executor when things go wrong around it: databases that refuse, rivals, lost graphs."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from backend.database import Statement, execute
from backend.runs import journal_writer, revivals, service
from backend.runs.bus import Cancel, Delivery, LocalBus
from backend.runs.executor import Executor
from backend.runs.schemas import RunView, StartRun
from backend.runs.status import RunStatus
from graphs.node_type import Services
from tests.backend.runs.conftest import Editor
from tests.backend.runs.drawings import chain, greeting, node, slow


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], bool]], None]:
    """Makes the database refuse every batch whose text a test does not like; no long pauses."""
    real = journal_writer.write_batch
    refusals: list[Callable[[str], bool]] = []

    async def choosy(statements: list[Statement]) -> list[int]:
        if any(refusal(repr(statements)) for refusal in refusals):
            raise OSError("the database is away")
        return await real(statements)

    monkeypatch.setattr(journal_writer, "write_batch", choosy)
    monkeypatch.setattr(journal_writer, "RETRY_DELAYS_S", (0.0,))
    monkeypatch.setattr(revivals, "REVIVE_AFTER_S", (0.02, 0.02, 0.02))
    return refusals.append


async def ended(editor: Editor, run: RunView) -> RunView:
    found = await service.wait(editor.actor, run.id, 10)
    seqs = [event.seq for event in (await service.events(editor.actor, run.id, 0, 1000))[0]]
    assert seqs == list(range(1, len(seqs) + 1))
    return found


async def heir_events(heir: Executor, run: RunView) -> AsyncIterator[Delivery]:
    """What another executor publishes of a run."""
    with heir.bus.subscribe(run.id) as subscription:
        while (delivery := await asyncio.wait_for(subscription.next(), 10)) is not None:
            yield delivery


async def test_a_run_goes_on_when_its_database_is_back(
    editor: Editor, refuse: Callable[[Callable[[str], bool]], None]
) -> None:
    away = False
    refuse(lambda _: away)
    workflow_id = await editor.publish(slow(1, 500, 1))
    run = await service.start(editor.actor, workflow_id, StartRun())
    await editor.until_steps_run(1)
    away = True
    await asyncio.sleep(0.8)
    assert (await service.get(editor.actor, run.id)).status is RunStatus.RUNNING
    away = False
    found = await ended(editor, run)
    assert found.status is RunStatus.COMPLETED
    kinds = [event.kind for event in (await service.events(editor.actor, run.id, 0, 1000))[0]]
    assert kinds.count("run.started") >= 2
    assert kinds.count("step.completed") == 4


async def test_a_run_whose_output_is_never_taken_fails_in_the_end(
    editor: Editor, refuse: Callable[[Callable[[str], bool]], None]
) -> None:
    refuse(lambda text: "indigestible" in text)
    drawing = chain(node("make", "set_fields", fields={"text": "{{ 'indigest' + 'ible' }}"}))
    workflow_id = await editor.publish(drawing)
    run = await service.start(editor.actor, workflow_id, StartRun())
    others = await asyncio.gather(*(editor.run(greeting()) for _ in range(5)))
    assert {other.status for other in others} == {RunStatus.COMPLETED}
    found = await ended(editor, run)
    assert found.status is RunStatus.FAILED
    assert found.error is not None
    assert found.error.code == "not_stored"


async def test_a_rival_takes_a_run_over_and_the_first_executor_lets_go(
    editor: Editor, executor: Executor
) -> None:
    workflow_id = await editor.publish(slow(2_000, 1))
    run = await service.start(editor.actor, workflow_id, StartRun())
    await editor.until_steps_run(1)
    rival = Executor(LocalBus(), Services())
    await rival.open()
    first = executor.active[run.id]
    await asyncio.wait_for(first.ended.wait(), 10)
    while rival.active:
        await asyncio.wait_for(next(iter(rival.active.values())).ended.wait(), 10)
    await rival.close()
    found = await ended(editor, run)
    assert found.status is RunStatus.COMPLETED
    kinds = [event.kind for event in (await service.events(editor.actor, run.id, 0, 1000))[0]]
    assert kinds.count("step.completed") == 3
    assert kinds.count("run.completed") == 1


async def test_a_recovered_run_without_its_definition_fails_and_says_so(
    editor: Editor, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_concurrency", 1)
    first = await service.start(editor.actor, await editor.publish(slow(100)), StartRun())
    queued = await service.start(editor.actor, await editor.publish(slow(1)), StartRun())
    await execute("UPDATE run SET definition_hash = 'gone' WHERE id = ?", queued.id)
    assert (await ended(editor, first)).status is RunStatus.COMPLETED
    found = await ended(editor, queued)
    assert found.status is RunStatus.FAILED
    assert found.error is not None
    assert found.error.code == "not_found"


async def test_stopping_leaves_runs_to_the_next_start(editor: Editor, executor: Executor) -> None:
    workflow_id = await editor.publish(slow(1, 60_000))
    run = await service.start(editor.actor, workflow_id, StartRun())
    await editor.until_steps_run(1)
    await asyncio.wait_for(executor.close(), 3)
    assert not executor.active
    before, _ = await service.events(editor.actor, run.id, 0, 1000)
    assert before[-1].kind == "step.started"

    heir = Executor(LocalBus(), Services())
    await heir.open()
    async for delivery in heir_events(heir, run):
        if delivery.kind == "step.started":
            break
    active = heir.active[run.id]
    assert await heir.heed(Cancel(run.id, "enough"))
    await asyncio.wait_for(active.ended.wait(), 10)
    await asyncio.wait_for(heir.close(), 3)
    found = await ended(editor, run)
    assert found.status is RunStatus.CANCELLED
    after, _ = await service.events(editor.actor, run.id, 0, 1000)
    assert [event.kind for event in after[len(before) :]] == [
        "run.started",
        "step.started",
        "step.cancelled",
        "run.cancelled",
    ]
    assert after[len(before)].data == msgspec.Raw(b'{"total":3,"recovered":true}')
