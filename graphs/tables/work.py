"""Runs DuckDB in a thread of its own: locked down, limited, and stopped when its step is."""

import asyncio
import re
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from graphs.errors import NodeError
from graphs.tables.names import literal

THREADS = 2
MEMORY_LIMIT = "320MB"
TEMPORARY_LIMIT = "8GB"
RESULT_LIMIT_BYTES = 8 * 1024**3
"""A larger result is stopped while it is being written, before it fills the disk."""

_POLL_S = 0.05
_POOL = ThreadPoolExecutor(2, thread_name_prefix="heddle-tables")

_PATHS: ContextVar[tuple[str, ...]] = ContextVar("paths", default=())
"""What this thread's last connection reaches: the paths of this machine that a message may name."""

T = TypeVar("T")


class Work:
    """One piece of work; its folder, made on first use, goes with it."""

    def __init__(self, folder: Path) -> None:
        self.stopped = False
        self.too_large = False
        self.written: Path | None = None
        """The result that is being written, to see its size."""
        self._folder = folder
        self._connection: DuckDBPyConnection | None = None

    @property
    def folder(self) -> Path:
        """For what is needed in between."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def connect(self, paths: Iterable[Path]) -> DuckDBPyConnection:
        """A database in memory that can reach these files and nothing else outside itself."""
        reached = [str(path.absolute()) for path in paths]
        folders = [str(Path(path).parent) for path in reached]
        _PATHS.set((*reached, *folders, str(self.folder.absolute())))
        allowed = ", ".join(map(literal, reached))
        self._connection = connection = duckdb.connect(
            config={
                "threads": THREADS,
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": str(self.folder.absolute()),
                "max_temp_directory_size": TEMPORARY_LIMIT,
                "python_enable_replacements": "false",
                "autoload_known_extensions": "false",
                "autoinstall_known_extensions": "false",
            }
        )
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET allowed_paths = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        self.check()
        return connection

    def check(self) -> None:
        """Raises InterruptException once the work is to stop; for loops that are not DuckDB's."""
        if self.stopped:
            raise duckdb.InterruptException("stopped")

    def stop(self) -> None:
        """End what is going on; said again and again, because it reaches running queries only."""
        self.stopped = True
        if self._connection is not None:
            self._connection.interrupt()

    def look(self) -> None:
        """Stop when the result has become too large."""
        try:
            size = 0 if self.written is None else self.written.stat().st_size
        except FileNotFoundError:
            return
        if size > RESULT_LIMIT_BYTES:
            self.too_large = True
            self.stop()

    def close(self) -> None:
        """Let go of the memory and of the files in between."""
        if self._connection is not None:
            self._connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)


async def run_work(
    folder: Path, job: Callable[[Work], T], pool: ThreadPoolExecutor | None = None
) -> T:
    """The job's result. Raises NodeError for what DuckDB refuses, with a message for the analyst.

    When the caller is cancelled, the job is stopped first, and its files are gone.
    """
    work = Work(folder)

    def whole() -> T:
        try:
            work.check()
            return job(work)
        except duckdb.Error as error:
            raise _readable(error, work) from error
        finally:
            work.close()

    future = asyncio.get_running_loop().run_in_executor(pool or _POOL, whole)
    try:
        while not future.done():
            await asyncio.wait((future,), timeout=_POLL_S * 10)
            work.look()
    except asyncio.CancelledError:
        while not future.done():
            work.stop()
            await asyncio.wait((future,), timeout=_POLL_S)
        future.exception()
        raise
    return future.result()


def _readable(error: duckdb.Error, work: Work) -> NodeError:
    if work.too_large:
        return NodeError(
            f"the result is larger than {RESULT_LIMIT_BYTES // 1024**3} GiB; is a join's "
            "condition missing, or can rows be filtered before?",
            code="output_too_large",
            retryable=False,
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return NodeError(
            f"this needs more than the {MEMORY_LIMIT} of memory and {TEMPORARY_LIMIT} of disk that "
            "a node may use; select fewer columns or filter the rows before",
            code="memory_limit",
            retryable=False,
        )
    return NodeError(message_of(error), code="query_failed", retryable=False)


def message_of(error: Exception, *, with_place: bool = False) -> str:
    """What DuckDB says, without its options, any path of this machine or our part of the SQL.

    `with_place` keeps the line with the mistake, where the SQL is the analyst's own.
    """
    said = re.split(r"\n\n  file = |Possible [Ss]olution", str(error))[0]
    if not with_place:
        said = re.split(r"(?:^|\n)LINE \d+:", said)[0]
    for path in sorted(_PATHS.get(), key=len, reverse=True):
        said = re.sub(rf"[\"']?{re.escape(path)}[^\s\"']*[\"']?", "the file", said)
    lines = [line for line in said.splitlines() if line.strip()]
    return "\n".join(lines[:6])


def rows_of(connection: DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(sql).fetchall()
