"""The endpoints of runs, their steps, events and logs."""

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter

from backend.actor import Actor
from backend.errors import Invalid
from backend.idempotency import reserved_id
from backend.pagination import Page, PageRequest
from backend.runs import history, service
from backend.runs.schemas import (
    CancelRun,
    Checkpoint,
    CleanedUp,
    CleanupRuns,
    EventView,
    ForkRun,
    LogLine,
    PublishCheck,
    RerunRun,
    ResumeRun,
    RunStats,
    RunView,
    SetBreakpoints,
    StartRun,
    StepFilter,
    StepView,
    Trigger,
)
from backend.runs.service import RunFilter
from backend.runs.sse import EventStream
from backend.runs.status import RunStatus, StepStatus
from backend.runs.stream import START, follow
from backend.runs.ws import run_events
from graphs.definition import Definition

MAX_WAIT_S = 300
EVENTS_LIMIT = 1000
MAX_SEQ = 2**53
STREAMS = {
    "produces": {"text/event-stream": {"type": "string", "description": "`id`, `event`, `data`"}}
}

Text = QueryParameter(max_length=200)
Moment = Annotated[
    str | None,
    QueryParameter(max_length=50, schema_extra={"type": "string", "format": "date-time"}),
]
"""Read by hand: Litestar takes any number for a moment."""
PreferHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Prefer", description="`wait=30`: answer when the run has ended, or after 30 s."
    ),
]
LastEventIdHeader = Annotated[
    str | None,
    HeaderParameter(name="Last-Event-ID", description="Go on after the event with this `seq`."),
]
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?', re.IGNORECASE)


@post(
    "/workflows/{workflow_id:str}/runs",
    status_code=202,
    operation_id="startRun",
    responses={200: ResponseSpec(RunView, description="The finished run, or its events")},
    opt=STREAMS,
)
async def start_run(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    request: Request[Any, Any, Any],
    data: JSONBody[StartRun | None] = None,
    prefer: PreferHeader = None,
) -> Response[RunView]:
    """Start a run: 202 once it is stored. `Prefer: wait=30` answers 200 with the finished run,
    `Accept: text/event-stream` with its events.
    """
    wanted = data or StartRun()
    trigger = Trigger.API if "authorization" in request.headers else Trigger.MANUAL
    wait_s = _wait_s(prefer)
    run_id = reserved_id()
    if _wants_stream(request):
        run = await service.start(actor, workflow_id, wanted, trigger, run_id=run_id)
        return EventStream(await follow(actor, run.id), {"Location": _location(run)})
    if wait_s is None:
        run = await service.start(actor, workflow_id, wanted, trigger, run_id=run_id)
        return Response(run, status_code=202, headers={"Location": _location(run)})
    run = await service.start_and_wait(actor, workflow_id, wanted, wait_s, trigger, run_id=run_id)
    return Response(
        run,
        status_code=200 if run.status.ended else 202,
        headers={"Location": _location(run), "Preference-Applied": f"wait={wait_s}"},
    )


def _location(run: RunView) -> str:
    return f"/api/v1/runs/{run.id}"


def _wait_s(prefer: str | None) -> int | None:
    wait = _WAIT.search(prefer) if prefer else None
    return min(int(wait[1]), MAX_WAIT_S) if wait else None


def _wants_stream(request: Request[Any, Any, Any]) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")


@get("/runs", operation_id="listRuns", opt={"sorts": tuple(history.SORTS)})
async def list_runs(
    actor: NamedDependency[Actor],
    page: NamedDependency[PageRequest],
    workflow_id: Annotated[str | None, Text] = None,
    status: FromQuery[RunStatus | None] = None,
    trigger: FromQuery[Trigger | None] = None,
    created_after: Moment = None,
    created_before: Moment = None,
    search: Annotated[str | None, Text] = None,
) -> Page[RunView]:
    """The runs, newest first. `search` finds parts of workflow names, and a run by its id.

    `created_after` is included, `created_before` is not.
    """
    filters = RunFilter(
        workflow_id=workflow_id,
        status=status,
        trigger=trigger,
        created_after=_moment(created_after, "created_after"),
        created_before=_moment(created_before, "created_before"),
        search=search,
    )
    return await service.list_runs(actor, filters, page)


def _moment(raw: str | None, name: str) -> datetime | None:
    if raw is None:
        return None
    try:
        return msgspec.convert(raw, datetime)
    except msgspec.ValidationError:
        detail = "It is a moment such as 2026-11-20T12:00:00Z."
        raise Invalid.field(f"?{name}", "invalid_parameter", detail) from None


