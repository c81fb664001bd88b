"""What chat models cost."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.table import Table

ID = "2026-11-20T14:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Model prices"

MODEL_PRICE = """
CREATE TABLE model_price (
    id VARCHAR PRIMARY KEY NOT NULL,
    tenant_id VARCHAR NOT NULL,
    model TEXT NOT NULL,
    input_usd_per_million TEXT DEFAULT NULL,
    output_usd_per_million TEXT DEFAULT NULL,
    updated_at TIMESTAMPTZ NOT NULL
)
"""

STATEMENTS = (
    MODEL_PRICE,
    "CREATE UNIQUE INDEX model_price_model ON model_price (tenant_id, model)",
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
