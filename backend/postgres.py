"""The PostgreSQL engine: Piccolo's, with a pool that costs no extra round trip."""

# What asyncpg and Piccolo's engine leave untyped is given types here, and stays here.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from piccolo.engine.postgres import PostgresEngine

from backend.patience import patience
from backend.sqlite_batches import Batch

POOL_SIZE = 10
CONNECT_TIMEOUT_S = 4.0
LOCK_TIMEOUT_MS = 4000
"""How long a statement waits for others' locks before it is refused."""

UniqueViolation: type[Exception] = asyncpg.UniqueViolationError
UndefinedTable: type[Exception] = asyncpg.UndefinedTableError
BadValue: type[Exception] = asyncpg.DataError
ConnectionRefused: type[Exception] = asyncpg.PostgresError
FULL: tuple[type[Exception], ...] = (asyncpg.InsufficientResourcesError,)
"""Out of disk, memory or connections."""
LOCKED: tuple[type[Exception], ...] = (asyncpg.LockNotAvailableError,)
LOST: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresIOError,
)
"""No connection, or one to a server that is going down, coming up or a standby."""


class PooledPostgresEngine(PostgresEngine):
    """Connects when its pool is started, not when it is made."""

    def __init__(self, dsn: str) -> None:
        super().__init__(config={"dsn": dsn})
        self._answers = 0
        """Connections that were given back after work that succeeded."""

    async def check_version(self) -> None:
        """Nothing to ask before the pool is started."""

    async def start_connection_pool(self, **kwargs: Any) -> None:
        """Open the pool. Sessions keep no state, so a returned connection needs no reset."""
        self.pool = await asyncpg.create_pool(
            **self.config,
            min_size=1,
            max_size=POOL_SIZE,
            reset=_no_reset,
            timeout=CONNECT_TIMEOUT_S,
            server_settings={"lock_timeout": str(LOCK_TIMEOUT_MS)},
        )

    async def close_connection_pool(self) -> None:
        """Close the pool when its connections are back."""
        if self.pool is not None:
            await self.pool.close()
            self.pool = None

    async def read(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows of a query, within the running transaction if there is one."""
        current = self.current_transaction.get()
        if current is not None:
            return [dict(row) for row in await current.connection.fetch(sql, *args)]
        async with self._lease() as connection:
            return [dict(row) for row in await connection.fetch(sql, *args)]

    async def write(self, batch: Batch) -> list[int]:
        """All of the batch or nothing; joins the running transaction if there is one."""
        current = self.current_transaction.get()
        if current is not None:
            return [await _execute(current.connection, sql, rows) for sql, rows in batch]
        async with self._lease() as connection, connection.transaction():
            return [await _execute(connection, sql, rows) for sql, rows in batch]

    @asynccontextmanager
    async def _lease(self) -> AsyncGenerator[Any]:
        """A connection of the pool. Raises what `LOST` has when there is none to be had."""
        if self.pool is None:
            raise asyncpg.InterfaceError("the database is closed")
        try:
            async with patience(lambda: self._answers, CONNECT_TIMEOUT_S):
                connection = await self.pool.acquire()
        except OSError as error:  # a TimeoutError is one
            raise asyncpg.PostgresConnectionError(str(error) or "no connection") from error
        try:
            yield connection
            self._answers += 1
        finally:
            await self.pool.release(connection)


@asynccontextmanager
async def advisory_lock(dsn: str, number: int) -> AsyncGenerator[None]:
    """Held by at most one process at a time; on a connection of its own."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({number})")
        yield
    finally:
        await connection.close()


async def _no_reset(connection: Any) -> None:
    pass


async def _execute(connection: Any, sql: str, rows: Sequence[tuple[Any, ...]]) -> int:
    if len(rows) > 1 and "VALUES" in sql and "ON CONFLICT" not in sql:
        await connection.executemany(sql, rows)
        return len(rows)
    return sum([_count(await connection.execute(sql, *row)) for row in rows])


def _count(status: str) -> int:
    """The rows of a command tag such as `INSERT 0 3`."""
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0
