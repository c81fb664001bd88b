"""One server at a time on a SQLite database: a lock that the kernel takes back when it dies.

Runs are claimed from the executor's memory, so that two servers on one SQLite file would execute
the same steps twice. PostgreSQL needs no such lock, and commands that execute nothing take none.
"""

import errno
import fcntl
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from backend.settings import Settings, SettingsError

_HELD_ELSEWHERE = (errno.EACCES, errno.EAGAIN)


class Holder(Struct, frozen=True):
    """Who has the lock. `address` is where it listens, empty until it does."""

    pid: int
    host: str
    since: datetime
    address: str = ""

    def __str__(self) -> str:
        place = f" at {self.address}" if self.address else ""
        return f"process {self.pid} on {self.host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC{place}"


class ProcessLock:
    """The lock while it is held; `listens_at` tells others where."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._holder = Holder(os.getpid(), socket.gethostname(), datetime.now(UTC))
        self._write(self._holder)

    def listens_at(self, address: str) -> None:
        """Note the address for whoever finds the database taken."""
        self._write(msgspec.structs.replace(self._holder, address=address))

    def _write(self, holder: Holder) -> None:
        # who has it is only told; a full disk must not keep the server from starting
        with suppress(OSError):
            text = msgspec.json.encode(holder)
            os.pwrite(self._handle, text, 0)
            os.ftruncate(self._handle, len(text))


@contextmanager
def only_server(settings: Settings) -> Generator[ProcessLock | None]:
    """Hold the database for this process; None for PostgreSQL, which needs no lock.

    Raises SettingsError when another process has it, naming it, and when the file system of the
    database cannot lock files.
    """
    if settings.postgres_url is not None:
        yield None
        return
    database = settings.sqlite_path.resolve()
    handle = _locked(database.with_name(f"{database.name}.lock"))
    _held.add(handle)
    try:
        yield ProcessLock(handle)
    finally:
        _held.discard(handle)
        os.close(handle)


def _locked(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        told = _refusal(path, handle, error)
        os.close(handle)
        raise SettingsError(told) from error
    return handle


def _refusal(path: Path, handle: int, error: OSError) -> str:
    database = path.with_name(path.name.removesuffix(".lock"))
    if error.errno not in _HELD_ELSEWHERE:
        return (
            f"the file system of {database} cannot lock files ({error.strerror}), as some network "
            "file systems cannot. Put the data directory on a local disk (HEDDLE_DATA_DIR), or use "
            "PostgreSQL (HEDDLE_DATABASE_URL)."
        )
    try:
        holder = str(msgspec.json.decode(os.pread(handle, 4096, 0), type=Holder))
    except msgspec.MsgspecError:
        holder = "another process"
    return (
        f"the database {database} is in use by {holder}. Stop that server first, give this one "
        "another HEDDLE_DATA_DIR, or let several servers share PostgreSQL (HEDDLE_DATABASE_URL)."
    )


def _let_go() -> None:
    """In a child that is forked: it must not keep what its parent, killed, has let go."""
    for handle in _held:
        os.close(handle)
    _held.clear()


_held: set[int] = set()
os.register_at_fork(after_in_child=_let_go)
