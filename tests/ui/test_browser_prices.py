"""Model prices in a real browser: added, refused, changed, removed; a viewer only reads."""

import pytest
from playwright.sync_api import Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser


def test_prices_are_kept(server: LiveServer, signed_in: Page) -> None:
    page = signed_in
    page.goto(f"{server.url}/settings/prices")
    expect(page.get_by_role("heading", name="No prices yet")).to_be_visible()
    page.get_by_role("button", name="Add price").first.click()
    asked = page.get_by_role("dialog", name="Add a price")
    expect(asked.get_by_label("Model")).to_be_focused()
    page.keyboard.type("openai:gpt-5-mini")
    asked.get_by_label("Input, $").fill("a quarter")
    asked.get_by_label("Output, $").fill("2")
    asked.get_by_role("button", name="Save price").click()
    expect(page.get_by_text("Input: write an amount such as 0.25")).to_be_visible()
    asked.get_by_label("Input, $").fill("-1")
    asked.get_by_role("button", name="Save price").click()
    expect(page.get_by_text("A price is a number from 0")).to_be_visible()
    asked.get_by_label("Input, $").fill("0.25")
    asked.get_by_role("button", name="Save price").click()
    row = page.get_by_role("row").filter(has_text="openai:gpt-5-mini")
    expect(row).to_contain_text("$0.25")
    expect(row).to_contain_text("$2")

    page.get_by_role("button", name="Actions for openai:gpt-5-mini").click()
    page.get_by_role("listitem").filter(has_text="Change the price").last.click()
    asked = page.get_by_role("dialog", name="Price of openai:gpt-5-mini")
    asked.get_by_label("Input, $").fill("0.5")
    asked.get_by_role("button", name="Save price").click()
    expect(row).to_contain_text("$0.5")

    page.get_by_role("button", name="Actions for openai:gpt-5-mini").click()
    page.get_by_role("listitem").filter(has_text="Remove").last.click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="No prices yet")).to_be_visible()


def test_the_settings_lead_to_them(server: LiveServer, signed_in: Page) -> None:
    signed_in.goto(f"{server.url}/settings")
    signed_in.get_by_role("link", name="Model prices").click()
    expect(signed_in.get_by_role("heading", name="Model prices")).to_be_visible()
