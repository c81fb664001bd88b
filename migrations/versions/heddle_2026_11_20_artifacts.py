"""Artifacts of runs, and workspaces with files."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.table import Table

ID = "2026-11-20T14:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Artifacts and workspaces"

STATEMENTS = (
    """
    CREATE TABLE artifact (
        id VARCHAR PRIMARY KEY,
        tenant_id VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        media_type VARCHAR NOT NULL,
        name TEXT NOT NULL,
        file VARCHAR NOT NULL,
        size_bytes BIGINT NOT NULL,
        columns TEXT NOT NULL,
        row_count BIGINT,
        created_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE INDEX artifact_tenant ON artifact (tenant_id, size_bytes)",
    """
    CREATE TABLE artifact_run (
        run_id VARCHAR NOT NULL,
        artifact_id VARCHAR NOT NULL,
        PRIMARY KEY (run_id, artifact_id)
    )
    """,
    "CREATE INDEX artifact_run_artifact ON artifact_run (artifact_id)",
    """
    CREATE TABLE workspace (
        id VARCHAR PRIMARY KEY,
        tenant_id VARCHAR NOT NULL,
        name TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX workspace_name ON workspace (tenant_id, name)",
)


class Raw(Table):
    """Only carries SQL."""


async def create_tables() -> None:
    # found once per class otherwise, and tests open several databases
    Raw._meta.db = engine_finder()
    for statement in STATEMENTS:
        await Raw.raw(statement)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="heddle", description=DESCRIPTION)
    manager.add_raw(create_tables)
    return manager
