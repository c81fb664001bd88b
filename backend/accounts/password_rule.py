"""Which passwords are refused although long enough: those that are guessed first.

A list of leaked passwords would be megabytes of the same few habits, so that the habits are the
rule: a common word, a name or a row of keys, repeated, spelt with digits, with numbers around it.
"""

import re

from backend.accounts.schemas import MIN_PASSWORD_LENGTH

_COMMON: frozenset[str] = frozenset(
    """
    password passwort passphrase secret changeme change letmein welcome willkommen admin
    administrator root user guest test demo login master default heddle workflow hello iloveyou
    loveyou princess sunshine monkey dragon football baseball basketball superman batman pokemon
    trustno shadow michael jordan charlie whatever freedom starwars computer internet samsung
    google facebook qwerty qwertz azerty asdf zxcv yxcv abc abcd spring summer autumn winter
    january february march april june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday my is the it me to the please let in pass
    word pwd
    """.split()  # noqa: SIM905 ninety words as a list are ninety lines
)
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiopqwertzuiop",
    "asdfghjkl",
    "zxcvbnmyxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujm",
)
_SPELT = str.maketrans("0134578@$!", "oieastbasi")
_LEAST_ROW = 3
_LEAST_NAME = 3


def weakness(password: str, username: str) -> str | None:
    """Why the password may not be used for that name; None when it may."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return f"A password has at least {MIN_PASSWORD_LENGTH} characters."
    lowered = password.lower()
    if len(set(lowered)) < 4:
        return "A password needs more than three different characters."
    name = username.lower()
    parts: list[str] = re.split(r"[._@+\-]", name)
    words = {*_COMMON, *(part for part in (name, *parts) if len(part) >= _LEAST_NAME)}
    # digits around a word are digits, those within it may stand for letters
    core = re.sub(r"^[^a-z]+|[^a-z]+$", "", lowered)
    for spelling in (lowered, core.translate(_SPELT)):
        letters = re.sub(r"[^a-z]", "", spelling)
        if _made_of(letters, words | {re.sub(r"[^a-z]", "", word) for word in words}):
            return "That is a common password or your own name: others guess it. Choose another."
    if _is_row(re.sub(r"[^a-z0-9]", "", lowered)):
        return "That is a row of keys or digits: others guess it. Choose another."
    return None


def _made_of(text: str, words: frozenset[str] | set[str]) -> bool:
    """Whether a text is nothing but these words, one after the other; an empty one is not."""
    reached = [True] + [False] * len(text)
    for end in range(1, len(text) + 1):
        reached[end] = any(
            reached[end - len(word)]
            for word in words
            if word and len(word) <= end and text.endswith(word, 0, end)
        )
    return bool(text) and reached[-1]


def _is_row(text: str) -> bool:
    """Whether a text is pieces of rows of keys, forwards or backwards, such as `qwerty12345`."""
    at = 0
    rows = [row for given in _ROWS for row in (given, given[::-1])]
    while at < len(text):
        length = max(
            next((n for n in range(len(text) - at, 0, -1) if text[at : at + n] in row), 0)
            for row in rows
        )
        if length < _LEAST_ROW:
            return False
        at += length
    return bool(text)
