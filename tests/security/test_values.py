"""Numbers beyond the database's, names that mislead, files for others' eyes, others' secrets."""

import stat
from pathlib import Path

import httpx
import pytest

from backend.database import close_database, open_database
from backend.settings import Secrets, Settings, SettingsError
from backend.workspaces.names import BadName, clean
from tests.conftest import SECRET_KEY


@pytest.mark.parametrize("number", [2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**40, -(2**70)])
async def test_numbers_in_addresses(client: httpx.AsyncClient, number: int) -> None:
    made = await client.post("/api/v1/workflows", json={"name": "x"})
    at = f"/api/v1/workflows/{made.json()['id']}"
    for method, path in (
        ("GET", f"{at}/versions/{number}"),
        ("DELETE", f"{at}/versions/{number}"),
        ("POST", f"{at}/versions/{number}/activate"),
        ("POST", f"{at}/versions/{number}/restore"),
        ("GET", f"{at}/versions/compare?from={number}&to=draft"),
        ("GET", f"{at}/input-schema?version={number}"),
        ("GET", f"/api/v1/runs?limit={number}"),
    ):
        headers = {"If-Match": "*"} if path.endswith("restore") else {}
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code in (404, 422), (method, path, answer.text)


@pytest.mark.parametrize(
    "path", ["/api/v1/runs/a%00b", "/api/v1/users/%00", "/api/v1/workflows/%00"]
)
async def test_null_characters_in_addresses(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("number", [0x202E, 0x2066, 0x2069, 0x200E, 0x200F, 0x061C, 0x200B])
@pytest.mark.parametrize("form", ["{}a.csv", "invoice{}fdp.exe", "reports/{}july.csv"])
def test_names_that_read_as_others(number: int, form: str) -> None:
    with pytest.raises(BadName):
        clean(form.format(chr(number)))


@pytest.mark.parametrize("number", [0x2028, 0x2029, 0x85, 0x7F, 0x0A, 0xFEFF, 0x2060, 0xE0001])
def test_names_with_what_nobody_sees(number: int) -> None:
    with pytest.raises(BadName):
        clean(f"a{chr(number)}b.csv")


@pytest.mark.parametrize(
    "name", ["織機.csv", "می‌خواهم.csv", "👩‍💻.png", "تقرير.csv", "Größe 1.csv"]
)
def test_names_of_every_script(name: str) -> None:
    assert clean(name)


async def test_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    (folder / "heddle.db").touch(mode=0o644)
    await open_database(Settings(data_dir=folder, secret_key=SECRET_KEY))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("heddle.db*")}
    await close_database()
    assert {mode for mode in modes.values()} == {0o600}
    assert len(modes) >= 2


def test_a_secret_belongs_to_one_tenant() -> None:
    secrets = Secrets({"KEY": "default's", "ACME__KEY": "acme's", "A_B__KEY": "a-b's"})
    assert dict(secrets) == {"KEY": "default's"}
    assert dict(secrets.for_tenant("default")) == {"KEY": "default's"}
    assert dict(secrets.for_tenant("acme")) == {"KEY": "acme's"}
    assert dict(secrets.for_tenant("a-b")) == {"KEY": "a-b's"}
    assert dict(secrets.for_tenant("other")) == {}
    assert dict(secrets.for_tenant("")) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEDDLE_TRUSTED_PROXIES", "everybody"),
        ("HEDDLE_MIN_FREE_MB", "-1"),
        ("HEDDLE_MIN_FREE_MB", "lots"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({"HEDDLE_DATA_DIR": str(tmp_path), name: value})
