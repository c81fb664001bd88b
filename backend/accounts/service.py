"""Accounts: signing in, sessions, the first account, and the users of a tenant."""

import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from msgspec import UNSET, Struct
from uuid_utils.compat import uuid7

from backend.accounts.password_rule import weakness
from backend.accounts.passwords import Passwords
from backend.accounts.schemas import (
    ChangePassword,
    CreateUser,
    Me,
    Setup,
    Token,
    UpdateUser,
    UserView,
)
from backend.accounts.tables import User
from backend.accounts.throttle import LoginThrottle
from backend.accounts.tokens import LIFETIME_S, Tokens
from backend.actor import Actor, Role
from backend.database import UNIQUE_VIOLATIONS, execute, fetch, one_at_a_time, transaction
from backend.errors import Conflict, Invalid, NotFound, Unauthorized, Unavailable
from backend.pagination import Page, PageRequest, paginate
from backend.settings import DEFAULT_TENANT, Settings
from backend.tenants import service as tenants
from backend.workflows import service as workflows

ADMIN = "admin"
SORTS = {"username": "username", "created_at": "created_at"}
FIRST_ACCOUNT = "first account"
LAST_ADMINISTRATOR = "last administrator"
_SESSIONS_KEPT_S = 5.0
_SESSIONS_KEPT = 10_000
_USER_COLUMNS = ("id", "username", "role", "disabled", "created_at")

log = structlog.get_logger("heddle.accounts")


class Session(Struct, frozen=True):
    """A token that was good when it was last looked up, at most five seconds ago."""

    actor: Actor
    csrf: str
    expires_at: int
    checked_until: float


class _Desk(Struct):
    """What signing in needs in this process."""

    tokens: Tokens
    passwords: Passwords
    throttle: LoginThrottle
    sessions: dict[str, Session]
    examples: bool
    has_users: bool = False


_desk: _Desk | None = None


async def open_accounts(settings: Settings) -> None:
    """Begin to take sign-ins; makes the user `admin` if the settings bring its password."""
    global _desk
    _desk = _Desk(
        tokens=Tokens(settings.secret_key),
        passwords=Passwords(settings.password_cost),
        throttle=LoginThrottle(),
        sessions={},
        examples=settings.examples,
    )
    if settings.admin_password is not None:
        await _keep_admin(settings.admin_password)


def _at_desk() -> _Desk:
    if _desk is None:
        raise Unavailable("Accounts are not open.")
    return _desk


async def needs_setup() -> bool:
    """Whether nobody has an account yet."""
    desk = _at_desk()
    if not desk.has_users:
        desk.has_users = bool(await fetch("SELECT id FROM account_user LIMIT 1"))
    return not desk.has_users


async def setup(request: Setup) -> tuple[Token, str]:
    """Make the first account and sign it in. Raises Conflict once there is any."""
    refusal = Conflict("The first account exists already; sign in.", code="already_set_up")
    if not await needs_setup():
        raise refusal
    _require_strong(request.password, request.username, "/password")
    password_hash = await _at_desk().passwords.hash(request.password)
    tenant_id = await default_tenant()
    try:
        async with one_at_a_time(FIRST_ACCOUNT):
            if await fetch("SELECT id FROM account_user LIMIT 1"):
                raise refusal
            user = _new_user(tenant_id, request.username, password_hash, Role.ADMIN)
            await User.insert(user)
            # with the account or not at all: a server that is killed here begins anew
            await _welcome(user)
    except UNIQUE_VIOLATIONS as error:
        raise refusal from error
    log.info("accounts.set_up", user_id=user.id)
    return _sign(user.id, user.token_version)


async def login(username: str, password: str, address: str) -> tuple[Token, str, dict[str, str]]:
    """Sign in: the token, its CSRF token, and the RateLimit headers.

    Raises Unauthorized alike for a wrong name, a wrong password and a disabled user, and
    TooManyRequests for too many attempts at the name from the address.
    """
    desk = _at_desk()
    headers = desk.throttle.attempt(username, address)
    rows = await fetch(
        "SELECT id, password_hash, disabled, token_version FROM account_user WHERE username = ?",
        username.lower().replace("\0", ""),
    )
    row = rows[0] if rows else None
    right = await desk.passwords.verify(password, row["password_hash"] if row else None)
    if row is None or not right or row["disabled"]:
        log.info("accounts.login_refused", address=address)
        raise Unauthorized(
            "The user name or the password is wrong.", code="wrong_credentials", headers=headers
        )
    desk.throttle.succeeded(username, address)
    if desk.passwords.outdated(row["password_hash"]):
        fresh = await desk.passwords.hash(password)
        await execute("UPDATE account_user SET password_hash = ? WHERE id = ?", fresh, row["id"])
    token, csrf = _sign(row["id"], row["token_version"])
    return token, csrf, headers


