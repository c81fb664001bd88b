"""What a database raises when it cannot work at the moment, as a refusal that says try again."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from backend import postgres
from backend.errors import StorageUnavailable

_SQLITE = {
    "locked": "Another program holds the database.",
    "busy": "Another program holds the database.",
    "disk is full": "The disk of the database is full.",
    "disk i/o error": "The disk of the database refuses to be written or read.",
    "unable to open": "The database's file cannot be opened.",
    "readonly": "The database's file may not be written.",
}


def storage_refusal(error: BaseException) -> StorageUnavailable | None:
    """The refusal, when the error comes of the database's state and not of what it was asked."""
    if isinstance(error, sqlite3.OperationalError):
        told = str(error).lower()
        for part, detail in _SQLITE.items():
            if part in told:
                return StorageUnavailable(detail)
        return None
    if isinstance(error, postgres.FULL):
        return StorageUnavailable("The database has no room left: disk, memory or connections.")
    if isinstance(error, postgres.LOCKED):
        return StorageUnavailable("Another program holds the database.")
    if isinstance(error, postgres.LOST):
        return StorageUnavailable("The database cannot be reached.")
    return None


@contextmanager
def storage_refusals() -> Generator[None]:
    """Raises StorageUnavailable for what the database's state caused; all else as it is."""
    try:
        yield
    except Exception as error:
        refusal = storage_refusal(error)
        if refusal is None:
            raise
        raise refusal from error
