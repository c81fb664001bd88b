"""What the environment may say, and what is refused."""

import stat
from pathlib import Path

import pytest

from backend.settings import Settings, SettingsError


def from_env(tmp_path: Path, **values: str) -> Settings:
    return Settings.from_env({"HEDDLE_DATA_DIR": str(tmp_path / "data"), **values})


def test_an_empty_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.sqlite_path == Path(".heddle/heddle.db")
    assert settings.postgres_url is None
    assert settings.admin_password is None
    assert settings.allow_hosts == ()
    assert settings.log_level == "info"


def test_everything_can_be_said(tmp_path: Path) -> None:
    settings = from_env(
        tmp_path,
        HEDDLE_HOST="0.0.0.0",
        HEDDLE_PORT="9000",
        HEDDLE_DATABASE_URL="postgresql://me@db/heddle",
        HEDDLE_ADMIN_PASSWORD="a good password",
        HEDDLE_ALLOW_HOSTS="ollama.local, 10.0.0.0/8,",
        HEDDLE_SECRET_KEY="k" * 32,
        HEDDLE_SECRET_API="s3cret",
        HEDDLE_LOG_LEVEL="DEBUG",
    )
    assert (settings.host, settings.port) == ("0.0.0.0", 9000)
    assert settings.postgres_url == "postgresql://me@db/heddle"
    assert settings.admin_password == "a good password"
    assert settings.allow_hosts == ("ollama.local", "10.0.0.0/8")
    assert settings.secret_key == "k" * 32
    assert dict(settings.secrets) == {"API": "s3cret"}
    assert settings.log_level == "debug"


def test_a_sqlite_url_names_the_file(tmp_path: Path) -> None:
    settings = from_env(tmp_path, HEDDLE_DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    assert settings.sqlite_path == tmp_path / "other.db"
    assert settings.postgres_url is None


def test_the_secret_key_is_made_once_for_our_eyes_only(tmp_path: Path) -> None:
    first = from_env(tmp_path).secret_key
    assert len(first) >= 32
    assert from_env(tmp_path).secret_key == first
    path = tmp_path / "data" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEDDLE_SECRET_KEY", ""),
        ("HEDDLE_SECRET_KEY", "k" * 31),
        ("HEDDLE_PORT", "http"),
        ("HEDDLE_PORT", "-1"),
        ("HEDDLE_PORT", "65536"),
        ("HEDDLE_DATABASE_URL", "mysql://db/heddle"),
        ("HEDDLE_LOG_LEVEL", "loud"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_env(tmp_path, **{name: value})


def test_a_spoilt_key_file_is_refused(tmp_path: Path) -> None:
    from_env(tmp_path)
    (tmp_path / "data" / "secret_key").write_text("short")
    with pytest.raises(SettingsError, match="too short"):
        from_env(tmp_path)


def test_a_data_dir_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SettingsError, match="data directory"):
        from_env(tmp_path)


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    settings = from_env(
        tmp_path,
        HEDDLE_ADMIN_PASSWORD="canary-1",
        HEDDLE_SECRET_KEY="canary-2" * 4,
        HEDDLE_SECRET_API="canary-3",
        HEDDLE_DATABASE_URL="postgresql://me:canary-4@db/heddle",
    )
    assert "canary" not in repr(settings) + str(settings) + repr(settings.secrets)
