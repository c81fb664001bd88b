"""Files of a workspace over HTTP: upload, list, download in parts, delete, and what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from backend.settings import Settings
from backend.workspaces import service
from graphs.errors import NodeError
from tests.backend.test_errors import problem

Client = httpx.AsyncClient
API = "/api/v1"


@pytest.fixture
async def files(client: Client) -> str:
    """The address of the files of the one workspace."""
    page = (await client.get(f"{API}/workspaces")).json()
    assert page["total"] == 1
    assert page["items"][0]["name"] == "Files"
    return f"{API}/workspaces/{page['items'][0]['id']}/files"


async def names(client: Client, url: str, **params: Any) -> list[str]:
    answer = await client.get(url, params=params)
    assert answer.status_code == 200, answer.text
    return [item["path"] for item in answer.json()["items"]]


async def test_files_are_stored_listed_and_deleted(client: Client, files: str) -> None:
    assert await names(client, files) == []
    made = await client.put(f"{files}/reports/July 2026.csv", content=b"a,b\n1,2\n")
    assert made.status_code == 201
    assert made.json()["path"] == "reports/July 2026.csv"
    assert made.json()["size_bytes"] == 8
    found = await client.get(made.headers["location"])
    assert found.content == b"a,b\n1,2\n"
    assert found.headers["content-type"].startswith("text/csv")
    assert "July%202026.csv" in found.headers["content-disposition"]
    again = await client.put(f"{files}/reports/July 2026.csv", content=b"new")
    assert again.status_code == 200
    assert (await client.get(made.headers["location"])).content == b"new"
    await client.put(f"{files}/b.txt", content=b"")
    await client.put(f"{files}/A.txt", content=b"xx")
    assert await names(client, files) == ["reports", "A.txt", "b.txt"]
    assert await names(client, files, sort="-size_bytes") == ["reports", "A.txt", "b.txt"]
    assert await names(client, files, directory="reports") == ["reports/July 2026.csv"]
    workspace = (await client.get(files.removesuffix("/files"))).json()
    assert workspace["files_bytes"] == workspace["used_bytes"] == 5
    assert workspace["quota_bytes"] == 5 * 1024**3
    assert (await client.delete(f"{files}/reports/July 2026.csv")).status_code == 204
    assert await names(client, files) == ["A.txt", "b.txt"]
    assert problem(await client.get(f"{files}/reports/July 2026.csv"), 404)["code"] == (
        "file_not_found"
    )
    assert problem(await client.delete(f"{files}/nope"), 404)["code"] == "file_not_found"
    gone = await client.get(files, params={"directory": "reports"})
    assert problem(gone, 404)["code"] == "file_not_found"


async def test_a_large_upload_goes_to_the_disk_piece_by_piece(
    client: Client, files: str, settings: Settings
) -> None:
    """More than the limit of other bodies, and sent without saying how much it will be."""
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(32):
            sent += 1
            yield b"x" * 1024**2

    assert settings.max_body_bytes < 32 * 1024**2
    made = await client.put(f"{files}/large.bin", content=pieces())
    assert made.status_code == 201, made.text
    assert made.json()["size_bytes"] == 32 * 1024**2
    assert sent == 32
    part = await client.get(f"{files}/large.bin", headers={"Range": "bytes=1000000-1000003"})
    assert (part.status_code, part.content) == (206, b"xxxx")


async def test_an_upload_that_breaks_off_leaves_nothing(
    client: Client, files: str, settings: Settings
) -> None:
    await client.put(f"{files}/a.txt", content=b"before")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    broken = await client.put(f"{files}/a.txt", content=pieces())
    assert broken.status_code >= 400
    assert (await client.get(f"{files}/a.txt")).content == b"before"
    assert list((settings.data_dir / "uploads").iterdir()) == []


async def test_what_is_over_the_quota_is_refused(
    client: Client, files: str, settings: Settings
) -> None:
    quota = {"artifact_quota_bytes": 1024**2}
    assert (await client.patch(f"{API}/tenants/current", json=quota)).status_code == 200
    assert (await client.put(f"{files}/a", content=b"x" * 700_000)).status_code == 201
    refused = problem(await client.put(f"{files}/b", content=b"x" * 700_000), 422)
    assert refused["code"] == "quota_exceeded"
    assert "348,576" in refused["detail"]

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(7):
            yield b"x" * 100_000

    refused = problem(await client.put(f"{files}/b", content=unannounced()), 422)
    assert refused["code"] == "quota_exceeded"
    # what is replaced makes room
    assert (await client.put(f"{files}/a", content=b"x" * 900_000)).status_code == 200
    assert await names(client, files) == ["a"]
    assert list((settings.data_dir / "uploads").iterdir()) == []
    announced = {"Content-Length": str(3 * 1024**3)}
    too_large = await client.put(f"{files}/c", content=b"x", headers=announced)
    assert problem(too_large, 413)["code"] == "too_large"


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "a/../../secret",
        "..",
        "a/..",
        "./a",
        "a//b",
        "/etc/passwd",
        "a\0b",
        "a\nb",
        "a\\b",
        "..\\secret",
        " ",
        "a/ /b",
        "x" * 256,
        "ä" * 128,
        "a/" * 600 + "b",
        "link",
        "link/secret",
        "folder/link2",
    ],
)
async def test_no_name_leads_out_of_the_workspace(
    client: Client, files: str, settings: Settings, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_text("secret")
    await client.put(f"{files}/folder/a", content=b"a")
    (root,) = (settings.data_dir / "workspaces").iterdir()
    (root / "link").symlink_to(tmp_path)
    (root / "folder" / "link2").symlink_to(tmp_path / "secret")
    # an address's empty parts are left out before it is looked at
    url = f"{files}/{quote(name, safe='').replace('.', '%2E')}"
    for method in () if "//" in name or name.startswith("/") else ("GET", "PUT", "DELETE"):
        answer = await client.request(method, url, content=b"mine" if method == "PUT" else None)
        assert answer.status_code in (404, 405, 422), (name, answer.text)
        assert "secret" not in problem(answer, answer.status_code)["detail"]
    listed = await client.get(files, params={"directory": name})
    assert listed.status_code in (404, 422)
    run_files = service.files_for(root.name)
    with pytest.raises(NodeError) as caught:
        await run_files.path(name)
    assert caught.value.code == "file_name_invalid"
    assert (tmp_path / "secret").read_text() == "secret"
    assert await names(client, files) == ["folder"]


async def test_the_same_name_in_either_unicode_form_is_one_file(client: Client, files: str) -> None:
    await client.put(f"{files}/{quote('Grün')}", content=b"1")
    decomposed = quote("Gru\u0308n")
    again = await client.put(f"{files}/{decomposed}", content=b"2")
    assert again.status_code == 200
    assert await names(client, files) == ["Grün"]


async def test_a_folder_is_no_file(client: Client, files: str) -> None:
    await client.put(f"{files}/a/b", content=b"")
    for name in ("a", "a/b/c"):
        refused = await client.put(f"{files}/{name}", content=b"x")
        assert problem(refused, 409)["code"] == "file_in_the_way"


async def test_long_lists_are_paged(client: Client, files: str) -> None:
    for number in range(7):
        await client.put(f"{files}/f{number}", content=b"x" * number)
    page = (await client.get(files, params={"limit": 3, "sort": "-name"})).json()
    assert [item["name"] for item in page["items"]] == ["f6", "f5", "f4"]
    assert page["total"] == 7
    more = {"limit": 10, "sort": "-name", "cursor": page["next_cursor"]}
    assert await names(client, files, **more) == ["f3", "f2", "f1", "f0"]


async def test_other_tenants_and_viewers(
    client: Client, files: str, other_tenant_client: Client
) -> None:
    await client.put(f"{files}/a", content=b"x")
    for method in ("GET", "PUT", "DELETE"):
        answer = await other_tenant_client.request(method, f"{files}/a")
        assert problem(answer, 404)["code"] == "workspace_not_found"
    theirs = (await other_tenant_client.get(f"{API}/workspaces")).json()["items"][0]["id"]
    assert theirs not in files
    assert await names(other_tenant_client, f"{API}/workspaces/{theirs}/files") == []
