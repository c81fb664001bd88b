"""What is known of runs: lists, single runs, their steps, events and logs, and how many there are.

Lists read one page by key, newest first, whatever their length. `total` is exact without a scan:
the table `run_count`, which triggers keep beside `run`, holds the number of runs by workflow,
status and trigger; only a filter by time counts the rows of its range in the index.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from backend.actor import Actor
from backend.database import fetch
from backend.errors import Invalid, NotFound
from backend.pagination import MAX_LIMIT, Page, PageRequest, decode_cursor, paginate, parse_sort
from backend.runs import event_log, step_rows
from backend.runs.journal_writer import read_run
from backend.runs.record import COLUMNS, RunRecord, from_row
from backend.runs.run_ids import is_id, lowest_id
from backend.runs.schemas import (
    Checkpoint,
    EventView,
    LogLine,
    RunStats,
    RunView,
    StepFilter,
    StepView,
    Trigger,
)
from backend.runs.status import RunStatus
from backend.runs.step_inputs import StepInputs
from backend.runs.steps import log_line
from backend.workflows import service as workflows
from graphs.definition import Definition

SELECT_RUN = f"SELECT {', '.join(COLUMNS)} FROM run"
NO_SUCH_RUN = "There is no such run."
_LOGGED = "kind IN ('log', 'step.retrying', 'step.failed', 'run.failed')"

LOG_LEVELS = ("debug", "info", "warning", "error")


Condition = tuple[str, Sequence[Any]]

ALL_STEPS = step_rows.ALL
FIRST_STEPS = PageRequest(limit=MAX_LIMIT)
SORTS = {"created_at": "id"}
CHECKPOINT_SORTS = {"seq": "seq"}
"""Ids begin with the time of their creation."""

NEWEST_FIRST = "-created_at"
_LEEWAY = timedelta(seconds=1)
_EARLIEST, _LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""No run was before or will be after, and arithmetic with other moments may overflow."""


class RunFilter(Struct, frozen=True, kw_only=True):
    """Which runs; None does not filter. `search` finds parts of workflow names, and run ids."""

    workflow_id: str | None = None
    status: RunStatus | None = None
    trigger: Trigger | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    search: str | None = None

    def conditions(self, tenant_id: str) -> list[Condition]:
        """The filter as conditions on table `run`."""
        found = self._plain(tenant_id)
        if self.search is not None and is_id(self.search):
            found.append(("id = ?", [self.search.lower()]))
        # ids begin with the time in milliseconds and are indexed; the moment itself is not
        if self.created_after is not None:
            moment = _aware(self.created_after)
            found.append(("id >= ?", [lowest_id(moment - _LEEWAY)]))
            found.append(("created_at >= ?", [moment]))
        if self.created_before is not None:
            moment = _aware(self.created_before)
            found.append(("id < ?", [lowest_id(moment + _LEEWAY)]))
            found.append(("created_at < ?", [moment]))
        return found

    def counted(self, tenant_id: str) -> list[Condition] | None:
        """The filter as conditions on table `run_count`, or None when that cannot tell."""
        by_time = self.created_after is not None or self.created_before is not None
        by_id = self.search is not None and is_id(self.search)
        return None if by_time or by_id else self._plain(tenant_id)

    def _plain(self, tenant_id: str) -> list[Condition]:
        found: list[Condition] = [("tenant_id = ?", [tenant_id])]
        for column in ("workflow_id", "status", "trigger"):
            value: str | None = getattr(self, column)
            if value is not None:
                found.append((f"{column} = ?", [str(value)]))
        if self.search and not is_id(self.search):
            found.append(
                ("LOWER(workflow_name) LIKE LOWER(?) ESCAPE '!'", [f"%{_literal(self.search)}%"])
            )
        return found


async def find(actor: Actor, run_id: str) -> RunRecord:
    """A run of the actor's tenant. Raises NotFound."""
    record = None if "\0" in run_id else await read_run(run_id)
    if record is None or record.tenant_id != actor.tenant_id:
        raise NotFound(NO_SUCH_RUN, code="run_not_found")
    return record


