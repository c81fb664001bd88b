"""Pausing, forking and partial runs: what a run is told, where it stands, when it goes on."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.table import Table

ID = "2026-11-20T14:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Run controls"

STATEMENTS = (
    "ALTER TABLE run ADD COLUMN parent_run_id VARCHAR DEFAULT NULL",
    "ALTER TABLE run ADD COLUMN plan TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE run ADD COLUMN pause TEXT DEFAULT NULL",
    "ALTER TABLE run ADD COLUMN wake_at TIMESTAMPTZ DEFAULT NULL",
    "ALTER TABLE run ADD COLUMN active_ms BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE workflow ADD COLUMN run_settings TEXT NOT NULL DEFAULT '{}'",
    "CREATE INDEX run_wake ON run (wake_at) WHERE wake_at IS NOT NULL",
    "CREATE INDEX run_held ON run (workflow_id, id) WHERE held = 1",
    "CREATE INDEX run_parent ON run (parent_run_id) WHERE parent_run_id IS NOT NULL",
)


class Raw(Table):
    """Only carries SQL."""


async def add_controls() -> None:
    # found once per class otherwise, and tests open several databases
    Raw._meta.db = engine_finder()
    for statement in STATEMENTS:
        await Raw.raw(statement)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="heddle", description=DESCRIPTION)
    manager.add_raw(add_controls)
    return manager
