"""The editor keeps numbers, edits of two sides, undo and the last run's data, whatever happens."""

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser

BIG, EXACT, PINNED = "7615917337495251231", "0.1000000000000000055", "12345678901234567890"

DRAWING: dict[str, Any] = {
    "inputs": {"type": "object", "properties": {"city": {"type": "string", "default": "Oslo"}}},
    "nodes": [
        {"id": "start", "type": "start", "name": "Begin", "position": {"x": 0, "y": 0}},
        {
            "id": "greet",
            "type": "set_fields",
            "name": "Greet",
            "params": {"fields": {"text": "Hello", "row_count": 2}},
            "position": {"x": 320, "y": 0},
        },
        {
            "id": "use",
            "type": "template",
            "name": "Use",
            "params": {"text": "{{ steps.greet.text }}"},
            "position": {"x": 640, "y": 0},
        },
    ],
    "edges": [
        {"id": "e1", "source": "start", "target": "greet"},
        {"id": "e2", "source": "greet", "target": "use"},
    ],
}


def make(api: httpx.Client, definition: dict[str, Any]) -> str:
    made = api.post("/api/v1/workflows", json={"name": "Kept", "definition": definition})
    return made.raise_for_status().json()["id"]


@pytest.fixture
def workflow(api: httpx.Client) -> str:
    """Three connected nodes."""
    return make(api, DRAWING)


def show(page: Page, url: str) -> Locator:
    page.goto(url)
    canvas = page.get_by_test_id("canvas")
    expect(canvas).to_have_attribute("data-ready", "true")
    return canvas


def nodes_of(api: httpx.Client, workflow: str) -> dict[str, Any]:
    definition = api.get(f"/api/v1/workflows/{workflow}").json()["definition"]
    return {node["id"]: node for node in definition["nodes"]}


def rename(page: Page, node: str, name: str) -> None:
    """Give a node another name in the inspector."""
    page.locator(f"[data-node-id={node}] header").click()
    page.get_by_label("Name of the step").fill(name)


def draft_without_places(api: httpx.Client, workflow: str) -> list[Any]:
    """The nodes in the server's own words, so that Python's numbers round nothing."""
    text = api.get(f"/api/v1/workflows/{workflow}").text
    nodes = json.loads(text, parse_float=str, parse_int=str)["definition"]["nodes"]
    return [{**node, "position": None} for node in nodes]


def test_a_moved_step_changes_no_number_of_anybody(
    server: LiveServer, signed_in: Page, api: httpx.Client
) -> None:
    text = json.dumps(DRAWING).replace('"row_count": 2', f'"row_count": {BIG}, "one": 1.0')
    pin = f'"pinned": {{"output": {{"id": {PINNED}, "x": {EXACT}, "y": 2.0}}}}, "name": "Use"'
    text = text.replace('"name": "Use"', pin)
    body = f'{{"name": "Numbers", "definition": {text}}}'
    made = api.post("/api/v1/workflows", content=body, headers={"Content-Type": "application/json"})
    workflow = made.raise_for_status().json()["id"]
    before = draft_without_places(api, workflow)
    assert BIG in str(before)

    canvas = show(signed_in, f"{server.url}/workflows/{workflow}")
    signed_in.locator("[data-node-id=greet] header").click()
    expect(signed_in.locator(f".wf-inspector input[value='{BIG}']")).to_be_visible()
    signed_in.get_by_test_id("canvas").locator(".wf-surface").focus()
    with signed_in.expect_response("**/draft"):
        signed_in.keyboard.press("Alt+ArrowDown")
    expect(canvas).to_have_attribute("data-save", "saved")
    assert draft_without_places(api, workflow) == before


