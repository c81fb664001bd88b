"""The moves between statuses: what has ended stays, and everything can end."""

from itertools import product

import pytest

from backend.runs.status import (
    CLAIMABLE,
    ENDED,
    RUN_MOVES,
    STEP_MOVES,
    RunStatus,
    StepStatus,
    may_move,
)


@pytest.mark.parametrize("status", RunStatus)
def test_every_run_status_has_moves_or_has_ended(status: RunStatus) -> None:
    assert status.ended == (status in {"completed", "failed", "cancelled"})
    assert (status in ENDED) == status.ended


@pytest.mark.parametrize(("before", "after"), list(product(RunStatus, RunStatus)))
def test_what_has_ended_never_changes(before: RunStatus, after: RunStatus) -> None:
    if before.ended:
        assert may_move(before, after) == (before is after)


@pytest.mark.parametrize("moves", [RUN_MOVES, STEP_MOVES])
def test_every_status_leads_to_an_end(moves: dict[RunStatus, frozenset[RunStatus]]) -> None:
    for start in moves:
        reached, todo = {start}, [start]
        while todo:
            for after in moves[todo.pop()] - reached:
                reached.add(after)
                todo.append(after)
        assert any(not moves[status] for status in reached)


def test_only_a_cancel_leads_to_cancelling_and_from_there_only_to_an_end() -> None:
    assert RUN_MOVES[RunStatus.CANCELLING] == ENDED
    assert may_move(RunStatus.QUEUED, RunStatus.CANCELLING)
    assert not may_move(RunStatus.CANCELLING, RunStatus.RUNNING)


def test_executors_take_up_what_has_not_ended_and_does_not_wait_for_a_person() -> None:
    assert set(RunStatus) - ENDED - CLAIMABLE == {RunStatus.PAUSED}


def test_step_statuses_that_have_ended() -> None:
    ended = {status for status in StepStatus if status.ended}
    assert ended == {"completed", "failed", "skipped", "cancelled"}
