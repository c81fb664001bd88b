"""The main job as a person does it: sign in, draw, connect, fill a form, run, see the data."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def drop(page: Page, kind: str, x: int, y: int) -> str:
    """Drag a node type from the palette to a place on the canvas; returns the new node's id."""
    before = set(node_ids(page))
    canvas = page.get_by_test_id("canvas").locator(".vue-flow__pane").first
    page.get_by_test_id(f"palette-{kind}").drag_to(canvas, target_position={"x": x, "y": y})
    expect(page.locator("[data-node-id]")).to_have_count(len(before) + 1)
    return (set(node_ids(page)) - before).pop()


def node_ids(page: Page) -> list[str]:
    nodes = page.locator("[data-node-id]")
    return [str(nodes.nth(index).get_attribute("data-node-id")) for index in range(nodes.count())]


def connect(page: Page, source: str, target: str) -> None:
    """Drag from the source's first output port to the target's first input port."""
    ends: list[Any] = []
    for node, kind in ((source, "source"), (target, "target")):
        port = page.locator(f'[data-node-id="{node}"] .vue-flow__handle.{kind}').first
        box = port.bounding_box()
        assert box is not None
        ends.append((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    page.mouse.move(*ends[0])
    page.mouse.down()
    page.mouse.move((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2, steps=4)
    page.mouse.move(*ends[1], steps=6)
    page.mouse.up()


def test_draw_run_and_see(server: LiveServer, page: Page) -> None:
    page.goto(f"{server.url}/login")
    sign_in(page, server.password)
    page.get_by_role("button", name="New workflow").first.click()
    page.get_by_role("textbox", name="Name").fill("Greeting")
    page.get_by_role("button", name="Create").click()
    canvas = page.get_by_test_id("canvas")
    expect(canvas).to_have_attribute("data-ready", "true")

    for node in node_ids(page):  # begin with an empty canvas
        page.locator(f'[data-node-id="{node}"]').click()
        page.keyboard.press("Delete")
    start = drop(page, "start", 80, 260)
    greet = drop(page, "set_fields", 320, 260)
    end = drop(page, "end", 560, 260)
    connect(page, start, greet)
    connect(page, greet, end)
    expect(page.locator(".vue-flow__edge")).to_have_count(2)

    page.locator(f'[data-node-id="{greet}"]').click()
    inspector = page.get_by_test_id("inspector")
    inspector.get_by_role("button", name="Add field").click()
    inspector.get_by_label("Fields: name 1").fill("text")
    inspector.get_by_role("combobox", name="Fields: value of text", exact=True).fill(
        "Hello {{ 6 * 7 }}"
    )
    expect(canvas).to_have_attribute("data-save", "saved")

    page.keyboard.press("Control+Enter")
    for node in (start, greet, end):
        expect(page.locator(f'[data-node-id="{node}"]')).to_have_attribute(
            "data-status", "completed"
        )
    page.locator(f'[data-node-id="{end}"]').click()
    inspector.get_by_role("tab", name="Output").click()
    expect(inspector.get_by_test_id("data-view")).to_contain_text("Hello 42")

    page.reload()
    expect(canvas).to_have_attribute("data-ready", "true")
    expect(page.locator(".vue-flow__edge")).to_have_count(2)
