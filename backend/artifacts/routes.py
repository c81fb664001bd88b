"""The endpoints of artifacts, and of charts as pictures."""

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from backend.actor import Actor
from backend.artifacts import service
from backend.artifacts.schemas import ArtifactView, ContentFormat, EditTable
from backend.downloads import download
from backend.errors import NotFound, RangeNotSatisfiable
from backend.pagination import Page, PageRequest
from backend.runs import service as runs
from graphs.artifacts import MARK, artifact_of
from graphs.tables.formats import MEDIA_TYPES
from graphs.tables.picture import MEDIA_TYPES as PICTURE_TYPES
from graphs.tables.picture import Paper, PictureFormat, is_chart, picture

RangeHeader = Annotated[str | None, HeaderParameter(name="Range", description="Such as `bytes=0-`")]
IfRangeHeader = Annotated[
    str | None, HeaderParameter(name="If-Range", description="The ETag of the earlier part")
]
BINARY = {"type": "string", "format": "binary"}


@get("/artifacts/{artifact_id:str}", operation_id="getArtifact")
async def get_artifact(actor: NamedDependency[Actor], artifact_id: FromPath[str]) -> ArtifactView:
    """What a run has put aside: a table, a file or a large output."""
    return await service.get(actor, artifact_id)


@get("/artifacts/{artifact_id:str}/rows", operation_id="listArtifactRows")
async def list_rows(
    actor: NamedDependency[Actor],
    artifact_id: FromPath[str],
    page: NamedDependency[PageRequest],
    search: Annotated[str | None, QueryParameter(max_length=200)] = None,
) -> Page[dict[str, Any]]:
    """The rows of a table. `sort` is a column; `search` a text in any of the cells."""
    return await service.rows(actor, artifact_id, page, search)


@post("/artifacts/{artifact_id:str}/edits", operation_id="editTable")
async def edit_table(
    actor: NamedDependency[Actor], artifact_id: FromPath[str], data: JSONBody[EditTable]
) -> Response[dict[str, Any]]:
    """Make a new table of an old one with other cells and rows; the old one stays as it is.

    The answer is the reference to the new table: the output of a fork or of a pin. It is kept as
    long as the runs that use the old one.
    """
    made = await service.edit(actor, artifact_id, data)
    return Response(made, headers={"Location": f"/api/v1/artifacts/{made[MARK]}"}, status_code=201)


@get(
    "/artifacts/{artifact_id:str}/content",
    operation_id="getArtifactContent",
    opt={
        "produces": dict.fromkeys(MEDIA_TYPES.values(), BINARY),
        "refuses": [RangeNotSatisfiable],
    },
)
async def get_content(
    actor: NamedDependency[Actor],
    artifact_id: FromPath[str],
    format: FromQuery[ContentFormat | None] = None,
    range_header: RangeHeader = None,
    if_range: IfRangeHeader = None,
) -> Stream:
    """Download an artifact, or a range of it; a table also in another format."""
    async with service.content(actor, artifact_id, format) as content:
        return download(
            content.path,
            name=content.name,
            media_type=content.media_type,
            tag=content.tag,
            range_header=range_header,
            if_range=if_range,
            ranges=not content.converted,
        )


@get(
    "/runs/{run_id:str}/steps/{step_id:str}/chart",
    operation_id="getStepChart",
    opt={"produces": dict.fromkeys(PICTURE_TYPES.values(), BINARY)},
)
async def get_chart(
    actor: NamedDependency[Actor],
    run_id: FromPath[str],
    step_id: FromPath[str],
    format: FromQuery[PictureFormat] = PictureFormat.SVG,
    theme: FromQuery[Paper] = Paper.LIGHT,
) -> Response[bytes]:
    """The chart that a step has drawn, as a picture on light or dark paper."""
    step = await runs.step(actor, run_id, step_id)
    output: Any = step.output
    reference = artifact_of(output)
    if reference is not None and reference.media_type == "application/json":
        output = msgspec.json.decode(await service.json_of(actor, reference.id))
    if not is_chart(output):
        raise NotFound("The step has put out no chart.", code="no_chart")
    return Response(
        await picture(output["spec"], format, str(output.get("title", "")), actor.tenant_id, theme),
        media_type=PICTURE_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="chart.{format}"'},
    )


router = Router(
    path="/",
    tags=["Artifacts"],
    route_handlers=[get_artifact, list_rows, edit_table, get_content, get_chart],
)