async def session(token: str) -> Session:
    """The session of a token. Raises Unauthorized when it is not good, or no longer."""
    desk = _at_desk()
    kept = desk.sessions.get(token)
    if kept is not None and kept.checked_until > time.monotonic() and kept.expires_at > time.time():
        return kept
    claims = desk.tokens.read(token)
    row = None
    if claims is not None:
        rows = await fetch(
            "SELECT username, tenant_id, role FROM account_user "
            "WHERE id = ? AND token_version = ? AND NOT disabled "
            "AND NOT EXISTS (SELECT 1 FROM ended_session WHERE ended_session.id = ?)",
            claims.user_id,
            claims.version,
            claims.session_id,
        )
        row = rows[0] if rows else None
    if claims is None or row is None:
        desk.sessions.pop(token, None)
        raise Unauthorized("The session is not valid, or no longer.", code="invalid_token")
    if len(desk.sessions) >= _SESSIONS_KEPT:
        desk.sessions.clear()
    found = Session(
        actor=Actor(claims.user_id, row["username"], row["tenant_id"], Role(row["role"])),
        csrf=desk.tokens.csrf(claims.session_id),
        expires_at=claims.expires_at,
        checked_until=time.monotonic() + _SESSIONS_KEPT_S,
    )
    desk.sessions[token] = found
    return found


async def logout(token: str) -> None:
    """End the token's session: no copy of it is good any more; another process may take 5 s."""
    desk = _at_desk()
    claims = desk.tokens.read(token)
    if claims is None:
        return
    try:
        tenant_id = (await session(token)).actor.tenant_id
    except Unauthorized:
        return
    await execute(
        "INSERT INTO ended_session (id, tenant_id, expires_at) VALUES (?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        claims.session_id,
        tenant_id,
        datetime.fromtimestamp(claims.expires_at, UTC),
    )
    await execute("DELETE FROM ended_session WHERE expires_at < ?", datetime.now(UTC))
    desk.sessions.pop(token, None)


async def identify(token: str) -> Actor:
    """Who holds the token. Raises Unauthorized when it is not good, or no longer."""
    return (await session(token)).actor


async def me(actor: Actor) -> Me:
    """Who is signed in, and where."""
    tenant = await tenants.current(actor)
    return Me(actor.user_id, actor.username, actor.role, actor.tenant_id, tenant.name)


async def change_password(actor: Actor, request: ChangePassword) -> tuple[Token, str]:
    """Change one's own password; every other session ends, this one goes on with the answer.

    Raises Invalid for a wrong present or a weak new password, and TooManyRequests for too many
    guesses, which whoever found a session open might make.
    """
    desk = _at_desk()
    desk.throttle.attempt_by(actor.user_id)
    _require_strong(request.new_password, actor.username, "/new_password")
    rows = await fetch("SELECT password_hash FROM account_user WHERE id = ?", actor.user_id)
    if not rows or not await desk.passwords.verify(
        request.current_password, rows[0]["password_hash"]
    ):
        raise Invalid.field("/current_password", "wrong_password", "That is not your password.")
    desk.throttle.succeeded_by(actor.user_id)
    await _change(actor.user_id, UpdateUser(password=request.new_password))
    version = await fetch("SELECT token_version FROM account_user WHERE id = ?", actor.user_id)
    return _sign(actor.user_id, version[0]["token_version"])


async def list_users(actor: Actor, page: PageRequest) -> Page[UserView]:
    """The users of the actor's tenant, by name."""
    actor.require(Role.ADMIN)
    return await paginate(
        page,
        source="account_user",
        columns=_USER_COLUMNS,
        where=[("tenant_id = ?", [actor.tenant_id])],
        sorts=SORTS,
        default_sort="username",
        to=_user,
    )


async def names_of(actor: Actor, user_ids: Collection[str]) -> dict[str, str]:
    """The names of users of the actor's tenant by id; whoever is gone is left out."""
    if not user_ids:
        return {}
    rows = await fetch(
        "SELECT id, username FROM account_user WHERE tenant_id = ?"
        f" AND id IN ({', '.join('?' * len(user_ids))})",
        actor.tenant_id,
        *user_ids,
    )
    return {row["id"]: row["username"] for row in rows}


async def create_user(actor: Actor, request: CreateUser) -> UserView:
    """Add a user to the actor's tenant. Raises Conflict for a name that is taken."""
    actor.require(Role.ADMIN)
    _require_strong(request.password, request.username, "/password")
    password_hash = await _at_desk().passwords.hash(request.password)
    user = _new_user(actor.tenant_id, request.username, password_hash, request.role)
    try:
        await User.insert(user)
    except UNIQUE_VIOLATIONS as error:
        raise Conflict(f"The name {user.username!r} is taken.", code="name_taken") from error
    return await _view(actor, user.id)


async def get_user(actor: Actor, user_id: str) -> UserView:
    """A user of the tenant. Raises NotFound."""
    actor.require(Role.ADMIN)
    return await _view(actor, user_id)


