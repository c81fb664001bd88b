"""Piccolo's configuration, for its command line and for `backend.database.migrate`.

`PICCOLO_CONF=migrations.piccolo_conf piccolo migrations new heddle --auto` writes a migration.
"""

from typing import Any

from piccolo.conf.apps import AppRegistry

from backend import database
from backend.errors import Unavailable
from backend.settings import Settings

APP_REGISTRY = AppRegistry(apps=["migrations.piccolo_app"])


def __getattr__(name: str) -> Any:
    """`DB`: the running process's open engine, or one made from the environment."""
    if name != "DB":
        raise AttributeError(name)
    try:
        return database.engine()
    except Unavailable:
        return database.make_engine(Settings.from_env())
