"""One arena for all attacks: that it stands after each of them is what they are about."""

from collections.abc import Iterator

import pytest

from tests.security.arena import Arena


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """The server that is attacked, with its two tenants."""
    made = Arena(tmp_path_factory.mktemp("arena") / "data")
    yield made
    made.close()
