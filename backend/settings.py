"""Settings: everything that the environment may say, read once; no other module reads it."""

import os
import re
import secrets as random_secrets
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Self

from msgspec import Struct, field

MIN_SECRET_KEY_BYTES = 32
DEFAULT_TENANT = "default"
"""The slug of the tenant that everything belongs to at first."""
_SECRET_PREFIX = "HEDDLE_SECRET_"
_LOG_LEVELS = ("debug", "info", "warning", "error")
_SWITCH = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}
_DATABASE_SCHEMES = ("sqlite:///", "postgresql://", "postgres://")


class SettingsError(ValueError):
    """The environment asks for something impossible; the message says what and how to mend it."""


class Secrets(Mapping[str, str]):
    """What `{{ secrets.NAME }}` finds; never shown by repr.

    `API_KEY` is the default tenant's alone, `ACME__API_KEY` that of the tenant with the slug
    `acme`: as a mapping, these are the default tenant's.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._all = dict(values or {})
        self._values = self._of(DEFAULT_TENANT)

    def for_tenant(self, slug: str) -> "Secrets":
        """The secrets of one tenant, under their short names."""
        chosen = Secrets()
        chosen._values = self._of(slug)
        return chosen

    def _of(self, slug: str) -> dict[str, str]:
        mark = f"{re.sub('[^A-Z0-9]', '_', slug.upper())}__"
        own = {
            name.removeprefix(mark): value
            for name, value in self._all.items()
            if name.startswith(mark)
        }
        if slug == DEFAULT_TENANT:
            own |= {name: value for name, value in self._all.items() if "__" not in name}
        return own

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"


class PasswordCost(Struct, frozen=True):
    """argon2id's parameters; the defaults take about 40 ms and 19 MiB a hash."""

    time_cost: int = 2
    memory_kib: int = 19 * 1024
    parallelism: int = 1


class Settings(Struct, frozen=True, kw_only=True):
    """`database_url` None means SQLite in `data_dir`; `port` 0 any free one.

    `min_free_bytes`: with less room on the data directory's disk, no run is started.
    `allowed_hosts`: what a request's Host header may name besides `host`; `*` anything.
    `trusted_proxies`: whose X-Forwarded-For and -Proto are believed.
    `examples`: whether the first account finds the templates as published workflows.
    `python_node`: whether administrators may enable the node type `python`.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    data_dir: Path = Path(".heddle")
    database_url: str | None = None
    admin_password: str | None = None
    allow_hosts: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    min_free_bytes: int = 64 * 1024 * 1024
    secret_key: str
    secrets: Secrets = field(default_factory=Secrets)
    log_level: str = "info"
    examples: bool = False
    python_node: bool = True
    max_body_bytes: int = 5 * 1024 * 1024
    password_cost: PasswordCost = PasswordCost()

    def __repr__(self) -> str:
        return f"Settings(host={self.host!r}, port={self.port}, data_dir={str(self.data_dir)!r})"

    @property
    def postgres_url(self) -> str | None:
        """The DSN when PostgreSQL is used, otherwise None."""
        url = self.database_url
        return None if url is None or url.startswith("sqlite:") else url

    @property
    def sqlite_path(self) -> Path:
        """The database file when SQLite is used."""
        if self.database_url is not None and self.database_url.startswith("sqlite:///"):
            return Path(self.database_url.removeprefix("sqlite:///"))
        return self.data_dir / "heddle.db"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Reads HEDDLE_*; makes the data dir and its secret key where they are missing.

        Raises SettingsError for a value that cannot be used.
        """
        env = os.environ if environ is None else environ
        data_dir = Path(env.get("HEDDLE_DATA_DIR") or ".heddle").expanduser()
        return cls(
            host=env.get("HEDDLE_HOST") or "127.0.0.1",
            port=_port(env.get("HEDDLE_PORT") or "8080"),
            data_dir=data_dir,
            database_url=_database_url(env.get("HEDDLE_DATABASE_URL")),
            admin_password=env.get("HEDDLE_ADMIN_PASSWORD") or None,
            allow_hosts=_names(env.get("HEDDLE_ALLOW_HOSTS", "")),
            allowed_hosts=_names(env.get("HEDDLE_ALLOWED_HOSTS", "").lower()),
            trusted_proxies=_proxies(env.get("HEDDLE_TRUSTED_PROXIES", "")),
            min_free_bytes=_megabytes("HEDDLE_MIN_FREE_MB", env.get("HEDDLE_MIN_FREE_MB") or "64"),
            secret_key=_secret_key(env.get("HEDDLE_SECRET_KEY"), data_dir),
            secrets=Secrets(
                {
                    name.removeprefix(_SECRET_PREFIX): value
                    for name, value in env.items()
                    if name.startswith(_SECRET_PREFIX) and name != "HEDDLE_SECRET_KEY"
                }
            ),
            examples=_switch("HEDDLE_EXAMPLES", env.get("HEDDLE_EXAMPLES") or "on"),
            python_node=_switch("HEDDLE_PYTHON_NODE", env.get("HEDDLE_PYTHON_NODE") or "on"),
            log_level=_log_level(env.get("HEDDLE_LOG_LEVEL") or "info"),
        )


