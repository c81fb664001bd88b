"""Finds single steps without reading their whole run, and counts what took a run up."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.table import Table

ID = "2026-11-28T09:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Steps by place; claims of runs"

STATEMENTS = (
    "ALTER TABLE run ADD COLUMN claims INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN blamed INTEGER NOT NULL DEFAULT 0",
    # all that a step's view is made of, by where the step is; ids of steps are found by their time
    "CREATE INDEX run_event_place ON run_event (run_id, COALESCE(path, ''), node_id)"
    " WHERE kind IN ('step.started', 'step.retrying', 'step.completed', 'step.failed',"
    " 'step.skipped', 'step.cancelled', 'llm.completed')",
)


class Raw(Table):
    """Only carries SQL."""


async def add_steps() -> None:
    # found once per class otherwise, and tests open several databases
    Raw._meta.db = engine_finder()
    for statement in STATEMENTS:
        await Raw.raw(statement)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="heddle", description=DESCRIPTION)
    manager.add_raw(add_steps)
    return manager
