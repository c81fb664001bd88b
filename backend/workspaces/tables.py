"""Workspaces as they are stored; their files are files below the data directory."""

from piccolo.columns import Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class Workspace(Table, tablename="workspace"):
    """A place for files that a tenant's runs share."""

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    name = Text()
    created_at = Timestamptz(default=TimestamptzNow())