@get("/runs/stats", operation_id="getRunStats")
async def run_stats(
    actor: NamedDependency[Actor], workflow_id: Annotated[str | None, Text] = None
) -> RunStats:
    """How many runs there are, by status and by trigger."""
    return await service.stats(actor, workflow_id)


@post("/runs/cleanup", status_code=200, operation_id="cleanupRuns")
async def cleanup_runs(actor: NamedDependency[Actor], data: JSONBody[CleanupRuns]) -> CleanedUp:
    """Delete the runs that ended at least so many hours ago."""
    return CleanedUp(deleted=await service.cleanup(actor, data))


@get("/runs/{run_id:str}", operation_id="getRun")
async def get_run(actor: NamedDependency[Actor], run_id: FromPath[str]) -> RunView:
    """A run."""
    return await service.get(actor, run_id)


@get("/runs/{run_id:str}/definition", operation_id="getRunDefinition")
async def get_definition(actor: NamedDependency[Actor], run_id: FromPath[str]) -> Definition:
    """The definition that the run executes, as it was when the run began."""
    return await service.definition(actor, run_id)


@delete("/runs/{run_id:str}", operation_id="deleteRun")
async def delete_run(actor: NamedDependency[Actor], run_id: FromPath[str]) -> None:
    """Delete a run that has ended, with its events."""
    await service.delete(actor, run_id)


@post("/runs/{run_id:str}/cancel", status_code=200, operation_id="cancelRun")
async def cancel_run(
    actor: NamedDependency[Actor], run_id: FromPath[str], data: JSONBody[CancelRun | None] = None
) -> RunView:
    """Stop a run. Without `graceful` its running steps are stopped as well."""
    request = data or CancelRun()
    return await service.cancel(actor, run_id, request.reason, graceful=request.graceful)


@post("/runs/{run_id:str}/pause", status_code=200, operation_id="pauseRun")
async def pause_run(actor: NamedDependency[Actor], run_id: FromPath[str]) -> RunView:
    """Pause a run. Its running nodes finish, no other starts; then its status is `paused`."""
    return await service.pause(actor, run_id)


@post("/runs/{run_id:str}/resume", status_code=200, operation_id="resumeRun")
async def resume_run(
    actor: NamedDependency[Actor], run_id: FromPath[str], data: JSONBody[ResumeRun | None] = None
) -> RunView:
    """Let a paused run go on. With `step` one node is executed, then the run stops again."""
    return await service.resume(actor, run_id, step=data is not None and data.step)


@post("/runs/{run_id:str}/retry", status_code=202, operation_id="retryRun")
async def retry_run(actor: NamedDependency[Actor], run_id: FromPath[str]) -> Response[RunView]:
    """Go on with a run that failed or was cancelled. Finished steps are not executed again."""
    return _accepted(await service.retry(actor, run_id))


@post("/runs/{run_id:str}/fork", status_code=202, operation_id="forkRun")
async def fork_run(
    actor: NamedDependency[Actor], run_id: FromPath[str], data: JSONBody[ForkRun]
) -> Response[RunView]:
    """Start a new run from a checkpoint of this one. `overrides` replace what nodes put out."""
    return _accepted(await service.fork(actor, run_id, data, new_id=reserved_id()))


@post("/runs/{run_id:str}/rerun", status_code=202, operation_id="rerunRun")
async def rerun_run(
    actor: NamedDependency[Actor], run_id: FromPath[str], data: JSONBody[RerunRun | None] = None
) -> Response[RunView]:
    """Start a new run of the same definition. Without `inputs` with the same ones."""
    return _accepted(await service.rerun(actor, run_id, data or RerunRun(), new_id=reserved_id()))


@put("/runs/{run_id:str}/breakpoints", operation_id="setRunBreakpoints")
async def set_breakpoints(
    actor: NamedDependency[Actor], run_id: FromPath[str], data: JSONBody[SetBreakpoints]
) -> RunView:
    """Replace a run's breakpoints, also while it is running."""
    return await service.set_breakpoints(actor, run_id, data.breakpoints)


@get(
    "/runs/{run_id:str}/checkpoints",
    operation_id="listRunCheckpoints",
    opt={"sorts": tuple(history.CHECKPOINT_SORTS)},
)
async def list_checkpoints(
    actor: NamedDependency[Actor], page: NamedDependency[PageRequest], run_id: FromPath[str]
) -> Page[Checkpoint]:
    """The places that the run can be forked from, in their order: after each finished step."""
    return await service.checkpoints(actor, run_id, page)


