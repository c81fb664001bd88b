"""What a worker may take of the machine, and how the kernel is told."""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from graphs.workers.privacy import give_up_rights, hide_process

MB = 1024 * 1024


class Limits(Struct, frozen=True, kw_only=True):
    """`data_bytes`: private memory that a worker can write to. `space_bytes`: addresses, 0 for any.

    Of one job: `wall_s`, `cpu_s`, `file_bytes` of each file written, `answer_bytes`.
    """

    data_bytes: int
    space_bytes: int = 0
    wall_s: float
    cpu_s: int
    file_bytes: int
    answer_bytes: int


def confine(limits: Limits, parent: int) -> None:
    """Bind this process to the limits and to its parent's life, and let it be picked first.

    It cannot look into other processes then, and no other of its user's into it.

    Where the system knows a limit under no name (macOS, for one), the rest still holds.
    """
    import resource

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("600")
    if os.getppid() != parent:
        os._exit(1)
    with suppress(OSError):
        os.nice(5)
    for name, value in (
        ("RLIMIT_DATA", limits.data_bytes),
        ("RLIMIT_AS", limits.space_bytes),
        ("RLIMIT_NOFILE", 256),
        ("RLIMIT_FSIZE", limits.file_bytes),
    ):
        if value:
            _bound(getattr(resource, name, None), value)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    give_up_rights()
    hide_process()


def grant_cpu(seconds: int) -> None:
    """Let this process work for so long from now on; then the kernel ends it (SIGXCPU)."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    total = int(used.ru_utime + used.ru_stime) + seconds + 1
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (total, most))


def _bound(which: int | None, value: int) -> None:
    import resource

    if which is None:
        return
    _, most = resource.getrlimit(which)
    least = value if most == resource.RLIM_INFINITY else min(value, most)
    with suppress(OSError, ValueError):
        resource.setrlimit(which, (least, least))
