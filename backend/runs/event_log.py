"""Stored events: between the engine's structs, the rows of `run_event` and the viewers' JSON."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from backend.database import fetch
from backend.runs.bus import Delivery
from backend.runs.schemas import EventView
from graphs.events import RunEnd, RunEvent, StepEvent, assemble, kind_of

EventRow = tuple[str, int, int, str, str | None, str | None, str | None, int, str]
"""run_id, seq, at (µs since 1970), kind, node_id, step_id, path, attempt, data (JSON)."""

PAGE = 500
"""Events read at once while a stream catches up."""

COLUMNS = "seq, at, kind, node_id, step_id, path, attempt, data"
_NAMES = tuple(COLUMNS.split(", "))

END_KINDS = frozenset(str(cls.__struct_config__.tag) for cls in RunEnd.__args__)

FINISHED = "(SELECT step_id AS id, run_id, kind, seq, at, node_id, path FROM run_event) AS finished"
"""Events as a list pages through them, by the ids of their steps."""

LOGGED = f"(SELECT CAST(seq AS TEXT) AS id, run_id, {COLUMNS} FROM run_event) AS logged"
"""Events as a list pages through them one by one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


def row_of(event: RunEvent) -> EventRow:
    """The row of an event that has its `seq`. Raises what msgspec does for what is no JSON."""
    assert event.seq is not None, "only events with a seq are stored"
    data = _encode(event.data).decode()
    at = column(event.at)
    if isinstance(event, StepEvent):
        return (
            event.run_id,
            event.seq,
            at,
            kind_of(event),
            event.node_id,
            event.step_id,
            event.path,
            event.attempt,
            data,
        )
    return (event.run_id, event.seq, at, kind_of(event), None, None, None, 1, data)


def moment(at: int) -> datetime:
    """When an event happened, from its column."""
    return _EPOCH + timedelta(microseconds=at)


def column(moment: datetime) -> int:
    """A moment as the column `at` holds it."""
    return (moment - _EPOCH) // _MICROSECOND


def view(row: EventRow) -> EventView:
    """A stored event as the API shows it."""
    run_id, seq, at, kind, node_id, step_id, path, attempt, data = row
    return EventView(
        seq=seq,
        run_id=run_id,
        at=moment(at),
        kind=kind,
        data=msgspec.Raw(data.encode()),
        node_id=node_id,
        step_id=step_id,
        path=path,
        attempt=attempt,
    )


def delivery(row: EventRow) -> Delivery:
    """A stored event as viewers get it."""
    kind = row[3]
    return Delivery(row[0], row[1], kind, _encode(view(row)), ends=kind in END_KINDS)


def live_delivery(event: RunEvent) -> Delivery:
    """An event that is shown and not stored."""
    return Delivery(event.run_id, None, kind_of(event), _encode(event))


def engine_event(row: EventRow) -> RunEvent:
    """A stored event as the engine wrote it."""
    run_id, seq, at, kind, node_id, step_id, path, attempt, data = row
    return assemble(kind, run_id, seq, moment(at), data, node_id, step_id, path, attempt)


async def read(run_id: str, after: int = 0, limit: int = PAGE) -> list[EventRow]:
    """The run's events with a greater `seq`, in order."""
    rows = await fetch(
        f"SELECT {COLUMNS} FROM run_event WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        run_id,
        after,
        limit,
    )
    return [row_from(run_id, row) for row in rows]


async def history(run_id: str) -> list[RunEvent]:
    """All events of a run as the engine wrote them; others get their turn between the pages."""
    found: list[RunEvent] = []
    after = 0
    while rows := await read(run_id, after):
        found.extend(map(engine_event, rows))
        after = rows[-1][1]
        if len(rows) < PAGE:
            break
    return found


async def finished_at(run_id: str, step_id: str) -> int | None:
    """The `seq` at which a step of the run finished; None when it did not."""
    if "\0" in step_id:
        return None
    rows = await fetch(
        "SELECT seq FROM run_event WHERE run_id = ? AND step_id = ? AND kind = 'step.completed'",
        run_id,
        step_id,
    )
    return rows[0]["seq"] if rows else None


async def read_kinds(run_ids: Sequence[str], kinds: Sequence[str]) -> list[EventRow]:
    """The events of certain kinds of several runs, in order within each run."""
    if not run_ids:
        return []
    runs, marks = ", ".join("?" * len(run_ids)), ", ".join("?" * len(kinds))
    rows = await fetch(
        f"SELECT run_id, {COLUMNS} FROM run_event WHERE run_id IN ({runs})"
        f" AND kind IN ({marks}) ORDER BY run_id, seq",
        *run_ids,
        *kinds,
    )
    return [row_from(str(row["run_id"]), row) for row in rows]


def row_from(run_id: str, row: Mapping[str, Any]) -> EventRow:
    """An event of a run from `COLUMNS`."""
    return cast("EventRow", (run_id, *map(row.__getitem__, _NAMES)))
