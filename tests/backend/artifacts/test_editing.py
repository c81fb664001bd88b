"""A table edited by a person becomes a new table, of the same types, that runs go on with."""

from typing import Any

import httpx
import pytest

from backend.artifacts import service
from graphs.node_type import Services
from tests.backend.test_errors import problem
from tests.graphs.conftest import FakeContext, execute

Client = httpx.AsyncClient
API = "/api/v1"
QUERY = """
    SELECT * FROM (VALUES
      (1, 12345678901234567890::HUGEINT, 630.5::DOUBLE, 1.10::DECIMAL(10,2), DATE '2026-01-31',
       'a', true, [1, 2], {'x': 1}, 'NaN'::DOUBLE, '\\x00\\xFF'::BLOB),
      (2, 2, 1.5, 2.20, NULL, NULL, false, [], {'x': 2}, 1, NULL)
    ) t(id, big, amount, price, day, word, yes, list, object, nan, bytes) ORDER BY id
"""


@pytest.fixture
async def made(client: Client) -> dict[str, Any]:
    """The reference to a table of two rows with a column of each kind."""
    tenant_id = (await client.get(f"{API}/tenants/current")).json()["id"]
    context = FakeContext()
    context.services = Services(artifacts=service.store_for(tenant_id, "run-1"))
    return (await execute("sql", {"query": QUERY}, context)).value


async def edit(client: Client, reference: dict[str, Any], *rows: dict[str, Any]) -> httpx.Response:
    url = f"{API}/artifacts/{reference['$artifact']}/edits"
    return await client.post(url, json={"rows": rows})


async def rows_of(client: Client, reference: dict[str, Any]) -> list[dict[str, Any]]:
    return (await client.get(f"{API}/artifacts/{reference['$artifact']}/rows")).json()["items"]


async def test_cells_and_rows_are_edited_and_the_rest_stays(
    client: Client, made: dict[str, Any]
) -> None:
    before = await rows_of(client, made)
    cells = {"amount": "9999", "big": "12345678901234567891", "word": "", "object": '{"x": 7}'}
    answer = await edit(
        client, made, {"cells": {"id": 3, "list": [4]}}, {"source": 0, "cells": cells}
    )
    assert answer.status_code == 201, answer.text
    after = answer.json()
    assert after["$artifact"] != made["$artifact"]
    assert [one["type"] for one in after["columns"]] == [one["type"] for one in made["columns"]]
    new, edited = await rows_of(client, after)
    changed = {"amount": 9999.0, "big": 12345678901234567891, "word": "", "object": {"x": 7}}
    assert edited == {**before[0], **changed}
    assert new == {**dict.fromkeys(before[0]), "id": 3, "list": [4]}
    assert after["preview"] == [new, edited]
    assert await rows_of(client, made) == before


async def test_what_was_not_touched_keeps_what_json_cannot_say(
    client: Client, made: dict[str, Any]
) -> None:
    after = (await edit(client, made, {"source": 0}, {"source": 0, "cells": {"id": 9}})).json()
    tenant_id = (await client.get(f"{API}/tenants/current")).json()["id"]
    context = FakeContext()
    context.services = Services(artifacts=service.store_for(tenant_id, "run-1"))
    context.prev = after
    query = "SELECT count(*) FILTER (isnan(nan)) AS n, min(octet_length(bytes)) AS b FROM input"
    counted = (await execute("sql", {"query": query}, context)).value
    assert await rows_of(client, counted) == [{"n": 2, "b": 2}]


@pytest.mark.parametrize(
    ("column", "written", "told"),
    [
        ("id", "1.5", "whole number"),
        ("id", "many", "whole number"),
        ("amount", "12345678901234567890", "17 digits"),
        ("price", "1.239", "2 after"),
        ("price", "123456789012", "8 digits before"),
        ("day", "31.1.2026", "2026-01-31"),
        ("day", "2026-01-31 10:00", "2026-01-31"),
        ("yes", "perhaps", "true or false"),
        ("list", "[1.5]", "lost"),
        ("list", "[1", "JSON"),
        ("object", '{"x": 1, "y": 2}', "lost"),
        ("bytes", "!", "base64"),
        ("colour", "red", "no column 'colour'"),
    ],
)
async def test_a_cell_that_does_not_fit_is_named(
    client: Client, made: dict[str, Any], column: str, written: str, told: str
) -> None:
    answer = await edit(client, made, {"source": 1}, {"source": 0, "cells": {column: written}})
    (error,) = problem(answer, 422)["errors"]
    assert error["pointer"] == f"/rows/1/cells/{column}"
    assert error["code"] == "cells_invalid"
    assert told in error["detail"]


async def test_rows_that_are_not_there_and_too_many_are_refused(
    client: Client, made: dict[str, Any]
) -> None:
    answer = await edit(client, made, {"source": 2})
    assert problem(answer, 422)["errors"][0]["pointer"] == "/rows/0/source"
    problem(await edit(client, made, *[{"source": 0}] * 1001), 422)


async def test_a_table_may_lose_all_its_rows(client: Client, made: dict[str, Any]) -> None:
    after = (await edit(client, made)).json()
    assert (after["row_count"], after.get("preview") or []) == (0, [])
    assert after["columns"] == list(made["columns"])


async def test_the_new_table_goes_with_the_runs_of_the_old_one(
    client: Client, made: dict[str, Any]
) -> None:
    after = (await edit(client, made, {"source": 0})).json()
    assert await service.store.users(after["$artifact"]) == ["run-1"]