async def update_user(actor: Actor, user_id: str, request: UpdateUser) -> UserView:
    """Change a user of the tenant. Nobody can lock the last administrator out."""
    actor.require(Role.ADMIN)
    current = await _view(actor, user_id)
    if request.password is not UNSET:
        _require_strong(request.password, current.username, "/password")
    loses = request.disabled is True or request.role not in (UNSET, Role.ADMIN)
    if loses:
        # two administrators who take the role from each other must not both find another
        async with one_at_a_time(LAST_ADMINISTRATOR):
            current = await _view(actor, user_id)
            if current.role is Role.ADMIN and not current.disabled:
                await _another_admin(actor, user_id)
            await _change(user_id, request)
    else:
        await _change(user_id, request)
    return await _view(actor, user_id)


async def delete_user(actor: Actor, user_id: str) -> None:
    """Remove a user of the tenant; what it made stays."""
    actor.require(Role.ADMIN)
    if user_id == actor.user_id:
        raise Conflict("You cannot remove yourself.", code="own_account")
    async with one_at_a_time(LAST_ADMINISTRATOR):
        current = await _view(actor, user_id)
        if current.role is Role.ADMIN and not current.disabled:
            await _another_admin(actor, user_id)
        await User.delete().where(User.id == user_id)
    _at_desk().sessions.clear()


async def default_tenant() -> str:
    """The id of the tenant that everything belongs to at first; it is made when missing."""
    return await tenants.id_of(DEFAULT_TENANT) or await tenants.ensure("Default", DEFAULT_TENANT)


async def operator() -> Actor:
    """Whoever has the command line: an administrator of the default tenant."""
    return Actor("operator", "operator", await default_tenant(), Role.ADMIN)


async def _keep_admin(password: str) -> None:
    if await fetch("SELECT id FROM account_user WHERE username = ?", ADMIN):
        return
    told = weakness(password, ADMIN)
    if told is not None:
        log.warning("accounts.weak_admin_password", told=told)
    password_hash = await _at_desk().passwords.hash(password)
    user = _new_user(await default_tenant(), ADMIN, password_hash, Role.ADMIN)
    try:
        async with transaction():
            await User.insert(user)
            await _welcome(user)
    except UNIQUE_VIOLATIONS:
        log.info("accounts.admin_made_elsewhere")


async def _welcome(user: User) -> None:
    """Something to look at and to run, for the first account of a tenant without workflows."""
    if _at_desk().examples:
        actor = Actor(user.id, user.username, user.tenant_id, Role(user.role))
        await workflows.load_examples(actor)


def _require_strong(password: str, username: str, place: str) -> None:
    told = weakness(password, username)
    if told is not None:
        raise Invalid.field(place, "weak_password", told)


def _new_user(tenant_id: str, username: str, password_hash: str, role: Role) -> User:
    return User(
        id=str(uuid7()),
        tenant_id=tenant_id,
        username=username.lower(),
        password_hash=password_hash,
        role=role.value,
    )


def _sign(user_id: str, version: int) -> tuple[Token, str]:
    tokens = _at_desk().tokens
    token = tokens.issue(user_id, version)
    claims = tokens.read(token)
    assert claims is not None
    return Token(token, LIFETIME_S), tokens.csrf(claims.session_id)


async def _view(actor: Actor, user_id: str) -> UserView:
    rows = await fetch(
        f"SELECT {', '.join(_USER_COLUMNS)} FROM account_user WHERE id = ? AND tenant_id = ?",
        user_id.replace("\0", ""),
        actor.tenant_id,
    )
    if not rows:
        raise NotFound("There is no such user.")
    return _user(rows[0])


def _user(row: dict[str, Any]) -> UserView:
    return msgspec.convert(row, UserView)


async def _another_admin(actor: Actor, user_id: str) -> None:
    others = await fetch(
        "SELECT id FROM account_user "
        "WHERE tenant_id = ? AND role = ? AND NOT disabled AND id <> ? LIMIT 1",
        actor.tenant_id,
        Role.ADMIN.value,
        user_id,
    )
    if not others:
        raise Conflict("Somebody must remain administrator.", code="last_admin")


async def _change(user_id: str, request: UpdateUser) -> None:
    changes: dict[str, Any] = {}
    if request.role is not UNSET:
        changes["role"] = request.role.value
    if request.disabled is not UNSET:
        changes["disabled"] = request.disabled
    if request.password is not UNSET:
        changes["password_hash"] = await _at_desk().passwords.hash(request.password)
    if not changes:
        return
    assignments = [f"{column} = ?" for column in changes]
    if request.password is not UNSET or request.disabled is True:
        assignments.append("token_version = token_version + 1")
    sql = f"UPDATE account_user SET {', '.join(assignments)} WHERE id = ?"
    await execute(sql, *changes.values(), user_id)
    _at_desk().sessions.clear()
