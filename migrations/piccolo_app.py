"""The one Piccolo app: every table and where their migrations live."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from backend.database import TABLES

APP_CONFIG = AppConfig(
    app_name="heddle",
    migrations_folder_path=str(Path(__file__).parent / "versions"),
    table_classes=list(TABLES),
    migration_dependencies=[],
    commands=[],
)
