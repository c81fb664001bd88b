"""What Prometheus may know of runs: how many start, end and fail, and what committing them costs.

Counted when the events are durable, and never by tenant or workflow: labels must stay few.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from backend.runs.bus import Delivery
from backend.runs.event_log import EventRow
from backend.system.metrics import REGISTRY

_KIND = 3
"""Where the rows of `backend.runs.event_log` have the event's kind."""

_ENDED = {f"run.{status}": status for status in ("completed", "failed", "cancelled")}
_STEPS = {
    f"step.{outcome}": outcome
    for outcome in ("completed", "failed", "retrying", "skipped", "cancelled")
}

_active = Gauge(
    "heddle_runs_active", "Runs that this process executes at this moment.", registry=REGISTRY
)
_commit_seconds = Histogram(
    "heddle_journal_commit_seconds",
    "One transaction with the events of all runs that had any.",
    registry=REGISTRY,
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5),
)
_commit_events = Histogram(
    "heddle_journal_commit_events",
    "Events in one transaction.",
    registry=REGISTRY,
    buckets=(1, 2, 5, 10, 20, 50, 100, 250, 1000),
)


class _Runs(Collector):
    """Plain numbers, made into figures when somebody asks: every event passes by here."""

    def __init__(self) -> None:
        self.started: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The figures, for the registry."""
        yield _family("heddle_runs_started", "Runs stored, by trigger.", "trigger", self.started)
        ended = {status: self.kinds[kind] for kind, status in _ENDED.items()}
        yield _family("heddle_runs_ended", "Runs that ended, by status.", "status", ended)
        steps = {outcome: self.kinds[kind] for kind, outcome in _STEPS.items()}
        yield _family("heddle_run_steps", "Steps by outcome; a retry counts.", "outcome", steps)


_runs = _Runs()
REGISTRY.register(_runs)


def count_written(items: Iterable[EventRow | Delivery], trigger: str | None) -> None:
    """Count what one run had in a commit; `trigger` is given when the run is new."""
    if trigger is not None:
        _runs.started[trigger] += 1
    _runs.kinds.update(item[_KIND] for item in items if not isinstance(item, Delivery))


def observe_commit(duration_s: float, events: int) -> None:
    """Note one transaction."""
    _commit_seconds.observe(duration_s)
    _commit_events.observe(events)


def watch_active(tell: Callable[[], int]) -> None:
    """Let the figure of active runs be what this tells whenever it is asked for."""
    _active.set_function(tell)


def _family(name: str, text: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
