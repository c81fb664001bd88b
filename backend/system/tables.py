"""What the product keeps for itself: the first answers to repeatable requests."""

from piccolo.columns import Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class IdempotencyKey(Table, tablename="idempotency_key"):
    """The first answer to a request that carried an Idempotency-Key; `status` 0 while it runs.

    `id` is also the id reserved for what the request creates.
    """

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    key = Varchar(length=None)
    fingerprint = Varchar(length=None)
    status = Integer(default=0)
    headers = Text(default="[]")
    body = Text(default="")
    created_at = Timestamptz(default=TimestamptzNow())
