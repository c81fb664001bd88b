"""Runs as HTML: the table of runs, and the strip of bars that shows how the latest went."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from markupsafe import Markup
from msgspec import Struct

from backend.runs.schemas import RunView
from backend.runs.status import RunStatus
from ui.controls import status_html
from ui.formats import ago, ago_text, amount, duration, money, trigger_word
from ui.theme import templates

STRIP_HEIGHT = 50.0
STRIP_LEAST = 6.0


class Bar(Struct, frozen=True):
    """One run in the strip."""

    id: str
    status: str
    height: float
    title: str


def elapsed(run: RunView) -> int | None:
    """From the run's start to its end, or until now, in milliseconds; waiting counts."""
    if run.duration_ms is not None or run.started_at is None or run.status.ended:
        return run.duration_ms
    return max(0, int((datetime.now(UTC) - run.started_at).total_seconds() * 1000))


def at_work(run: RunView) -> int | None:
    """The same without the waiting, as far as it is known: a question may wait for days."""
    return run.active_ms if run.active_ms and run.status is not RunStatus.RUNNING else elapsed(run)


def summary(total: int, counts: Mapping[RunStatus, int]) -> str:
    """`20 runs · 2 running · 5 paused`: what has not ended is told by its own word."""
    unended = (status for status in RunStatus if not status.ended and counts.get(status))
    return " · ".join(
        [amount(total, "run"), *(f"{counts[status]:,} {status}" for status in unended)]
    )


def runs_table(runs: Sequence[RunView], *, one_workflow: bool = False) -> Markup:
    """The table; how long runs were at work is drawn against the longest on the page."""
    longest = max((at_work(run) or 0 for run in runs), default=0)

    def share(run: RunView) -> int:
        ms = at_work(run)
        return max(2, round(100 * ms / longest)) if ms and longest else 0

    made = templates.get_template("runs_table.html").render(
        runs=runs,
        one_workflow=one_workflow,
        status_html=status_html,
        ago=ago,
        duration=duration,
        money=money,
        trigger_word=trigger_word,
        elapsed=elapsed,
        share=share,
    )
    return Markup(made)


def runs_strip(runs: Sequence[RunView]) -> Markup:
    """Bars from the oldest to the newest; heights grow with the logarithm of the duration."""
    now = datetime.now(UTC)
    logs = [math.log10(max(elapsed(run) or 1, 1)) for run in runs]
    low, high = min(logs, default=0.0), max(logs, default=1.0)
    bars = [
        Bar(
            run.id,
            run.status,
            STRIP_LEAST + (STRIP_HEIGHT - STRIP_LEAST) * (log - low) / ((high - low) or 1),
            f"{run.workflow_name}: {run.status}, {duration(elapsed(run)) or 'not started'}, "
            f"{ago_text(run.created_at, now)}",
        )
        for run, log in zip(runs, logs, strict=True)
    ]
    bars.reverse()
    caption = f"The latest {amount(len(bars), 'run')} by duration, oldest first"
    made = templates.get_template("runs_strip.html").render(bars=bars, caption=caption)
    return Markup(made)
