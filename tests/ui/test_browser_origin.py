"""Every page keeps to its own server: no font, script, picture or call comes from elsewhere."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live_server import LiveServer
from tests.ui.conftest import let_in

pytestmark = pytest.mark.browser


def test_no_request_leaves_the_servers_own_origin(
    server: LiveServer, page: Page, api: httpx.Client
) -> None:
    made = api.post("/api/v1/templates/first-steps/use", json={})
    workflow = made.raise_for_status().json()["id"]
    start = {"version": "draft", "inputs": {}}
    run = api.post(f"/api/v1/workflows/{workflow}/runs", json=start).json()["id"]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws:", "http:", 1)))
    for path in ("/login", "/setup"):
        page.goto(f"{server.url}{path}")
    let_in(page, server)
    guide = [f"/help/{name}" for name in ("editor", "expressions", "nodes", "errors", "api")]
    for path in (
        "/",
        f"/workflows/{workflow}",
        "/runs",
        f"/runs/{run}",
        "/users",
        "/help",
        *guide,
        "/help?q=run",
        "/nothing-here",
        "/docs",
    ):
        page.goto(f"{server.url}{path}", wait_until="load")
        if path.startswith(("/workflows/", "/runs/")):
            expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    page.wait_for_timeout(500)
    own = (f"{server.url}/", "data:", "blob:")
    assert len(asked) > 50
    assert [url for url in asked if not url.startswith(own)] == []
