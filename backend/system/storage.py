"""Whether the database takes writes, and whether its disk has room: asked for health and starts."""

import asyncio
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from backend.database import Statement, write_batch
from backend.errors import StorageUnavailable
from backend.settings import Settings

PROBED_EVERY_S = 5.0
"""How long the answer of one tiny write is believed."""
MEASURED_EVERY_S = 1.0

_PROBE = "health-probe"
_WRITE = "INSERT INTO ended_session (id, tenant_id, expires_at) VALUES (?, '', ?)"
_REMOVE = "DELETE FROM ended_session WHERE id = ?"


class Storage:
    """What this process knows of its storage. Belongs to one event loop."""

    def __init__(self, folder: Path | None, min_free_bytes: int) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._turn = asyncio.Lock()
        self._probed_until = 0.0
        self._refusal: StorageUnavailable | None = None
        self._measured_until = 0.0
        self._free_bytes: int | None = None

    def free_bytes(self) -> int | None:
        """What is free on the disk of the data directory, at most a second ago."""
        now = time.monotonic()
        if self._folder is not None and now >= self._measured_until:
            self._measured_until = now + MEASURED_EVERY_S
            try:
                self._free_bytes = shutil.disk_usage(self._folder).free
            except OSError:
                self._free_bytes = None
        return self._free_bytes

    def require_room(self) -> None:
        """Raises StorageUnavailable when less is free than the settings ask for."""
        free = self.free_bytes()
        if free is not None and free < self._min_free_bytes:
            raise StorageUnavailable(
                f"The disk of the data directory has {free // 2**20} MB left; "
                f"{self._min_free_bytes // 2**20} MB are kept free (HEDDLE_MIN_FREE_MB)."
            )

    async def require_writable(self) -> None:
        """Write and remove one row, unless that was done just now. Raises StorageUnavailable."""
        async with self._turn:
            if time.monotonic() >= self._probed_until:
                await self._probe()
        if self._refusal is not None:
            raise StorageUnavailable(self._refusal.detail)

    async def _probe(self) -> None:
        try:
            await write_batch(
                [
                    Statement(_REMOVE, [(_PROBE,)]),
                    Statement(_WRITE, [(_PROBE, datetime.now(UTC))]),
                    Statement(_REMOVE, [(_PROBE,)]),
                ]
            )
            self._refusal = None
        except StorageUnavailable as error:
            self._refusal = error
        # what is broken is tried again sooner, so that all goes on when the cause is gone
        self._probed_until = time.monotonic() + (1.0 if self._refusal else PROBED_EVERY_S)


_storage = Storage(None, 0)


def open_storage(settings: Settings) -> None:
    """Begin with these settings."""
    global _storage
    _storage = Storage(settings.data_dir, settings.min_free_bytes)


def storage() -> Storage:
    """That of this process."""
    return _storage
