"""Tables that follow from runs' events: whoever keeps one registers here what an event changes.

The statements are written in the same commit as the event. Runs that were taken over must leave no
trace, so that every statement has to be conditional on `OWNED`, with the record's id and epoch.
"""

from collections.abc import Callable, Sequence

from backend.database import Statement
from backend.runs.record import RunRecord
from graphs.events import RunEvent

Projection = Callable[[RunEvent, RunRecord], Sequence[Statement]]

OWNED = "EXISTS (SELECT 1 FROM run WHERE id = ? AND epoch = ?)"

_projections: list[Projection] = []


def register(projection: Projection) -> None:
    """Let a table follow: called with `approval.requested` and `approval.answered`, and with the
    failed or cancelled end of a step, or any end of a run, that has open questions.
    """
    if projection not in _projections:
        _projections.append(projection)


def statements(event: RunEvent, record: RunRecord) -> list[Statement]:
    """What the event changes; the record shows the run as it is after it."""
    return [found for project in _projections for found in project(event, record)]