async def definition(actor: Actor, run_id: str) -> Definition:
    """The drawing that the run executes, frozen when it began. Raises NotFound."""
    record = await find(actor, run_id)
    return await workflows.definition_by_hash(actor.tenant_id, record.definition_hash)


async def get(actor: Actor, run_id: str) -> RunView:
    """A run of the actor's tenant. Raises NotFound."""
    return (await find(actor, run_id)).view()


async def list_runs(actor: Actor, filters: RunFilter, page: PageRequest) -> Page[RunView]:
    """One page of the tenant's runs, newest first unless sorted by `created_at`."""
    sort = parse_sort(page.sort, SORTS, NEWEST_FIRST)
    if page.cursor:
        decode_cursor(page.cursor, sort)
    counted = filters.counted(actor.tenant_id)
    total = None if counted is None else await _count(counted)
    if total == 0:
        # to find out that there is none, the page would read every row
        return Page([], None, 0)
    return await paginate(
        page,
        source="run",
        columns=COLUMNS,
        where=filters.conditions(actor.tenant_id),
        sorts=SORTS,
        default_sort=NEWEST_FIRST,
        to=lambda row: from_row(row).view(),
        total=None if total is None else partial(_known, total),
    )


async def latest_by_workflow(actor: Actor, workflow_ids: Sequence[str]) -> dict[str, RunView]:
    """The newest run of each workflow that has any, by workflow id."""
    if not workflow_ids:
        return {}
    newest = " UNION ALL ".join(
        ["SELECT max(id) FROM run WHERE tenant_id = ? AND workflow_id = ?"] * len(workflow_ids)
    )
    args = [arg for workflow_id in workflow_ids for arg in (actor.tenant_id, workflow_id)]
    rows = await fetch(f"{SELECT_RUN} WHERE id IN ({newest})", *args)
    return {row["workflow_id"]: from_row(row).view() for row in rows}


async def steps(
    actor: Actor,
    run_id: str,
    filters: StepFilter = ALL_STEPS,
    page: PageRequest = FIRST_STEPS,
) -> Page[StepView]:
    """One page of the run's steps in the order in which they began, with what went in and out."""
    record = await find(actor, run_id)
    # a run that completed has left no step behind
    completed = record.status is RunStatus.COMPLETED
    found = await step_rows.page_of_run(
        run_id, record.last_seq, filters, page, counts_ends=completed
    )
    await _fill(record, found.items)
    return found


async def step(actor: Actor, run_id: str, step_id: str) -> StepView:
    """One step; only what it needs of its run is read. Raises NotFound."""
    record = await find(actor, run_id)
    found = await step_rows.one(record.id, record.last_seq, step_id)
    if found is None:
        raise NotFound("The run has no such step.", code="step_not_found")
    await _fill(record, [found])
    return found


async def steps_before(
    actor: Actor, run_id: str, paths: Sequence[str | None], until: datetime, limit: int
) -> list[StepView]:
    """The last steps in these paths that finished until a moment, in the order of their ends."""
    record = await find(actor, run_id)
    found = await step_rows.finished_in(run_id, paths, event_log.column(until), limit)
    await _fill(record, found)
    return found


async def _fill(record: RunRecord, found: Sequence[StepView]) -> None:
    """Add what the drawing says of steps."""
    if not found:
        return
    definition = await workflows.definition_by_hash(record.tenant_id, record.definition_hash)
    called = {
        reference: await workflows.definition_by_hash(record.tenant_id, bound.definition_hash)
        for reference, bound in record.plan.workflows.items()
    }
    await StepInputs(record.id, definition, record.inputs, called).fill(found)


async def find_step(actor: Actor, step_id: str) -> StepView:
    """A step of one of the tenant's runs. Raises NotFound."""
    run_id = await step_rows.run_of(actor.tenant_id, step_id)
    try:
        if run_id is not None:
            return await step(actor, run_id, step_id.lower())
    except NotFound:
        pass  # another tenant's run, or one that was deleted meanwhile
    raise NotFound("There is no such step.", code="step_not_found")


