"""Runs as they are stored; their events live in `run_event`, reached by raw SQL only."""

from piccolo.columns import BigInt, Integer, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class Run(Table, tablename="run"):
    """One execution. `version` None is a frozen draft; `inputs`, `outputs`, `error`, `metadata`,
    `config`, `plan` and `pause` are JSON; `epoch` rises with every claim, so that a zombie's writes
    touch no row. `held`: queued, and waits for a place in its workflow. `wake_at`: when a paused
    run goes on by itself. `active_ms`: how long it was executed before its last pause
    or its end. `claims`: how many processes in a row have taken it up without a step's end;
    `blamed`: of how many of their deaths it was the likely cause (see `backend.runs.suspects`).
    """

    id = Varchar(length=None, primary_key=True)
    tenant_id = Varchar(length=None)
    workflow_id = Varchar(length=None)
    workflow_name = Text()
    version = Integer(null=True, default=None)
    definition_hash = Varchar(length=None)
    status = Varchar(length=None)
    mode = Varchar(length=None, default="full")
    trigger = Varchar(length=None)
    inputs = Text(default="{}")
    outputs = Text(null=True, default=None)
    error = Text(null=True, default=None)
    metadata = Text(default="{}")
    config = Text(default="{}")
    epoch = Integer(default=0)
    owner = Varchar(length=None, null=True, default=None)
    last_seq = Integer(default=0)
    completed_steps = Integer(default=0)
    total_steps = Integer(default=0)
    input_tokens = BigInt(default=0)
    output_tokens = BigInt(default=0)
    cost_usd = Varchar(length=None, null=True, default=None)
    cancel_reason = Text(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    started_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    parent_run_id = Varchar(length=None, null=True, default=None)
    plan = Text(default="{}")
    pause = Text(null=True, default=None)
    wake_at = Timestamptz(null=True, default=None)
    active_ms = BigInt(default=0)
    held = Integer(default=0)
    claims = Integer(default=0)
    blamed = Integer(default=0)
