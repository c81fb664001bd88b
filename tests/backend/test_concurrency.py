"""What must happen at most once, or never, happens so when many try at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from backend.accounts import service as accounts
from backend.accounts.schemas import CreateUser, Setup, UpdateUser
from backend.actor import Actor, Role
from backend.artifacts.store import TenantArtifacts
from backend.database import close_database, execute, fetch, open_database
from backend.errors import Conflict
from backend.settings import Settings
from backend.tenants import service as tenants
from graphs.artifacts import ArtifactKind
from graphs.errors import NodeError
from tests.conftest import PASSWORD

AT_ONCE = 12


@pytest.fixture
async def opened(any_settings: Settings) -> AsyncIterator[Settings]:
    """Accounts on either kind of database, without any user."""
    settings = replace(any_settings, admin_password=None)
    await open_database(settings)
    tenants.open_tenants(settings)
    await accounts.open_accounts(settings)
    yield settings
    await close_database()


async def administrators() -> int:
    rows = await fetch(
        "SELECT count(*) AS n FROM account_user WHERE role = 'admin' AND NOT disabled"
    )
    return int(rows[0]["n"])


@pytest.mark.usefixtures("opened")
async def test_there_is_one_first_account() -> None:
    setups = [
        accounts.setup(Setup(username=f"first{number}", password=PASSWORD))
        for number in range(AT_ONCE)
    ]
    done = await asyncio.gather(*setups, return_exceptions=True)
    refused = [error for error in done if isinstance(error, BaseException)]
    assert len(refused) == AT_ONCE - 1
    assert {type(error) for error in refused} == {Conflict}
    assert await administrators() == 1


@pytest.mark.usefixtures("opened")
async def test_there_is_one_default_tenant() -> None:
    ids = await asyncio.gather(*(accounts.default_tenant() for _ in range(AT_ONCE)))
    assert len(set(ids)) == 1
    assert len(await fetch("SELECT id FROM tenant")) == 1


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("way", ["demote", "disable", "delete"])
async def test_an_administrator_remains(way: str) -> None:
    await accounts.setup(Setup(username="first", password=PASSWORD))
    operator = await accounts.operator()
    for number in range(3):
        body = CreateUser(username=f"admin{number}", password=PASSWORD, role=Role.ADMIN)
        await accounts.create_user(operator, body)
    rows = await fetch("SELECT id, username FROM account_user")

    async def lose(user_id: str) -> None:
        if way == "delete":
            await accounts.delete_user(operator, user_id)
        elif way == "disable":
            await accounts.update_user(operator, user_id, UpdateUser(disabled=True))
        else:
            await accounts.update_user(operator, user_id, UpdateUser(role=Role.VIEWER))

    done = await asyncio.gather(*(lose(row["id"]) for row in rows), return_exceptions=True)
    refused = [error for error in done if error is not None]
    assert [type(error) for error in refused] == [Conflict]
    assert await administrators() == 1


@pytest.mark.usefixtures("opened")
async def test_the_room_that_is_left_for_one_is_given_once(tmp_path: Path) -> None:
    tenant_id = await accounts.default_tenant()
    await execute("UPDATE tenant SET artifact_quota_bytes = 1500 WHERE id = ?", tenant_id)
    await tenants.current(Actor("a", "a", tenant_id, Role.ADMIN))
    store = TenantArtifacts(lambda: tmp_path / "artifacts", tenant_id, "run")

    async def keep() -> None:
        path = store.new_path(".bin")
        path.write_bytes(b"x" * 1000)
        await store.keep(path, ArtifactKind.FILE, "application/octet-stream")

    done = await asyncio.gather(*(keep() for _ in range(AT_ONCE)), return_exceptions=True)
    refused = [error for error in done if isinstance(error, NodeError)]
    assert len(refused) == AT_ONCE - 1
    assert {error.code for error in refused} == {"quota_exceeded"}
    assert len(await fetch("SELECT id FROM artifact")) == 1
    assert len(list((tmp_path / "artifacts" / tenant_id).iterdir())) == 1
