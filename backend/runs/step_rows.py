"""Reads single steps out of a run's events, by indexes: never the whole run for one of them."""

from collections.abc import Sequence
from typing import Any

from backend.database import fetch, is_postgres
from backend.pagination import Page, PageRequest, paginate
from backend.runs import event_log
from backend.runs.event_log import EventRow
from backend.runs.run_ids import is_id
from backend.runs.schemas import StepFilter, StepView
from backend.runs.status import StepStatus
from backend.runs.steps import SHOWN_KINDS, fold

Condition = tuple[str, Sequence[Any]]

# spelt as in the index `run_event_place`, or SQLite does not use it
BEGINS = "kind IN ('step.started', 'step.skipped', 'step.completed')"


def by_place() -> str:
    """The table of events, read by the index of `BEGINS`: unasked, SQLite reads the whole run."""
    index = "" if is_postgres() else " INDEXED BY run_event_place"
    return f"run_event AS event{index}"


def _begun(events: str = "run_event AS event") -> str:
    """One row for each step: the event that it began with."""
    return (
        f"(SELECT step_id AS id, run_id, seq, node_id, path FROM {events}"
        f" WHERE {BEGINS} AND NOT EXISTS (SELECT 1 FROM run_event AS before WHERE"
        " before.step_id = event.step_id AND before.seq < event.seq)) AS begun"
    )


_ENDS = {
    StepStatus.COMPLETED: "step.completed",
    StepStatus.FAILED: "step.failed",
    StepStatus.SKIPPED: "step.skipped",
    StepStatus.CANCELLED: "step.cancelled",
}
_THEIRS = "SELECT 1 FROM run_event AS its WHERE its.step_id = begun.id AND its.kind"
_HAS_ENDED = f"EXISTS ({_THEIRS} IN {tuple(_ENDS.values())})"
_LAST_MOVE = (
    "(SELECT its.kind FROM run_event AS its WHERE its.step_id = begun.id"
    " AND its.kind IN ('step.started', 'step.retrying') ORDER BY its.seq DESC LIMIT 1)"
)
_KINDS = ", ".join("?" * len(SHOWN_KINDS))
_TOTALS_KEPT = 256

_totals: dict[tuple[object, ...], int] = {}
"""How many steps there were, by run, its last event and the filter: that can never change."""


async def page_of_run(
    run_id: str, last_seq: int, filters: StepFilter, page: PageRequest
) -> Page[StepView]:
    """One page of a run's steps in the order in which they began, without their inputs."""

    async def total() -> int:
        key = (run_id, last_seq, filters)
        if key not in _totals:
            if len(_totals) >= _TOTALS_KEPT:
                _totals.clear()
            _totals[key] = await _count(run_id, filters)
        return _totals[key]

    begun = await paginate(
        page,
        source=_begun() if filters.path is None else _begun(by_place()),
        columns=("seq",),
        where=[("run_id = ?", [run_id]), *_places(filters), *_status(filters.status)],
        sorts={"seq": "seq"},
        default_sort="seq",
        to=lambda row: str(row["id"]),
        total=total,
    )
    return Page(await by_ids(begun.items), begun.next_cursor, begun.total)


async def page_of_running(tenant_id: str, page: PageRequest) -> Page[StepView]:
    """One page of the steps of all runs that are running or between two attempts."""
    begun = await paginate(
        page,
        source=_begun(),
        columns=("seq",),
        where=[
            (
                "run_id IN (SELECT id FROM run WHERE tenant_id = ?"
                " AND status IN ('running', 'cancelling'))",
                [tenant_id],
            ),
            (f"NOT {_HAS_ENDED}", []),
        ],
        sorts={"started_at": "id"},
        default_sort="started_at",
        to=lambda row: str(row["id"]),
    )
    return Page(await by_ids(begun.items), begun.next_cursor, begun.total)


async def by_ids(step_ids: Sequence[str]) -> list[StepView]:
    """Steps in the order of their ids here, without their inputs; unknown ones are left out."""
    wanted = [step_id for step_id in step_ids if "\0" not in step_id]
    if not wanted:
        return []
    marks = ", ".join("?" * len(wanted))
    # not by the run too: SQLite would then rather read all of it than use the index of steps
    rows = await fetch(
        f"SELECT run_id, {event_log.COLUMNS} FROM run_event WHERE step_id IN ({marks})"
        f" AND kind IN ({_KINDS})",
        *wanted,
        *SHOWN_KINDS,
    )
    found: list[EventRow] = [event_log.row_from(str(row["run_id"]), row) for row in rows]
    found.sort(key=lambda row: row[1])
    steps = {step.id: step for step in fold(found)}
    return [steps[step_id] for step_id in wanted if step_id in steps]


async def run_of(step_id: str) -> str | None:
    """The run of a step."""
    if not is_id(step_id):
        return None
    sql = "SELECT run_id FROM run_event WHERE step_id = ? LIMIT 1"
    rows = await fetch(sql, step_id.lower())
    return rows[0]["run_id"] if rows else None


async def finished_in(
    run_id: str, paths: Sequence[str | None], until: int, limit: int
) -> list[StepView]:
    """The last steps in these paths that finished until a moment (µs since 1970), in the order in
    which they finished, without their inputs.
    """
    marks = ", ".join("?" * sum(path is not None for path in paths))
    places = [
        *(["path IS NULL"] if None in paths else []),
        *([f"path IN ({marks})"] if marks else []),
    ]
    rows = await fetch(
        f"SELECT step_id FROM {by_place()} WHERE run_id = ? AND ({' OR '.join(places)})"
        f" AND {BEGINS} AND kind = 'step.completed' AND at <= ? ORDER BY seq DESC LIMIT {limit}",
        run_id,
        *(path for path in paths if path is not None),
        until,
    )
    return await by_ids([str(row["step_id"]) for row in reversed(rows)])


async def _count(run_id: str, filters: StepFilter) -> int:
    conditions = [("run_id = ?", [run_id]), *_places(filters)]
    end = _ENDS.get(filters.status) if filters.status is not None else None
    if filters.status is None or end is not None:
        # by the events themselves, which an index holds, instead of a look at each step
        counted, source = "count(DISTINCT step_id)", by_place() if end is None else "run_event"
        conditions.append((BEGINS if end is None else f"kind = '{end}'", []))
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
    if filters.path == "":
        found.append(("path IS NULL", []))
    elif filters.path is not None:
        found.append(("path = ?", [filters.path]))
    return found


def _status(status: StepStatus | None) -> list[Condition]:
    match status:
        case None:
            return []
        case StepStatus.PENDING:
            return [("1 = 0", [])]
        case StepStatus.RUNNING | StepStatus.RETRYING:
            move = "started" if status is StepStatus.RUNNING else "retrying"
            return [(f"NOT {_HAS_ENDED}", []), (f"{_LAST_MOVE} = 'step.{move}'", [])]
        case _:
            return [(f"EXISTS ({_THEIRS} = '{_ENDS[status]}')", [])]
