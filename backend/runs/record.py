"""A run's row in memory: what the journal changes and what everybody else is shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from backend.runs.plan import NO_PLAN, RunPlan, plan_from
from backend.runs.schemas import Pause, Progress, RunView, Trigger
from backend.runs.status import RunStatus
from graphs.events import Failure, Usage
from graphs.run_options import RunConfig, RunMode

encode = msgspec.json.Encoder().encode

NO_CONFIG = RunConfig()


class RunRecord(Struct, kw_only=True):
    """The columns of table `run`, JSON ones decoded."""

    id: str
    tenant_id: str
    workflow_id: str
    workflow_name: str
    version: int | None
    definition_hash: str
    status: RunStatus
    mode: RunMode
    trigger: Trigger
    inputs: dict[str, Any]
    outputs: Any = None
    error: Failure | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    config: RunConfig = NO_CONFIG
    epoch: int = 0
    owner: str | None = None
    last_seq: int = 0
    completed_steps: int = 0
    total_steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: str | None = None
    cancel_reason: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    parent_run_id: str | None = None
    plan: RunPlan = NO_PLAN
    pause: Pause | None = None
    wake_at: datetime | None = None
    active_ms: int = 0
    held: int = 0
    claims: int = 0

    @property
    def usage(self) -> Usage:
        return Usage(self.input_tokens, self.output_tokens, self.cost_usd)

    def add_usage(self, usage: Usage) -> None:
        """Count what a model call consumed."""
        total = self.usage + usage
        self.input_tokens = total.input_tokens
        self.output_tokens = total.output_tokens
        self.cost_usd = total.cost_usd

    def values(self) -> tuple[Any, ...]:
        """The columns' values in the order of `COLUMNS`."""
        return (
            self.id,
            self.tenant_id,
            self.workflow_id,
            self.workflow_name,
            self.version,
            self.definition_hash,
            self.status.value,
            self.mode.value,
            self.trigger.value,
            text(self.inputs),
            self.outputs_text(),
            self.error_text(),
            text(self.metadata),
            "{}" if self.config is NO_CONFIG else text(self.config),
            self.epoch,
            self.owner,
            self.last_seq,
            self.completed_steps,
            self.total_steps,
            self.input_tokens,
            self.output_tokens,
            self.cost_usd,
            self.cancel_reason,
            self.created_at,
            self.started_at,
            self.finished_at,
            self.parent_run_id,
            self.plan_text(),
            self.pause_text(),
            self.wake_at,
            self.active_ms,
            self.held,
            self.claims,
        )

    def outputs_text(self) -> str | None:
        return text(self.outputs) if self.status is RunStatus.COMPLETED else None

    def error_text(self) -> str | None:
        return None if self.error is None else text(self.error)

    def plan_text(self) -> str:
        return "{}" if self.plan is NO_PLAN else text(self.plan)

    def pause_text(self) -> str | None:
        return None if self.pause is None else text(self.pause)

    def view(self) -> RunView:
        """The run as the API shows it."""
        duration_ms = None
        if self.started_at is not None and self.finished_at is not None:
            duration_ms = round((self.finished_at - self.started_at).total_seconds() * 1000)
        return RunView(
            id=self.id,
            workflow_id=self.workflow_id,
            workflow_name=self.workflow_name,
            version=self.version,
            definition_hash=self.definition_hash,
            status=self.status,
            mode=self.mode,
            trigger=self.trigger,
            inputs=self.inputs,
            outputs=self.outputs,
            error=self.error,
            progress=self._progress(),
            usage=self.usage,
            metadata=self.metadata,
            config=self.config,
            parent_run_id=self.parent_run_id,
            pause=self.pause,
            breakpoints=list(self.plan.breakpoints),
            only=self.plan.only,
            cancel_reason=self.cancel_reason,
            created_at=self.created_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            duration_ms=duration_ms,
            active_ms=self.active_ms,
        )

    def _progress(self) -> Progress:
        if self.status is RunStatus.COMPLETED:
            percent = 100
        else:
            percent = 100 * self.completed_steps // max(self.total_steps, 1)
        return Progress(completed=self.completed_steps, total=self.total_steps, percent=percent)


COLUMNS = RunRecord.__struct_fields__
"""The column names of table `run`, in the order of `RunRecord.values`."""


def text(value: Any) -> str:
    """A value as compact JSON text, as all JSON columns hold it."""
    return encode(value).decode()


def from_row(row: Mapping[str, Any]) -> RunRecord:
    """A stored run. Raises KeyError or ValueError when the row is none."""
    outputs, error, pause = row["outputs"], row["error"], row["pause"]
    decoded: dict[str, Any] = {
        **row,
        "status": RunStatus(row["status"]),
        "mode": RunMode(row["mode"]),
        "trigger": Trigger(row["trigger"]),
        "inputs": msgspec.json.decode(row["inputs"]),
        "outputs": None if outputs is None else msgspec.json.decode(outputs),
        "error": None if error is None else msgspec.json.decode(error, type=Failure),
        "metadata": msgspec.json.decode(row["metadata"]),
        "config": _config(row["config"]),
        "plan": plan_from(row["plan"]),
        "pause": None if pause is None else msgspec.json.decode(pause, type=Pause),
    }
    return RunRecord(**decoded)


def _config(stored: str) -> RunConfig:
    if stored == "{}":
        return NO_CONFIG
    try:
        return msgspec.json.decode(stored, type=RunConfig)
    except msgspec.ValidationError:
        # stored before there were any settings, when everything was taken
        return NO_CONFIG
