"""The indexes, and the table of events: Piccolo runs raw SQL before it creates tables."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.table import Table

ID = "2026-11-20T11:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes and events"

INDEXES = (
    "CREATE UNIQUE INDEX tenant_slug ON tenant (slug)",
    "CREATE UNIQUE INDEX account_user_username ON account_user (username)",
    "CREATE INDEX account_user_tenant ON account_user (tenant_id, id)",
    "CREATE UNIQUE INDEX workflow_slug ON workflow (tenant_id, slug) WHERE deleted_at IS NULL",
    "CREATE INDEX workflow_tenant ON workflow (tenant_id, id)",
    "CREATE UNIQUE INDEX workflow_version_number ON workflow_version (workflow_id, number)",
    "CREATE UNIQUE INDEX definition_hash ON definition (tenant_id, hash)",
    "CREATE INDEX run_tenant ON run (tenant_id, id)",
    "CREATE INDEX run_workflow ON run (tenant_id, workflow_id, id)",
    "CREATE INDEX run_status ON run (tenant_id, status, id)",
    "CREATE INDEX run_unfinished ON run (status, id) "
    "WHERE status IN ('queued', 'running', 'paused', 'cancelling')",
    "CREATE UNIQUE INDEX idempotency_key_key ON idempotency_key (tenant_id, key)",
    "CREATE INDEX idempotency_key_created ON idempotency_key (created_at)",
)

RUN_EVENT = """
CREATE TABLE run_event (
    run_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    node_id TEXT,
    step_id TEXT,
    path TEXT,
    attempt BIGINT NOT NULL DEFAULT 1,
    data TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
)
"""


class Raw(Table):
    """Only carries SQL."""


async def create_indexes_and_events() -> None:
    engine = engine_finder()
    # found once per class otherwise, and tests open several databases
    Raw._meta.db = engine
    sqlite = engine is not None and engine.engine_type == "sqlite"
    await Raw.raw(RUN_EVENT + (" WITHOUT ROWID" if sqlite else ""))
    for statement in INDEXES:
        await Raw.raw(statement)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="heddle", description=DESCRIPTION)
    manager.add_raw(create_indexes_and_events)
    return manager