@get("/workflows/{workflow_id:str}/publish-check", operation_id="checkPublish")
async def check_publish(actor: NamedDependency[Actor], workflow_id: FromPath[str]) -> PublishCheck:
    """The paused runs of a workflow, and which of their nodes the draft would break.

    They go on with their own version whatever is published.
    """
    return await service.publish_check(actor, workflow_id)


@get("/runs/{run_id:str}/steps", operation_id="listRunSteps")
async def list_steps(
    actor: NamedDependency[Actor],
    page: NamedDependency[PageRequest],
    run_id: FromPath[str],
    node: Annotated[str | None, Text] = None,
    status: FromQuery[StepStatus | None] = None,
    path: Annotated[
        str | None,
        QueryParameter(max_length=2000, description="The iteration, such as `loop[3]`."),
    ] = None,
) -> Page[StepView]:
    """The run's steps in the order in which they began, with what went in and what came out.

    An empty `path` is the drawing itself, without what its loops and sub-workflows hold.
    """
    filters = StepFilter(node=node, status=status, path=path)
    return await service.steps(actor, run_id, filters, page)


@get("/runs/{run_id:str}/steps/{step_id:str}", operation_id="getRunStep")
async def get_step(
    actor: NamedDependency[Actor], run_id: FromPath[str], step_id: FromPath[str]
) -> StepView:
    """One step."""
    return await service.step(actor, run_id, step_id)


@get("/runs/{run_id:str}/logs", operation_id="listRunLogs")
async def list_logs(
    actor: NamedDependency[Actor],
    page: NamedDependency[PageRequest],
    run_id: FromPath[str],
    level: Annotated[
        str | None, QueryParameter(description="The least level: debug, info, warning or error.")
    ] = None,
) -> Page[LogLine]:
    """What the run's nodes wrote, attempts that failed, and failures, in their order."""
    return await service.logs(actor, run_id, level, page)


@get("/runs/{run_id:str}/events", operation_id="listRunEvents", opt=STREAMS)
async def list_events(
    actor: NamedDependency[Actor],
    run_id: FromPath[str],
    request: Request[Any, Any, Any],
    after: Annotated[
        int | None,
        QueryParameter(
            ge=0,
            le=MAX_SEQ,
            description="The `seq` of the last event that is known.",
            schema_extra={"minimum": 0},
        ),
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=EVENTS_LIMIT)] = EVENTS_LIMIT,
    last_event_id: LastEventIdHeader = None,
) -> Response[Page[EventView]]:
    """The run's events; with `Accept: text/event-stream` those that are still to come, too.

    The stream goes on after the header `Last-Event-ID`, which wins over `after`.
    """
    if _wants_stream(request):
        return EventStream(await follow(actor, run_id, _cursor(last_event_id, after)))
    start = START if after is None else after
    found, total = await service.events(actor, run_id, start, limit)
    more = total > len(found)
    cursor = str(found[-1].seq) if found and more else None
    return Response(Page(items=found, next_cursor=cursor, total=total))


@get("/steps", operation_id="listSteps")
async def list_running_steps(
    actor: NamedDependency[Actor],
    page: NamedDependency[PageRequest],
    status: Annotated[
        StepStatus, QueryParameter(description="Only `running`, which includes `retrying`.")
    ],
) -> Page[StepView]:
    """The steps that are running at this moment, over all runs."""
    if status is not StepStatus.RUNNING:
        raise Invalid.field(
            "?status", "unsupported", "Only running steps are listed over all runs."
        )
    return await service.running_steps(actor, page)


@post("/steps/{step_id:str}/cancel", status_code=200, operation_id="cancelStep")
async def cancel_step(actor: NamedDependency[Actor], step_id: FromPath[str]) -> StepView:
    """Cancel one running step. It fails as `step_cancelled`, and its node's `on_error` applies."""
    return await service.cancel_step(actor, step_id)


def _accepted(run: RunView) -> Response[RunView]:
    return Response(run, status_code=202, headers={"Location": _location(run)})


def _cursor(given: str | None, after: int | None) -> int:
    if not given:
        return START if after is None else after
    if given.isascii() and given.isdigit() and len(given) < 16:
        return int(given)
    raise Invalid.field("Last-Event-ID", "invalid_cursor", "It is the number of an event.")


router = Router(
    path="/",
    tags=["Runs"],
    route_handlers=[
        start_run,
        list_runs,
        run_stats,
        cleanup_runs,
        get_run,
        get_definition,
        delete_run,
        cancel_run,
        pause_run,
        resume_run,
        retry_run,
        fork_run,
        rerun_run,
        set_breakpoints,
        list_checkpoints,
        check_publish,
        cancel_step,
        list_steps,
        get_step,
        list_logs,
        list_events,
        list_running_steps,
        run_events,
    ],
)