def _port(raw: str) -> int:
    if not raw.isascii() or not raw.isdigit() or int(raw) > 65535:
        raise SettingsError(f"HEDDLE_PORT must be a number from 0 to 65535, not {raw!r}.")
    return int(raw)


def _megabytes(name: str, raw: str) -> int:
    if not raw.isascii() or not raw.isdigit() or len(raw) > 9:
        raise SettingsError(f"{name} must be a whole number of megabytes, not {raw!r}.")
    return int(raw) * 1024 * 1024


def _proxies(raw: str) -> tuple[str, ...]:
    for name in _names(raw):
        try:
            ip_network(name, strict=False)
        except ValueError as error:
            raise SettingsError(
                f"HEDDLE_TRUSTED_PROXIES must list addresses or networks, not {name!r}."
            ) from error
    return _names(raw)


def _switch(name: str, raw: str) -> bool:
    if raw.lower() not in _SWITCH:
        raise SettingsError(f"{name} must be on or off, not {raw!r}.")
    return _SWITCH[raw.lower()]


def _log_level(raw: str) -> str:
    if raw.lower() not in _LOG_LEVELS:
        raise SettingsError(f"HEDDLE_LOG_LEVEL must be one of {', '.join(_LOG_LEVELS)}.")
    return raw.lower()


def _database_url(raw: str | None) -> str | None:
    if raw and not raw.startswith(_DATABASE_SCHEMES):
        raise SettingsError(
            "HEDDLE_DATABASE_URL must be sqlite:///path or postgresql://user@host/name."
        )
    return raw or None


def _names(raw: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in raw.split(",") if name.strip())


def _secret_key(given: str | None, data_dir: Path) -> str:
    if given is not None:
        if len(given.encode()) < MIN_SECRET_KEY_BYTES:
            raise SettingsError(
                f"HEDDLE_SECRET_KEY must have at least {MIN_SECRET_KEY_BYTES} bytes. Leave it out "
                "to have one generated into the data directory."
            )
        return given
    try:
        return _kept_secret_key(data_dir)
    except OSError as error:
        raise SettingsError(f"The data directory {data_dir} cannot be used: {error}") from error


def _kept_secret_key(data_dir: Path) -> str:
    """The key of the data dir, made on first use; two processes starting at once agree on it."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data_dir / "secret_key"
    if not path.exists():
        draft = data_dir / f".secret_key.{os.getpid()}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(random_secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = path.read_text().strip()
    if len(key.encode()) < MIN_SECRET_KEY_BYTES:
        raise SettingsError(f"{path} holds too short a key; delete it to have a new one made.")
    return key
