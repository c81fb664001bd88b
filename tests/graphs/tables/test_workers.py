"""Work in worker processes: what takes too much fails by name, and other work goes on."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graphs.errors import NodeError
from graphs.tables.chart_spec import check_spec
from graphs.tables.work import POOL, Work, run_work
from graphs.workers.failures import End, cause
from graphs.workers.slots import Slots


async def failure(folder: Path, sql: str) -> NodeError:
    def job(work: Work) -> int:
        work.connect([]).execute(f"CREATE TEMP TABLE t AS {sql}")
        return 1

    with pytest.raises(NodeError) as caught:
        await run_work(folder / "job", job)
    assert not (folder / "job").exists()
    return caught.value


async def process_id(folder: Path) -> int:
    def job(_: Work) -> int:
        return os.getpid()

    return await run_work(folder / "job", job)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT map_from_entries([(i,i) for i in range(100000000)]) AS m",
        "SELECT array_to_string(range(100000000), ',') AS s",
        "SELECT repeat('a', 1000000000) AS s FROM range(100)",
    ],
)
async def test_too_much_memory_is_a_failed_step(tmp_path: Path, sql: str) -> None:
    error = await failure(tmp_path, sql)
    assert (error.code, error.retryable) == ("memory_limit", False)
    assert await process_id(tmp_path) != os.getpid()


async def test_a_killed_worker_is_a_failed_step(tmp_path: Path) -> None:
    def job(_: Work) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 1

    with pytest.raises(NodeError) as caught:
        await run_work(tmp_path / "job", job)
    assert caught.value.code == "worker_ended"
    assert await process_id(tmp_path)


async def test_one_owner_never_has_every_worker() -> None:
    slots = Slots(3, 2)
    mine = [slots.ask("a") for _ in range(5)]
    other = slots.ask("b")
    assert [slot.given.done() for slot in mine] == [True, True, False, False, False]
    assert other.given.done()
    slots.give_back(mine[0])
    assert mine[2].given.done()


@pytest.mark.parametrize("source", [{"sequence": {"start": 0, "stop": 5e7}}, {"url": "/x"}])
def test_rows_that_are_not_given_are_refused(source: dict[str, object]) -> None:
    with pytest.raises(NodeError, match=next(iter(source))):
        check_spec({"data": source, "mark": "bar"})


async def test_what_is_deaf_to_cancel_is_killed(tmp_path: Path) -> None:
    def job(_: Work) -> int:
        (tmp_path / "begun").touch()
        while True:
            pass

    task = asyncio.create_task(run_work(tmp_path / "job", job))
    while not (tmp_path / "begun").exists():  # noqa: ASYNC110 another process makes it
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


@pytest.mark.parametrize("crash", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE])
async def test_a_crash_is_told_by_its_name(tmp_path: Path, crash: signal.Signals) -> None:
    def job(_: Work) -> int:
        os.kill(os.getpid(), crash)
        return 1

    with pytest.raises(NodeError, match=crash.name) as caught:
        await run_work(tmp_path / "job", job)
    assert (caught.value.code, caught.value.retryable) == ("worker_crashed", False)


CRASH_WITH_MEMORY_FULL = """
import asyncio, os, pathlib, sys
from graphs.errors import NodeError
from graphs.tables.work import Work, run_work

def job(_: Work) -> int:
    full = bytearray(b"x") * (500 * 1024**2)
    os.abort()
    return len(full)

try:
    asyncio.run(run_work(pathlib.Path(sys.argv[1]), job))
except NodeError as error:
    print(error.code)
"""


def test_a_crash_with_the_memory_full_is_a_lack_of_memory(tmp_path: Path) -> None:
    # the kernel counts a child's peak from its parent's size, and this process may be larger
    parent = [sys.executable, "-c", CRASH_WITH_MEMORY_FULL, str(tmp_path / "job")]
    told = subprocess.run(parent, capture_output=True, text=True, check=True)
    assert told.stdout == "memory_limit\n"


def test_a_crash_is_told_as_such_when_nothing_is_known_of_its_memory() -> None:
    error = cause(End(signal.SIGABRT, 0), "work on tables", POOL.limits)
    assert (error.code, error.retryable) == ("worker_crashed", False)
    assert "SIGABRT" in error.message


async def test_whoever_waits_for_a_process_is_told(tmp_path: Path) -> None:
    said: list[str] = []

    def job(_: Work) -> int:
        while not (tmp_path / "go").exists():
            pass
        return 1

    first = [asyncio.create_task(run_work(tmp_path / f"job{n}", job)) for n in range(2)]
    await asyncio.sleep(0)
    last = asyncio.create_task(run_work(tmp_path / "job2", job, say=said.append))
    while not said:  # noqa: ASYNC110 it is told at once, or never
        await asyncio.sleep(0)
    (tmp_path / "go").touch()
    assert await asyncio.gather(*first, last) == [1, 1, 1]
    assert said == ["waits for its turn: the processes to work on tables are busy with other work"]
