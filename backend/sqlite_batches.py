"""Commits batches to SQLite: small ones on the spot, others in a thread.

A small commit to the write-ahead log takes some ten microseconds and waits for no disk; handing
it to a thread and back costs several times as much, and more when the event loop is busy.
"""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

Batch = Sequence[tuple[str, Sequence[tuple[Any, ...]]]]

SMALL_ROWS = 100
"""A batch with more rows goes to the thread."""

CHECKPOINT_AFTER_S = 0.5
"""How long after a commit on the spot the log is folded into the file, in the thread."""


class BatchWriter:
    """Two connections that only write batches; the caller sees to it that one writes at a time."""

    def __init__(self, connection_kwargs: Mapping[str, Any], pragmas: Sequence[str]) -> None:
        self._connection_kwargs: dict[str, Any] = {
            **connection_kwargs,
            "check_same_thread": False,
        }
        self._pragmas = pragmas
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="heddle-journal")
        self._patient: sqlite3.Connection | None = None
        self._impatient: sqlite3.Connection | None = None
        self._checkpoint: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        self._patient = await loop.run_in_executor(self._thread, self._connect)
        impatient = await loop.run_in_executor(self._thread, self._connect)
        # on the event loop nothing waits: neither for other processes' locks nor for the disk
        impatient.execute("PRAGMA busy_timeout = 0")
        impatient.execute("PRAGMA wal_autocheckpoint = 0")
        self._impatient = impatient

    async def close(self) -> None:
        """Disconnect; what is being committed is committed first."""
        if self._checkpoint is not None:
            self._checkpoint.cancel()
        if self._patient is not None and self._impatient is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._patient.close)
            self._impatient.close()
        self._patient = self._impatient = None
        self._thread.shutdown()

    def commit_now(self, batch: Batch) -> list[int] | None:
        """The affected rows; None if the batch is not small, or while another process writes."""
        connection = self._impatient
        if connection is None or sum([len(rows) for _, rows in batch]) > SMALL_ROWS:
            return None
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return None
        counts = _commit(connection, batch)
        if self._checkpoint is None:
            loop = asyncio.get_running_loop()
            self._checkpoint = loop.call_later(CHECKPOINT_AFTER_S, self._begin_checkpoint)
        return counts

    async def commit(self, batch: Batch) -> list[int]:
        """All of the batch or nothing, in the thread; the affected rows of each statement."""
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._commit, batch)
        work.add_done_callback(_heard)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # the next writer must not begin while the thread still commits
            with suppress(Exception):
                await asyncio.wait([work])
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(**self._connection_kwargs)
        for pragma in self._pragmas:
            connection.execute(pragma)
        return connection

    def _commit(self, batch: Batch) -> list[int]:
        if self._patient is None:
            raise sqlite3.OperationalError("the database is closed")
        self._patient.execute("BEGIN IMMEDIATE")
        return _commit(self._patient, batch)

    def _begin_checkpoint(self) -> None:
        self._checkpoint = None
        asyncio.get_running_loop().run_in_executor(self._thread, self._fold)

    def _fold(self) -> None:
        if self._patient is not None:
            with suppress(sqlite3.Error):
                self._patient.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _heard(work: "asyncio.Future[list[int]]") -> None:
    """Nobody may be left to hear how it ended, which is no fault."""
    if not work.cancelled():
        work.exception()


def _commit(connection: sqlite3.Connection, batch: Batch) -> list[int]:
    """Execute and commit what has begun, or roll it back."""
    try:
        counts = [
            connection.execute(sql, rows[0]).rowcount
            if len(rows) == 1
            else connection.executemany(sql, rows).rowcount
            for sql, rows in batch
        ]
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return counts
