"""The endpoints of what workflows are made from: node types and templates."""

from operator import attrgetter

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from backend.actor import Actor
from backend.offsets import page_of
from backend.pagination import Page, PageRequest
from backend.preconditions import etag
from backend.workflows import service
from backend.workflows.interchange import Document
from backend.workflows.node_types import NodeTypeView, node_types_for
from backend.workflows.schemas import TemplateView, UseTemplate, WorkflowView

NODE_TYPE_SORTS = {"type": attrgetter("type"), "title": attrgetter("title")}
TEMPLATE_SORTS = {"name": attrgetter("name"), "title": attrgetter("title")}


@get("/node-types", operation_id="listNodeTypes", opt={"sorts": tuple(NODE_TYPE_SORTS)})
async def list_node_types(
    actor: NamedDependency[Actor], page: NamedDependency[PageRequest]
) -> Page[NodeTypeView]:
    """The node types with their ports and the JSON Schema of their params, as in the palette."""
    return page_of(await node_types_for(actor.tenant_id), page, NODE_TYPE_SORTS)


@get("/templates", operation_id="listTemplates", opt={"sorts": tuple(TEMPLATE_SORTS)})
async def list_templates(
    actor: NamedDependency[Actor], page: NamedDependency[PageRequest]
) -> Page[TemplateView]:
    """Ready-made workflows that run without any key or network."""
    return page_of(service.templates(), page, TEMPLATE_SORTS)


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
