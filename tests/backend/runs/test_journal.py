"""The journal: gap-free numbers, one commit for many runs, and no trace of a fenced writer."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from backend import database
from backend.database import fetch
from backend.runs import deletion, event_log, journal_writer
from backend.runs.bus import Delivery, LocalBus
from backend.runs.hooks import NO_HOOKS
from backend.runs.journal import Fenced
from backend.runs.journal_writer import JournalWriter, read_run
from backend.runs.status import RunStatus
from graphs.events import (
    Failure,
    LlmCompleted,
    LlmCompletedData,
    LlmToken,
    LlmTokenData,
    Log,
    RunCancelled,
    RunCancelledData,
    RunFailed,
    RunFailedData,
    StepCompleted,
    StepFailed,
    StepFailedData,
    StepSkipped,
    StepSkippedData,
    StepStarted,
    Usage,
)
from tests.backend.runs.journals import begin, complete, log_line, start, step

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def writer() -> AsyncIterator[JournalWriter]:
    made = JournalWriter(LocalBus())
    made.open()
    yield made
    await made.close()


async def seqs(run_id: str) -> list[int]:
    return [row[1] for row in await event_log.read(run_id, limit=100_000)]


async def test_a_run_is_stored_with_its_events(writer: JournalWriter) -> None:
    run = begin(writer, metadata={"from": "test"})
    start(run, total=2)
    step(run, "a")
    step(run, "inner", path="loop[0]")
    run.append(
        StepSkipped(
            run_id=run.record.id, node_id="b", step_id="s", data=StepSkippedData("dead_path")
        )
    )
    complete(run)
    await run.flush()

    stored = await read_run(run.record.id)
    assert stored is not None
    assert stored == run.record
    assert stored.status is RunStatus.COMPLETED
    assert stored.outputs == {"ok": True}
    assert (stored.completed_steps, stored.total_steps) == (2, 2)
    assert stored.started_at is not None
    assert stored.finished_at is not None
    assert stored.finished_at >= stored.started_at >= stored.created_at
    rows = await event_log.read(run.record.id, limit=100_000)
    assert [row[1] for row in rows] == list(range(1, stored.last_seq + 1))
    assert [row[3] for row in rows][:3] == ["run.queued", "run.started", "step.started"]


async def test_events_come_back_as_they_were_appended(writer: JournalWriter) -> None:
    run = begin(writer)
    start(run)
    names = {"run_id": run.record.id, "node_id": "n", "step_id": str(uuid7())}
    appended = [
        StepStarted(**names, path="loop[1]/inner[0]", attempt=3),
        StepFailed(**names, data=StepFailedData(Failure("bad", 'né "quoted" \x00 \n', "n"), 7)),
        LlmCompleted(**names, data=LlmCompletedData("mock", Usage(3, 4, "0.10"), 2)),
    ]
    for event in appended:
        run.append(event)
    await run.flush()
    rows = await event_log.read(run.record.id, after=2)
    assert [event_log.engine_event(row) for row in rows] == appended
    assert await event_log.read(run.record.id, after=2, limit=1) == rows[:1]


@pytest.mark.parametrize("ending", ["failed", "cancelled"])
async def test_how_a_run_ended_is_kept(writer: JournalWriter, ending: str) -> None:
    run = begin(writer)
    start(run)
    if ending == "failed":
        data = RunFailedData(Failure("node_failed", "no", "a"), 3)
        run.append(RunFailed(run_id=run.record.id, data=data))
    else:
        run.cancelling("enough")
        await run.flush()
        stored = await read_run(run.record.id)
        assert stored is not None
        assert stored.status is RunStatus.CANCELLING
        run.append(RunCancelled(run_id=run.record.id, data=RunCancelledData("enough", 3)))
    await run.flush()
    stored = await read_run(run.record.id)
    assert stored is not None
    assert stored == run.record
    assert stored.status == ending
    assert stored.cancel_reason == ("enough" if ending == "cancelled" else None)


async def test_what_models_consumed_adds_up(writer: JournalWriter) -> None:
    run = begin(writer)
    start(run)
    for usage in (Usage(10, 5, "0.001"), Usage(1, 2, None), Usage(0, 0, "0.0005")):
        run.append(
            LlmCompleted(
                run_id=run.record.id, node_id="n", step_id="s", data=LlmCompletedData("m", usage, 1)
            )
        )
    await run.flush()
    stored = await read_run(run.record.id)
    assert stored is not None
    assert stored.usage == Usage(11, 7, "0.0015")


async def test_nothing_follows_an_end(writer: JournalWriter) -> None:
    run = begin(writer)
    start(run)
    complete(run)
    with pytest.raises(ValueError, match="completed"):
        run.cancelling("too late")
    with pytest.raises(ValueError, match="completed"):
        start(run)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), runs=st.integers(1, 12), flushes=st.floats(0, 1))
async def test_interleaved_runs_have_gap_free_numbers(
    writer: JournalWriter, seed: int, runs: int, flushes: float
) -> None:
    """Whatever the interleaving, each log holds exactly what was appended, in its order."""
    chance = random.Random(seed)
    appended: dict[str, list[str]] = {}

    async def execute() -> None:
        run = begin(writer)
        start(run)
        lines = appended[run.record.id] = []
        for number in range(chance.randrange(15)):
            lines.append(f"line {number}")
            run.append(log_line(run, lines[-1]))
            if chance.random() < flushes:
                await run.flush()
                assert (await seqs(run.record.id))[-1] >= run.record.last_seq - 1
            elif chance.random() < 0.3:
                await asyncio.sleep(0)
        complete(run)
        await run.flush()

    await asyncio.gather(*(execute() for _ in range(runs)))
    for run_id, lines in appended.items():
        rows = await event_log.read(run_id, limit=100_000)
        assert [row[1] for row in rows] == list(range(1, len(lines) + 4))
        events = [event_log.engine_event(row) for row in rows]
        assert [event.data.message for event in events if isinstance(event, Log)] == lines


async def test_many_runs_share_a_commit(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    real = journal_writer.write_batch

    async def counting(statements: list[database.Statement]) -> list[int]:
        commits.append(len(statements))
        return await real(statements)

    monkeypatch.setattr(journal_writer, "write_batch", counting)

    async def execute() -> None:
        run = begin(writer)
        start(run)
        await run.flush()
        step(run, "a")
        await run.flush()
        complete(run)
        await run.flush()

    await asyncio.gather(*(execute() for _ in range(40)))
    assert len(commits) <= 12


async def test_a_second_claim_fences_the_first(writer: JournalWriter) -> None:
    zombie = begin(writer)
    start(zombie, total=3)
    step(zombie, "a")
    await zombie.flush()

    heir = await writer.claim(zombie.record.id, "heir")
    assert heir is not None
    assert heir.recorded.recovered
    assert heir.record.epoch == zombie.record.epoch + 1
    before = await fetch("SELECT * FROM run WHERE id = ?", zombie.record.id)

    step(zombie, "stale")
    with pytest.raises(Fenced):
        await zombie.flush()
    with pytest.raises(Fenced):
        zombie.append(log_line(zombie, "still stale"))
    assert await fetch("SELECT * FROM run WHERE id = ?", zombie.record.id) == before
    assert len(await seqs(zombie.record.id)) == 4

    start(heir, total=3)
    step(heir, "b")
    complete(heir)
    await heir.flush()
    assert await seqs(heir.record.id) == list(range(1, 9))
    stored = await read_run(heir.record.id)
    assert stored is not None
    assert stored.status is RunStatus.COMPLETED
    assert stored.completed_steps == 2


async def test_a_fenced_run_does_not_spoil_the_commit_it_shares(writer: JournalWriter) -> None:
    zombies = [begin(writer) for _ in range(3)]
    honest = [begin(writer) for _ in range(3)]
    await asyncio.gather(*(run.flush() for run in [*zombies, *honest]))
    for zombie in zombies:
        assert await writer.claim(zombie.record.id, "heir") is not None
    for run in [*zombies, *honest]:
        start(run)
    results = await asyncio.gather(
        *(run.flush() for run in [*zombies, *honest]), return_exceptions=True
    )
    assert [type(result) for result in results] == [Fenced] * 3 + [type(None)] * 3
    assert [await seqs(run.record.id) for run in zombies] == [[1]] * 3
    assert [await seqs(run.record.id) for run in honest] == [[1, 2]] * 3


async def test_a_deleted_run_is_fenced(writer: JournalWriter) -> None:
    run = begin(writer)
    await run.flush()
    await deletion.delete_runs([run.record.id], NO_HOOKS)
    start(run)
    with pytest.raises(Fenced):
        await run.flush()
    assert await seqs(run.record.id) == []


async def test_of_many_claims_only_the_last_can_write(writer: JournalWriter) -> None:
    run = begin(writer)
    await run.flush()
    claims = await asyncio.gather(*(writer.claim(run.record.id, f"{n}") for n in range(8)))
    heirs = [claim for claim in claims if claim is not None]
    assert heirs
    assert len({heir.record.epoch for heir in heirs}) == len(heirs)
    for heir in heirs:
        start(heir)
    results = await asyncio.gather(*(heir.flush() for heir in heirs), return_exceptions=True)
    written = [heir for heir, result in zip(heirs, results, strict=True) if result is None]
    assert written == [max(heirs, key=lambda heir: heir.record.epoch)]
    assert await seqs(run.record.id) == [1, 2]


async def test_an_ended_run_is_not_claimed(writer: JournalWriter) -> None:
    run = begin(writer)
    start(run)
    complete(run)
    await run.flush()
    assert await writer.claim(run.record.id, "heir") is None
    assert await writer.claim(str(uuid7()), "heir") is None


async def test_an_heir_knows_what_is_done(writer: JournalWriter) -> None:
    run = begin(writer)
    start(run)
    step(run, "done", path="loop[0]")
    run.append(
        StepStarted(run_id=run.record.id, node_id="open", step_id="the-step", path="loop[1]")
    )
    await run.flush()
    heir = await writer.claim(run.record.id, "heir")
    assert heir is not None
    done = heir.recorded.outcome("loop[0]", "done")
    assert isinstance(done, StepCompleted)
    assert done.data.output == {"at": "done"}
    left = heir.recorded.begun("loop[1]", "open")
    assert left is not None
    assert left.step_id == "the-step"
    assert heir.recorded.outcome("loop[1]", "open") is None
    assert heir.recorded.outcome("", "done") is None


async def test_a_database_that_refuses_once_loses_nothing(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the refusal came after the commit, as with a connection lost at its very end."""
    real = journal_writer.write_batch
    refusals = iter(["before", "after", "before"])

    async def flaky(statements: list[database.Statement]) -> list[int]:
        refusal = next(refusals, None)
        if refusal == "before":
            raise OSError("connection lost")
        counts = await real(statements)
        if refusal == "after":
            raise OSError("connection lost")
        return counts

    monkeypatch.setattr(journal_writer, "write_batch", flaky)
    monkeypatch.setattr(journal_writer, "RETRY_DELAYS_S", (0.0, 0.0, 0.0))
    runs = [begin(writer) for _ in range(3)]
    for run in runs:
        start(run)
        step(run, "a")
        complete(run)
    await asyncio.gather(*(run.flush() for run in runs))
    for run in runs:
        assert await seqs(run.record.id) == [1, 2, 3, 4, 5]


