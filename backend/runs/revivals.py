"""Takes runs up again whose events the database did not take: later each time, and not for ever."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from backend.runs.record import RunRecord
from graphs.errors import GraphError

REVIVE_AFTER_S = (1.0, 5.0, 30.0, 120.0)
"""The pauses before a run is taken up again whose events the database did not take.

When no step has ended between as many attempts, the run has failed.
"""


class StorageError(GraphError):
    """What a run produced was refused by the database again and again."""

    code = "not_stored"


class Attempts(Struct):
    """How often a run was revived since it had `completed_steps`."""

    count: int = 0
    completed_steps: int = 0


class Revivals:
    """The runs of this process that were revived, and how often."""

    def __init__(self, ring: Callable[[str], object]) -> None:
        """`ring` lets a run be taken up, by its id."""
        self._ring = ring
        self._attempts: dict[str, Attempts] = {}

    def revive(self, run_id: str, *, blame: bool) -> None:
        """Ring for a run again, later each time that it was to blame."""
        attempts = self._attempts.setdefault(run_id, Attempts())
        delay_s = REVIVE_AFTER_S[min(attempts.count, len(REVIVE_AFTER_S) - 1)]
        attempts.count += blame
        asyncio.get_running_loop().call_later(delay_s, self._ring, run_id)

    def are_hopeless(self, record: RunRecord) -> bool:
        """Whether a claimed run was revived often enough without getting any further."""
        attempts = self._attempts.get(record.id)
        if attempts is None:
            return False
        if record.completed_steps > attempts.completed_steps:
            attempts.count, attempts.completed_steps = 0, record.completed_steps
        return attempts.count > len(REVIVE_AFTER_S)

    def forget(self, run_id: str) -> None:
        """Forget a run that has ended, or that somebody else has."""
        self._attempts.pop(run_id, None)
