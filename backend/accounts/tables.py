"""The users of tenants as they are stored."""

from piccolo.columns import Boolean, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class User(Table, tablename="account_user"):
    """Who may sign in. `username` is lower case and unique over all tenants.

    Raising `token_version` ends every session of the user.
    """

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    username = Varchar(length=None)
    password_hash = Text(secret=True)
    role = Varchar(length=None)
    disabled = Boolean(default=False)
    token_version = Integer(default=1)
    created_at = Timestamptz(default=TimestamptzNow())


class EndedSession(Table, tablename="ended_session"):
    """A session that was signed out before its end; `id` is its token's `jti`."""

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    expires_at = Timestamptz(default=TimestamptzNow())
