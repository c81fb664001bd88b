"""What the list of runs says of them: how many stand how, and for how long each has gone on."""

from backend.runs.status import RunStatus
from ui.runs_view import summary


def test_runs_that_have_not_ended_are_told_by_their_own_word() -> None:
    counts = {
        RunStatus.PAUSED: 5,
        RunStatus.RUNNING: 2,
        RunStatus.COMPLETED: 1200,
        RunStatus.CANCELLING: 1,
    }
    assert summary(1208, counts) == "1,208 runs · 2 running · 5 paused · 1 cancelling"
    assert summary(1, {RunStatus.PAUSED: 1}) == "1 run · 1 paused"
    assert summary(0, {}) == "0 runs"
