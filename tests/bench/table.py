"""The table: every row with its bar, declared once, and how what was measured is judged."""

import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple


class Figure(NamedTuple):
    """What was measured, in the row's unit; `detail` is said beside it."""

    value: float
    detail: str = ""


class AtMost(NamedTuple):
    """A bar that a figure may reach and not exceed."""

    limit: float
    sign = "≤"

    def holds(self, value: float) -> bool:
        return value <= self.limit


class AtLeast(NamedTuple):
    """A bar that a figure has to reach."""

    limit: float
    sign = "≥"

    def holds(self, value: float) -> bool:
        return value >= self.limit


class Row(NamedTuple):
    """A line of the table. `key` is what its area calls the figure; `area` is the module's name."""

    area: str
    key: str
    what: str
    bar: AtMost | AtLeast
    unit: str


RATIO = "\N{MULTIPLICATION SIGN}"
CHAIN = "10-node chain, journalled on SQLite"
EFFECTS = "the same of nodes with outside effects"
MEMORY = "÷ the same graph with no persistence"
BARE = "÷ bare LangGraph, nothing stored or shown"
SAVER = "÷ LangGraph with AsyncSqliteSaver"

ROWS = (
    Row("http_runs", "one.cpu", "Run of one `set_fields`, stored: server CPU", AtMost(3), "ms"),
    Row("http_runs", "one.rate", "… 16 clients", AtLeast(250), "runs/s"),
    Row("http_runs", "ten.cpu", "Run of ten `set_fields`, stored: server CPU", AtMost(6), "ms"),
    Row("http_runs", "ten.rate", "… 16 clients", AtLeast(150), "runs/s"),
    Row("http_runs", "fork.cpu", "Run of if → two branches → merge: server CPU", AtMost(5), "ms"),
    Row("engine", "chain.1", f"{CHAIN}, {MEMORY}, 1 at a time", AtLeast(0.7), RATIO),
    Row("engine", "chain.32", f"{CHAIN}, {MEMORY}, 32 at once", AtLeast(0.8), RATIO),
    Row("engine", "chain.saver", f"{CHAIN}, {SAVER}, 1 at a time", AtLeast(3), RATIO),
    Row("engine", "chain.saver32", f"{CHAIN}, {SAVER}, 32 at once", AtLeast(3), RATIO),
    Row("engine", "chain.bare", f"{CHAIN}, {BARE}, 1 at a time", AtLeast(0.5), RATIO),
    Row("engine", "chain.bare32", f"{CHAIN}, {BARE}, 32 at once", AtLeast(0.5), RATIO),
    Row("engine", "effects.1", f"… {EFFECTS}, {MEMORY}, 1 at a time", AtLeast(0.7), RATIO),
    Row("engine", "effects.32", f"… {EFFECTS}, {MEMORY}, 32 at once", AtLeast(0.8), RATIO),
    Row("engine", "effects.saver", f"… {EFFECTS}, {SAVER}, 1 at a time", AtLeast(3), RATIO),
    Row("engine", "effects.saver32", f"… {EFFECTS}, {SAVER}, 32 at once", AtLeast(3), RATIO),
    Row("engine", "makespan", "Unequal parallel branches ÷ critical path", AtMost(1.15), RATIO),
    Row("latency", "start", "Run accepted → first node started, idle: p95", AtMost(10), "ms"),
    Row("latency", "seen.1.p50", "Node finished → seen by 1 viewer: p50", AtMost(2), "ms"),
    Row("latency", "seen.1.p99", "… p99", AtMost(10), "ms"),
    Row("latency", "seen.20.p99", "Node finished → seen by 20 viewers: p99", AtMost(12), "ms"),
    Row("latency", "seen.200.p99", "Node finished → seen by 200 viewers: p99", AtMost(60), "ms"),
    Row("latency", "missed", "Events missed by any viewer", AtMost(0), "events"),
    Row("waiting", "cpu", "1,000 paused runs: CPU they use, ms a second", AtMost(1), "ms"),
    Row("waiting", "answered", "Answer given → next node started: p95", AtMost(20), "ms"),
    Row("tables", "chart", "CSV of 1,000,000 rows → filter → group → chart", AtMost(1.5), "s"),
    Row("tables", "memory", "… resident memory at its height, all processes", AtMost(600), "MB"),
    Row("tables", "small", "Node over 10 rows: what its own process adds", AtMost(3), "ms"),
    Row("history", "small.p50", "Newest 20 of 10,000 stored runs: p50", AtMost(5), "ms"),
    Row("history", "ratio", "Newest 20 of 1,000,000 runs: p95 ÷ that of 10,000", AtMost(2), RATIO),
    Row("history", "step", "Open one step of a run of 20,000: p50", AtMost(10), "ms"),
    Row("history", "steps", "A page of 100 of its steps: p50", AtMost(20), "ms"),
    Row("footprint", "run_bytes", "Stored for a ten-step run", AtMost(6), "KB"),
    Row("editor", "open.100", "Editor, 100 nodes, cold: nodes visible after", AtMost(1.5), "s"),
    Row("editor", "open.500", "Editor, 500 nodes, cold: nodes visible after", AtMost(1.5), "s"),
    Row("editor", "open.1000", "Editor, 1,000 nodes, cold: nodes visible after", AtMost(1.5), "s"),
    Row("editor", "heap.1000", "… JavaScript's heap with all 1,000 in view", AtMost(150), "MB"),
    Row("editor", "select", "… Ctrl+A painted after", AtMost(300), "ms"),
    Row("editor", "bytes.100", "… transferred with 100 nodes", AtMost(1.5), "MB"),
    Row("editor", "bytes.500", "… transferred with 500 nodes", AtMost(1.5), "MB"),
    Row("editor", "drag", "Drag a node among 500", AtLeast(50), "fps"),
    Row("editor", "key", "Keystroke to paint in a property field among 500: p95", AtMost(50), "ms"),
    Row("footprint", "ready", "Start to ready", AtMost(2), "s"),
    Row("footprint", "idle", "Idle memory, all processes", AtMost(200), "MB"),
    Row("footprint", "installed", "Installed size of what it needs to run", AtMost(600), "MB"),
)


def render(
    rows: Iterable[Row], measured: Mapping[tuple[str, str], Figure], failed: Mapping[str, str]
) -> str:
    """The Markdown table. `failed` says by area why it could not be measured."""
    lines = ["| What | Bar | Measured | |", "|---|---|---|---|"]
    for row in rows:
        figure = measured.get((row.area, row.key))
        if figure is None:
            said, verdict = failed.get(row.area, "was not measured"), "**failed**"
        else:
            detail = f" ({figure.detail})" if figure.detail else ""
            said = f"{_number(figure.value)} {row.unit}{detail}"
            verdict = "ok" if row.bar.holds(figure.value) else "**missed**"
        bar = f"{row.bar.sign} {row.bar.limit:g} {row.unit}"
        lines.append(f"| {row.what} | {bar} | {said} | {verdict} |")
    return "\n".join(lines)


def machine() -> str:
    """One line about what the figures were measured on."""
    model = _first("/proc/cpuinfo", "model name") or platform.machine()
    memory_kb = int((_first("/proc/meminfo", "MemTotal") or "0").split()[0])
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"{cores} cores ({model}), {memory_kb / 1024**2:.0f} GB RAM, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}; load average before the"
        f" start {load:.1f}; server, clients and browser share the machine."
    )


def _first(path: str, name: str) -> str | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)


def _number(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
