"""Runs work on tables in a worker process: locked down, limited, and stopped when its step is."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import duckdb
from duckdb import DuckDBPyConnection
from msgspec import Struct
from msgspec.structs import replace

from graphs.errors import NodeError
from graphs.tables.names import literal
from graphs.workers.limits import MB, Limits
from graphs.workers.pool import WorkerPool
from graphs.workers.worker import Interruption

THREADS = 2
MEMORY_LIMIT = "320MB"
TEMPORARY_LIMIT = "8GB"
RESULT_LIMIT_BYTES = 8 * 1024**3
"""A larger result is stopped while it is being written, before it fills the disk."""

LIMITS = Limits(
    data_bytes=768 * MB,
    space_bytes=1280 * MB,
    wall_s=300,
    cpu_s=450,
    file_bytes=RESULT_LIMIT_BYTES,
    answer_bytes=64 * MB,
)
POOL = WorkerPool(3, LIMITS, "work on tables")
"""One owner has two of them at most; the third is for the others."""
LOOKING = WorkerPool(2, replace(LIMITS, wall_s=30, cpu_s=40), "look at tables")
"""People who look at tables do not wait for runs that work on them."""

_PATHS: ContextVar[tuple[str, ...]] = ContextVar("paths", default=())
"""What this thread's last connection reaches: the paths of this machine that a message may name."""

T = TypeVar("T")


class DatabaseLimits(Struct, frozen=True, kw_only=True):
    """What DuckDB keeps to by itself; beyond, the kernel ends the process."""

    threads: int
    memory: str
    temporary: str


class Work:
    """One piece of work; its folder, made on first use, goes with it."""

    def __init__(self, folder: Path, limits: DatabaseLimits) -> None:
        self.stopped = False
        self.limits = limits
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
                "threads": self.limits.threads,
                "memory_limit": self.limits.memory,
                "temp_directory": str(self.folder.absolute()),
                "max_temp_directory_size": self.limits.temporary,
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

    def close(self) -> None:
        """Let go of the memory and of the files in between."""
        if self._connection is not None:
            self._connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)


async def run_work(
    folder: Path,
    job: Callable[[Work], T],
    pool: WorkerPool | None = None,
    owner: str | None = None,
    say: Callable[[str], None] | None = None,
) -> T:
    """The job's result. Raises NodeError for what DuckDB refuses, with a message for the analyst.

    The job goes to another process: it holds paths, settings and rows, nothing that is open, and
    its return type is declared and plain data. `owner`: whose turn it counts as, by default that
    of all who keep their work in the same place. `say` is told when it waits for its turn. When
    the caller is cancelled, the job is stopped first, and its files are gone.
    """
    limits = DatabaseLimits(threads=THREADS, memory=MEMORY_LIMIT, temporary=TEMPORARY_LIMIT)
    answer = get_type_hints(job).get("return", Any)
    return await (pool or POOL).run(
        partial(perform, folder, job, limits),
        answer,
        owner=folder.parent.name if owner is None else owner,
        cleanup=partial(shutil.rmtree, folder, ignore_errors=True),
        say=say,
    )


def perform(
    folder: Path, job: Callable[[Work], T], limits: DatabaseLimits, interruption: Interruption
) -> T:
    """Do a job, in this process."""
    work = Work(folder, limits)
    interruption.stop = work.stop
    try:
        work.check()
        return job(work)
    except duckdb.Error as error:
        raise _readable(error, limits) from error
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        raise _too_large() from error
    finally:
        work.close()


def _readable(error: duckdb.Error, limits: DatabaseLimits) -> NodeError:
    if isinstance(error, duckdb.IOException) and os.strerror(errno.EFBIG) in str(error):
        return _too_large()
    if isinstance(error, duckdb.OutOfMemoryException):
        return NodeError(
            f"this needs more than the {limits.memory} of memory and {limits.temporary} of disk "
            "that a node may use; select fewer columns or filter the rows before",
            code="memory_limit",
            retryable=False,
        )
    return NodeError(message_of(error), code="query_failed", retryable=False)


def _too_large() -> NodeError:
    return NodeError(
        f"the result is larger than {RESULT_LIMIT_BYTES // 1024**3} GiB; is a join's "
        "condition missing, or can rows be filtered before?",
        code="output_too_large",
        retryable=False,
    )


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
