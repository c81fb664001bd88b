"""The endpoints of workflows; those of versions and templates are mounted here as well."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from backend.actor import Actor
from backend.errors import BadRequest, Invalid
from backend.pagination import Page, PageRequest
from backend.preconditions import IfMatch, etag
from backend.runs import service as runs
from backend.workflows import gallery_routes, listing, service, version_routes
from backend.workflows.interchange import (
    MEDIA_TYPES,
    SUFFIXES,
    Document,
    Format,
    read,
    write,
)
from backend.workflows.parameters import IfMatchHeader, VersionParameter, selector
from backend.workflows.schemas import (
    BulkDelete,
    BulkDeleted,
    CreateWorkflow,
    DraftSaved,
    Duplicate,
    ExtractSteps,
    InputResult,
    LastRun,
    PutDraft,
    UpdateWorkflow,
    ValidateDefinition,
    ValidateInput,
    Validation,
    ValidationResult,
    WorkflowItem,
    WorkflowStatus,
    WorkflowView,
)
from backend.workflows.service import WorkflowFilter
from backend.workflows.slugs import slugify
from graphs.extraction.extract import Extraction

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
Text = QueryParameter(max_length=200)


@dataclass
class ImportOperation(Operation):
    """Describes the body, which Litestar cannot see: it is read by hand, in several formats."""

    def __post_init__(self) -> None:
        document = Schema(
            type=OpenAPIType.OBJECT,
            description="What `export` gives, or a bare definition.",
            examples=[{"name": "Empty", "definition": {"nodes": [{"id": "a", "type": "start"}]}}],
        )
        file = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
        form = Schema(type=OpenAPIType.OBJECT, properties={"file": file}, required=["file"])
        schemas = {"application/json": document, "application/yaml": document}
        self.request_body = RequestBody(
            required=True,
            content={
                media_type: OpenAPIMediaType(schema=schema)
                for media_type, schema in {**schemas, "multipart/form-data": form}.items()
            },
        )


@post("/workflows", status_code=201, operation_id="createWorkflow")
async def create_workflow(
    actor: NamedDependency[Actor], data: JSONBody[CreateWorkflow]
) -> Response[WorkflowView]:
    """Create a workflow. `validate: none` takes a definition with problems and tells them."""
    return _created(await service.create(actor, data))


@get("/workflows", operation_id="listWorkflows", opt={"sorts": tuple(listing.SORTS)})
async def list_workflows(
    actor: NamedDependency[Actor],
    page: NamedDependency[PageRequest],
    search: Annotated[str | None, Text] = None,
    tag: Annotated[str | None, Text] = None,
    category: Annotated[str | None, Text] = None,
    status: FromQuery[WorkflowStatus | None] = None,
) -> Page[WorkflowItem]:
    """The workflows, with a small picture and the last run of each.

    `search` looks in names, descriptions and tags. `status=deleted` lists what can be restored.
    """
    filters = WorkflowFilter(search=search, tag=tag, category=category, status=status)
    found = await service.list_workflows(actor, filters, page)
    latest = await runs.latest_by_workflow(actor, [item.id for item in found.items])
    items = [
        msgspec.structs.replace(
            item,
            last_run=LastRun(
                id=run.id,
                status=run.status,
                created_at=run.created_at,
                finished_at=run.finished_at,
            ),
        )
        if (run := latest.get(item.id)) is not None
        else item
        for item in found.items
    ]
    return msgspec.structs.replace(found, items=items)


@get("/workflows/{workflow_id:str}", operation_id="getWorkflow")
async def get_workflow(
    actor: NamedDependency[Actor], workflow_id: FromPath[str]
) -> Response[WorkflowView]:
    """A workflow with its draft, by id or slug. Its ETag is what `If-Match` needs."""
    return _tagged(await service.get(actor, workflow_id))


@patch("/workflows/{workflow_id:str}", operation_id="updateWorkflow", opt={"needs_if_match": True})
async def update_workflow(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    data: JSONBody[UpdateWorkflow],
    if_match: IfMatchHeader = None,
) -> Response[WorkflowView]:
    """Change the name, description, tags, category, status or run settings. The slug stays."""
    expected = IfMatch.parse(if_match)
    changed = await service.update(actor, workflow_id, data, expected)
    if data.run_settings is not msgspec.UNSET:
        await runs.admit(changed.id)
    return _tagged(changed)


@delete("/workflows/{workflow_id:str}", operation_id="deleteWorkflow", opt={"needs_if_match": True})
async def delete_workflow(
    actor: NamedDependency[Actor], workflow_id: FromPath[str], if_match: IfMatchHeader = None
) -> None:
    """Delete a workflow; it can be restored, and its runs stay."""
    await service.delete(actor, workflow_id, IfMatch.parse(if_match))


@post("/workflows/{workflow_id:str}/restore", status_code=200, operation_id="restoreWorkflow")
async def restore_workflow(
    actor: NamedDependency[Actor], workflow_id: FromPath[str]
) -> Response[WorkflowView]:
    """Bring a deleted workflow back."""
    return _tagged(await service.restore(actor, workflow_id))


@post("/workflows/bulk-delete", status_code=200, operation_id="bulkDeleteWorkflows")
async def bulk_delete(actor: NamedDependency[Actor], data: JSONBody[BulkDelete]) -> BulkDeleted:
    """Delete several workflows, whatever their revision."""
    return await service.bulk_delete(actor, data.ids)


@put("/workflows/{workflow_id:str}/draft", operation_id="putDraft", opt={"needs_if_match": True})
async def put_draft(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    data: JSONBody[PutDraft],
    if_match: IfMatchHeader = None,
) -> Response[DraftSaved]:
    """Save the draft. One with problems is saved, and the answer tells them."""
    saved = await service.put_draft(actor, workflow_id, data.definition, IfMatch.parse(if_match))
    return Response(saved, headers={"ETag": etag(saved.revision)})


@post("/workflows/{workflow_id:str}/validate", status_code=200, operation_id="validateWorkflow")
async def validate_workflow(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    data: JSONBody[ValidateDefinition | None] = None,
) -> ValidationResult:
    """Everything that keeps the draft, or the definition sent, from running."""
    return await service.validate(actor, workflow_id, data.definition if data else None)


@post("/workflows/{workflow_id:str}/extract", status_code=200, operation_id="extractSteps")
async def extract_steps(
    actor: NamedDependency[Actor], workflow_id: FromPath[str], data: JSONBody[ExtractSteps]
) -> Extraction:
    """Some steps as a workflow of their own, and the drawing that calls it in their place.

    Nothing is saved: create and publish `extracted`, put its id into the node `node_id` of
    `definition`, and save that as the draft. A run of the two gives what a run of the one gave;
    steps for which that cannot be are refused with `selection_unsound`, saying why.
    """
    return await service.extract_steps(actor, workflow_id, data)


@post("/workflows/{workflow_id:str}/duplicate", status_code=201, operation_id="duplicateWorkflow")
async def duplicate_workflow(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    data: JSONBody[Duplicate | None] = None,
) -> Response[WorkflowView]:
    """Copy a workflow's draft into a new workflow."""
    return _created(await service.duplicate(actor, workflow_id, data.name if data else None))


