"""The SQLite engine: pooled WAL connections, one writer at a time, batches apart.

Piccolo's own engine opens a thread and a connection for every query, and its deferred
transactions fail with `database is locked` when they begin to write.
"""

# What aiosqlite and Piccolo's engine leave untyped is given types here, and stays here.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite
from piccolo.engine.sqlite import SQLiteEngine, SQLiteTransaction, TransactionType, dict_factory
from piccolo.table import Table

from backend.patience import patience
from backend.sqlite_batches import Batch, BatchWriter
from backend.storage_errors import storage_refusals

READERS = 3
ACQUIRE_TIMEOUT_S = 2.2
"""How long a query waits for its turn while nobody of this process gets anything done."""
BUSY_TIMEOUT_S = 2.2
"""How long it then waits for another process; both together are less than five seconds."""
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = 1",
    f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}",
)

# Piccolo's converter goes through Decimal, for every integer of every row.
sqlite3.register_converter("INTEGER", int)


class WriterLease:
    """The write connection while a transaction has it; `close` gives it back."""

    def __init__(self, engine: "PooledSQLiteEngine", connection: aiosqlite.Connection) -> None:
        self._engine = engine
        self.connection = connection
        self.began = True
        self.execute = connection.execute
        self.execute_fetchall = connection.execute_fetchall

    async def close(self) -> None:
        """Roll back what is open and let the next writer in."""
        committed = self.began and not self.connection.in_transaction
        try:
            if not committed:
                await self.connection.rollback()
        finally:
            self._engine.release_writer(committed=committed)


class ImmediateTransaction(SQLiteTransaction):
    """Has the write lock from its beginning, and gives it back when it cannot begin."""

    async def begin(self) -> None:
        """BEGIN IMMEDIATE."""
        try:
            await super().begin()
        except BaseException:
            lease: Any = self.connection
            lease.began = False
            await lease.close()
            raise


class PooledSQLiteEngine(SQLiteEngine):
    """Bound to the event loop that started its pool."""

    def __init__(self, path: Path) -> None:
        super().__init__(path=str(path))
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._opened: list[aiosqlite.Connection] = []
        self._writer: aiosqlite.Connection | None = None
        self._batches = BatchWriter(self.connection_kwargs, _PRAGMAS)
        self._write_lock = asyncio.Lock()
        self._reads = 0
        """Queries that were answered."""
        self._writes = 0
        """Batches and transactions that were committed."""

    async def check_version(self) -> None:
        """Nothing to ask: the library is compiled in."""

    async def start_connection_pool(self) -> None:
        """Open the readers, the writer of queries and transactions, and the writer of batches."""
        self._writer = await self._open()
        for _ in range(READERS):
            self._readers.put_nowait(await self._open())
        await self._batches.open()

    async def close_connection_pool(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        await self._batches.close()
        for connection in self._opened:
            await connection.close()
        self._opened.clear()
        self._writer = None

    async def _open(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(**self.connection_kwargs)
        self._opened.append(connection)
        connection.row_factory = dict_factory  # pyright: ignore[reportAttributeAccessIssue]
        for pragma in _PRAGMAS:
            await connection.execute_fetchall(pragma)
        return connection

    async def get_connection(self) -> WriterLease:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Lease the writer, for a transaction."""
        await self._acquire_writer()
        if self._writer is None:
            self._write_lock.release()
            raise sqlite3.OperationalError("the database is closed")
        return WriterLease(self, self._writer)

    async def _acquire_writer(self) -> None:
        # not wait_for: in Python 3.11 it may swallow the cancellation of its caller
        try:
            async with patience(lambda: self._writes, ACQUIRE_TIMEOUT_S):
                await self._write_lock.acquire()
        except TimeoutError as error:
            raise sqlite3.OperationalError("the database is locked: others write") from error

    def release_writer(self, *, committed: bool) -> None:
        """Let the next writer in."""
        self._writes += committed
        self._write_lock.release()

    def transaction(
        self,
        transaction_type: TransactionType = TransactionType.immediate,
        allow_nested: bool = True,
    ) -> SQLiteTransaction:
        """A transaction that has the write lock from its beginning."""
        return ImmediateTransaction(
            engine=self, transaction_type=transaction_type, allow_nested=allow_nested
        )

    async def read(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows of a query, within the running transaction if there is one."""
        lease = self._leased()
        if lease is not None:
            return await self._run_in_existing_connection(lease, sql, list(args))
        try:
            async with patience(lambda: self._reads, ACQUIRE_TIMEOUT_S):
                connection = await self._readers.get()
        except TimeoutError as error:
            raise sqlite3.OperationalError("the database is busy: others read") from error
        try:
            rows = list(await connection.execute_fetchall(sql, args))
            self._reads += 1
            return rows  # pyright: ignore[reportReturnType]
        finally:
            self._readers.put_nowait(connection)

    async def write(self, batch: Batch) -> list[int]:
        """All of the batch or nothing; joins the running transaction if there is one."""
        lease = self._leased()
        if lease is not None:
            connection = lease.connection
            return [(await connection.executemany(sql, rows)).rowcount for sql, rows in batch]
        if not self._write_lock.locked():
            counts = self._batches.commit_now(batch)
            if counts is not None:
                return counts
        await self._acquire_writer()
        committed = False
        try:
            counts = await self._batches.commit(batch)
            committed = True
            return counts
        finally:
            self.release_writer(committed=committed)

    def _leased(self) -> WriterLease | None:
        """The writer, when the running transaction has it."""
        current: Any = self.current_transaction.get()
        return None if current is None else current.connection

    async def _run_in_new_connection(
        self,
        query: str,
        args: list[Any] | None = None,
        query_type: str = "generic",
        table: type[Table] | None = None,
    ) -> list[dict[str, Any]]:
        with storage_refusals():
            if query.lstrip()[:6].upper() == "SELECT":
                return await self.read(query, args or [])
            lease = await self.get_connection()
            try:
                return list(await lease.execute_fetchall(query, args or []))  # pyright: ignore[reportReturnType]
            finally:
                await lease.close()

    async def _run_in_existing_connection(
        self,
        connection: WriterLease,
        query: str,
        args: list[Any] | None = None,
        query_type: str = "generic",
        table: type[Table] | None = None,
    ) -> list[dict[str, Any]]:
        return list(await connection.execute_fetchall(query, args or []))  # pyright: ignore[reportReturnType]
