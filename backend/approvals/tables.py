"""Questions to people as they are stored: projections of runs' events, written with them."""

from piccolo.columns import Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class Approval(Table, tablename="approval"):
    """A question; its id is its step's. `request` and `answer` are JSON, `answer` is NULL without.

    `assignee`, `role` and `search_text` repeat what the request says, to be found by it.
    """

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    run_id = Varchar(length=None)
    workflow_id = Varchar(length=None)
    workflow_name = Text()
    node_id = Varchar(length=None)
    path = Varchar(length=None, null=True, default=None)
    status = Varchar(length=None)
    assignee = Varchar(length=None, null=True, default=None)
    role = Varchar(length=None, null=True, default=None)
    search_text = Text()
    request = Text()
    answer = Text(null=True, default=None)
    answered_by = Varchar(length=None, null=True, default=None)
    comment = Text(null=True, default=None)
    source = Varchar(length=None, null=True, default=None)
    deadline_at = Timestamptz(null=True, default=None)
    remind_at = Timestamptz(null=True, default=None)
    reminded_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    answered_at = Timestamptz(null=True, default=None)
