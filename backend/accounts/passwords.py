"""Hashes and checks passwords with argon2id, in threads and at most two at a time."""

import asyncio
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.settings import PasswordCost

AT_ONCE = 2


class Passwords:
    """Belongs to the event loop that first uses it."""

    def __init__(self, cost: PasswordCost) -> None:
        self._hasher = _hasher(cost)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """The encoded hash, its parameters included."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Whether it is the password. None, nobody's hash, takes just as long and is never it."""
        async with self._turns:
            return await asyncio.to_thread(self._verify, password, encoded)

    def outdated(self, encoded: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(encoded)

    def _verify(self, password: str, encoded: str | None) -> bool:
        try:
            return self._hasher.verify(encoded or _nobodys(self._hasher), password) and bool(
                encoded
            )
        except (VerificationError, InvalidHashError):
            return False


@lru_cache(4)
def _hasher(cost: PasswordCost) -> PasswordHasher:
    return PasswordHasher(cost.time_cost, cost.memory_kib, cost.parallelism)


@lru_cache(4)
def _nobodys(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody has this password")
