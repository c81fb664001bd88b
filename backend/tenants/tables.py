"""Tenants and their settings as they are stored."""

from piccolo.columns import BigInt, Boolean, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

ARTIFACT_QUOTA_BYTES = 5 * 1024**3
"""What a tenant may keep until an administrator says otherwise."""


class Tenant(Table, tablename="tenant"):
    """Whose data it is; every other table has a `tenant_id`."""

    id = Varchar(length=None, primary_key=True)
    name = Text()
    slug = Varchar(length=None)
    python_enabled = Boolean(default=False)
    artifact_quota_bytes = BigInt(default=ARTIFACT_QUOTA_BYTES)
    created_at = Timestamptz(default=TimestamptzNow())
