"""The endpoints of questions to people."""

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from backend.actor import Actor
from backend.approvals import service
from backend.approvals.schemas import (
    ApprovalDetail,
    ApprovalStatus,
    ApprovalView,
    OpenApprovals,
    Respond,
)
from backend.approvals.service import ApprovalFilter
from backend.pagination import Page, PageRequest

Text = QueryParameter(max_length=200)


@get("/approvals", operation_id="listApprovals", opt={"sorts": tuple(service.SORTS)})
async def list_approvals(
    actor: NamedDependency[Actor],
    page: NamedDependency[PageRequest],
    status: FromQuery[ApprovalStatus | None] = None,
    run_id: Annotated[str | None, Text] = None,
    workflow_id: Annotated[str | None, Text] = None,
    mine: Annotated[
        bool, QueryParameter(description="Only open questions that you may answer.")
    ] = False,
    search: Annotated[str | None, Text] = None,
) -> Page[ApprovalView]:
    """The questions that runs have asked people, the newest first.

    `search` finds parts of titles, questions and workflow names.
    """
    filters = ApprovalFilter(
        status=status, run_id=run_id, workflow_id=workflow_id, mine=mine, search=search
    )
    return await service.list_approvals(actor, filters, page)


@get("/approvals/stats", operation_id="getApprovalStats")
async def approval_stats(actor: NamedDependency[Actor]) -> OpenApprovals:
    """How many questions are open, and how many of them are for you."""
    return await service.open_approvals(actor)


@get("/approvals/{approval_id:str}", operation_id="getApproval")
async def get_approval(actor: NamedDependency[Actor], approval_id: FromPath[str]) -> ApprovalDetail:
    """A question, with the inputs of its run and what the steps before it put out."""
    return await service.get(actor, approval_id)


@post("/approvals/{approval_id:str}/respond", status_code=200, operation_id="respondToApproval")
async def respond(
    actor: NamedDependency[Actor], approval_id: FromPath[str], data: JSONBody[Respond]
) -> ApprovalView:
    """Answer a question. The run goes on at once.

    A question with an assignee is for that user alone, one with a role for everybody who has at
    least that role, one with both for either; one without is for every editor.
    """
    return await service.respond(actor, approval_id, data)


@get(
    "/runs/{run_id:str}/approvals",
    operation_id="listRunApprovals",
    opt={"sorts": tuple(service.SORTS)},
)
async def list_run_approvals(
    actor: NamedDependency[Actor], page: NamedDependency[PageRequest], run_id: FromPath[str]
) -> Page[ApprovalView]:
    """The questions that a run has asked, in that order."""
    return await service.list_of_run(actor, run_id, page)


router = Router(
    path="/",
    tags=["Approvals"],
    route_handlers=[list_approvals, approval_stats, get_approval, respond, list_run_approvals],
)
