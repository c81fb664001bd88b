"""Keeps what a process has in memory and environment from others of the same user."""

import ctypes
import os
import sys

_SET_DUMPABLE, _NO_NEW_PRIVS = 4, 38
_VERSION_3 = 0x20080522
_KEPT_RIGHTS = 0b1111
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER: what files may need."""


def hide_process() -> None:
    """Let nobody but the system's administrator read this process's memory and environment.

    Without it, whatever runs as the same user finds secrets under /proc. Programs that it starts
    can be read again, until they do the same. Elsewhere than on Linux nothing happens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def give_up_rights() -> None:
    """Keep of an administrator's rights those on files alone, and gain no others ever after."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    rights = (ctypes.c_uint32 * 6)()
    if os.geteuid() != 0 or libc.capget(header, rights) != 0:
        return
    for at in range(6):
        rights[at] &= _KEPT_RIGHTS if at < 3 else 0
    libc.capset(header, rights)
