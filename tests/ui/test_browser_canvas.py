"""The canvas keeps edits whatever happens, says why it refuses, and works without a mouse."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.live_server import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

DRAWING: dict[str, Any] = {
    "nodes": [
        {"id": "start", "type": "start", "name": "Begin", "position": {"x": 0, "y": 0}},
        {
            "id": "greet",
            "type": "set_fields",
            "name": "Greet",
            "params": {"fields": {"text": "Hello"}},
            "position": {"x": 320, "y": 0},
        },
    ],
    "edges": [{"id": "e1", "source": "start", "target": "greet"}],
}


@pytest.fixture
def api(live_server: LiveServer) -> Iterator[httpx.Client]:
    """The API as the administrator."""
    with live_server.client() as client:
        yield client


@pytest.fixture
def workflow(api: httpx.Client) -> str:
    """A workflow of two connected nodes."""
    made = api.post("/api/v1/workflows", json={"name": "Kept", "definition": DRAWING})
    return made.raise_for_status().json()["id"]


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A signed-in page."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    credentials = {"username": "admin", "password": live_server.password}
    assert context.request.post(f"{live_server.url}/api/v1/auth/login", data=credentials).ok
    yield context.new_page()
    context.close()


def show(page: Page, url: str) -> Locator:
    page.goto(url)
    canvas = page.get_by_test_id("canvas")
    expect(canvas).to_have_attribute("data-ready", "true")
    return canvas


def node_types(api: httpx.Client, workflow: str) -> list[str]:
    definition = api.get(f"/api/v1/workflows/{workflow}").json()["definition"]
    return [node["type"] for node in definition["nodes"]]


def no_answer(route: Route) -> None:
    route.abort()


def test_edits_survive_a_lost_connection_and_a_reload(
    live_server: LiveServer, page: Page, api: httpx.Client, workflow: str
) -> None:
    canvas = show(page, f"{live_server.url}/workflows/{workflow}")
    page.route("**/draft", no_answer)
    page.get_by_test_id("palette-template").click()
    expect(canvas).to_have_attribute("data-save", "offline")
    expect(page.get_by_test_id("save-state")).to_contain_text("edits kept in this browser")
    assert "template" not in node_types(api, workflow)

    page.reload()
    expect(page.locator("[data-node-type=template]")).to_be_visible()
    page.unroute("**/draft")
    expect(canvas).to_have_attribute("data-save", "saved", timeout=10_000)
    assert "template" in node_types(api, workflow)


def test_a_change_made_elsewhere_is_told_and_neither_drawing_is_lost(
    live_server: LiveServer, page: Page, api: httpx.Client, workflow: str
) -> None:
    canvas = show(page, f"{live_server.url}/workflows/{workflow}")
    path = f"/api/v1/workflows/{workflow}"
    other = {**DRAWING, "nodes": [*DRAWING["nodes"], {"id": "theirs", "type": "wait"}]}
    etag = api.get(path).headers["ETag"]
    api.put(
        f"{path}/draft", json={"definition": other}, headers={"If-Match": etag}
    ).raise_for_status()

    page.get_by_test_id("palette-template").click()
    expect(canvas).to_have_attribute("data-save", "conflict")
    page.get_by_test_id("conflict-theirs").click()
    expect(page.locator("[data-node-id=theirs]")).to_be_visible()
    page.get_by_test_id("undo").click()
    expect(page.locator("[data-node-id=theirs]")).to_have_count(0)
    expect(page.locator("[data-node-type=template]")).to_be_visible()
    expect(canvas).to_have_attribute("data-save", "saved")
    assert node_types(api, workflow) == ["start", "set_fields", "template"]


def test_a_refused_connection_says_why(live_server: LiveServer, page: Page, workflow: str) -> None:
    show(page, f"{live_server.url}/workflows/{workflow}")
    source = page.locator("[data-node-id=greet] .vue-flow__handle.source").bounding_box()
    assert source is not None
    start = page.locator("[data-node-id=start]").bounding_box()
    assert start is not None
    page.mouse.move(source["x"] + 5, source["y"] + 5)
    page.mouse.down()
    page.mouse.move(start["x"] + 90, start["y"] + 40, steps=8)
    page.mouse.move(start["x"] + 80, start["y"] + 20, steps=3)
    expect(page.locator(".wf-refusal")).to_contain_text("nothing can lead into it")
    page.mouse.up()
    expect(page.get_by_test_id("toast")).to_contain_text("nothing can lead into it")
    expect(page.locator("[data-edge-id]")).to_have_count(1)


def test_a_workflow_is_drawn_with_keys_alone(
    live_server: LiveServer, page: Page, api: httpx.Client, workflow: str
) -> None:
    canvas = show(page, f"{live_server.url}/workflows/{workflow}")
    page.locator(".wf-surface").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-node-id=greet]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("wait")
    page.keyboard.press("Enter")
    expect(page.locator("[data-edge-id]")).to_have_count(2)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-node-id=start]")).to_be_focused()
    page.keyboard.press("c")
    page.keyboard.type("wait")
    page.keyboard.press("Enter")
    expect(page.locator("[data-edge-id]")).to_have_count(3)
    page.keyboard.press("Control+z")
    expect(page.locator("[data-edge-id]")).to_have_count(2)
    expect(canvas).to_have_attribute("data-save", "saved")
    assert node_types(api, workflow) == ["start", "set_fields", "wait"]


def test_a_past_run_is_shown_on_the_drawing_it_was_started_with(
    live_server: LiveServer, page: Page, api: httpx.Client, workflow: str
) -> None:
    path = f"/api/v1/workflows/{workflow}"
    started = api.post(f"{path}/runs", json={"version": "draft"}, headers={"Prefer": "wait=20"})
    run = started.raise_for_status().json()["id"]
    etag = api.get(path).headers["ETag"]
    later = {"nodes": [{"id": "later", "type": "start"}]}
    api.put(
        f"{path}/draft", json={"definition": later}, headers={"If-Match": etag}
    ).raise_for_status()

    show(page, f"{live_server.url}/runs/{run}")
    for node in ("start", "greet"):
        expect(page.locator(f"[data-node-id={node}]")).to_have_attribute("data-status", "completed")
    expect(page.locator("[data-node-id=later]")).to_have_count(0)
    expect(page.get_by_test_id("palette-template")).to_have_count(0)
    page.locator("[data-node-id=greet]").click()
    page.keyboard.press("Delete")
    expect(page.locator("[data-node-id=greet]")).to_be_visible()
