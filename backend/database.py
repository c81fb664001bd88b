"""The database: opens, migrates and closes it, and runs what is too hot for Piccolo's builder.

SQL here is written with `?` placeholders and means the same on SQLite and PostgreSQL. JSON is
stored as text; timestamps come back aware, in UTC. Inside `transaction()` everything joins it;
a task spawned there must get a context of its own (`context=contextvars.Context()`).
"""

import asyncio
import contextlib
import fcntl
import io
import os
import re
import sqlite3
import sys
from collections.abc import AsyncGenerator, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct
from piccolo.apps.migrations.tables import Migration
from piccolo.table import Table

from backend import postgres
from backend.accounts.tables import EndedSession, User
from backend.approvals.tables import Approval
from backend.artifacts.tables import ArtifactRow
from backend.errors import Unavailable
from backend.models.tables import ModelPrice
from backend.postgres import PooledPostgresEngine
from backend.runs.tables import Run
from backend.settings import Settings, SettingsError
from backend.sqlite import PooledSQLiteEngine
from backend.storage_errors import storage_refusals
from backend.system.tables import IdempotencyKey
from backend.tenants.tables import Tenant
from backend.workflows.tables import DefinitionSnapshot, Workflow, WorkflowVersion
from backend.workspaces.tables import Workspace

TABLES: tuple[type[Table], ...] = (
    Tenant,
    User,
    EndedSession,
    Workflow,
    WorkflowVersion,
    DefinitionSnapshot,
    Run,
    Approval,
    ModelPrice,
    IdempotencyKey,
    ArtifactRow,
    Workspace,
)
UNIQUE_VIOLATIONS = (sqlite3.IntegrityError, postgres.UniqueViolation)
"""What an insert raises that a unique index refuses."""
BAD_VALUES = (postgres.BadValue,)
"""What a query raises for a value of another type than its column's; SQLite takes any."""

Engine = PooledSQLiteEngine | PooledPostgresEngine

_ADVISORY_LOCK = 0x48454444
_VERSIONS = Path(__file__).parent.parent / "migrations" / "versions"
_engine: Engine | None = None

log = structlog.get_logger("heddle.database")


class Statement(Struct, frozen=True):
    """One SQL statement and the rows it is executed with, one after the other."""

    sql: str
    rows: Sequence[tuple[Any, ...]]


def make_engine(settings: Settings) -> Engine:
    """The engine that the settings ask for, not yet connected."""
    if settings.postgres_url is not None:
        return PooledPostgresEngine(settings.postgres_url)
    return PooledSQLiteEngine(settings.sqlite_path)


def engine() -> Engine:
    """The open engine. Raises Unavailable before `open_database` and after `close_database`."""
    if _engine is None:
        raise Unavailable("The database is not open.")
    return _engine


def is_postgres() -> bool:
    """Whether the open database is PostgreSQL."""
    return isinstance(engine(), PooledPostgresEngine)


async def open_database(settings: Settings) -> None:
    """Connect, bind every table and bring the schema up to date; safe for many processes."""
    global _engine
    opened = make_engine(settings)
    try:
        if settings.postgres_url is None:
            keep_private(settings.sqlite_path)
        await opened.start_connection_pool()
    except (OSError, sqlite3.Error, postgres.ConnectionRefused) as error:
        raise SettingsError(f"The database cannot be opened: {error}") from error
    _engine = opened
    for table in (*TABLES, Migration):
        table._meta.db = opened  # pyright: ignore[reportPrivateUsage]
    try:
        await migrate(settings)
    except BaseException:
        await close_database()
        raise


def keep_private(path: Path) -> None:
    """Make the database's file, and its folder if need be, readable for this user alone.

    SQLite gives its log the file's own mode. An existing folder may hold other people's files:
    it stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for kept in (path, *path.parent.glob(f"{path.name}-*")):
        if kept.stat().st_mode & 0o077:
            kept.chmod(0o600)


async def close_database() -> None:
    """Close every connection; what is committed is on disk."""
    global _engine
    closing, _engine = _engine, None
    if closing is not None:
        await closing.close_connection_pool()


@contextlib.asynccontextmanager
async def transaction() -> AsyncGenerator[None]:
    """All or nothing. A nested one is part of the outer: never catch an error between them."""
    with storage_refusals():
        async with engine().transaction():
            yield


@contextlib.asynccontextmanager
async def one_at_a_time(subject: str) -> AsyncGenerator[None]:
    """A transaction that excludes all others of the same subject, in every process.

    SQLite has one writing transaction at a time in any case.
    """
    async with transaction():
        if isinstance(engine(), PooledPostgresEngine):
            await fetch("SELECT pg_advisory_xact_lock(hashtext(?))", subject)
        yield


async def fetch(sql: str, *args: Any) -> list[dict[str, Any]]:
    """The rows of a query, as dictionaries."""
    opened = engine()
    with storage_refusals():
        if isinstance(opened, PooledPostgresEngine):
            return await opened.read(numbered(sql), args)
        return await opened.read(sql, args)


async def write_batch(statements: Sequence[Statement]) -> list[int]:
    """Execute all of the statements or none, in one transaction; the affected rows of each.

    Statements are executed in order, each with all of its rows.
    """
    opened = engine()
    with storage_refusals():
        if isinstance(opened, PooledPostgresEngine):
            return await opened.write([(numbered(each.sql), each.rows) for each in statements])
        return await opened.write([(each.sql, each.rows) for each in statements])


async def execute(sql: str, *args: Any) -> int:
    """One statement, once; how many rows it affected."""
    return (await write_batch([Statement(sql, [args])]))[0]


@lru_cache(1024)
def numbered(sql: str) -> str:
    """The statement with `$1, $2 …` for its `?`, those in quotes left alone."""
    numbers = count(1)
    return re.sub(
        r"'(?:[^']|'')*'|\?", lambda hit: f"${next(numbers)}" if hit[0] == "?" else hit[0], sql
    )


async def migrate(settings: Settings) -> None:
    """Bring the open database's schema up to date. One process does it, the others wait."""
    if not await _pending():
        return
    async with _migration_lock(settings):
        if await _pending():
            await _run_migrations()


async def _pending() -> bool:
    wanted = {
        found[1]
        for path in _VERSIONS.glob("*.py")
        if (found := re.search(r'^ID = "(.+)"$', path.read_text(), re.MULTILINE))
    }
    try:
        done = await fetch("SELECT name FROM migration WHERE app_name = 'heddle'")
    except (sqlite3.OperationalError, postgres.UndefinedTable):
        return True
    return not wanted <= {row["name"] for row in done}


async def _run_migrations() -> None:
    # Slow to import, and needed only when there is something to do.
    from piccolo.apps.migrations.commands.forwards import run_forwards

    # Where Piccolo looks for its configuration when the environment does not say.
    sys.modules.setdefault("piccolo_conf", import_module("migrations.piccolo_conf"))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        result = await run_forwards("heddle")
    if not result.success:
        raise RuntimeError(f"The migrations failed: {result.message}")
    log.info("database.migrated")


@contextlib.asynccontextmanager
async def _migration_lock(settings: Settings) -> AsyncGenerator[None]:
    if settings.postgres_url is not None:
        async with postgres.advisory_lock(settings.postgres_url, _ADVISORY_LOCK):
            yield
    else:
        path = settings.sqlite_path.with_suffix(".migrating")
        with path.open("w") as file:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
            yield
