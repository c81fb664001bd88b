"""Reads single steps out of a run's events, by places: never the whole run for one of them.

A step has a place, its path and node, and `run_event_place` leads to all that happened there. The
place of a step of which only the id is known is found by its time: ids begin with the moment when
they were made, and a run's events are in the order of time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from backend.database import fetch, is_postgres
from backend.pagination import Page, PageRequest, paginate
from backend.runs import event_log
from backend.runs.event_log import EventRow
from backend.runs.run_ids import is_id, lowest_id
from backend.runs.schemas import StepFilter, StepView
from backend.runs.status import StepStatus
from backend.runs.steps import SHOWN_KINDS, fold

Condition = tuple[str, Sequence[Any]]

# spelt as in the index `run_event_place`, or SQLite does not use it
PATH = "COALESCE(path, '')"
SHOWN = f"kind IN {SHOWN_KINDS}"

BEGINS = "kind IN ('step.started', 'step.skipped', 'step.completed')"
"""What a step may begin with."""

PROBES = 64
"""Events whose time is looked at together, to find a moment among them."""

NEAR = 300
"""Events after that moment among which a step most probably begins."""

_MILLISECOND_US = 1000
_LEEWAY_MS = 5
_A_DAY_US = 86_400_000_000


class Place(Struct, frozen=True):
    """Where a step is: two attempts of a retried run may share it."""

    step_id: str
    run_id: str
    path: str
    node_id: str


def by_place(name: str = "event") -> str:
    """The table of events, read by the index of places: unasked, SQLite reads the whole run."""
    index = "" if is_postgres() else " INDEXED BY run_event_place"
    return f"run_event AS {name}{index}"


def _of_step(name: str, step: str) -> str:
    """The condition that an event, found by its place, is one of a step."""
    return (
        f"{name}.run_id = {step}.run_id AND COALESCE({name}.path, '') = COALESCE({step}.path, '')"
        f" AND {name}.node_id = {step}.node_id AND {name}.step_id = {step}.step_id"
        f" AND {name}.{SHOWN}"
    )


def _begun(events: str = "run_event AS event") -> str:
    """One row for each step: the event that it began with."""
    return (
        f"(SELECT step_id AS id, step_id, run_id, seq, node_id, path FROM {events}"
        f" WHERE {SHOWN} AND {BEGINS} AND NOT EXISTS (SELECT 1 FROM {by_place('before')} WHERE"
        f" {_of_step('before', 'event')} AND before.seq < event.seq)) AS begun"
    )


_ENDS = {
    StepStatus.COMPLETED: "step.completed",
    StepStatus.FAILED: "step.failed",
    StepStatus.SKIPPED: "step.skipped",
    StepStatus.CANCELLED: "step.cancelled",
}
_COLUMNS = ("seq", "run_id", "node_id", "path")


def _theirs() -> str:
    return f"SELECT 1 FROM {by_place('its')} WHERE {_of_step('its', 'begun')} AND its.kind"


def _has_ended() -> str:
    return f"EXISTS ({_theirs()} IN {tuple(_ENDS.values())})"


def _last_move() -> str:
    return (
        f"(SELECT its.kind FROM {by_place('its')} WHERE {_of_step('its', 'begun')}"
        " AND its.kind IN ('step.started', 'step.retrying') ORDER BY its.seq DESC LIMIT 1)"
    )


_TOTALS_KEPT = 256

ALL = StepFilter()

_totals: dict[tuple[object, ...], int] = {}
"""How many steps there were, by run, its last event and the filter: that can never change."""


async def page_of_run(
    run_id: str, last_seq: int, filters: StepFilter, page: PageRequest, *, counts_ends: bool = False
) -> Page[StepView]:
    """One page of a run's steps in the order in which they began, without their inputs.

    `counts_ends`: the run has ended and has none but ended steps, which are faster to count.
    """

    async def total() -> int:
        key = (run_id, last_seq, filters)
        if key not in _totals:
            if len(_totals) >= _TOTALS_KEPT:
                _totals.clear()
            counted = _count_ends(run_id) if counts_ends and filters == ALL else None
            _totals[key] = await (counted or _count(run_id, filters))
        return _totals[key]

    begun = await paginate(
        page,
        source=_begun() if filters.path is None else _begun(by_place()),
        columns=_COLUMNS,
        where=[("run_id = ?", [run_id]), *_places(filters), *_status(filters.status)],
        sorts={"seq": "seq"},
        default_sort="seq",
        to=_place,
        total=total,
    )
    return Page(await at(begun.items), begun.next_cursor, begun.total)


async def page_of_running(tenant_id: str, page: PageRequest) -> Page[StepView]:
    """One page of the steps of all runs that are running or between two attempts."""
    begun = await paginate(
        page,
        source=_begun(),
        columns=_COLUMNS,
        where=[
            (
                "run_id IN (SELECT id FROM run WHERE tenant_id = ?"
                " AND status IN ('running', 'cancelling'))",
                [tenant_id],
            ),
            (f"NOT {_has_ended()}", []),
        ],
        sorts={"started_at": "id"},
        default_sort="started_at",
        to=_place,
    )
    return Page(await at(begun.items), begun.next_cursor, begun.total)


async def at(places: Sequence[Place]) -> list[StepView]:
    """The steps at these places in this order, without their inputs."""
    if not places:
        return []
    marks = ", ".join(["(CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))"] * len(places))
    names = ", ".join(f"event.{name}" for name in event_log.COLUMNS.split(", "))
    # PostgreSQL finds the order of the join itself; SQLite compares an index's expression only
    # with what has no type
    join = "JOIN" if is_postgres() else "CROSS JOIN"
    rows = await fetch(
        f"WITH wanted (run_id, path, node_id) AS (VALUES {marks})"
        f" SELECT event.run_id, {names} FROM wanted {join} {by_place()}"
        " ON event.run_id = wanted.run_id AND COALESCE(event.path, '') = wanted.path || ''"
        f" AND event.node_id = wanted.node_id AND event.{SHOWN}",
        *(value for place in places for value in (place.run_id, place.path, place.node_id)),
    )
    wanted = {place.step_id for place in places}
    found: list[EventRow] = [
        event_log.row_from(str(row["run_id"]), row) for row in rows if row["step_id"] in wanted
    ]
    found.sort(key=lambda row: row[1])
    steps = {step.id: step for step in fold(found)}
    return [steps[place.step_id] for place in places]


async def one(run_id: str, last_seq: int, step_id: str) -> StepView | None:
    """A step of a run that has so many events, without its inputs; None if it has no such step."""
    if not is_id(step_id):
        return None
    step_id = step_id.lower()
    seq = await _first_since(run_id, last_seq, _made_at_us(step_id))
    query = (
        "SELECT step_id AS id, run_id, node_id, path FROM run_event"
        " WHERE run_id = ? AND step_id = ?"
    )
    near = f"{query} AND seq >= ? AND seq < ? LIMIT 1"
    rows = await fetch(near, run_id, step_id, seq, seq + NEAR)
    # it waited long before it began, or somebody has set the machine's clock
    rows = rows or await fetch(f"{query} LIMIT 1", run_id, step_id)
    steps = await at([_place(row) for row in rows])
    return steps[0] if steps else None


async def run_of(tenant_id: str, step_id: str) -> str | None:
    """The run of a step: one of those that were going on when its id was made."""
    now_us = event_log.column(datetime.now(UTC))
    made_us = _made_at_us(step_id) if is_id(step_id) else -1
    if not 0 < made_us <= now_us + _A_DAY_US:
        return None
    moment = event_log.moment(made_us)
    rows = await fetch(
        "SELECT id, last_seq FROM run WHERE tenant_id = ? AND id < ?"
        " AND (finished_at IS NULL OR finished_at >= ?) ORDER BY id DESC",
        tenant_id,
        lowest_id(moment + timedelta(seconds=1)),
        moment - timedelta(seconds=1),
    )
    for row in rows:
        if await one(row["id"], row["last_seq"], step_id) is not None:
            return row["id"]
    return None


def _place(row: dict[str, Any]) -> Place:
    return Place(str(row["id"]), str(row["run_id"]), row["path"] or "", str(row["node_id"]))


def _made_at_us(step_id: str) -> int:
    """The moment that an id tells, in µs since 1970, and a little before."""
    return ((UUID(step_id).int >> 80) - _LEEWAY_MS) * _MILLISECOND_US


async def _first_since(run_id: str, last_seq: int, moment_us: int) -> int:
    """The `seq` of the run's first event since a moment, found in a few looks."""
    low, high = 1, last_seq + 1
    while high - low > 1:
        step = max((high - low) // PROBES, 1)
        probes = range(low, high, step)
        marks = ", ".join("?" * len(probes))
        rows = await fetch(
            f"SELECT seq FROM run_event WHERE run_id = ? AND seq IN ({marks})"
            " AND at < ? ORDER BY seq DESC LIMIT 1",
            run_id,
            *probes,
            moment_us,
        )
        if not rows:
            return low
        low, high = rows[0]["seq"], min(rows[0]["seq"] + step, high)
        if step == 1:
            break
    return low


async def finished_in(
    run_id: str, paths: Sequence[str | None], until: int, limit: int
) -> list[StepView]:
    """The last steps in these paths that finished until a moment (µs since 1970), in the order in
    which they finished, without their inputs.
    """
    marks = ", ".join("?" * len(paths))
    rows = await fetch(
        f"SELECT step_id AS id, run_id, node_id, path FROM {by_place()}"
        f" WHERE run_id = ? AND {PATH} IN ({marks})"
        f" AND {SHOWN} AND kind = 'step.completed' AND at <= ? ORDER BY seq DESC LIMIT {limit}",
        run_id,
        *(path or "" for path in paths),
        until,
    )
    return await at([_place(row) for row in reversed(rows)])


async def _count_ends(run_id: str) -> int:
    """How many steps have ended: a journal holds at most one end of each."""
    rows = await fetch(
        f"SELECT count(*) AS n FROM run_event WHERE run_id = ? AND kind IN {tuple(_ENDS.values())}",
        run_id,
    )
    return rows[0]["n"]


async def _count(run_id: str, filters: StepFilter) -> int:
    conditions = [("run_id = ?", [run_id]), *_places(filters)]
    end = _ENDS.get(filters.status) if filters.status is not None else None
    if filters.status is None or end is not None:
        # by the events themselves, which an index holds, instead of a look at each step
        counted = "count(DISTINCT step_id)"
        source = "run_event" if filters.path is None else by_place()
        kinds = BEGINS if end is None else f"kind = '{end}'"
        conditions.append((f"{SHOWN} AND {kinds}", []))
    else:
        counted, source = "count(*)", _begun()
        conditions += _status(filters.status)
    where = " AND ".join(f"({sql})" for sql, _ in conditions)
    args = [arg for _, values in conditions for arg in values]
    rows = await fetch(f"SELECT {counted} AS n FROM {source} WHERE {where}", *args)
    return rows[0]["n"]


def _places(filters: StepFilter) -> list[Condition]:
    found: list[Condition] = []
    if filters.node is not None:
        found.append(("node_id = ?", [filters.node]))
    if filters.path is not None:
        found.append((f"{PATH} = ?", [filters.path]))
    return found


def _status(status: StepStatus | None) -> list[Condition]:
    match status:
        case None:
            return []
        case StepStatus.PENDING:
            return [("1 = 0", [])]
        case StepStatus.RUNNING | StepStatus.RETRYING:
            move = "started" if status is StepStatus.RUNNING else "retrying"
            return [(f"NOT {_has_ended()}", []), (f"{_last_move()} = 'step.{move}'", [])]
        case _:
            return [(f"EXISTS ({_theirs()} = '{_ENDS[status]}')", [])]
