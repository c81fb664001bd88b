"""Workflows, their published versions and the frozen definitions as they are stored."""

from piccolo.columns import Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class Workflow(Table, tablename="workflow"):
    """A named thing with one draft. `tags` and `draft` are JSON; `slug` is unique while alive.

    `status` is `active`, `inactive` or `archived`; without an active version it reads as `draft`.
    `search_text` (name, description and tags, case folded) and `preview` (JSON) follow from the
    other columns, so that a list need not read drafts. `last_version` is the highest number ever
    given: a deleted version's number is not given again. `run_settings` is JSON.
    """

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    slug = Varchar(length=None)
    name = Text()
    description = Text()
    tags = Text(default="[]")
    category = Text()
    status = Varchar(length=None, default="active")
    search_text = Text()
    draft = Text(default="{}")
    preview = Text(default="{}")
    revision = Integer(default=1)
    active_version = Integer(null=True, default=None)
    last_version = Integer(default=0)
    run_settings = Text(default="{}")
    created_by = Varchar(length=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    deleted_at = Timestamptz(null=True, default=None)


class WorkflowVersion(Table, tablename="workflow_version"):
    """A published definition, numbered 1, 2, 3 … within its workflow; it never changes."""

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    workflow_id = Varchar(length=None)
    number = Integer()
    definition_hash = Varchar(length=None)
    description = Text()
    label = Text(null=True, default=None)
    created_by = Varchar(length=None)
    created_at = Timestamptz(default=TimestamptzNow())


class DefinitionSnapshot(Table, tablename="definition"):
    """A frozen definition, stored once per tenant by the SHA-256 of its JSON."""

    hash = Varchar(length=None)
    tenant_id = Varchar(length=None)
    body = Text()
