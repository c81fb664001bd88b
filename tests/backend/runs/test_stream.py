"""Following a run: replay, then live, without gaps or doubles, however slow the viewer."""

import asyncio
import random

import msgspec
import pytest

from backend.errors import Gone, NotFound
from backend.runs import service
from backend.runs import stream as stream_module
from backend.runs.bus import SUBSCRIPTION_LIMIT, Delivery
from backend.runs.executor import Executor
from backend.runs.schemas import StartRun
from backend.runs.stream import follow
from tests.backend.runs.conftest import Editor
from tests.backend.runs.drawings import chain, greeting, looping, node, slow
from tests.backend.runs.journals import begin, complete, log_line, start


async def stored(editor: Editor, run_id: str) -> list[bytes]:
    found, total = await service.events(editor.actor, run_id, 0, 100_000)
    assert [event.seq for event in found] == list(range(1, total + 1))
    return [msgspec.json.encode(event) for event in found]


async def watch(editor: Editor, run_id: str, after: int = 0) -> list[Delivery]:
    return [delivery async for delivery in await follow(editor.actor, run_id, after)]


async def test_an_ended_run_is_replayed_and_ends(editor: Editor) -> None:
    run = await editor.run(greeting())
    log = await stored(editor, run.id)
    assert [delivery.body for delivery in await watch(editor, run.id)] == log
    assert [delivery.body for delivery in await watch(editor, run.id, after=3)] == log[3:]
    assert await watch(editor, run.id, after=len(log)) == []


async def test_a_run_in_progress_is_followed_to_its_end(editor: Editor) -> None:
    workflow_id = await editor.publish(slow(20, 20, 20))
    run = await service.start(editor.actor, workflow_id, StartRun())
    seen = await watch(editor, run.id)
    assert [delivery.body for delivery in seen] == await stored(editor, run.id)
    assert seen[-1].kind == "run.completed"


async def test_fifty_viewers_that_drop_out_see_exactly_the_log(editor: Editor) -> None:
    """Each leaves at random and comes back with the last number it saw."""
    workflow_id = await editor.publish(looping())
    names = [f"name {number}" for number in range(60)]
    run = await service.start(editor.actor, workflow_id, StartRun(inputs={"names": names}))

    async def view(chance: random.Random) -> list[bytes]:
        seen: list[bytes] = []
        last = 0
        while True:
            stream = await follow(editor.actor, run.id, last)
            async for delivery in stream:
                if delivery.seq is not None:
                    assert delivery.seq == last + 1
                    last = delivery.seq
                    seen.append(delivery.body)
                if chance.random() < 0.05:
                    break
            if stream.ended:
                return seen
            await asyncio.sleep(chance.random() * 0.02)

    logs = await asyncio.gather(*(view(random.Random(seed)) for seed in range(50)))
    log = await stored(editor, run.id)
    assert len(log) == 4 * len(names) + 7
    assert all(seen == log for seen in logs)


async def test_a_viewer_too_slow_for_its_queue_reads_the_table(
    editor: Editor, executor: Executor
) -> None:
    run = begin(executor.writer, tenant_id=editor.actor.tenant_id)
    start(run)
    await run.flush()
    stream = aiter(await follow(editor.actor, run.record.id))
    first = [await anext(stream) for _ in range(2)]
    waiting = asyncio.ensure_future(anext(stream))
    lines = 3 * SUBSCRIPTION_LIMIT
    for number in range(lines):
        run.append(log_line(run, f"line {number}"))
        if number % 100 == 0:
            await run.flush()
    complete(run)
    await run.flush()
    seen = [*first, await waiting, *[delivery async for delivery in stream]]
    assert [delivery.seq for delivery in seen] == list(range(1, lines + 4))
    assert [delivery.body for delivery in seen] == await stored(editor, run.record.id)


async def test_an_event_that_the_bus_lost_is_read_from_the_table(
    editor: Editor, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "SILENCE_S", 0.05)
    run = begin(executor.writer, tenant_id=editor.actor.tenant_id)
    start(run)
    await run.flush()
    stream = await follow(editor.actor, run.record.id)
    events = aiter(stream)
    seen = [await anext(events) for _ in range(2)]
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    monkeypatch.setattr(executor.bus, "publish", lambda *_: None)
    complete(run)
    await run.flush()
    async with asyncio.timeout(20):
        seen.append(await waiting)
    assert [delivery.seq for delivery in seen] == [1, 2, 3]
    assert stream.ended


async def test_a_closed_stream_ends_without_being_at_the_end(editor: Editor) -> None:
    workflow_id = await editor.publish(slow(30_000))
    run = await service.start(editor.actor, workflow_id, StartRun())
    stream = await follow(editor.actor, run.id)
    seen = 0
    async for delivery in stream:
        seen += 1
        if delivery.kind == "step.started" and b"w0" in delivery.body:
            stream.close()
    assert seen >= 5
    assert not stream.ended
    await service.cancel(editor.actor, run.id)


async def test_tokens_are_shown_and_not_kept(editor: Editor) -> None:
    drawing = chain(
        node("hold", "wait", duration_ms=50),
        node("say", "prompt", model="mock", prompt="Say something nice about {{ input.city }}"),
    )
    workflow_id = await editor.publish(drawing)
    run = await service.start(editor.actor, workflow_id, StartRun())
    seen = await watch(editor, run.id)
    tokens = [delivery for delivery in seen if delivery.kind == "llm.token"]
    kept = [delivery for delivery in seen if delivery.kind != "llm.token"]
    assert tokens
    assert all(delivery.seq is None for delivery in tokens)
    assert [delivery.body for delivery in kept] == await stored(editor, run.id)
    kinds = [delivery.kind for delivery in seen]
    assert kinds.index("llm.started") < kinds.index("llm.token") < kinds.index("llm.completed")


async def test_cursors_that_the_log_does_not_have_are_gone(editor: Editor) -> None:
    run = await editor.run(greeting())
    length = len(await stored(editor, run.id))
    with pytest.raises(Gone):
        await follow(editor.actor, run.id, length + 1)
    with pytest.raises(NotFound):
        await follow(Editor().actor, run.id)
    with pytest.raises(NotFound):
        await follow(editor.actor, "no such run")
