"""The first tables: tenants, users, workflows, versions, definitions, runs."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import (
    BigInt,
    Boolean,
    Column,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.defaults.timestamptz import TimestamptzNow

ID = "2026-11-20T11:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The first tables"


def key() -> Column:
    return Varchar(length=None, primary_key=True)


def name(default: str | None = "") -> Column:
    return Varchar(length=None, default=default, null=default is None)


def text(default: str | None = "") -> Column:
    return Text(default=default, null=default is None)


def number(default: int | None = 0) -> Column:
    return Integer(default=default, null=default is None)


def moment() -> Column:
    return Timestamptz(default=TimestamptzNow())


def moment_or_none() -> Column:
    return Timestamptz(null=True, default=None)


SCHEMA: dict[tuple[str, str], dict[str, Column]] = {
    ("Tenant", "tenant"): {
        "id": key(),
        "name": text(),
        "slug": name(),
        "created_at": moment(),
    },
    ("User", "account_user"): {
        "id": key(),
        "tenant_id": name(),
        "username": name(),
        "password_hash": Text(secret=True),
        "role": name(),
        "disabled": Boolean(default=False),
        "token_version": number(1),
        "created_at": moment(),
    },
    ("Workflow", "workflow"): {
        "id": key(),
        "tenant_id": name(),
        "slug": name(),
        "name": text(),
        "description": text(),
        "tags": text("[]"),
        "category": text(),
        "status": name("active"),
        "draft": text("{}"),
        "preview": text("{}"),
        "search_text": text(),
        "revision": number(1),
        "active_version": number(None),
        "last_version": number(),
        "created_by": name(),
        "created_at": moment(),
        "updated_at": moment(),
        "deleted_at": moment_or_none(),
    },
    ("WorkflowVersion", "workflow_version"): {
        "id": key(),
        "tenant_id": name(),
        "workflow_id": name(),
        "number": number(),
        "definition_hash": name(),
        "description": text(),
        "label": text(None),
        "created_by": name(),
        "created_at": moment(),
    },
    ("DefinitionSnapshot", "definition"): {
        "hash": name(),
        "tenant_id": name(),
        "body": text(),
    },
    ("Run", "run"): {
        "id": key(),
        "tenant_id": name(),
        "workflow_id": name(),
        "workflow_name": text(),
        "version": number(None),
        "definition_hash": name(),
        "status": name(),
        "mode": name("full"),
        "trigger": name(),
        "inputs": text("{}"),
        "outputs": text(None),
        "error": text(None),
        "metadata": text("{}"),
        "config": text("{}"),
        "epoch": number(),
        "owner": name(None),
        "last_seq": number(),
        "completed_steps": number(),
        "total_steps": number(),
        "input_tokens": BigInt(default=0),
        "output_tokens": BigInt(default=0),
        "cost_usd": name(None),
        "cancel_reason": text(None),
        "created_at": moment(),
        "started_at": moment_or_none(),
        "finished_at": moment_or_none(),
    },
    ("EndedSession", "ended_session"): {
        "id": key(),
        "tenant_id": name(),
        "expires_at": moment(),
    },
    ("IdempotencyKey", "idempotency_key"): {
        "id": key(),
        "tenant_id": name(),
        "key": name(),
        "fingerprint": name(),
        "status": number(),
        "headers": text("[]"),
        "body": text(),
        "created_at": moment(),
    },
}


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="heddle", description=DESCRIPTION)
    for (class_name, tablename), columns in SCHEMA.items():
        manager.add_table(class_name=class_name, tablename=tablename)
        for column_name, column in columns.items():
            manager.add_column(
                table_class_name=class_name,
                tablename=tablename,
                column_name=column_name,
                db_column_name=column_name,
                column_class_name=type(column).__name__,
                column_class=type(column),
                params=column._meta.params,
            )
    return manager
