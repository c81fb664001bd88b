"""Slows the guessing of passwords down: attempts per name and address, and per address."""

import math
import time
from collections.abc import Callable

from backend.errors import TooManyRequests

WINDOW_S = 60
PER_ACCOUNT = 10
PER_ADDRESS = 100
_KEYS_KEPT = 20_000


class LoginThrottle:
    """Counts attempts in fixed windows, in memory; a success forgets those of its account."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, ...], tuple[float, int]] = {}

    def attempt(self, username: str, address: str) -> dict[str, str]:
        """Count an attempt; the RateLimit headers of the answer. Raises TooManyRequests."""
        self._count((address,), PER_ADDRESS)
        return self._count((username.lower()[:64], address), PER_ACCOUNT)

    def attempt_by(self, user_id: str) -> dict[str, str]:
        """Count somebody's guess at the password of the account that is signed in, from wherever.

        The RateLimit headers of the answer. Raises TooManyRequests.
        """
        return self._count((user_id, "signed in"), PER_ACCOUNT)

    def succeeded_by(self, user_id: str) -> None:
        """The guess was right."""
        self._windows.pop((user_id, "signed in"), None)

    def succeeded(self, username: str, address: str) -> None:
        """The attempt was right: it does not count against the account or the address."""
        self._windows.pop((username.lower()[:64], address), None)
        window = self._windows.get((address,))
        if window is not None:
            self._windows[(address,)] = (window[0], max(0, window[1] - 1))

    def _count(self, key: tuple[str, ...], limit: int) -> dict[str, str]:
        now = self._clock()
        end, used = self._windows.get(key, (now + WINDOW_S, 0))
        if end <= now:
            end, used = now + WINDOW_S, 0
        wait = max(1, math.ceil(end - now))
        headers = {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, limit - used - 1)),
            "RateLimit-Reset": str(wait),
        }
        if used >= limit:
            raise TooManyRequests(
                f"Too many attempts at a password. Try again in {wait} seconds.",
                retry_after_s=wait,
                headers=headers,
            )
        if len(self._windows) >= _KEYS_KEPT:
            self._forget(now)
        self._windows[key] = (end, used + 1)
        return headers

    def _forget(self, now: float) -> None:
        self._windows = {key: window for key, window in self._windows.items() if window[0] > now}
        if len(self._windows) >= _KEYS_KEPT:
            self._windows.clear()
