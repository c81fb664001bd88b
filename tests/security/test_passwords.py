"""Guessing: common passwords are refused, and a session found open is no way to the password."""

import httpx
import pytest

from backend.accounts.password_rule import weakness
from tests.conftest import PASSWORD


@pytest.mark.parametrize(
    "password",
    [
        "password12",
        "Password2026!",
        "P@ssw0rd1234",
        "passwordpassword",
        "letmeinplease",
        "Welcome12345",
        "1234567890",
        "0987654321",
        "12345678901234567890",
        "qwertyuiop",
        "qwerty123456",
        "asdfghjkl123",
        "1qaz2wsx3edc",
        "abcdefghij",
        "aaaaaaaaaaaa",
        "abababababab",
        "iloveyou2024",
        "heddle-heddle",
        "administrator",
        "ada.lovelace",
        "AdaLovelace1815",
        "lovelace-ada-12",
        "ADA.LOVELACE!!",
        "short",
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    assert weakness(password, "ada.lovelace") is not None


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "another horse battery",
        "tr0ub4dor&3xyz",
        "Kx7#mPq2vLw9",
        "織機で布を織る人たちの歌",
        "my dog eats 7 pears",
        "lovelace wrote the first program",
        "e7f1a2b3c4d5",
    ],
)
def test_what_is_not_is_taken(password: str) -> None:
    assert weakness(password, "ada.lovelace") is None


async def test_every_way_to_a_password_has_the_rule(client: httpx.AsyncClient) -> None:
    common = "Password12345"
    made = await client.post(
        "/api/v1/users", json={"username": "grace", "password": PASSWORD, "role": "viewer"}
    )
    answers = [
        await client.post("/api/v1/users", json={"username": "eve", "password": common}),
        await client.patch(f"/api/v1/users/{made.json()['id']}", json={"password": "grace-grace1"}),
        await client.post(
            "/api/v1/auth/password",
            json={"current_password": PASSWORD, "new_password": common},
        ),
    ]
    for answer in answers:
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["code"] == "weak_password"
        assert error["pointer"] in ("/password", "/new_password")


async def test_guesses_of_ones_own_password_are_counted(client: httpx.AsyncClient) -> None:
    def guess(word: str) -> dict[str, str]:
        return {"current_password": word, "new_password": "another horse battery"}

    statuses = [
        (await client.post("/api/v1/auth/password", json=guess(f"wrong {n}"))).status_code
        for n in range(11)
    ]
    assert statuses == [422] * 10 + [429]
    last = await client.post("/api/v1/auth/password", json=guess(PASSWORD))
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) > 0
