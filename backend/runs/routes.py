"""The endpoints of runs, their steps, events and logs."""

import re
from typing import Any

from litestar import Request, Response, post

from backend.actor import Actor
from backend.runs import service
from backend.runs.schemas import (
    RunView,
    StartRun,
    Trigger,
)
from backend.runs.sse import EventStream
from backend.runs.stream import follow

MAX_WAIT_S = 300
EVENTS_LIMIT = 1000

Json = Response[Any]
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?', re.IGNORECASE)


@post("/workflows/{workflow_id:str}/runs", status_code=202, operation_id="startRun")
async def start_run(
    actor: Actor, workflow_id: str, data: StartRun, request: Request[Any, Any, Any]
) -> Response[RunView]:
    """Start a run: 202 once it is stored. `Prefer: wait=30` answers 200 with the finished run,
    `Accept: text/event-stream` with its events.
    """
    trigger = Trigger.API if "authorization" in request.headers else Trigger.MANUAL
    wait_s = _wait_s(request)
    if _wants_stream(request):
        run = await service.start(actor, workflow_id, data, trigger)
        return EventStream(await follow(actor, run.id), {"Location": _location(run)}, 200)
    if wait_s is None:
        run = await service.start(actor, workflow_id, data, trigger)
        return Response(run, status_code=202, headers={"Location": _location(run)})
    run = await service.start_and_wait(actor, workflow_id, data, wait_s, trigger)
    return Response(
        run,
        status_code=200 if run.status.ended else 202,
        headers={"Location": _location(run), "Preference-Applied": f"wait={wait_s}"},
    )


def _location(run: RunView) -> str:
    return f"/api/v1/runs/{run.id}"


def _wait_s(request: Request[Any, Any, Any]) -> int | None:
    prefer = request.headers.get("prefer")
    wait = _WAIT.search(prefer) if prefer else None
    return min(int(wait[1]), MAX_WAIT_S) if wait else None


def _wants_stream(request: Request[Any, Any, Any]) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")
