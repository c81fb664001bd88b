"""Makes and reads session tokens: JWTs signed with HS256, and the CSRF token of each."""

import hashlib
import hmac
import secrets
import time
from typing import Any

import jwt
from msgspec import Struct

LIFETIME_S = 7 * 24 * 3600
_ALGORITHM = "HS256"
# Its types name a package that it does without.
_jwt: Any = jwt


class Claims(Struct, frozen=True):
    """What a token says: whose it is, the user's token version then, its own id, its end."""

    user_id: str
    version: int
    session_id: str
    expires_at: int


class Tokens:
    """Signs and verifies with one key; `kid` says which."""

    def __init__(self, secret_key: str) -> None:
        self._key = hashlib.sha256(b"heddle session " + secret_key.encode()).digest()
        self._kid = hashlib.sha256(self._key).hexdigest()[:8]

    def issue(self, user_id: str, version: int) -> str:
        """A token that is good for seven days."""
        now = int(time.time())
        claims = {
            "sub": user_id,
            "ver": version,
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + LIFETIME_S,
        }
        return _jwt.encode(claims, self._key, algorithm=_ALGORITHM, headers={"kid": self._kid})

    def read(self, token: str) -> Claims | None:
        """The claims of a token of ours that has not expired, otherwise None."""
        try:
            claims: dict[str, Any] = _jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                options={"require": ["sub", "ver", "jti", "iat", "exp"]},
            )
            return Claims(claims["sub"], int(claims["ver"]), claims["jti"], int(claims["exp"]))
        except (jwt.InvalidTokenError, ValueError):
            return None

    def csrf(self, session_id: str) -> str:
        """The CSRF token that belongs to a session; nobody can make it without the key."""
        return hmac.new(self._key, f"csrf {session_id}".encode(), "sha256").hexdigest()[:32]