async def test_one_run_that_cannot_be_written_does_not_stop_the_others(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_writer, "RETRY_DELAYS_S", (0.0,))
    broken, fine = begin(writer), begin(writer)
    broken.record.workflow_id = None  # pyright: ignore[reportAttributeAccessIssue]
    results = await asyncio.gather(broken.flush(), fine.flush(), return_exceptions=True)
    assert isinstance(results[0], Exception)
    assert not isinstance(results[0], Fenced)
    assert results[1] is None
    assert await read_run(broken.record.id) is None
    assert await seqs(fine.record.id) == [1]


async def test_others_are_written_while_one_is_tried_again(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_writer, "RETRY_DELAYS_S", (3600.0,))
    broken = begin(writer)
    broken.record.workflow_id = None  # pyright: ignore[reportAttributeAccessIssue]
    stuck = asyncio.create_task(broken.flush())
    for _ in range(3):
        fine = begin(writer)
        async with asyncio.timeout(20):
            await fine.flush()
        assert await seqs(fine.record.id) == [1]
    start(broken)
    later = asyncio.create_task(broken.flush())
    async with asyncio.timeout(20):
        await begin(writer).flush()
    assert not stuck.done()
    assert not later.done()
    for task in (stuck, later, *writer._parked.values()):
        task.cancel()
    await asyncio.gather(stuck, later, *writer._parked.values(), return_exceptions=True)


