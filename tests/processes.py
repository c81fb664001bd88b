"""Processes as /proc tells of them: who descends from whom, and how much memory they take."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

MB = 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")


def process_tree(root: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := stat_of(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def stat_of(pid: int) -> list[str]:
    """/proc/<pid>/stat from the state on: state, parent, …; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def resident_bytes(pid: int) -> int:
    """Resident memory, shared pages included; 0 when the process is gone.

    From `statm`, which can be read of processes too that nobody may look into.
    """
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def tree_bytes(root: int) -> int:
    """The resident memory of a process and all that descend from it."""
    return sum(resident_bytes(pid) for pid in process_tree(root))


class Peak:
    """While it is entered, `bytes` is the most that a process and its descendants had together."""

    def __init__(self, root: int, every_s: float = 0.03) -> None:
        self.bytes = 0
        self._root = root
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def megabytes(self) -> float:
        return self.bytes / MB

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, tree_bytes(self._root))
            if self._ended.wait(self._every_s):
                break
