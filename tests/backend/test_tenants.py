"""Tenants: their settings, who may change them, and what they switch on and off."""

from collections.abc import Callable

import httpx
import pytest

from backend.actor import Actor, Role
from backend.app import create_app
from backend.errors import Forbidden
from backend.settings import Settings, SettingsError
from backend.tenants import service as tenants
from backend.tenants.schemas import UpdateTenant
from tests.backend.test_errors import problem
from tests.conftest import PASSWORD, application, client_of, running, sign_in

Client = httpx.AsyncClient
URL = "/api/v1/tenants/current"


@pytest.fixture
async def admin_of(database: Settings) -> Actor:
    tenants.open_tenants(database)
    return Actor("u", "u", await tenants.create("Mill", "mill"), Role.ADMIN)


class TestService:
    async def test_at_first_the_python_node_is_off(self, admin_of: Actor) -> None:
        view = await tenants.current(admin_of)
        assert (view.name, view.python_enabled) == ("Mill", False)
        assert view.artifact_quota_bytes == 5 * 1024**3
        assert not await tenants.python_enabled(admin_of.tenant_id)
        reason = await tenants.python_unavailable_reason(admin_of.tenant_id)
        assert reason is not None
        assert "Settings" in reason

    async def test_a_change_holds_at_once_and_for_this_tenant_only(self, admin_of: Actor) -> None:
        other = await tenants.create("Other", "other")
        assert not await tenants.python_enabled(admin_of.tenant_id)
        change = UpdateTenant(
            name=" Weaving ", python_enabled=True, artifact_quota_bytes=9 * 1024**4
        )
        view = await tenants.update(admin_of, change)
        assert (view.name, view.python_enabled) == ("Weaving", True)
        assert await tenants.python_enabled(admin_of.tenant_id)
        assert await tenants.artifact_quota_bytes(admin_of.tenant_id) == 9 * 1024**4
        assert not await tenants.python_enabled(other)
        assert await tenants.update(admin_of, UpdateTenant()) == view

    async def test_only_administrators_change_it(self, admin_of: Actor) -> None:
        editor = Actor("e", "e", admin_of.tenant_id, Role.EDITOR)
        with pytest.raises(Forbidden):
            await tenants.update(editor, UpdateTenant(python_enabled=True))
        assert not (await tenants.current(editor)).python_enabled

    async def test_nothing_is_allowed_to_a_tenant_that_is_not_there(self, admin_of: Actor) -> None:
        assert not await tenants.python_enabled("nobody")
        assert await tenants.artifact_quota_bytes("nobody") > 0


async def test_the_settings_are_read_and_changed(client: Client) -> None:
    before = (await client.get(URL)).json()
    assert before["python_enabled"] is False
    body = {"name": "Mill", "artifact_quota_bytes": 2 * 1024**2}
    after = (await client.patch(URL, json=body)).json()
    assert after == {**before, **body}
    assert (await client.get("/api/v1/auth/me")).json()["tenant_name"] == "Mill"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"artifact_quota_bytes": 5}, "/artifact_quota_bytes"),
        ({"python_enabled": "yes"}, "/python_enabled"),
        ({"slug": "x"}, "/slug"),
    ],
)
async def test_bad_settings_are_refused(client: Client, body: object, pointer: str) -> None:
    told = problem(await client.patch(URL, json=body), 422)
    assert [error["pointer"] for error in told["errors"]] == [pointer]


async def test_a_viewer_sees_but_does_not_change(client: Client) -> None:
    body = {"username": "viewer", "password": PASSWORD, "role": "viewer"}
    await client.post("/api/v1/users", json=body)
    async with client_of(application(client)) as viewer:
        await sign_in(viewer, "viewer", PASSWORD)
        assert (await viewer.get(URL)).status_code == 200
        problem(await viewer.patch(URL, json={"python_enabled": True}), 403)


async def test_the_operator_can_keep_it_off(make_settings: Callable[..., Settings]) -> None:
    app = create_app(make_settings(python_node=False))
    async with running(app), client_of(app) as client:
        await sign_in(client, "admin", PASSWORD)
        view = (await client.patch(URL, json={"python_enabled": True})).json()
        assert view["python_enabled"] is True
        assert "HEDDLE_PYTHON_NODE" in view["python_unavailable_reason"]


def test_the_operators_switch_is_read_from_the_environment(tmp_path: object) -> None:
    env = {"HEDDLE_DATA_DIR": str(tmp_path)}
    assert Settings.from_env(env).python_node
    assert not Settings.from_env({**env, "HEDDLE_PYTHON_NODE": "off"}).python_node
    with pytest.raises(SettingsError, match="HEDDLE_PYTHON_NODE"):
        Settings.from_env({**env, "HEDDLE_PYTHON_NODE": "perhaps"})
