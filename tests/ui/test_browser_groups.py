"""Groups on the canvas, and steps made a workflow of their own, with the mouse and the keyboard."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser


def step(node_id: str, place: int, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": node_id,
        "type": "set_fields",
        "name": node_id.title(),
        "params": {"fields": fields},
        "position": {"x": place * 320, "y": 160},
    }


DRAWING: dict[str, Any] = {
    "inputs": {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}},
    "nodes": [
        {"id": "start", "type": "start", "name": "Start", "position": {"x": 0, "y": 160}},
        step("double", 1, {"n": "{{ input.n * 2 }}"}),
        step("more", 2, {"n": "{{ steps.double.n + 1 }}"}),
        step("last", 3, {"text": "It is {{ steps.more.n }}"}),
    ],
    "edges": [
        {"id": "e1", "source": "start", "target": "double"},
        {"id": "e2", "source": "double", "target": "more"},
        {"id": "e3", "source": "more", "target": "last"},
    ],
}


@pytest.fixture
def workflow(api: httpx.Client) -> str:
    """A workflow of four steps in a row."""
    made = api.post("/api/v1/workflows", json={"name": "In a row", "definition": DRAWING})
    return made.raise_for_status().json()["id"]


def show(page: Page, server: LiveServer, workflow: str) -> Locator:
    page.goto(f"{server.url}/workflows/{workflow}")
    canvas = page.get_by_test_id("canvas")
    expect(canvas).to_have_attribute("data-ready", "true")
    return canvas


def choose(page: Page, *ids: str) -> None:
    """Select steps, and no others, by clicking their names."""
    page.keyboard.press("Escape")
    for number, node_id in enumerate(ids):
        title = page.get_by_test_id(f"node-{node_id}").locator(".wf-title")
        title.click(modifiers=["Shift"] if number else [])


def drawn(api: httpx.Client, workflow: str) -> dict[str, Any]:
    return api.get(f"/api/v1/workflows/{workflow}").json()["definition"]


def saved(page: Page) -> None:
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-save", "saved")


def group(page: Page, *ids: str, name: str) -> Locator:
    choose(page, *ids)
    page.keyboard.press("Control+g")
    field = page.get_by_test_id("group-name")
    expect(field).to_be_focused()
    field.fill(name)
    field.press("Enter")
    made = page.get_by_role("group", name=f"Group {name}", exact=False)
    expect(made).to_be_visible()
    return made


def test_a_group_is_made_named_folded_and_dissolved_with_the_keyboard(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    page = signed_in
    show(page, server, workflow)
    made = group(page, "double", "more", name="Numbers")
    expect(made).to_contain_text("2 steps")
    saved(page)
    (stored,) = drawn(api, workflow)["groups"]
    assert stored["name"] == "Numbers"
    assert set(stored["members"]) == {"double", "more"}
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("node-double")).to_have_count(0)
    expect(made).to_contain_text("Closed group")
    expect(page.locator('[data-edge-id="e1"]')).to_be_attached()
    expect(page.locator('[data-edge-id="e2"]')).to_have_count(0)
    expect(page.locator('[data-edge-id="e3"]')).to_be_attached()
    saved(page)
    page.reload()
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    expect(page.get_by_test_id("node-double")).to_have_count(0)
    page.get_by_role("button", name="Open Numbers").click()
    expect(page.get_by_test_id("node-double")).to_be_visible()
    page.keyboard.press("Control+Shift+G")
    expect(made).to_have_count(0)
    expect(page.get_by_test_id("node-double")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(made).to_be_visible()


def test_steps_move_with_their_frame_and_join_and_leave_it(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    page = signed_in
    show(page, server, workflow)
    made = group(page, "double", "more", name="Numbers")
    before = {node["id"]: node["position"] for node in DRAWING["nodes"]}
    drag(page, made.locator("header"), 0, 160)
    saved(page)
    moved = {node["id"]: node["position"] for node in drawn(api, workflow)["nodes"]}
    by = moved["double"]["y"] - before["double"]["y"]
    assert by > 0
    assert moved["more"]["y"] - before["more"]["y"] == by
    assert moved["last"] == before["last"]
    drag(page, page.get_by_test_id("node-more").locator(".wf-title"), 0, 260)
    expect(made).to_contain_text("1 step")
    saved(page)
    assert drawn(api, workflow)["groups"][0]["members"] == ["double"]
    page.keyboard.press("Control+z")
    expect(made).to_contain_text("2 steps")


def drag(page: Page, handle: Locator, x: float, y: float) -> None:
    box = handle.bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + x / 2, at[1] + y / 2, steps=4)
    page.mouse.move(at[0] + x, at[1] + y, steps=4)
    page.mouse.up()


def test_a_folded_group_shows_how_the_run_of_its_steps_stands(
    server: LiveServer, signed_in: Page, workflow: str
) -> None:
    page = signed_in
    canvas = show(page, server, workflow)
    made = group(page, "double", "more", name="Numbers")
    page.keyboard.press("Shift+G")
    saved(page)
    page.keyboard.press("Control+Enter")
    page.get_by_test_id("run-dialog").get_by_role("button", name="Run", exact=True).click()
    expect(canvas).to_have_attribute("data-run-status", "completed")
    expect(made).to_have_attribute("data-status", "completed")
    expect(made).to_contain_text("2 of 2 completed")


def test_the_menu_of_a_group_and_the_palette_do_what_its_keys_do(
    server: LiveServer, signed_in: Page, workflow: str
) -> None:
    page = signed_in
    show(page, server, workflow)
    choose(page, "double", "more")
    page.get_by_test_id("node-more").locator(".wf-title").click(button="right")
    page.get_by_test_id("menu-group").click()
    field = page.get_by_test_id("group-name")
    expect(field).to_be_focused()
    field.fill("Numbers")
    field.press("Enter")
    made = page.get_by_role("group", name="Group Numbers", exact=False)
    overview = page.get_by_test_id("overview")
    expect(overview.locator("path.is-group")).to_have_count(1)
    made.locator("header").click(button="right")
    menu = page.get_by_role("menu", name="Group", exact=True)
    expect(menu).to_contain_text("Numbers: 2 items")
    expect(menu.get_by_test_id("menu-align-left")).to_have_count(0)
    expect(menu.get_by_test_id("menu-inspect")).to_have_count(0)
    menu.get_by_role("menuitem", name="Close to one card").click()
    expect(page.get_by_test_id("node-double")).to_have_count(0)
    expect(overview.locator("path.is-folded")).to_have_count(1)
    made.locator("footer").click(button="right")
    menu.get_by_role("menuitem", name="Open").click()
    expect(page.get_by_test_id("node-double")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("ungroup")
    page.keyboard.press("Enter")
    expect(made).to_have_count(0)
    expect(page.get_by_test_id("align-bar")).to_be_visible()


def test_deleting_a_group_asks_about_its_steps(
    server: LiveServer, signed_in: Page, workflow: str
) -> None:
    page = signed_in
    show(page, server, workflow)
    made = group(page, "double", "more", name="Numbers")
    page.keyboard.press("Delete")
    page.get_by_test_id("delete-group-frame").click()
    expect(made).to_have_count(0)
    expect(page.get_by_test_id("node-double")).to_be_visible()
    page.keyboard.press("Control+z")
    made.locator("header").click()
    page.keyboard.press("Delete")
    page.get_by_test_id("delete-group-whole").click()
    expect(page.get_by_test_id("node-double")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("node-double")).to_be_visible()


def test_steps_become_a_sub_workflow_in_one_step_that_undo_takes_back(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    page = signed_in
    show(page, server, workflow)
    choose(page, "double", "more")
    page.get_by_test_id("extract").click()
    dialog = page.get_by_test_id("extract-dialog")
    expect(dialog).to_contain_text("{{ input.n }}")
    expect(page.get_by_test_id("extract-output")).to_contain_text("More")
    page.get_by_test_id("extract-name").fill("Double and more")
    page.get_by_test_id("extract-input-input.n").fill("number")
    page.get_by_test_id("extract-make").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("node-double_and_more")).to_be_visible()
    saved(page)
    definition = drawn(api, workflow)
    (call,) = [node for node in definition["nodes"] if node["type"] == "workflow"]
    inner = api.get(f"/api/v1/workflows/{call['params']['workflow_id']}").json()
    assert inner["name"] == "Double and more"
    assert inner["active_version"] == 1
    assert inner["definition"]["inputs"]["properties"] == {"number": {"type": "integer"}}
    run = api.post(
        f"/api/v1/workflows/{workflow}/runs",
        json={"inputs": {"n": 5}, "version": "draft"},
        headers={"Prefer": "wait=30"},
    ).json()
    assert run["outputs"] == {"last": {"text": "It is 11"}}
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("node-double")).to_be_visible()
    expect(page.get_by_test_id(f"node-{call['id']}")).to_have_count(0)


def test_steps_that_cannot_be_a_sub_workflow_are_told_why(
    server: LiveServer, signed_in: Page, workflow: str
) -> None:
    page = signed_in
    show(page, server, workflow)
    choose(page, "start", "more")
    page.get_by_test_id("extract").click()
    told = page.get_by_test_id("extract-reasons")
    expect(told).to_contain_text("“Start” stays")
    expect(told).to_contain_text("“Double” comes between")
    page.keyboard.press("Escape")
    expect(told).to_have_count(0)
    page.get_by_test_id("extract").click()
    told.get_by_role("button", name="Show it").first.click()
    expect(told).to_have_count(0)


def test_nothing_is_left_behind_when_the_new_workflow_cannot_be_published(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    page = signed_in
    show(page, server, workflow)
    before = api.get("/api/v1/workflows").json()["total"]
    page.route("**/versions", lambda route: route.fulfill(status=503, json={"detail": "Not now."}))
    choose(page, "double", "more")
    page.get_by_test_id("extract").click()
    page.get_by_test_id("extract-name").fill("Never made")
    page.get_by_test_id("extract-make").click()
    expect(page.get_by_test_id("extract-dialog").get_by_role("alert")).to_contain_text("Not now.")
    assert api.get("/api/v1/workflows").json()["total"] == before
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("node-double")).to_be_visible()
