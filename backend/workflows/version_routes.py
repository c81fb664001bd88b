"""The endpoints of a workflow's versions."""

from typing import Annotated

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from backend.actor import Actor
from backend.pagination import Page, PageRequest
from backend.preconditions import IfMatch, etag
from backend.workflows import service, versions
from backend.workflows.parameters import VERSION_PATTERN, VERSION_TOLD, IfMatchHeader, selector
from backend.workflows.schemas import (
    Comparison,
    PublishVersion,
    Rollback,
    VersionDetail,
    VersionView,
    WorkflowView,
)


@post(
    "/workflows/{workflow_id:str}/versions",
    status_code=201,
    operation_id="publishVersion",
    responses={200: ResponseSpec(VersionView, description="The newest version is the same")},
)
async def publish_version(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    data: JSONBody[PublishVersion | None] = None,
    if_match: IfMatchHeader = None,
) -> Response[VersionView]:
    """Publish the draft. 422 tells every problem; `If-Match` is optional here.

    A draft that equals the newest version is not published again: the answer is 200 with that
    version, unless a new description or label is given.
    """
    expected = IfMatch() if if_match is None else IfMatch.parse(if_match)
    published = await service.publish(actor, workflow_id, data or PublishVersion(), expected)
    version = published.version
    return Response(
        version,
        status_code=201 if published.created else 200,
        headers={"Location": f"/api/v1/workflows/{version.workflow_id}/versions/{version.number}"},
    )


@get(
    "/workflows/{workflow_id:str}/versions",
    operation_id="listVersions",
    opt={"sorts": tuple(versions.SORTS)},
)
async def list_versions(
    actor: NamedDependency[Actor], workflow_id: FromPath[str], page: NamedDependency[PageRequest]
) -> Page[VersionView]:
    """The published versions, the newest first."""
    return await service.list_versions(actor, workflow_id, page)


@get("/workflows/{workflow_id:str}/versions/compare", operation_id="compareVersions")
async def compare_versions(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    before: Annotated[
        str, QueryParameter(name="from", description=VERSION_TOLD, pattern=VERSION_PATTERN)
    ],
    after: Annotated[
        str, QueryParameter(name="to", description=VERSION_TOLD, pattern=VERSION_PATTERN)
    ] = "draft",
) -> Comparison:
    """What was added, removed, changed or only moved between two versions."""
    return await service.compare_versions(
        actor, workflow_id, selector(before, "from"), selector(after, "to")
    )


@get("/workflows/{workflow_id:str}/versions/{number:int}", operation_id="getVersion")
async def get_version(
    actor: NamedDependency[Actor], workflow_id: FromPath[str], number: FromPath[int]
) -> VersionDetail:
    """A version with its definition."""
    return await service.get_version(actor, workflow_id, number)


@delete("/workflows/{workflow_id:str}/versions/{number:int}", operation_id="deleteVersion")
async def delete_version(
    actor: NamedDependency[Actor], workflow_id: FromPath[str], number: FromPath[int]
) -> None:
    """Delete a version that is not active; its runs stay as they are."""
    await service.delete_version(actor, workflow_id, number)


@post(
    "/workflows/{workflow_id:str}/versions/{number:int}/activate",
    status_code=200,
    operation_id="activateVersion",
)
async def activate_version(
    actor: NamedDependency[Actor], workflow_id: FromPath[str], number: FromPath[int]
) -> VersionView:
    """Let new runs execute this version."""
    return await service.activate(actor, workflow_id, number)


@post(
    "/workflows/{workflow_id:str}/versions/{number:int}/restore",
    status_code=200,
    operation_id="restoreVersion",
)
async def restore_version(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    number: FromPath[int],
    if_match: IfMatchHeader = None,
) -> Response[WorkflowView]:
    """Copy a version into the draft, as a new revision; `If-Match` is optional here."""
    expected = IfMatch() if if_match is None else IfMatch.parse(if_match)
    view = await service.restore_version(actor, workflow_id, number, expected)
    return Response(view, headers={"ETag": etag(view.revision)})


@post("/workflows/{workflow_id:str}/rollback", status_code=200, operation_id="rollbackWorkflow")
async def rollback(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    data: JSONBody[Rollback | None] = None,
) -> VersionView:
    """Activate the version before the active one, or the one named."""
    return await service.rollback(actor, workflow_id, data.number if data else None)


HANDLERS = (
    publish_version,
    list_versions,
    compare_versions,
    get_version,
    delete_version,
    activate_version,
    restore_version,
    rollback,
)
