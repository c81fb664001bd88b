"""`heddle user …`: the accounts of the default tenant, without a server."""

import asyncio
import getpass
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from backend.accounts import service as accounts
from backend.accounts.schemas import (
    MIN_PASSWORD_LENGTH,
    CreateUser,
    UpdateUser,
    UserView,
)
from backend.actor import Actor
from backend.commands.serving import say
from backend.database import close_database, open_database
from backend.errors import Invalid, NotFound
from backend.pagination import MAX_LIMIT, PageRequest
from backend.requests import decode
from backend.settings import Settings
from backend.workspaces.service import open_workspaces

T = TypeVar("T")


def add(settings: Settings, arguments: Namespace) -> int:
    """Add a user."""
    password = _password(arguments)

    async def work(actor: Actor) -> None:
        body = {"username": arguments.username, "password": password, "role": arguments.role}
        user = await accounts.create_user(actor, _checked(body, CreateUser))
        say(f"Added {user.username} ({user.role}).")

    return _with_accounts(settings, work)


def list_all(settings: Settings, arguments: Namespace) -> int:
    """Print every user."""

    async def work(actor: Actor) -> None:
        for user in await _all(actor):
            say(f"{user.username}\t{user.role}\t{'disabled' if user.disabled else 'active'}")

    return _with_accounts(settings, work)


def password(settings: Settings, arguments: Namespace) -> int:
    """Give a user a new password; every session of theirs ends."""
    given = _password(arguments)

    async def work(actor: Actor) -> None:
        user = await _find(actor, arguments.username)
        await accounts.update_user(actor, user.id, _checked({"password": given}, UpdateUser))
        say(f"{user.username} has a new password.")

    return _with_accounts(settings, work)


def disable(settings: Settings, arguments: Namespace) -> int:
    """Disable a user, or enable it again."""

    async def work(actor: Actor) -> None:
        user = await _find(actor, arguments.username)
        await accounts.update_user(actor, user.id, UpdateUser(disabled=not arguments.undo))
        say(f"{user.username} is {'active' if arguments.undo else 'disabled'}.")

    return _with_accounts(settings, work)


def _with_accounts(settings: Settings, work: Callable[[Actor], Awaitable[None]]) -> int:
    async def run() -> None:
        try:
            await open_database(settings)
            await open_workspaces(settings)
            await accounts.open_accounts(settings)
            await work(await accounts.operator())
        finally:
            await close_database()

    asyncio.run(run())
    return 0


async def _all(actor: Actor) -> list[UserView]:
    users: list[UserView] = []
    cursor = None
    while True:
        page = await accounts.list_users(actor, PageRequest(MAX_LIMIT, cursor))
        users += page.items
        cursor = page.next_cursor
        if cursor is None:
            return users


async def _find(actor: Actor, username: str) -> UserView:
    for user in await _all(actor):
        if user.username == username.lower():
            return user
    raise NotFound(f"There is no user {username!r}.")


def _password(arguments: Namespace) -> str:
    """From `--password-stdin`, or asked for twice; never from the command line itself."""
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"Password (at least {MIN_PASSWORD_LENGTH} characters): ")
    if getpass.getpass("Again: ") != first:
        raise Invalid("The two passwords differ.")
    return first


def _checked(body: dict[str, str], kind: type[T]) -> T:
    return decode(msgspec.json.encode(body), kind)
