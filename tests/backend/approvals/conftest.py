"""What the tests of approvals stand on: that of runs."""

from tests.backend.runs.conftest import editor, executor, sqlite_database

__all__ = ["editor", "executor", "sqlite_database"]
