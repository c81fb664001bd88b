"""Signing in and out, the first account, sessions, CSRF, throttling, users."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from backend.accounts import service as accounts
from backend.accounts.throttle import PER_ACCOUNT, PER_ADDRESS, WINDOW_S, LoginThrottle
from backend.accounts.tokens import LIFETIME_S, Tokens
from backend.actor import Actor, Role
from backend.app import create_app
from backend.errors import Forbidden, TooManyRequests, Unauthorized
from backend.settings import Settings
from tests.conftest import PASSWORD, SECRET_KEY, client_of, running, sign_in

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"
USERS = "/api/v1/users"


async def login(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    return await client.post(LOGIN, json={"username": "admin", "password": PASSWORD, **changes})


async def add_user(client: httpx.AsyncClient, name: str, role: str = "editor") -> dict[str, Any]:
    body = {"username": name, "password": PASSWORD, "role": role}
    answer = await client.post(USERS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


class TestSigningIn:
    async def test_the_token_works(self, app_client: httpx.AsyncClient) -> None:
        answer = await login(app_client)
        assert answer.status_code == 200
        token = answer.json()
        assert token["token_type"] == "bearer"
        assert token["expires_in"] == 7 * 24 * 3600
        app_client.cookies.clear()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        me = (await app_client.get(ME, headers=headers)).json()
        assert (me["username"], me["role"]) == ("admin", "admin")

    async def test_names_are_alike_in_upper_and_lower_case(
        self, app_client: httpx.AsyncClient
    ) -> None:
        assert (await login(app_client, username="ADMIN")).status_code == 200

    @pytest.mark.parametrize(
        "wrong", [{"password": "not the password"}, {"username": "nobody"}, {"username": "\0"}]
    )
    async def test_name_and_password_are_refused_alike(
        self, app_client: httpx.AsyncClient, wrong: dict[str, str]
    ) -> None:
        answer = await login(app_client, **wrong)
        assert answer.status_code == 401
        assert answer.json()["code"] == "wrong_credentials"
        assert answer.json()["detail"] == "The user name or the password is wrong."
        assert "set-cookie" not in answer.headers

    async def test_the_token_cookie_is_hidden_from_scripts(
        self, app_client: httpx.AsyncClient
    ) -> None:
        cookies = (await login(app_client)).headers.get_list("set-cookie")
        token, csrf = sorted(cookies, key=lambda cookie: "heddle_csrf" in cookie)
        assert "HttpOnly" in token
        assert "samesite=lax" in token.lower()
        assert "HttpOnly" not in csrf

    async def test_without_credentials(self, app_client: httpx.AsyncClient) -> None:
        answer = await app_client.get(ME)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthorized"

    @pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer x.y.z", "Bearer  "])
    async def test_with_bad_credentials(self, app_client: httpx.AsyncClient, header: str) -> None:
        assert (await app_client.get(ME, headers={"Authorization": header})).status_code == 401

    async def test_nobody_reads_a_body_before_signing_in(
        self, app_client: httpx.AsyncClient
    ) -> None:
        answer = await app_client.post(USERS, content=b"{not json")
        assert answer.status_code == 401


class TestTokens:
    async def test_one_signed_with_another_key_is_refused(
        self, client: httpx.AsyncClient, admin: Actor
    ) -> None:
        claims = {"sub": admin.user_id, "ver": 1, "jti": "x", "iat": 0, "exp": time.time() + 60}
        for forged in (
            jwt.encode(claims, "another key that is quite long enough", algorithm="HS256"),
            jwt.encode(claims, None, algorithm="none"),
        ):
            answer = await client.get(ME, headers={"Authorization": f"Bearer {forged}"})
            assert answer.status_code == 401
            assert answer.json()["code"] == "invalid_token"

    async def test_an_expired_one_is_refused(
        self, client: httpx.AsyncClient, admin: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tokens = Tokens(SECRET_KEY)
        for age_s, status in ((LIFETIME_S - 60, 200), (LIFETIME_S + 1, 401)):
            issued = time.time() - age_s
            with monkeypatch.context() as patch:
                patch.setattr(time, "time", lambda then=issued: then)
                token = tokens.issue(admin.user_id, 1)
            answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status

    async def test_looking_it_up_again_asks_no_database(
        self, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = client.headers["Authorization"].removeprefix("Bearer ")
        actor = (await accounts.session(token)).actor
        monkeypatch.setattr(accounts, "fetch", None)
        assert (await accounts.session(token)).actor == actor


class TestCookies:
    async def test_reading_needs_nothing_more(self, app_client: httpx.AsyncClient) -> None:
        await login(app_client)
        assert (await app_client.get(ME)).status_code == 200

    async def test_writing_needs_the_csrf_token(self, app_client: httpx.AsyncClient) -> None:
        await login(app_client)
        body = {"username": "eve", "password": PASSWORD}
        refused = await app_client.post(USERS, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
        wrong = await app_client.post(USERS, json=body, headers={"X-CSRF-Token": "0" * 32})
        assert wrong.status_code == 403
        csrf = app_client.cookies["heddle_csrf"]
        taken = await app_client.post(USERS, json=body, headers={"X-CSRF-Token": csrf})
        assert taken.status_code == 201

    async def test_a_bearer_token_needs_none(self, client: httpx.AsyncClient) -> None:
        await add_user(client, "ada")

    async def test_signing_out_forgets_them_and_ends_that_session_only(
        self, app_client: httpx.AsyncClient
    ) -> None:
        await login(app_client)
        copied = {"Authorization": f"Bearer {app_client.cookies['heddle_token']}"}
        app_client.cookies.clear()
        await login(app_client)
        other = {"Authorization": f"Bearer {app_client.cookies['heddle_token']}"}
        app_client.cookies.clear()
        logout = await app_client.post("/api/v1/auth/logout", headers=copied)
        assert logout.status_code == 204
        assert (await app_client.get(ME, headers=copied)).status_code == 401
        assert (await app_client.post("/api/v1/auth/logout", headers=copied)).status_code == 204
        assert (await app_client.get(ME, headers=other)).status_code == 200
        assert (await app_client.get(ME)).status_code == 401


async def test_both_databases_end_a_session(any_settings: Settings) -> None:
    app = create_app(any_settings)
    async with running(app), client_of(app) as client:
        await login(client)
        copied = {"Authorization": f"Bearer {client.cookies['heddle_token']}"}
        assert (await client.get(ME, headers=copied)).status_code == 200
        await client.post("/api/v1/auth/logout", headers=copied)
        assert (await client.get(ME, headers=copied)).status_code == 401


class TestTheFirstAccount:
    async def test_it_is_an_administrator_and_there_is_only_one_first(
        self, make_settings: Callable[..., Settings]
    ) -> None:
        app = create_app(make_settings(admin_password=None))
        async with running(app), client_of(app) as client:
            assert await accounts.needs_setup()
            body = {"username": "Grace", "password": PASSWORD}
            made = await client.post("/api/v1/auth/setup", json=body)
            assert made.status_code == 201
            assert not await accounts.needs_setup()
            me = (await client.get(ME)).json()
            assert (me["username"], me["role"]) == ("grace", "admin")
            again = await client.post("/api/v1/auth/setup", json={**body, "username": "eve"})
            assert (again.status_code, again.json()["code"]) == (409, "already_set_up")

    async def test_a_short_password_is_refused(
        self, make_settings: Callable[..., Settings]
    ) -> None:
        app = create_app(make_settings(admin_password=None))
        async with running(app), client_of(app) as client:
            body = {"username": "grace", "password": "too short"}
            answer = await client.post("/api/v1/auth/setup", json=body)
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"] == "/password"
            assert await accounts.needs_setup()

    async def test_the_admin_of_the_settings_is_made_once_and_kept(
        self, make_settings: Callable[..., Settings]
    ) -> None:
        for given in (PASSWORD, "another password"):
            app = create_app(make_settings(admin_password=given))
            async with running(app), client_of(app) as client:
                assert (await login(client)).status_code == 200
                assert not await accounts.needs_setup()


class TestThrottling:
    async def test_guessing_is_slowed_down(self, app_client: httpx.AsyncClient) -> None:
        for left in reversed(range(PER_ACCOUNT)):
            answer = await login(app_client, password="wrong")
            assert answer.status_code == 401
            assert answer.headers["ratelimit-remaining"] == str(left)
        for address in ("10.0.0.1", "10.0.0.2"):
            refused = await app_client.post(
                LOGIN,
                json={"username": "admin", "password": PASSWORD},
                headers={"X-Forwarded-For": address},
            )
            assert refused.status_code == 429
            assert 0 < int(refused.headers["retry-after"]) <= WINDOW_S
            assert refused.headers["ratelimit-limit"] == str(PER_ACCOUNT)
            assert refused.headers["ratelimit-remaining"] == "0"

    def test_the_window_passes(self) -> None:
        now = 0.0
        throttle = LoginThrottle(clock=lambda: now)
        for _ in range(PER_ACCOUNT):
            throttle.attempt("admin", "here")
        with pytest.raises(TooManyRequests):
            throttle.attempt("ADMIN", "here")
        throttle.attempt("admin", "elsewhere")
        now = WINDOW_S + 0.5
        assert throttle.attempt("admin", "here")["RateLimit-Remaining"] == str(PER_ACCOUNT - 1)

    def test_signing_in_rightly_does_not_count(self) -> None:
        throttle = LoginThrottle()
        for _ in range(1000):
            throttle.attempt("admin", "here")
            throttle.succeeded("admin", "here")

    def test_many_names_from_one_address_count_together(self) -> None:
        throttle = LoginThrottle()
        for number in range(PER_ADDRESS):
            throttle.attempt(f"user-{number}", "here")
        with pytest.raises(TooManyRequests):
            throttle.attempt("one-more", "here")


class TestUsers:
    async def test_adding_listing_changing_removing(self, client: httpx.AsyncClient) -> None:
        ada = await add_user(client, "Ada")
        assert (ada["username"], ada["role"], ada["disabled"]) == ("ada", "editor", False)
        names = [user["username"] for user in (await client.get(USERS)).json()["items"]]
        assert names == ["ada", "admin"]
        changed = await client.patch(f"{USERS}/{ada['id']}", json={"role": "viewer"})
        assert changed.json()["role"] == "viewer"
        assert (await client.delete(f"{USERS}/{ada['id']}")).status_code == 204
        assert (await client.delete(f"{USERS}/{ada['id']}")).status_code == 404

    async def test_a_name_is_taken_once(self, client: httpx.AsyncClient) -> None:
        await add_user(client, "ada")
        again = await client.post(USERS, json={"username": "ADA", "password": PASSWORD})
        assert (again.status_code, again.json()["code"]) == (409, "name_taken")

    @pytest.mark.parametrize(
        "extra", [{"tenant_id": "x"}, {"password_hash": "x"}, {"token_version": 1}, {"id": "x"}]
    )
    async def test_nothing_else_can_be_set(
        self, client: httpx.AsyncClient, admin: Actor, extra: dict[str, object]
    ) -> None:
        answer = await client.patch(f"{USERS}/{admin.user_id}", json=extra)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "unknown_field"

    async def test_the_last_administrator_stays(
        self, client: httpx.AsyncClient, admin: Actor
    ) -> None:
        for change in ({"role": "viewer"}, {"disabled": True}):
            answer = await client.patch(f"{USERS}/{admin.user_id}", json=change)
            assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
        itself = await client.delete(f"{USERS}/{admin.user_id}")
        assert (itself.status_code, itself.json()["code"]) == (409, "own_account")
        await add_user(client, "second", "admin")
        answer = await client.patch(f"{USERS}/{admin.user_id}", json={"role": "viewer"})
        assert answer.status_code == 200

    @pytest.mark.parametrize("change", [{"disabled": True}, {"password": "quite another one"}])
    async def test_disabling_and_a_new_password_end_every_session(
        self, client: httpx.AsyncClient, change: dict[str, object]
    ) -> None:
        ada = await add_user(client, "ada")
        theirs = (await login(client, username="ada")).json()["access_token"]
        client.cookies.clear()
        assert (await accounts.identify(theirs)).username == "ada"
        assert (await client.patch(f"{USERS}/{ada['id']}", json=change)).status_code == 200
        with pytest.raises(Unauthorized):
            await accounts.identify(theirs)

    async def test_changing_ones_own_password(self, client: httpx.AsyncClient) -> None:
        await add_user(client, "ada")
        await sign_in(client, "ada", PASSWORD)
        old = client.headers["Authorization"].removeprefix("Bearer ")
        url = "/api/v1/auth/password"
        wrong = {"current_password": "not it at all", "new_password": "quite another one"}
        assert (await client.post(url, json=wrong)).status_code == 422
        answer = await client.post(url, json={**wrong, "current_password": PASSWORD})
        assert answer.status_code == 200
        assert (await accounts.identify(answer.json()["access_token"])).username == "ada"
        with pytest.raises(Unauthorized):
            await accounts.identify(old)
        await sign_in(client, "ada", "quite another one")

    async def test_only_administrators_may(self, client: httpx.AsyncClient) -> None:
        await add_user(client, "ada")
        await sign_in(client, "ada", PASSWORD)
        for answer in (
            await client.get(USERS),
            await client.post(USERS, json={"username": "eve", "password": PASSWORD}),
            await client.patch(f"{USERS}/x", json={}),
            await client.delete(f"{USERS}/x"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    async def test_another_tenants_users_are_not_there(
        self, client: httpx.AsyncClient, other_tenant_client: httpx.AsyncClient
    ) -> None:
        ada = await add_user(client, "ada")
        listed = (await other_tenant_client.get(USERS)).json()["items"]
        assert [user["username"] for user in listed] == ["other-admin"]
        for answer in (
            await other_tenant_client.patch(f"{USERS}/{ada['id']}", json={"role": "admin"}),
            await other_tenant_client.delete(f"{USERS}/{ada['id']}"),
        ):
            assert answer.status_code == 404


def test_roles_include_those_below() -> None:
    editor = Actor("id", "ada", "tenant", Role.EDITOR)
    editor.require(Role.VIEWER)
    editor.require(Role.EDITOR)
    with pytest.raises(Forbidden):
        editor.require(Role.ADMIN)
