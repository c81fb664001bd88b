"""The page of model prices: what administrators and others are offered."""

import httpx


async def test_others_read(visitor: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    assert "Add price" in (await visitor.get("/settings/prices")).text
    page = await viewer.get("/settings/prices")
    assert page.status_code == 200
    assert "Model prices" in page.text
    assert "Add price" not in page.text
