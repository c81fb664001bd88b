"""The preview of a file over HTTP: read as settings say, with what was guessed and what is odd."""

import httpx

from tests.backend.test_errors import problem

Client = httpx.AsyncClient
API = "/api/v1"


async def test_a_file_is_shown_as_the_settings_would_have_it_read(client: Client) -> None:
    workspace = (await client.get(f"{API}/workspaces")).json()["items"][0]["id"]
    url = f"{API}/workspaces/{workspace}"
    await client.put(f"{url}/files/a/b.csv", content=b"id;x\n1;2,5\n2\n")
    shown = (await client.post(f"{url}/preview", json={"name": "a/b.csv"})).json()
    assert [column["type"] for column in shown["columns"]] == ["BIGINT", "DECIMAL(2,1)"]
    assert shown["dialect"]["separator"] == ";"
    assert (shown["dialect"]["encoding"], shown["dialect"]["decimal"]) == ("UTF-8", ",")
    assert shown["notices"][0]["line"] == 3
    assert shown["sample_only"] is False
    settings = {"name": "a/b.csv", "text_columns": ["id"]}
    again = (await client.post(f"{url}/preview", json=settings)).json()
    assert again["rows"][0]["id"] == "1"
    refused = problem(
        await client.post(f"{url}/preview", json={"name": "a/b.csv", "ragged": "refuse"}), 422
    )
    assert "line 3" in refused["detail"]
    assert problem(await client.post(f"{url}/preview", json={"name": "no.csv"}), 404)["code"] == (
        "file_not_found"
    )


async def test_of_a_large_file_the_head_is_shown(client: Client) -> None:
    workspace = (await client.get(f"{API}/workspaces")).json()["items"][0]["id"]
    url = f"{API}/workspaces/{workspace}"
    rows = "".join(f'{n},"two\nlines"\n' for n in range(100_000))
    await client.put(f"{url}/files/big.csv", content=f"n,t\n{rows}".encode())
    shown = (await client.post(f"{url}/preview", json={"name": "big.csv"})).json()
    assert shown["sample_only"] is True
    assert shown["rows"][1] == {"n": 1, "t": "two\nlines"}
    assert shown["notices"] == []


async def test_a_file_of_no_bytes_is_shown_as_an_empty_table(client: Client) -> None:
    workspace = (await client.get(f"{API}/workspaces")).json()["items"][0]["id"]
    url = f"{API}/workspaces/{workspace}"
    await client.put(f"{url}/files/none.csv", content=b"")
    shown = (await client.post(f"{url}/preview", json={"name": "none.csv"})).json()
    assert (shown["columns"], shown["rows"]) == ([], [])
    assert "empty" in shown["notices"][0]["detail"]
