"""A repeated request gets the first answer and makes nothing twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from backend.actor import Actor
from backend.database import execute, fetch
from backend.idempotency import MAX_KEY_LENGTH

USERS = "/api/v1/users"
ADA = {"username": "ada", "password": "correct horse battery"}


async def create(client: httpx.AsyncClient, key: str, body: dict[str, Any] = ADA) -> httpx.Response:
    return await client.post(USERS, json=body, headers={"Idempotency-Key": key})


async def age_keys(by: timedelta) -> None:
    await execute("UPDATE idempotency_key SET created_at = ?", datetime.now(UTC) - by)


async def test_the_first_answer_again(client: httpx.AsyncClient) -> None:
    first = await create(client, "k1")
    again = await create(client, "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    for header in ("location", "content-type"):
        assert again.headers[header] == first.headers[header]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert len((await client.get(USERS)).json()["items"]) == 2


async def test_another_body_is_refused(client: httpx.AsyncClient) -> None:
    await create(client, "k1")
    answer = await create(client, "k1", {**ADA, "username": "bob"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_another_key_is_another_request(client: httpx.AsyncClient) -> None:
    await create(client, "k1")
    assert (await create(client, "k2")).status_code == 409


async def test_a_refused_request_may_be_tried_again(client: httpx.AsyncClient) -> None:
    assert (await create(client, "k1", {**ADA, "password": "short"})).status_code == 422
    assert (await create(client, "k1")).status_code == 201


async def test_at_once_only_one_is_at_work(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(create(client, "k1") for _ in range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses.count(201) >= 1
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert {answer.json()["code"] for answer in waiting} <= {"idempotency_key_in_use"}
    assert len(await fetch("SELECT id FROM account_user WHERE username = ?", "ada")) == 1


async def test_one_that_was_cut_off_can_be_taken_over(client: httpx.AsyncClient) -> None:
    made = await create(client, "k1")
    await execute("UPDATE idempotency_key SET status = 0")
    assert (await create(client, "k1")).json()["code"] == "idempotency_key_in_use"
    await age_keys(timedelta(minutes=2))
    await client.delete(f"{USERS}/{made.json()['id']}")
    assert (await create(client, "k1")).status_code == 201


async def test_it_is_kept_for_a_day(client: httpx.AsyncClient) -> None:
    await create(client, "k1")
    await age_keys(timedelta(hours=23))
    assert (await create(client, "k1")).status_code == 201
    await age_keys(timedelta(hours=25))
    assert (await create(client, "k1")).json()["code"] == "name_taken"


async def test_old_ones_are_swept_out(client: httpx.AsyncClient, admin: Actor) -> None:
    await execute(
        "INSERT INTO idempotency_key (id, tenant_id, key, fingerprint, created_at) "
        "VALUES (?, ?, ?, ?, ?)",
        *("old", admin.tenant_id, "old", "x", datetime.now(UTC) - timedelta(days=2)),
    )
    await create(client, "k1")
    assert [row["key"] for row in await fetch("SELECT key FROM idempotency_key")] == ["k1"]


async def test_tenants_do_not_share_keys(
    client: httpx.AsyncClient, other_tenant_client: httpx.AsyncClient
) -> None:
    await create(client, "k1")
    answer = await create(other_tenant_client, "k1", {**ADA, "username": "ada-2"})
    assert answer.status_code == 201
    assert answer.json()["username"] == "ada-2"


@pytest.mark.parametrize("key", ["", "x" * (MAX_KEY_LENGTH + 1), "a\tb"])
async def test_a_bad_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await create(client, key)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_idempotency_key")


async def test_strangers_leave_no_trace(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    assert (await create(client, "k1")).status_code == 401
    assert await fetch("SELECT id FROM idempotency_key") == []


async def test_a_large_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await create(client, "k1", {**ADA, "username": "x" * 20_000_000})
    assert answer.status_code == 413
