"""Deletes runs with everything that hangs on them, other resources' part included."""

from collections.abc import Sequence

from backend.database import Statement, fetch, write_batch
from backend.runs.hooks import RunHooks


async def delete_runs(run_ids: Sequence[str], hooks: RunHooks) -> None:
    """Delete runs with their events; the caller knows that they have ended."""
    if not run_ids:
        return
    heirs = await _heirs(run_ids)
    theirs = [each for forget in hooks.forgets for each in await forget(run_ids, heirs)]
    rows = [(run_id,) for run_id in run_ids]
    await write_batch(
        [
            *theirs,
            Statement("DELETE FROM run_event WHERE run_id = ?", rows),
            Statement("DELETE FROM run WHERE id = ?", rows),
        ]
    )


async def _heirs(run_ids: Sequence[str]) -> dict[str, str]:
    """The youngest remaining run that took data from each of the runs."""
    marks = ", ".join("?" * len(run_ids))
    rows = await fetch(
        f"SELECT parent_run_id, max(id) AS heir FROM run WHERE parent_run_id IN ({marks})"
        f" AND id NOT IN ({marks}) GROUP BY parent_run_id",
        *run_ids,
        *run_ids,
    )
    return {row["parent_run_id"]: row["heir"] for row in rows}
