"""How many runs there are, kept by the database itself, so that no list has to count them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder
from piccolo.table import Table

ID = "2026-11-20T11:00:02:000000"
VERSION = "1.38.0"
DESCRIPTION = "Counts of runs"

KEY = "tenant_id, workflow_id, workflow_name, status, trigger"

RUN_COUNT = f"""
CREATE TABLE run_count (
    tenant_id TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    workflow_name TEXT NOT NULL,
    status TEXT NOT NULL,
    trigger TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY ({KEY})
)
"""

COUNTED = f"""
INSERT INTO run_count ({KEY}, n)
SELECT {KEY}, count(*) FROM run GROUP BY {KEY}
"""


def add(row: str) -> str:
    """One more run like `row`."""
    return f"""
    INSERT INTO run_count ({KEY}, n)
    VALUES ({", ".join(f"{row}.{column}" for column in KEY.split(", "))}, 1)
    ON CONFLICT ({KEY}) DO UPDATE SET n = run_count.n + 1;
    """


def remove(row: str) -> str:
    """One run like `row` less."""
    same = " AND ".join(f"{column} = {row}.{column}" for column in KEY.split(", "))
    return f"UPDATE run_count SET n = n - 1 WHERE {same};"


SQLITE = (
    f"CREATE TRIGGER run_added AFTER INSERT ON run BEGIN {add('NEW')} END",
    "CREATE TRIGGER run_moved AFTER UPDATE OF status ON run WHEN OLD.status <> NEW.status"
    f" BEGIN {remove('OLD')} {add('NEW')} END",
    f"CREATE TRIGGER run_removed AFTER DELETE ON run BEGIN {remove('OLD')} END",
)

POSTGRES = (
    f"""
    CREATE FUNCTION count_runs() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN {remove("OLD")} END IF;
        IF TG_OP <> 'DELETE' THEN {add("NEW")} END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER run_counted AFTER INSERT OR DELETE ON run"
    " FOR EACH ROW EXECUTE FUNCTION count_runs()",
    "CREATE TRIGGER run_moved AFTER UPDATE OF status ON run"
    " FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION count_runs()",
)


class Raw(Table):
    """Only carries SQL."""


async def create_counts() -> None:
    engine = engine_finder()
    # found once per class otherwise, and tests open several databases
    Raw._meta.db = engine
    sqlite = engine is not None and engine.engine_type == "sqlite"
    await Raw.raw(RUN_COUNT + (" WITHOUT ROWID" if sqlite else ""))
    await Raw.raw(COUNTED)
    for statement in SQLITE if sqlite else POSTGRES:
        await Raw.raw(statement)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="heddle", description=DESCRIPTION)
    manager.add_raw(create_counts)
    return manager
