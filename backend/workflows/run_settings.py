"""How a workflow's runs are executed: the limits of each, and how many there may be at once."""

from enum import StrEnum
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from graphs.run_options import RunConfig


class ConcurrencyPolicy(StrEnum):
    """What happens to a run for which there is no place."""

    QUEUE = "queue"
    """It waits for one."""
    REJECT = "reject"
    """It is refused, with 409 `workflow_busy`."""
    CANCEL_RUNNING = "cancel_running"
    """The oldest runs are cancelled for it."""


class RunSettings(RunConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Defaults for the `config` of the workflow's runs, and how many runs may be under way at once.

    Paused runs do not count; when they are resumed, they queue for a place.
    """

    concurrency_limit: Annotated[int, Meta(ge=1, le=1000)] | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE

    def config(self, wanted: RunConfig) -> RunConfig:
        """A run's configuration: what it asks for itself, and otherwise these settings."""
        if self == NO_SETTINGS:
            return wanted
        return RunConfig(
            timeout_ms=wanted.timeout_ms or self.timeout_ms,
            step_timeout_ms=wanted.step_timeout_ms or self.step_timeout_ms,
            max_concurrency=wanted.max_concurrency or self.max_concurrency,
        )


NO_SETTINGS = RunSettings()


@lru_cache(1024)
def settings_from(text: str) -> RunSettings:
    """The settings from their column."""
    return msgspec.json.decode(text, type=RunSettings)
