"""Artifacts as they are stored; their bytes are files below the data directory."""

from piccolo.columns import BigInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class ArtifactRow(Table, tablename="artifact"):
    """What a run has put aside. `columns` is JSON; `file` is its name in the tenant's folder.

    `artifact_run` says which runs use it: the one that made it, and forks once that one is deleted.
    """

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    kind = Varchar(length=None)
    media_type = Varchar(length=None)
    name = Text()
    file = Varchar(length=None)
    size_bytes = BigInt()
    columns = Text(default="[]")
    row_count = BigInt(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
