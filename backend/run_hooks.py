"""Composes what follows runs: every process that opens an executor hands it these."""

from backend.approvals import due, projection
from backend.artifacts import service as artifacts
from backend.runs.hooks import RunHooks


def run_hooks() -> RunHooks:
    """The tables, the deletions and the alarms of all resources."""
    return RunHooks(
        projections=(projection.statements,),
        forgets=(projection.forget, artifacts.forget),
        alarms=(due.ALARM,),
    )