async def checkpoints(actor: Actor, run_id: str, page: PageRequest) -> Page[Checkpoint]:
    """One page of the run's finished steps, in the order in which they finished."""
    await find(actor, run_id)
    return await paginate(
        page,
        source=event_log.FINISHED,
        columns=("seq", "at", "node_id", "path"),
        where=[("run_id = ?", [run_id]), ("kind = 'step.completed'", [])],
        sorts=CHECKPOINT_SORTS,
        default_sort="seq",
        to=_checkpoint,
    )


def _checkpoint(row: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        id=row["id"],
        seq=row["seq"],
        node_id=row["node_id"],
        step_id=row["id"],
        path=row["path"],
        created_at=event_log.moment(row["at"]),
    )


async def running_steps(actor: Actor, page: PageRequest = FIRST_STEPS) -> Page[StepView]:
    """One page of the steps that are running or between two attempts, over all of the tenant's
    runs, in the order in which they began.
    """
    return await step_rows.page_of_running(actor.tenant_id, page)


async def events(actor: Actor, run_id: str, after: int, limit: int) -> tuple[list[EventView], int]:
    """The stored events with a greater `seq`, at most `limit`, and how many such there are."""
    record = await find(actor, run_id)
    rows = await event_log.read(run_id, after, limit)
    return [event_log.view(row) for row in rows], max(record.last_seq - after, 0)


async def logs(
    actor: Actor, run_id: str, level: str | None = None, page: PageRequest = FIRST_STEPS
) -> Page[LogLine]:
    """One page of what the nodes wrote, and of failures; `level` is the least that is wanted."""
    if level is not None and level not in LOG_LEVELS:
        raise Invalid.field("?level", "unknown_level", f"Use one of {', '.join(LOG_LEVELS)}.")
    await find(actor, run_id)
    unwanted = LOG_LEVELS[: LOG_LEVELS.index(level)] if level is not None else ()
    where: list[Condition] = [("run_id = ?", [run_id]), (_LOGGED, [])]
    for low in unwanted:
        # a node's own line begins with its level, as the engine writes it
        where.append(("NOT (kind = 'log' AND data LIKE ?)", [f'{{"level":"{low}"%']))
    if "warning" in unwanted:
        where.append(("kind <> 'step.retrying'", []))
    return await paginate(
        page,
        source=event_log.LOGGED,
        columns=event_log.COLUMNS.split(", "),
        where=where,
        sorts={"seq": "seq"},
        default_sort="seq",
        to=lambda row: log_line(event_log.row_from(run_id, row)),
    )


async def stats(actor: Actor, workflow_id: str | None = None) -> RunStats:
    """How many runs there are, of one workflow or of all."""
    where, args = "tenant_id = ?", [actor.tenant_id]
    if workflow_id is not None:
        where, args = f"{where} AND workflow_id = ?", [*args, workflow_id]
    rows = await fetch(
        f"SELECT status, trigger, CAST(SUM(n) AS BIGINT) AS n FROM run_count WHERE {where}"
        " GROUP BY status, trigger",
        *args,
    )
    by_status = dict.fromkeys(RunStatus, 0)
    by_trigger = dict.fromkeys(Trigger, 0)
    for row in rows:
        by_status[RunStatus(row["status"])] += row["n"]
        by_trigger[Trigger(row["trigger"])] += row["n"]
    return RunStats(
        total=sum(by_status.values()),
        active=sum(n for status, n in by_status.items() if not status.ended),
        by_status=by_status,
        by_trigger=by_trigger,
    )


async def _known(total: int) -> int:
    return total


async def _count(conditions: list[Condition]) -> int:
    where = " AND ".join(sql for sql, _ in conditions)
    args = [arg for _, values in conditions for arg in values]
    rows = await fetch(
        f"SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) AS n FROM run_count WHERE {where}", *args
    )
    return rows[0]["n"]


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _aware(moment: datetime) -> datetime:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return min(max(aware, _EARLIEST), _LATEST).astimezone(UTC)