def test_two_tabs_are_merged_and_a_person_chooses_only_what_clashes(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    canvas = show(signed_in, f"{server.url}/workflows/{workflow}")
    context: BrowserContext = signed_in.context
    other = context.new_page()
    show(other, f"{server.url}/workflows/{workflow}")
    signed_in.bring_to_front()
    signed_in.route("**/draft", lambda route: route.abort())
    rename(signed_in, "greet", "Mine")
    expect(canvas).to_have_attribute("data-save", "offline")
    rename(other, "use", "Theirs")
    expect(other.get_by_test_id("canvas")).to_have_attribute("data-save", "saved")
    signed_in.unroute("**/draft")
    expect(canvas).to_have_attribute("data-save", "saved", timeout=15_000)
    names = {id_: node["name"] for id_, node in nodes_of(api, workflow).items()}
    assert names == {"start": "Begin", "greet": "Mine", "use": "Theirs"}

    signed_in.route("**/draft", lambda route: route.abort())
    rename(signed_in, "greet", "Mine again")
    expect(canvas).to_have_attribute("data-save", "offline")
    path = f"/api/v1/workflows/{workflow}"
    stored = api.get(path)
    definition = stored.json()["definition"]
    definition["nodes"][1]["name"] = "Theirs too"
    definition["nodes"].append({"id": "added", "type": "wait", "position": {"x": 320, "y": 240}})
    api.put(
        f"{path}/draft",
        json={"definition": definition},
        headers={"If-Match": stored.headers["ETag"]},
    ).raise_for_status()
    signed_in.unroute("**/draft")
    expect(canvas).to_have_attribute("data-save", "conflict", timeout=15_000)
    dialog = signed_in.get_by_test_id("conflict-dialog")
    expect(dialog).to_contain_text("1 part was changed on both sides")
    expect(dialog.get_by_test_id("change-node:greet")).to_contain_text("Theirs too")
    dialog.get_by_test_id("choose-theirs-greet").check()
    dialog.get_by_test_id("conflict-merge").click()
    expect(canvas).to_have_attribute("data-save", "saved")
    nodes = nodes_of(api, workflow)
    assert nodes["greet"]["name"] == "Theirs too"
    assert set(nodes) == {"start", "greet", "use", "added"}


def test_back_and_forward_show_the_saved_drawing_and_undo_is_still_there(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    canvas = show(signed_in, f"{server.url}/workflows/{workflow}")
    rename(signed_in, "greet", "Important work")
    expect(signed_in.locator("[data-node-id=greet]")).to_contain_text("Important work")
    expect(canvas).to_have_attribute("data-save", "saved")
    signed_in.goto(f"{server.url}/")
    signed_in.go_back()
    expect(canvas).to_have_attribute("data-ready", "true")
    expect(signed_in.locator("[data-node-id=greet]")).to_contain_text("Important work")
    expect(canvas).to_have_attribute("data-save", "saved")
    signed_in.get_by_test_id("undo").click()
    expect(signed_in.locator("[data-node-id=greet]")).not_to_contain_text("Important work")
    expect(canvas).to_have_attribute("data-save", "saved")
    signed_in.reload()
    expect(canvas).to_have_attribute("data-ready", "true")
    signed_in.get_by_test_id("redo").click()
    expect(signed_in.locator("[data-node-id=greet]")).to_contain_text("Important work")
    expect(canvas).to_have_attribute("data-save", "saved")
    assert nodes_of(api, workflow)["greet"]["name"] == "Important work"


def test_the_last_run_is_there_at_opening_until_it_is_let_go(
    server: LiveServer, signed_in: Page, api: httpx.Client, workflow: str
) -> None:
    run = api.post(
        f"/api/v1/workflows/{workflow}/runs",
        json={"version": "draft"},
        headers={"Prefer": "wait=10"},
    )
    assert run.raise_for_status().json()["status"] == "completed"
    show(signed_in, f"{server.url}/workflows/{workflow}")
    expect(signed_in.locator("[data-node-id=greet]")).to_have_attribute("data-status", "completed")
    expect(signed_in.get_by_test_id("earlier-run")).to_contain_text("data of the run just now")

    signed_in.locator("[data-node-id=use] header").click()
    field = signed_in.locator(".wf-inspector textarea").filter(visible=True).first
    field.fill("{{ steps.greet.rowcount }}")
    warning = signed_in.get_by_test_id("wrong-path")
    expect(warning).to_contain_text("rowcount")
    warning.get_by_role("button").click()
    expect(field).to_have_value("{{ steps.greet.row_count }}")
    expect(signed_in.get_by_test_id("expression-preview")).to_contain_text("2")
    expect(signed_in.get_by_test_id("earlier-run")).to_contain_text("1 step changed since")

    signed_in.get_by_label("Clear the run from the canvas").click()
    signed_in.reload()
    expect(signed_in.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    expect(signed_in.get_by_test_id("earlier-run")).to_have_count(0)
