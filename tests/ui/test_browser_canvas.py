"""The canvas keeps edits whatever happens, says why it refuses, and works without a mouse."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser

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
def workflow(api: httpx.Client) -> str:
    """A workflow of two connected nodes."""
    made = api.post("/api/v1/workflows", json={"name": "Kept", "definition": DRAWING})
    return made.raise_for_status().json()["id"]


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
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    canvas = show(signed_in, f"{server.url}/workflows/{workflow}")
    signed_in.route("**/draft", no_answer)
    signed_in.get_by_test_id("palette-template").click()
    expect(canvas).to_have_attribute("data-save", "offline")
    expect(signed_in.get_by_test_id("save-state")).to_contain_text("edits kept in this browser")
    assert "template" not in node_types(api, workflow)

    signed_in.reload()
    expect(signed_in.locator("[data-node-type=template]")).to_be_visible()
    signed_in.unroute("**/draft")
    expect(canvas).to_have_attribute("data-save", "saved", timeout=10_000)
    assert "template" in node_types(api, workflow)


def test_a_change_made_elsewhere_is_merged_and_neither_drawing_is_lost(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    canvas = show(signed_in, f"{server.url}/workflows/{workflow}")
    path = f"/api/v1/workflows/{workflow}"
    other = {**DRAWING, "nodes": [*DRAWING["nodes"], {"id": "theirs", "type": "wait"}]}
    etag = api.get(path).headers["ETag"]
    api.put(
        f"{path}/draft", json={"definition": other}, headers={"If-Match": etag}
    ).raise_for_status()

    signed_in.get_by_test_id("palette-template").click()
    expect(signed_in.locator("[data-node-id=theirs]")).to_be_visible()
    expect(canvas).to_have_attribute("data-save", "saved")
    assert sorted(node_types(api, workflow)) == ["set_fields", "start", "template", "wait"]
    signed_in.get_by_test_id("undo").click()
    expect(signed_in.locator("[data-node-type=template]")).to_have_count(0)
    signed_in.get_by_test_id("undo").click()
    expect(signed_in.locator("[data-node-id=theirs]")).to_have_count(0)
    expect(signed_in.locator("[data-node-type=template]")).to_be_visible()
    expect(canvas).to_have_attribute("data-save", "saved")
    assert node_types(api, workflow) == ["start", "set_fields", "template"]


def test_a_refused_connection_says_why(server: LiveServer, signed_in: Page, workflow: str) -> None:
    show(signed_in, f"{server.url}/workflows/{workflow}")
    source = signed_in.locator("[data-node-id=greet] .vue-flow__handle.source").bounding_box()
    assert source is not None
    start = signed_in.locator("[data-node-id=start]").bounding_box()
    assert start is not None
    signed_in.mouse.move(source["x"] + 5, source["y"] + 5)
    signed_in.mouse.down()
    signed_in.mouse.move(start["x"] + 90, start["y"] + 40, steps=8)
    signed_in.mouse.move(start["x"] + 80, start["y"] + 20, steps=3)
    expect(signed_in.locator(".wf-refusal")).to_contain_text("nothing can lead into it")
    signed_in.mouse.up()
    expect(signed_in.get_by_test_id("toast")).to_contain_text("nothing can lead into it")
    expect(signed_in.locator("[data-edge-id]")).to_have_count(1)


def test_a_workflow_is_drawn_with_keys_alone(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    canvas = show(signed_in, f"{server.url}/workflows/{workflow}")
    signed_in.locator(".wf-surface").focus()
    signed_in.keyboard.press("ArrowRight")
    signed_in.keyboard.press("ArrowRight")
    expect(signed_in.locator("[data-node-id=greet]")).to_be_focused()
    signed_in.keyboard.press("Tab")
    signed_in.keyboard.type("wait")
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("[data-edge-id]")).to_have_count(2)
    signed_in.keyboard.press("ArrowLeft")
    signed_in.keyboard.press("ArrowLeft")
    expect(signed_in.locator("[data-node-id=start]")).to_be_focused()
    signed_in.keyboard.press("c")
    signed_in.keyboard.type("wait")
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("[data-edge-id]")).to_have_count(3)
    signed_in.keyboard.press("Control+z")
    expect(signed_in.locator("[data-edge-id]")).to_have_count(2)
    expect(canvas).to_have_attribute("data-save", "saved")
    assert node_types(api, workflow) == ["start", "set_fields", "wait"]


def test_a_past_run_is_shown_on_the_drawing_it_was_started_with(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    path = f"/api/v1/workflows/{workflow}"
    started = api.post(f"{path}/runs", json={"version": "draft"}, headers={"Prefer": "wait=20"})
    run = started.raise_for_status().json()["id"]
    etag = api.get(path).headers["ETag"]
    later = {"nodes": [{"id": "later", "type": "start"}]}
    api.put(
        f"{path}/draft", json={"definition": later}, headers={"If-Match": etag}
    ).raise_for_status()

    show(signed_in, f"{server.url}/runs/{run}")
    for node in ("start", "greet"):
        expect(signed_in.locator(f"[data-node-id={node}]")).to_have_attribute(
            "data-status", "completed"
        )
    expect(signed_in.locator("[data-node-id=later]")).to_have_count(0)
    expect(signed_in.get_by_test_id("palette-template")).to_have_count(0)
    signed_in.locator("[data-node-id=greet]").click()
    signed_in.keyboard.press("Delete")
    expect(signed_in.locator("[data-node-id=greet]")).to_be_visible()
