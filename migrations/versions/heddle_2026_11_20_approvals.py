"""Questions to people, and the indexes by which an inbox finds them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.table import Table

ID = "2026-11-20T14:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Approvals"

APPROVAL = """
CREATE TABLE approval (
    id VARCHAR PRIMARY KEY NOT NULL,
    tenant_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    workflow_id VARCHAR NOT NULL,
    workflow_name TEXT NOT NULL,
    node_id VARCHAR NOT NULL,
    path VARCHAR DEFAULT NULL,
    status VARCHAR NOT NULL,
    assignee VARCHAR DEFAULT NULL,
    role VARCHAR DEFAULT NULL,
    search_text TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT DEFAULT NULL,
    answered_by VARCHAR DEFAULT NULL,
    comment TEXT DEFAULT NULL,
    source VARCHAR DEFAULT NULL,
    deadline_at TIMESTAMPTZ DEFAULT NULL,
    remind_at TIMESTAMPTZ DEFAULT NULL,
    reminded_at TIMESTAMPTZ DEFAULT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    answered_at TIMESTAMPTZ DEFAULT NULL
)
"""

STATEMENTS = (
    APPROVAL,
    "CREATE INDEX approval_status ON approval (tenant_id, status, id)",
    "CREATE INDEX approval_tenant ON approval (tenant_id, id)",
    "CREATE INDEX approval_run ON approval (run_id)",
    "CREATE INDEX approval_deadline ON approval (deadline_at)"
    " WHERE status = 'open' AND deadline_at IS NOT NULL",
    "CREATE INDEX approval_reminder ON approval (remind_at)"
    " WHERE status = 'open' AND reminded_at IS NULL AND remind_at IS NOT NULL",
)


class Raw(Table):
    """Only carries SQL."""


async def create() -> None:
    # found once per class otherwise, and tests open several databases
    Raw._meta.db = engine_finder()
    for statement in STATEMENTS:
        await Raw.raw(statement)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="heddle", description=DESCRIPTION)
    manager.add_raw(create)
    return manager
