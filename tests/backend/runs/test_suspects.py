"""A run that takes the server down is failed by name at its third claim, and others go on."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from backend.database import close_database, fetch, open_database
from backend.run_hooks import run_hooks
from backend.runs import service
from backend.runs.executor import Executor, close_executor, open_executor
from backend.runs.journal_writer import read_run
from backend.runs.schemas import RunView, StartRun
from backend.runs.status import RunStatus
from backend.runs.suspects import Suspects
from backend.settings import Settings
from graphs.events import PauseReason, RunPaused, RunPausedData
from tests.backend.runs.conftest import Editor
from tests.backend.runs.drawings import chain, node, slow
from tests.backend.runs.journals import begin, start, step
from tests.backend.runs.ledger import Ledger
from tests.backend.runs.mortal import KILLER, Life

STARTS_WITHIN_S = 60


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = Ledger(delay_s=0.5)
    yield made
    made.close()


async def claims(run_id: str) -> int:
    record = await read_run(run_id)
    assert record is not None
    return record.claims


async def test_a_run_that_kills_the_server_fails_at_its_third_claim(
    any_settings: Settings, ledger: Ledger
) -> None:
    settings = msgspec.structs.replace(any_settings, allow_hosts=("127.0.0.1",))
    editor = Editor()
    boom = node("boom", "http_request", method="POST", url=f"{ledger.url}/t/boom")
    await open_database(settings)
    try:
        await open_executor(settings, run_hooks())
        ids: list[str] = []
        for drawing in (chain(boom), slow(25_000)):
            workflow_id = await editor.publish(drawing)
            ids.append((await service.start(editor.actor, workflow_id, StartRun())).id)
        await close_executor()
        # a shutdown in good order is nobody's fault
        assert [await claims(run_id) for run_id in ids] == [0, 0]
        for death in (1, 2):
            assert Life(settings, editor.actor, KILLER).wait(STARTS_WITHIN_S) == -9
            assert await claims(ids[0]) == death
        life = Life(settings, editor.actor, KILLER)
        async with asyncio.timeout(STARTS_WITHIN_S):
            while (killer := await read_run(ids[0])) is None or not killer.status.ended:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            while (other := await read_run(ids[1])) is None or other.claims != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert life.wait(0.2) is None
        life.kill()
        assert killer.error is not None
        assert killer.error.code == "run_killed_server"
        assert "'boom'" in killer.error.message
        assert other.status is RunStatus.RUNNING
        rows = await fetch("SELECT node_id FROM run_event WHERE kind = 'step.failed'")
        assert [row["node_id"] for row in rows] == ["boom"]
    finally:
        await close_database()


async def test_a_steps_end_and_a_pause_let_a_run_begin_anew(executor: Executor) -> None:
    run = begin(executor.writer, claims=3)
    start(run)
    await run.flush()
    assert await claims(run.record.id) == 3
    step(run, "a", "loop[0]")
    await run.flush()
    assert await claims(run.record.id) == 1
    run.append(RunPaused(run_id=run.record.id, data=RunPausedData(PauseReason.PAUSE, 1)))
    await run.flush()
    assert await claims(run.record.id) == 0


async def test_a_process_that_takes_its_own_run_up_again_has_not_died(executor: Executor) -> None:
    run = begin(executor.writer, claims=1, owner="me")
    await run.flush()
    for owner, count in (("me", 1), ("you", 2), ("you", 2), ("me", 3)):
        journal = await executor.writer.claim(run.record.id, owner, counted=True)
        assert journal is not None
        assert journal.record.claims == count
    # somebody who only changes the run does not execute it
    assert await executor.writer.claim(run.record.id, "editor") is not None
    assert await claims(run.record.id) == 3


async def test_of_several_suspects_each_is_tried_alone(executor: Executor) -> None:
    suspects = Suspects(executor)
    first, second, new = (begin(executor.writer, claims=count) for count in (2, 2, 1))
    for run in (first, second, new):
        start(run)
        await run.flush()
    assert await suspects.harmless() == [new.record.id]
    # the process died during the trial of one: the others are not to blame
    journal = await executor.writer.claim(first.record.id, "other", counted=True)
    assert journal is not None
    assert suspects.convicts(journal.record) is False
    later = Suspects(executor)
    assert set(await later.harmless()) == {run.record.id for run in (first, second, new)}
    assert later.convicts(journal.record)
    assert await claims(second.record.id) == 0


async def test_one_suspect_alone_is_convicted(executor: Executor) -> None:
    suspects = Suspects(executor)
    run = begin(executor.writer, claims=2)
    start(run)
    await run.flush()
    assert await suspects.harmless() == [run.record.id]
    assert await executor.take_up(run.record.id) is None
    ended = await read_run(run.record.id)
    assert ended is not None
    assert ended.status is RunStatus.FAILED
    view: RunView = ended.view()
    assert view.error is not None
    assert view.error.code == "run_killed_server"
