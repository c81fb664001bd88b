"""Runs written by hand through a journal, without an engine."""

from uuid_utils.compat import uuid7

from backend.runs.journal import RunJournal
from backend.runs.journal_writer import JournalWriter
from backend.runs.record import RunRecord
from backend.runs.schemas import Trigger
from backend.runs.status import RunStatus
from graphs.events import (
    Log,
    LogData,
    RunCompleted,
    RunCompletedData,
    RunQueued,
    RunQueuedData,
    RunStarted,
    RunStartedData,
    StepCompleted,
    StepCompletedData,
    StepStarted,
    now,
)
from graphs.run_options import RunMode


def new_record(**fields: object) -> RunRecord:
    values: dict[str, object] = {
        "id": str(uuid7()),
        "tenant_id": "acme",
        "workflow_id": "flow",
        "workflow_name": "Flow",
        "version": 1,
        "definition_hash": "0" * 64,
        "status": RunStatus.QUEUED,
        "mode": RunMode.FULL,
        "trigger": Trigger.API,
        "inputs": {"city": "Oslo"},
        "created_at": now(),
        "epoch": 1,
        **fields,
    }
    return RunRecord(**values)  # pyright: ignore[reportArgumentType]


def begin(writer: JournalWriter, **fields: object) -> RunJournal:
    record = new_record(**fields)
    made = RunJournal(writer, record)
    made.append(RunQueued(run_id=record.id, data=RunQueuedData("api")))
    return made


def start(run: RunJournal, total: int = 1) -> None:
    run.append(RunStarted(run_id=run.record.id, data=RunStartedData(total, run.recorded.recovered)))


def step(run: RunJournal, node_id: str, path: str | None = None) -> None:
    names = {"run_id": run.record.id, "node_id": node_id, "step_id": str(uuid7()), "path": path}
    run.append(StepStarted(**names))
    run.append(StepCompleted(**names, data=StepCompletedData({"at": node_id}, ("out",), 1, 9)))


def complete(run: RunJournal) -> None:
    run.append(RunCompleted(run_id=run.record.id, data=RunCompletedData({"ok": True}, 5)))


def log_line(run: RunJournal, message: str) -> Log:
    return Log(run_id=run.record.id, node_id="n", step_id="s", data=LogData("info", message))
