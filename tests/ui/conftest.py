"""Visitors of the pages: signed in by the cookie that a browser would send."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from backend.accounts import service as accounts
from backend.accounts.schemas import CreateUser
from backend.actor import Actor, Role
from tests.conftest import PASSWORD, application, client_of

CHROMIUM = shutil.which("chromium")


@pytest.fixture
async def visitor(admin: Actor, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser-like client that is signed in as the administrator by cookie."""
    return as_visitor(client)


@pytest.fixture
async def viewer(admin: Actor, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser-like client of somebody who may only look."""
    await accounts.create_user(admin, CreateUser("viewer", PASSWORD, Role.VIEWER))
    token, _, _ = await accounts.login("viewer", PASSWORD, "test")
    other = client_of(application(client))
    other.cookies.set("heddle_token", token.access_token)
    return other


def as_visitor(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The client with its token moved from the header to the cookie."""
    token = client.headers.pop("Authorization").removeprefix("Bearer ")
    client.cookies.set("heddle_token", token)
    return client


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module: while Playwright is open, asyncio tests cannot run beside it."""
    if CHROMIUM is None:
        pytest.fail("No Chromium here: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
