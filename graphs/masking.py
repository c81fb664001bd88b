"""Takes a run's secrets out of what it records: in texts and keys of values, whole and recoded.

Masked are a secret as it is, and as base64, percent-encoded or JSON text; of eight characters or
more in any case of its letters, and as a number when it is all digits. What an expression makes of
a secret, such as a part of it, is a secret of the run too. Secrets of less than four characters
stand in too many other texts and are not masked.
"""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote, quote_plus

import msgspec

from graphs.language.values import Confidential

MASK = "•••"
"""What stands where a secret would be in outputs and messages."""

SHORTEST = 4
MOST = 1000
"""So many secrets of a run, those included that were made of others, are looked for."""

DISTINCTIVE = 8
"""From this length on nothing but the secret looks like it."""


class Masker:
    """What a run is masked with; without secrets it costs nothing."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = frozenset(secret for secret in secrets if len(secret) >= SHORTEST)
        forms = {form for secret in self.secrets for form in _forms(secret)}
        # the longest first, so that no part of one is left beside the mask of another
        longest = sorted(forms, key=len, reverse=True)
        self._found = re.compile("|".join(map(_pattern, longest))) if forms else None
        self._numbers = {
            secret for secret in self.secrets if len(secret) >= DISTINCTIVE and secret.isdecimal()
        }

    def text(self, text: str) -> str:
        """The text without secrets."""
        return text if self._found is None else self._found.sub(MASK, text)

    def occurs(self, encoded: str) -> bool:
        """Whether a value's JSON may hold a secret: only then need it be walked."""
        return self._found is not None and self._found.search(encoded) is not None

    def value(self, value: Any) -> Any:
        """A JSON value without secrets in its texts, keys and numbers; others stay what they are.

        `value` is plain JSON, and not changed.
        """
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(item) for item in cast("list[Any]", value)]
            case dict():
                fields = cast("dict[str, Any]", value)
                return {self.text(key): self.value(field) for key, field in fields.items()}
            case bool():
                return value
            case int() | float() if self._numbers and _digits(value) in self._numbers:
                return MASK
            case _:
                return value


class RunSecrets(Confidential):
    """A run's secrets as expressions see them; `masker` also knows what was made of them so far."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        self.masker = masker_of(tuple(secrets.values()))

    def __getitem__(self, name: str) -> str:
        return self._secrets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)

    def made(self, value: Any, source: str) -> None:
        """Mask from now on what an expression has made, unless it stands in the expression."""
        made = {
            text
            for text in _texts(value)
            if len(text) >= SHORTEST and text not in self.masker.secrets and text not in source
        }
        if made and len(self.masker.secrets) < MOST:
            self.masker = Masker(self.masker.secrets | made)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in cast("list[Any]", value):
                yield from _texts(item)
        case dict():
            for key, item in cast("dict[str, Any]", value).items():
                yield key
                yield from _texts(item)
        case int() | float() if not isinstance(value, bool):
            text = _digits(value)
            if len(text) >= DISTINCTIVE:
                yield text
        case _:
            return


@lru_cache(64)
def masker_of(secrets: tuple[str, ...]) -> Masker:
    """The masker of these secrets; most runs share theirs."""
    return Masker(secrets)


def _forms(secret: str) -> Iterator[str]:
    """What common functions make of a secret, and JSON of that."""
    raw = secret.encode(errors="surrogatepass")
    yield secret
    yield msgspec.json.encode(secret.encode(errors="replace").decode()).decode()[1:-1]
    for encoded in (b64encode(raw), urlsafe_b64encode(raw)):
        yield encoded.decode().rstrip("=")
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw))


def _pattern(form: str) -> str:
    return f"(?i:{re.escape(form)})" if len(form) >= DISTINCTIVE else re.escape(form)


def _digits(number: float) -> str:
    return f"{number:.0f}" if isinstance(number, float) and number.is_integer() else str(number)
