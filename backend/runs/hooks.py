"""What other resources keep beside runs: handed to the executor by whoever composes a process."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from backend.database import Statement
from backend.runs.clock import Alarm
from backend.runs.record import RunRecord
from graphs.events import RunEvent

Projection = Callable[[RunEvent, RunRecord], Sequence[Statement]]
"""What an event changes in a table that follows from events: called with `approval.requested` and
`approval.answered`, and with the failed or cancelled end of a step, or any end of a run, that has
open questions. The record shows the run as it is after the event.

The statements are written in the same commit. Runs that were taken over must leave no trace, so
that every statement has to be conditional on `OWNED`, with the record's id and epoch.
"""

Forget = Callable[[Sequence[str], Mapping[str, str]], Awaitable[Sequence[Statement]]]
"""Called before runs are deleted with their ids, and for each run whose data others use with the
run that inherits it (a fork, or a run of a part); returns what is written in the same commit."""

OWNED = "EXISTS (SELECT 1 FROM run WHERE id = ? AND epoch = ?)"


class RunHooks(Struct, frozen=True, kw_only=True):
    """`alarms` ring in the executor's clock."""

    projections: tuple[Projection, ...] = ()
    forgets: tuple[Forget, ...] = ()
    alarms: tuple[Alarm, ...] = ()

    def statements(self, event: RunEvent, record: RunRecord) -> list[Statement]:
        """What the event changes in all tables that follow."""
        return [found for project in self.projections for found in project(event, record)]


NO_HOOKS = RunHooks()
"""Runs alone, without anything beside them."""
