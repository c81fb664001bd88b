"""The endpoints of what workflows are made from: node types and templates."""

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.actor import Actor
from backend.pagination import Page
from backend.preconditions import etag
from backend.workflows import service
from backend.workflows.interchange import Document
from backend.workflows.node_types import NodeTypeView, node_types_for
from backend.workflows.schemas import TemplateView, UseTemplate, WorkflowView


@get("/node-types", operation_id="listNodeTypes")
async def list_node_types(actor: NamedDependency[Actor]) -> Page[NodeTypeView]:
    """Every node type with its ports and the JSON Schema of its params, in the palette's order."""
    items = await node_types_for(actor.tenant_id)
    return Page(items=items, next_cursor=None, total=len(items))


@get("/templates", operation_id="listTemplates")
async def list_templates(actor: NamedDependency[Actor]) -> Page[TemplateView]:
    """Ready-made workflows that run without any key or network."""
    items = service.templates()
    return Page(items=items, next_cursor=None, total=len(items))


@get("/templates/{name:str}", operation_id="getTemplate")
async def get_template(actor: NamedDependency[Actor], name: FromPath[str]) -> Document:
    """A template as a document that can be imported."""
    return service.template(name)


@post("/templates/{name:str}/use", status_code=201, operation_id="useTemplate")
async def use_template(
    actor: NamedDependency[Actor], name: FromPath[str], data: JSONBody[UseTemplate | None] = None
) -> Response[WorkflowView]:
    """Make a workflow from a template."""
    view = await service.use_template(actor, name, data or UseTemplate())
    return Response(
        view,
        headers={"Location": f"/api/v1/workflows/{view.id}", "ETag": etag(view.revision)},
    )


HANDLERS = (list_node_types, list_templates, get_template, use_template)
