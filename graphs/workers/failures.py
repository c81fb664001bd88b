"""Why work in a worker process came to no result, in words for the analyst."""

import signal
from typing import NamedTuple

from graphs.errors import NodeError
from graphs.workers.limits import MB, Limits

_CRASHES = {
    signal.SIGSEGV: "SIGSEGV, an access to memory that is not its own",
    signal.SIGBUS: "SIGBUS, an access to memory that is not there",
    signal.SIGFPE: "SIGFPE, a calculation that the processor cannot do",
    signal.SIGILL: "SIGILL, an instruction that the processor does not know",
    signal.SIGTRAP: "SIGTRAP, a check of its own that failed",
    signal.SIGABRT: "SIGABRT, a check of its own that failed",
}
"""How native code ends its own process: by a bug, or because it was given no more memory."""

_FULL = 0.6
"""A process that crashes with so much of its memory in use has most likely run out of it."""


class Died(Exception):
    """The worker is gone, by itself or because it was ended; `error` is what that means."""

    def __init__(self, error: NodeError | None = None) -> None:
        super().__init__()
        self.error = error


class End(NamedTuple):
    """How a process ended: the signal, 0 for none, and the most memory that it ever had."""

    signal: int
    peak_bytes: int


def cause(end: End, purpose: str, limits: Limits) -> NodeError:
    """Why a worker has died that nobody ended."""
    if end.signal == signal.SIGXCPU:
        return too_long(purpose, limits)
    crash = _CRASHES.get(signal.Signals(end.signal)) if end.signal else None
    if crash is None:
        name = signal.Signals(end.signal).name if end.signal else "no signal"
        return NodeError(
            f"the process to {purpose} was ended from outside before the work was done ({name}); "
            "run it again, and tell the operator if it happens again: the machine may be short of "
            "memory",
            code="worker_ended",
        )
    if end.peak_bytes >= _FULL * limits.data_bytes:
        return out_of_memory(purpose, limits)
    return NodeError(
        f"the process to {purpose} crashed ({crash}). The work needed more than "
        f"{limits.data_bytes // MB} MB at once, or met a fault of the program that does it: try it "
        "with less or other data, and tell the operator if that crashes too",
        code="worker_crashed",
        retryable=False,
    )


def out_of_memory(purpose: str, limits: Limits) -> NodeError:
    """What a worker needs more memory for than it may have."""
    return NodeError(
        f"this needs more than the {limits.data_bytes // MB} MB of memory that a process "
        f"to {purpose} may use; work on fewer rows, fewer columns or smaller values",
        code="memory_limit",
        retryable=False,
    )


def too_long(purpose: str, limits: Limits) -> NodeError:
    """The work took more time than a piece may."""
    return NodeError(
        f"this took longer than the {limits.wall_s:g} s ({limits.cpu_s} s of processor time) that "
        f"a process to {purpose} may take; work on fewer rows, or in several steps",
        code="time_limit",
        retryable=False,
    )


def answer_too_large(most: int) -> NodeError:
    """The work came to more than may be answered, in bytes."""
    return NodeError(
        f"the result is larger than {most // MB} MB; select fewer rows or columns",
        code="output_too_large",
        retryable=False,
    )


def stopped() -> NodeError:
    """The work was ended because nobody waits for it any more."""
    return NodeError("the work was stopped", code="worker_ended")
