"""How much the files of workspaces take, read from the disk and kept for a few seconds."""

import asyncio
import os
import time
from pathlib import Path

from msgspec import Struct

_KEPT_S = 10.0


class _Kept(Struct, frozen=True):
    size: int
    until: float


class _Office:
    """What this process knows: sizes by tenant, whose folder is named by its id."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root
        self.sizes: dict[str, _Kept] = {}


_office = _Office()


def open_usage(root: Path) -> None:
    """Begin with the folder that holds the tenants' folders."""
    global _office
    _office = _Office(root)


async def used_bytes(tenant_id: str) -> int:
    """How much the files of the tenant's workspaces take."""
    kept = _office.sizes.get(tenant_id)
    if kept is not None and kept.until > time.monotonic():
        return kept.size
    if _office.root is None:
        return 0
    size = await asyncio.to_thread(size_of, _office.root / tenant_id)
    _office.sizes[tenant_id] = _Kept(size, time.monotonic() + _KEPT_S)
    return size


def changed(tenant_id: str) -> None:
    """Read the size again when it is next asked for."""
    _office.sizes.pop(tenant_id, None)


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += size_of(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return total
    return total
