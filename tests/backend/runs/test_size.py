"""How much a run takes on disk."""

import asyncio

from uuid_utils.compat import uuid7

from backend.database import fetch
from backend.runs.bus import LocalBus
from backend.runs.journal_writer import JournalWriter
from backend.settings import Settings
from tests.backend.runs.journals import begin, complete, start, step

RUNS = 400
LIMIT_BYTES = 6 * 1024


async def file_size() -> int:
    (pages,), (size,) = [
        tuple((await fetch(f"PRAGMA {name}"))[0].values()) for name in ("page_count", "page_size")
    ]
    return pages * size


async def test_a_ten_step_run_takes_little_room(sqlite_database: Settings) -> None:
    """Its row, its 23 events with small outputs and every index entry, 10 runs at once."""
    writer = JournalWriter(LocalBus())
    writer.open()

    async def execute() -> None:
        run = begin(writer, tenant_id=str(uuid7()), workflow_id=str(uuid7()))
        start(run, total=10)
        for number in range(10):
            step(run, f"node_{number}")
        complete(run)
        await run.flush()

    await execute()
    before = await file_size()
    for _ in range(RUNS // 10):
        await asyncio.gather(*(execute() for _ in range(10)))
    per_run = (await file_size() - before) / RUNS
    await writer.close()
    assert 1024 < per_run <= LIMIT_BYTES
