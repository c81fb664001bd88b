"""What the administrators of a tenant decide: the Python node, the room for its data."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.table import Table

ID = "2026-11-20T14:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Settings of tenants"

COLUMNS = (
    "python_enabled BOOLEAN NOT NULL DEFAULT FALSE",
    f"artifact_quota_bytes BIGINT NOT NULL DEFAULT {5 * 1024**3}",
)


class Raw(Table):
    """Only carries SQL."""


async def add_settings() -> None:
    # found once per class otherwise, and tests open several databases
    Raw._meta.db = engine_finder()
    for column in COLUMNS:
        await Raw.raw(f"ALTER TABLE tenant ADD COLUMN {column}")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="heddle", description=DESCRIPTION)
    manager.add_raw(add_settings)
    return manager