async def test_what_comes_after_a_refusal_is_written_too(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = journal_writer.write_batch
    refusals = iter([True, True])

    async def flaky(statements: list[database.Statement]) -> list[int]:
        if next(refusals, False):
            raise OSError("connection lost")
        return await real(statements)

    monkeypatch.setattr(journal_writer, "write_batch", flaky)
    monkeypatch.setattr(journal_writer, "RETRY_DELAYS_S", (0.01, 0.01))
    run = begin(writer)
    first = asyncio.create_task(run.flush())
    while not writer._parked:  # noqa: ASYNC110 it has no event
        await asyncio.sleep(0)
    start(run)
    step(run, "a")
    complete(run)
    async with asyncio.timeout(20):
        await asyncio.gather(first, run.flush())
    assert await seqs(run.record.id) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("broken_method", ["hand_over", "written"])
async def test_whatever_a_journal_does_the_writer_goes_on(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch, broken_method: str
) -> None:
    broken, fine = begin(writer), begin(writer)

    def breaks(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(broken, broken_method, breaks)
    flushing = asyncio.create_task(broken.flush())
    async with asyncio.timeout(20):
        await fine.flush()
        later = begin(writer)
        await later.flush()
    flushing.cancel()
    await asyncio.gather(flushing, return_exceptions=True)
    assert await seqs(later.record.id) == [1]


async def test_many_events_of_a_run_are_written_or_fenced_together(writer: JournalWriter) -> None:
    old, fine = begin(writer), begin(writer)
    await asyncio.gather(old.flush(), fine.flush())
    assert await writer.claim(old.record.id, "heir") is not None
    for run in (old, fine):
        start(run)
        for number in range(50):
            step(run, f"n{number}")
    results = await asyncio.gather(old.flush(), fine.flush(), return_exceptions=True)
    assert isinstance(results[0], Fenced)
    assert results[1] is None
    assert await seqs(old.record.id) == [1]
    assert await seqs(fine.record.id) == list(range(1, 103))


async def test_viewers_get_events_when_they_are_durable_and_tokens_in_between(
    writer: JournalWriter,
) -> None:
    run = begin(writer)
    await run.flush()
    token = LlmToken(run_id=run.record.id, node_id="n", step_id="s", data=LlmTokenData("Hel"))
    run.live(token)
    seen: list[Delivery] = []
    with writer.bus.subscribe(run.record.id) as subscription:
        start(run)
        run.live(token)
        run.append(log_line(run, "after the token"))
        await run.flush()
        run.live(token)
        complete(run)
        await run.flush()
        while not seen or not seen[-1].ends:
            delivery = await subscription.next()
            assert delivery is not None
            seen.append(delivery)
    assert [(delivery.seq, delivery.kind) for delivery in seen] == [
        (2, "run.started"),
        (None, "llm.token"),
        (3, "log"),
        (None, "llm.token"),
        (4, "run.completed"),
    ]
    stored = {
        row[1]: event_log.delivery(row).body
        for row in await event_log.read(run.record.id, limit=100_000)
    }
    assert all(stored[each.seq] == each.body for each in seen if each.seq is not None)


async def test_what_this_process_recorded_is_known_after_a_reload(writer: JournalWriter) -> None:
    run = begin(writer)
    start(run)
    step(run, "done", path="loop[0]")
    run.append(StepStarted(run_id=run.record.id, node_id="open", step_id="the-step"))
    assert run.recorded.outcome("loop[0]", "done") is None
    await run.reload()
    assert isinstance(run.recorded.outcome("loop[0]", "done"), StepCompleted)
    begun = run.recorded.begun("", "open")
    assert begun is not None
    assert begun.step_id == "the-step"
