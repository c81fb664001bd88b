"""The settings in a real browser: the Python node needs a deliberate yes."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser


def test_the_settings_are_changed_and_the_python_node_needs_a_yes(
    server: LiveServer, signed_in: Page, api: httpx.Client
) -> None:
    page = signed_in
    page.goto(f"{server.url}/settings")
    page.get_by_label("Name").fill("Mill")
    page.get_by_role("button", name="Save name").click()
    expect(page.get_by_text("The name is saved.")).to_be_visible()
    page.get_by_label("Limit in GB").fill("2")
    page.get_by_role("button", name="Save limit").click()
    expect(page.get_by_text("The limit is saved.")).to_be_visible()

    page.get_by_role("button", name="Enable…").click()
    asked = page.get_by_role("dialog", name="Enable the Python node?")
    expect(asked.get_by_role("button", name="Enable")).to_be_disabled()
    asked.get_by_role("checkbox").click()
    asked.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("Enabled", exact=True)).to_be_visible()
    view = api.get("/api/v1/tenants/current").json()
    assert (view["name"], view["artifact_quota_bytes"]) == ("Mill", 2 * 1024**3)
    assert view["python_enabled"] is True

    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("Off", exact=True)).to_be_visible()
    assert api.get("/api/v1/tenants/current").json()["python_enabled"] is False
