"""How an exported file does work on tables: in a thread of its own program, which is all there is.

Exported files hold copies of what they use of this module; nothing here is run by the server.
"""

# pyright: reportUnknownVariableType=false

import asyncio
from collections.abc import Callable
from typing import Any

from graphs.workers.limits import Limits
from graphs.workers.worker import Interruption


class WorkerPool:
    """Does jobs one by one in threads; a server's limits are not kept here."""

    def __init__(self, size: int, limits: Limits, purpose: str) -> None:
        self.size = size
        self.limits = limits
        self.purpose = purpose

    async def run(
        self,
        job: Callable[[Interruption], Any],
        answer: Any,
        *,
        owner: str = "",
        cleanup: Callable[[], None] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> Any:
        """What the job returns; it is told to stop when the caller is cancelled."""
        interruption = Interruption()
        try:
            return await asyncio.to_thread(job, interruption)
        except asyncio.CancelledError:
            interruption.interrupt()
            raise


def check_spec(spec: dict[str, Any]) -> None:
    """Whoever runs a program of their own may draw what they like."""
