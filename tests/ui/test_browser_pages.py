"""Signing in, the first account and the list of workflows, in a real browser."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import PASSWORD
from tests.live_server import LiveServer

pytestmark = pytest.mark.browser


@pytest.fixture
def start(signed_in: Page, server: LiveServer) -> Page:
    """The list of workflows, as the administrator."""
    signed_in.goto(server.url)
    return signed_in


def test_signing_in_leads_to_the_page_that_was_wanted(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.url}/runs?status=failed")
    expect(page.get_by_label("User name")).to_be_focused()
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not match")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/runs?status=failed")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    page.get_by_role("button", name="Account: admin").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.wait_for_url(f"{server.url}/login")
    page.goto(f"{server.url}/runs")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_first_account_is_made_in_the_browser(page: Page, tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "fresh", "", HEDDLE_ADMIN_PASSWORD="")
    server.start()
    try:
        page.goto(server.url)
        page.wait_for_url(f"{server.url}/setup")
        page.get_by_role("button", name="Create account").click()
        expect(page.locator("#username-error")).to_have_text("Enter a user name.")
        expect(page.locator("#password-error")).to_have_text("Enter a password.")
        expect(page.get_by_label("User name")).to_be_focused()
        page.get_by_label("User name").fill("ada")
        expect(page.locator("#username-error")).to_be_hidden()
        page.get_by_label("Password", exact=True).fill("short")
        page.get_by_role("button", name="Create account").click()
        expect(page.locator("#password-error")).to_contain_text("does not meet the rules")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        page.wait_for_url(f"{server.url}/")
        expect(page.get_by_role("heading", name="Workflows", exact=True)).to_be_visible()
        assert httpx.get(f"{server.url}/setup").headers["location"] == "/login"
    finally:
        server.stop()


def test_the_theme_holds_without_a_flash(start: Page) -> None:
    for choice, ground in (("Dark", "rgb(17, 19, 24)"), ("Light", "rgb(244, 246, 249)")):
        start.get_by_role("button", name="Theme").click()
        start.get_by_role("menuitemradio", name=choice).click()
        start.reload(wait_until="commit")
        start.wait_for_function("document.body")
        assert start.evaluate("document.documentElement.dataset.theme") == choice.lower()
        expect(start.locator("body")).to_have_css("background-color", ground)


def test_a_workflow_is_made_found_deleted_and_brought_back(start: Page) -> None:
    page = start
    page.get_by_role("button", name="New workflow").first.click()
    page.get_by_role("radio", name="Blank").click()
    page.get_by_label("Name").fill("Zebra counter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/workflows/*")
    expect(page.get_by_label("Workflow name")).to_have_value("Zebra counter")
    expect(page.get_by_test_id("canvas")).to_be_visible()
    page.get_by_role("link", name="All workflows", exact=True).click()
    cards = page.get_by_role("listitem")
    page.get_by_label("Search workflows").fill("zebra")
    page.wait_for_url("**/?search=zebra")
    expect(cards).to_have_count(1)
    page.get_by_role("button", name="Actions for Zebra counter").click()
    page.get_by_text("Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(cards).to_have_count(1)


def test_a_dropped_file_becomes_a_workflow(start: Page) -> None:
    page = start
    expect(page.get_by_role("button", name="New workflow").first).to_be_visible()
    page.wait_for_function("document.querySelector('.drop-target')")
    page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], 'dropped.yaml'));
            document.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
        }""",
        "name: Dropped in\ndefinition:\n  nodes:\n  - {id: start, type: start}\n",
    )
    page.wait_for_url("**/workflows/*")
    expect(page.get_by_label("Workflow name")).to_have_value("Dropped in")


def test_no_page_scrolls_sideways(signed_in: Page, server: LiveServer) -> None:
    for path in ("/", "/runs", "/users", "/help/nodes", "/help/errors"):
        signed_in.goto(f"{server.url}{path}")
        expect(signed_in.locator("h1").first).to_be_visible()
        for width in (1440, 1024, 390):
            signed_in.set_viewport_size({"width": width, "height": 800})
            sideways = "document.documentElement.scrollWidth > window.innerWidth"
            assert not signed_in.evaluate(sideways), (path, width)
