"""Visitors of the pages: signed in by the cookie that a browser would send."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from backend.accounts import service as accounts
from backend.accounts.schemas import CreateUser
from backend.actor import Actor, Role
from tests.conftest import PASSWORD, application, client_of
from tests.live_server import LiveServer

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One real server with the user admin for all tests of a module."""
    made = LiveServer(tmp_path_factory.mktemp("server") / "data", PASSWORD)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def api(server: LiveServer) -> Iterator[httpx.Client]:
    """The server's API as the administrator."""
    with server.client() as client:
        yield client


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a fresh browser session; an error in its scripts fails the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(10_000)
    faults: list[str] = []
    context.on("weberror", lambda fault: faults.append(str(fault.error)))
    yield context.new_page()
    context.close()
    assert not faults


@pytest.fixture
def signed_in(page: Page, server: LiveServer) -> Page:
    """The same, signed in as the administrator."""
    return let_in(page, server)


def let_in(page: Page, server: LiveServer, username: str = "admin") -> Page:
    """Sign the page's session in without walking through the form."""
    credentials = {"username": username, "password": PASSWORD}
    assert page.request.post(f"{server.url}/api/v1/auth/login", data=credentials).ok
    return page
