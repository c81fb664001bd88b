"""The endpoints of workspaces and their files."""

import mimetypes
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from backend.actor import Actor
from backend.downloads import download
from backend.errors import RangeNotSatisfiable, TooLarge
from backend.pagination import Page, PageRequest
from backend.workspaces import service
from backend.workspaces.schemas import FilePreview, FileView, WorkspaceView
from graphs.nodes.read_file import ReadFileParams

OCTETS = "application/octet-stream"
RangeHeader = Annotated[str | None, HeaderParameter(name="Range", description="Such as `bytes=0-`")]
IfRangeHeader = Annotated[
    str | None, HeaderParameter(name="If-Range", description="The ETag of the earlier part")
]


@dataclass
class UploadOperation(Operation):
    """Describes the body, which Litestar cannot see: it is read piece by piece."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, content_media_type=OCTETS)
        self.request_body = RequestBody(
            required=False, content={OCTETS: OpenAPIMediaType(schema=schema)}
        )


@get("/workspaces", operation_id="listWorkspaces", opt={"sorts": tuple(service.WORKSPACE_SORTS)})
async def list_workspaces(
    actor: NamedDependency[Actor], page: NamedDependency[PageRequest]
) -> Page[WorkspaceView]:
    """The places where files are kept; at present there is one."""
    return await service.list_workspaces(actor, page)


@get("/workspaces/{workspace_id:str}", operation_id="getWorkspace")
async def get_workspace(
    actor: NamedDependency[Actor], workspace_id: FromPath[str]
) -> WorkspaceView:
    """A workspace, with the room that is left."""
    return await service.get(actor, workspace_id)


@get(
    "/workspaces/{workspace_id:str}/files",
    operation_id="listFiles",
    opt={"sorts": tuple(service.SORTS)},
)
async def list_files(
    actor: NamedDependency[Actor],
    workspace_id: FromPath[str],
    page: NamedDependency[PageRequest],
    directory: Annotated[str, QueryParameter(max_length=1000)] = "",
) -> Page[FileView]:
    """What a directory holds. Sort by name, size_bytes or modified_at."""
    return await service.list_files(actor, workspace_id, page, directory)


@get(
    "/workspaces/{workspace_id:str}/files/{path:path}",
    operation_id="getFile",
    opt={
        "produces": {OCTETS: {"type": "string", "format": "binary"}},
        "refuses": [RangeNotSatisfiable],
    },
)
async def get_file(
    actor: NamedDependency[Actor],
    workspace_id: FromPath[str],
    path: FromPath[str],
    range_header: RangeHeader = None,
    if_range: IfRangeHeader = None,
) -> Stream:
    """Download a file, or a range of it."""
    found = await service.file_path(actor, workspace_id, _name(path))
    about = found.stat()
    return download(
        found,
        name=found.name,
        media_type=mimetypes.guess_type(found.name)[0] or OCTETS,
        tag=f"{about.st_mtime_ns:x}-{about.st_size:x}",
        range_header=range_header,
        if_range=if_range,
    )


@post("/workspaces/{workspace_id:str}/preview", status_code=200, operation_id="previewFile")
async def preview_file(
    actor: NamedDependency[Actor], workspace_id: FromPath[str], data: JSONBody[ReadFileParams]
) -> FilePreview:
    """The first rows of a file as these settings of the node type `read_file` would have it read,
    with what was guessed and what is odd. Of a large file only the head is looked at.
    """
    return await service.preview_as(actor, workspace_id, data)


@put(
    "/workspaces/{workspace_id:str}/files/{path:path}",
    operation_id="putFile",
    operation_class=UploadOperation,
    request_max_body_size=service.MAX_UPLOAD_BYTES,
    responses={201: ResponseSpec(FileView, description="A new file")},
    opt={"streams": True, "refuses": [TooLarge]},
)
async def put_file(
    request: Request[Any, Any, Any],
    actor: NamedDependency[Actor],
    workspace_id: FromPath[str],
    path: FromPath[str],
) -> Response[FileView]:
    """Store a file, whose bytes are the body; one of that name is replaced. At most 2 GiB."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdigit() else None
    view, new = await service.upload(actor, workspace_id, _name(path), request.stream(), size)
    location = f"/api/v1/workspaces/{workspace_id}/files/{quote(view.path)}"
    headers = {"Location": location} if new else None
    return Response(view, status_code=201 if new else 200, headers=headers)


@delete("/workspaces/{workspace_id:str}/files/{path:path}", operation_id="deleteFile")
async def delete_file(
    actor: NamedDependency[Actor], workspace_id: FromPath[str], path: FromPath[str]
) -> None:
    """Delete a file. Runs that are reading it go on with it."""
    await service.delete(actor, workspace_id, _name(path))


def _name(path: str) -> str:
    return str(path).removeprefix("/")


router = Router(
    path="/",
    tags=["Workspaces"],
    route_handlers=[
        list_workspaces,
        get_workspace,
        list_files,
        get_file,
        preview_file,
        put_file,
        delete_file,
    ],
)
