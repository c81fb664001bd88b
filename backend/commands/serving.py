"""`heddle up`, `heddle serve` and `heddle migrate`: the server and its database."""

import asyncio
import errno
import gc
import os
import socket
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

import structlog
import uvicorn

from backend.accounts import service as accounts
from backend.database import close_database, open_database
from backend.settings import Settings, SettingsError
from backend.system import service as system
from backend.system.http_protocol import PunctualProtocol
from backend.system.logs import configure_logs
from backend.system.process_lock import ProcessLock, only_server
from graphs.compile import warm_up

GRACE_S = 3

log = structlog.get_logger("heddle.server")


def up(settings: Settings) -> int:
    """Migrate, start, and tell a person where to go."""
    return _serve(settings, banner=True)


def serve(settings: Settings) -> int:
    """Migrate and start, for a process manager."""
    return _serve(settings, banner=False)


def migrate(settings: Settings) -> int:
    """Bring the database up to date and leave."""
    configure_logs(settings.log_level)
    asyncio.run(_migrate(settings))
    say("The database is up to date.")
    return 0


def say(text: str) -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _migrate(settings: Settings) -> None:
    try:
        await open_database(settings)
    finally:
        await close_database()


def _serve(settings: Settings, *, banner: bool) -> int:
    configure_logs("warning" if banner and settings.log_level == "info" else settings.log_level)
    # whatever a server makes is in its data directory, and for its own eyes
    os.umask(0o077)
    with only_server(settings) as lock:
        check_address(settings.host, settings.port)
        return _listen(settings, lock, banner=banner)


def _listen(settings: Settings, lock: ProcessLock | None, *, banner: bool) -> int:
    # The pages and the engine take a second to import; other commands do without them.
    from backend.app import create_app

    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=1024 * 1024,
        http=PunctualProtocol,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
    )
    server = _Server(config, settings, lock, banner)
    settle_memory()
    with suppress(KeyboardInterrupt):
        server.run()
    if banner and server.started:
        say("Stopped.")
    return 0 if server.started else 1


def check_address(host: str, port: int) -> None:
    """Raises SettingsError when nobody can listen there, before anything else is begun."""
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        told = f"cannot listen on {host}:{port}: {error.strerror}."
        if error.errno == errno.EADDRINUSE:
            told = f"{told} Set HEDDLE_PORT to a free port."
        raise SettingsError(told) from error


def settle_memory() -> None:
    """Take what was imported out of the garbage collector's sight, and let it look less often.

    Its default of 700 allocations cost a fifth of the CPU time of every run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class _Server(uvicorn.Server):
    """Says when it is ready, and that it is stopping before it does."""

    def __init__(
        self, config: uvicorn.Config, settings: Settings, lock: ProcessLock | None, banner: bool
    ) -> None:
        super().__init__(config)
        self._lock = lock
        self._settings = settings
        self._banner = banner

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        url = self._url()
        if self._lock is not None:
            self._lock.listens_at(url)
        log.info("server.ready", url=url)
        threading.Thread(target=warm_up, name="warm up", daemon=True).start()
        if not self._banner:
            return
        say(f"Heddle is running at {url}")
        if await accounts.needs_setup():
            say(f"Nobody has an account yet: create the first one at {url}/setup")
            say("(or start it with HEDDLE_ADMIN_PASSWORD set, which makes the user admin).")
        say("Press Ctrl-C to stop.")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        system.set_draining(True)
        super().handle_exit(sig, frame)

    def _url(self) -> str:
        bound: Any = self.servers[0].sockets[0].getsockname() if self.servers else None
        port = bound[1] if bound else self._settings.port
        host = self._settings.host
        shown = "127.0.0.1" if host in ("", "0.0.0.0") else "[::1]" if host == "::" else host
        return f"http://{shown}:{port}"