@get("/workflows/{workflow_id:str}/input-schema", operation_id="getInputSchema")
async def input_schema(
    actor: NamedDependency[Actor], workflow_id: FromPath[str], version: VersionParameter = None
) -> dict[str, Any]:
    """The JSON Schema of the inputs: of the active version, or else of the draft."""
    return await service.input_schema(actor, workflow_id, _version(version))


@post("/workflows/{workflow_id:str}/validate-input", status_code=200, operation_id="validateInput")
async def validate_input(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    data: JSONBody[ValidateInput],
    version: VersionParameter = None,
) -> InputResult:
    """Whether a run would take these inputs, and the inputs with their defaults."""
    return await service.validate_input(actor, workflow_id, data.inputs, _version(version))


@get(
    "/workflows/{workflow_id:str}/export",
    operation_id="exportWorkflow",
    opt={
        "produces": {
            MEDIA_TYPES[Format.JSON]: {"$ref": "#/components/schemas/Document"},
            MEDIA_TYPES[Format.YAML]: {"$ref": "#/components/schemas/Document"},
            MEDIA_TYPES[Format.PYTHON]: {"type": "string"},
        }
    },
)
async def export_workflow(
    actor: NamedDependency[Actor],
    workflow_id: FromPath[str],
    format: FromQuery[Format] = Format.JSON,
    version: VersionParameter = None,
) -> Response[bytes]:
    """The draft, or a version, as a document that can be imported anywhere.

    `format=python` gives a program that runs the same graph with LangGraph alone; a workflow that
    cannot be one is refused with `export_unsupported`, naming every node in the way.
    """
    document = await service.export(actor, workflow_id, _version(version) or "draft")
    name = f"{slugify(document.name)}.{SUFFIXES[format]}"
    return Response(
        await asyncio.to_thread(write, document, format),
        media_type=MEDIA_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@post(
    "/workflows/import",
    status_code=201,
    operation_id="importWorkflow",
    operation_class=ImportOperation,
    opt={"consumes": ("application/json", *YAML_TYPES, "multipart/form-data")},
)
async def import_workflow(
    request: Request[Any, Any, Any],
    actor: NamedDependency[Actor],
    validation: Annotated[Validation, QueryParameter(name="validate")] = Validation.NONE,
    name: Annotated[str | None, QueryParameter(min_length=1, max_length=200)] = None,
) -> Response[WorkflowView]:
    """Create a workflow from an exported document or a bare definition, as JSON or YAML.

    Sent as the body, or as a file of a multipart form. `name` replaces the document's. Problems
    are told in the answer; `validate=strict` refuses them.
    """
    document = await _sent_document(request)
    if name is not None:
        if not name.strip() or "\0" in name:
            raise Invalid.field("?name", "invalid_parameter", "name must not be blank.")
        document = msgspec.structs.replace(document, name=name)
    return _created(await service.import_document(actor, document, validation))


async def _sent_document(request: Request[Any, Any, Any]) -> Document:
    media_type = request.content_type[0].lower()
    if media_type != "multipart/form-data":
        format = Format.YAML if media_type in YAML_TYPES else Format.JSON
        return await _read(await request.body(), format)
    form = await request.form()
    files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
    if len(files) != 1:
        raise BadRequest("Send exactly one file.", code="one_file_expected")
    raw = await files[0].read()
    return await _read(raw, Format.JSON if raw.lstrip().startswith(b"{") else Format.YAML)


async def _read(raw: bytes, format: Format) -> Document:
    if format is Format.JSON:
        return read(raw, format)
    # YAML is slow to read, and others want to be answered meanwhile.
    return await asyncio.to_thread(read, raw, format)


def _version(raw: str | None) -> service.Selector | None:
    return None if raw is None else selector(raw, "version")


def _created(view: WorkflowView) -> Response[WorkflowView]:
    headers = {"Location": f"/api/v1/workflows/{view.id}", "ETag": etag(view.revision)}
    return Response(view, status_code=201, headers=headers)


def _tagged(view: WorkflowView) -> Response[WorkflowView]:
    return Response(view, headers={"ETag": etag(view.revision)})


router = Router(
    path="/",
    tags=["Workflows"],
    route_handlers=[
        create_workflow,
        list_workflows,
        get_workflow,
        update_workflow,
        delete_workflow,
        restore_workflow,
        bulk_delete,
        put_draft,
        validate_workflow,
        extract_steps,
        duplicate_workflow,
        input_schema,
        validate_input,
        export_workflow,
        import_workflow,
        *version_routes.HANDLERS,
        *gallery_routes.HANDLERS,
    ],
)
