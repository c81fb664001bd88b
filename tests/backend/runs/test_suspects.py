"""A run that takes the server down is failed by name at its third claim, and others go on."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
from uuid_utils.compat import uuid7

from backend.database import close_database, execute, fetch, open_database
from backend.run_hooks import run_hooks
from backend.runs import service, suspects
from backend.runs.executor import Executor, close_executor, open_executor
from backend.runs.journal import RunJournal
from backend.runs.journal_writer import read_run
from backend.runs.schemas import StartRun
from backend.runs.status import RunStatus
from backend.runs.suspects import Suspects
from backend.settings import Settings
from backend.workflows import service as workflows
from graphs.definition import Definition
from graphs.events import PauseReason, RunPaused, RunPausedData, StepStarted
from tests.backend.runs.conftest import Editor
from tests.backend.runs.drawings import chain, looping, node, slow
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


def begun(run: RunJournal, node_id: str) -> None:
    run.append(StepStarted(run_id=run.record.id, node_id=node_id, step_id=str(uuid7())))


async def left_behind(
    executor: Executor, definition: Definition, claims: int, *node_ids: str, blamed: int = 0
) -> str:
    """A run that a dead process was executing: it was at these nodes."""
    editor = Editor()
    workflow_id = await editor.publish(definition)
    target = await workflows.resolve(editor.actor, workflow_id, None, None)
    run = begin(
        executor.writer,
        tenant_id=editor.actor.tenant_id,
        workflow_id=workflow_id,
        definition_hash=target.definition_hash,
        claims=claims,
        owner="the dead",
    )
    start(run)
    for node_id in node_ids:
        begun(run, node_id)
    await run.flush()
    await execute("UPDATE run SET blamed = ? WHERE id = ?", blamed, run.record.id)
    return run.record.id


async def error_code(run_id: str) -> str | None:
    ended = await read_run(run_id)
    assert ended is not None
    return None if ended.error is None else ended.error.code


@pytest.fixture
def no_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "QUIET_S", 0.0)


AT_WORK = chain(node("work", "set_fields", fields={}), node("after", "wait", duration_ms=60_000))
WAITS = slow(60_000)


async def test_a_suspect_that_was_alone_at_work_fails(executor: Executor, no_quiet: None) -> None:
    alone = await left_behind(executor, AT_WORK, 2, "work", blamed=1)
    waiting = await left_behind(executor, WAITS, 2, "w0")
    new = await left_behind(executor, AT_WORK, 1)
    found = executor._suspects
    assert await found.harmless() == [waiting, new]
    assert await claims(waiting) == 0
    await found.try_each()
    assert await error_code(alone) == "run_killed_server"
    assert await error_code(waiting) is None


@pytest.mark.parametrize("other_claims", [1, 2])
async def test_of_several_at_work_each_is_tried_alone_and_the_innocent_go_on(
    executor: Executor, no_quiet: None, other_claims: int
) -> None:
    first = await left_behind(executor, AT_WORK, 2, "work")
    second = await left_behind(executor, AT_WORK, other_claims, "work")
    found = executor._suspects
    assert await found.harmless() == ([second] if other_claims == 1 else [])
    await found.try_each()
    await executor.active[first].journal.flush()
    # a step of it has ended: it did not kill the process
    assert await claims(first) == 1
    assert await error_code(first) is None
    assert await error_code(second) is None


async def test_whoever_two_processes_died_with_on_trial_fails_and_the_others_are_tried(
    executor: Executor, no_quiet: None
) -> None:
    guilty = await left_behind(executor, AT_WORK, 4, "work", blamed=1)
    other = await left_behind(executor, AT_WORK, 2, "work")
    third = await left_behind(executor, AT_WORK, 2, "work")
    found = executor._suspects
    assert await found.harmless() == []
    await found.try_each()
    assert await error_code(guilty) == "run_killed_server"
    assert [await error_code(other), await error_code(third)] == [None, None]


async def test_a_death_is_judged_once_however_often_the_next_processes_die_before_they_live(
    executor: Executor,
) -> None:
    run_id = await left_behind(executor, AT_WORK, 2, "work")
    for _ in range(5):
        found = executor._suspects
        assert await found.harmless() == []
        dealing = asyncio.create_task(found.try_each())
        await asyncio.sleep(0)
        dealing.cancel()
    assert await claims(run_id) == 2
    assert (await fetch("SELECT blamed FROM run WHERE id = ?", run_id))[0]["blamed"] == 1
    assert await error_code(run_id) is None


async def test_progress_ends_what_a_run_was_blamed_for(executor: Executor) -> None:
    first = await left_behind(executor, AT_WORK, 1, "work", blamed=1)
    second = await left_behind(executor, AT_WORK, 1, "work", blamed=1)
    assert await executor._suspects.harmless() == [first, second]
    assert [row["blamed"] for row in await fetch("SELECT blamed FROM run")] == [0, 0]


async def test_a_suspect_of_which_no_step_is_known_fails_when_nobody_was_at_work(
    executor: Executor, no_quiet: None
) -> None:
    run_id = await left_behind(executor, AT_WORK, 2, blamed=1)
    found = executor._suspects
    assert await found.harmless() == []
    await found.try_each()
    assert await error_code(run_id) == "run_killed_server"


@pytest.mark.parametrize(("nodes", "alone"), [(("loop",), True), (("w0", "w1"), False)])
async def test_a_container_is_at_work_and_waits_are_not(
    executor: Executor, nodes: tuple[str, ...], alone: bool
) -> None:
    drawing = looping() if alone else slow(60_000, 60_000)
    run_id = await left_behind(executor, drawing, 2, *nodes)
    assert (run_id not in await Suspects(executor).harmless()) is alone


async def test_a_process_that_has_lived_long_with_a_run_does_not_count(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspects, "LIVED_S", 0.02)
    run_id = await left_behind(executor, slow(60_000), 1)
    active = await executor.take_up(run_id)
    assert active is not None
    assert active.journal.record.claims == 2
    watching = asyncio.create_task(Suspects(executor).absolve())
    async with asyncio.timeout(STARTS_WITHIN_S):
        while await claims(run_id):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    watching.cancel()
    # from the end of a step on the present claim counts again
    step(active.journal, "other")
    await active.journal.flush()
    assert await claims(run_id) == 1


async def test_a_killer_among_others_at_work_fails_by_name_and_they_complete(
    any_settings: Settings, ledger: Ledger
) -> None:
    settings = msgspec.structs.replace(any_settings, allow_hosts=("127.0.0.1",))
    names = ("other", "boom", "third")
    editor, (first, killer, last) = await stored(settings, *(calling(ledger, n) for n in names))
    # both deaths of its trial come after those that the others were at work at, too
    life = Life(settings, editor.actor, KILLER)
    deaths = 0
    while not await ended_by_itself(settings, life, killer):
        deaths += 1
        life = Life(settings, editor.actor, KILLER)
    assert deaths <= 4
    await all_ended(settings, life, 3)
    assert await outcomes(settings) == {
        first: ("completed", None),
        killer: ("failed", "run_killed_server"),
        last: ("completed", None),
    }


async def test_kills_from_outside_convict_nobody(any_settings: Settings, ledger: Ledger) -> None:
    """Three times in a row, and each time before any run has got further."""
    settings = msgspec.structs.replace(any_settings, allow_hosts=("127.0.0.1",))
    editor, ids = await stored(settings, *(calling(ledger, f"call{n}") for n in range(3)))
    for _ in range(3):
        life = Life(settings, editor.actor)
        ledger.wait_for(ledger.counts.total() + 1)
        life.kill()
    life = Life(settings, editor.actor)
    await all_ended(settings, life, len(ids))
    assert await outcomes(settings) == dict.fromkeys(ids, ("completed", None))


async def ended_by_itself(settings: Settings, life: Life, run_id: str) -> bool:
    """Whether the process outlived a run; it is dead otherwise."""
    for _ in range(STARTS_WITHIN_S * 10):
        if (code := life.wait(0.1)) is not None:
            assert code == -9
            return False
        if RunStatus((await outcomes(settings))[run_id][0]).ended:
            return True
    raise AssertionError("neither the process nor the run ended")


def calling(ledger: Ledger, name: str) -> Definition:
    return chain(node(name, "http_request", method="POST", url=f"{ledger.url}/t/{name}"))


async def stored(settings: Settings, *definitions: Definition) -> tuple[Editor, list[str]]:
    """Runs that were started and let go before they have got far."""
    editor = Editor()
    await open_database(settings)
    try:
        await open_executor(settings, run_hooks())
        ids: list[str] = []
        for definition in definitions:
            workflow_id = await editor.publish(definition)
            ids.append((await service.start(editor.actor, workflow_id, StartRun())).id)
        await close_executor()
    finally:
        await close_database()
    return editor, ids


async def outcomes(settings: Settings) -> dict[str, tuple[str, str | None]]:
    await open_database(settings)
    try:
        rows = await fetch("SELECT id, status, error FROM run")
    finally:
        await close_database()
    return {
        row["id"]: (row["status"], row["error"] and msgspec.json.decode(row["error"])["code"])
        for row in rows
    }


async def all_ended(settings: Settings, life: Life, count: int) -> None:
    try:
        for _ in range(STARTS_WITHIN_S * 10):
            found = await outcomes(settings)
            if sum(RunStatus(status).ended for status, _ in found.values()) == count:
                return
            assert life.wait(0.1) is None, "it ended by itself"
        raise AssertionError("some runs never end")
    finally:
        life.kill()
