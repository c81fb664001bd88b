"""One server at a time on a SQLite database; the kernel lets go of it when a server is killed."""

import errno
import fcntl
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from backend.settings import Settings, SettingsError
from backend.system.process_lock import only_server
from tests.backend.test_commands import heddle
from tests.conftest import SECRET_KEY
from tests.live_server import LiveServer


def settings_of(folder: Path, **changes: str) -> Settings:
    return Settings(data_dir=folder, secret_key=SECRET_KEY, **changes)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_second_server_is_told_who_has_the_data(live_server: LiveServer, command: str) -> None:
    process = live_server.process
    assert process is not None
    done = heddle(live_server.data_dir, command, HEDDLE_PORT="0")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for told in (f"process {process.pid}", socket.gethostname(), live_server.url, "since "):
        assert told in done.stderr
    assert httpx.get(f"{live_server.url}/health/ready").status_code == 200


def test_what_only_administers_works_beside_a_server(live_server: LiveServer) -> None:
    assert heddle(live_server.data_dir, "migrate").returncode == 0
    listed = heddle(live_server.data_dir, "user", "list")
    assert (listed.returncode, listed.stdout) == (0, "admin\tadmin\tactive\n")


def test_a_killed_server_holds_nothing(live_server: LiveServer) -> None:
    live_server.kill()
    live_server.start()


def test_the_database_is_what_is_held_however_it_is_named(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.symlink_to(first)
    url = f"sqlite:///{second}/heddle.db"
    with only_server(settings_of(first)):
        for same in (settings_of(second), settings_of(tmp_path / "three", database_url=url)):
            with pytest.raises(SettingsError, match=rf"process {os.getpid()} "), only_server(same):
                pass
        with only_server(settings_of(tmp_path / "four")):
            pass
    with only_server(settings_of(second)):
        pass


def test_a_forked_child_does_not_keep_it(tmp_path: Path) -> None:
    forked, begun = os.pipe()
    with only_server(settings_of(tmp_path)):
        child = os.fork()
        if child == 0:  # pragma: no cover
            os.write(begun, b"x")
            signal.pause()
        os.read(forked, 1)
    try:
        with only_server(settings_of(tmp_path)):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(forked)
        os.close(begun)


def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with (
        pytest.raises(SettingsError, match=r"cannot lock files.*PostgreSQL"),
        only_server(settings_of(tmp_path)),
    ):
        pass


def test_postgresql_needs_no_lock(tmp_path: Path) -> None:
    shared = settings_of(tmp_path, database_url="postgresql://nobody@127.0.0.1/none")
    with only_server(shared) as lock, only_server(shared):
        assert lock is None
