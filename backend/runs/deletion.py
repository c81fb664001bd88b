"""Deletes runs with everything that hangs on them; other resources register what is theirs."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from backend.database import Statement, fetch, write_batch

Forget = Callable[[Sequence[str], Mapping[str, str]], Awaitable[Sequence[Statement]]]
"""Called with the runs' ids, and for each run whose data others use with the run that inherits it
(a fork, or a run of a part); returns what is written in the same commit."""

_forgets: list[Forget] = []


def register(forget: Forget) -> None:
    """Let something be deleted together with its run, or be handed to the run that inherits it."""
    if forget not in _forgets:
        _forgets.append(forget)


async def delete_runs(run_ids: Sequence[str]) -> None:
    """Delete runs with their events; the caller knows that they have ended."""
    if not run_ids:
        return
    heirs = await _heirs(run_ids)
    theirs = [each for forget in _forgets for each in await forget(run_ids, heirs)]
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
