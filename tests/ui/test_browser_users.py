"""Users in a real browser: how they are kept, and what a viewer is offered."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import PASSWORD
from tests.live_server import LiveServer
from tests.ui.conftest import let_in

pytestmark = pytest.mark.browser

NEW_PASSWORD = "a quite different phrase"


def act(page: Page, username: str, entry: str) -> None:
    page.get_by_role("button", name=f"Actions for {username}", exact=True).click()
    page.get_by_role("listitem").filter(has_text=entry).last.click()


def logs_in(server: LiveServer, username: str, password: str) -> bool:
    credentials = {"username": username, "password": password}
    return httpx.post(f"{server.url}/api/v1/auth/login", json=credentials).is_success


def test_users_are_added_changed_and_disabled(server: LiveServer, signed_in: Page) -> None:
    page = signed_in
    page.goto(f"{server.url}/users")
    page.get_by_role("button", name="Add user").click()
    asked = page.get_by_role("dialog", name="Add a user")
    expect(asked.get_by_label("User name")).to_be_focused()
    page.keyboard.type("grace")
    asked.get_by_label("Password").fill("short")
    asked.get_by_role("button", name="Add user").click()
    expect(page.get_by_text("A password has at least")).to_be_visible()
    asked.get_by_label("Password").fill(PASSWORD)
    asked.get_by_role("button", name="Add user").click()
    row = page.get_by_role("row").filter(has_text="grace")
    expect(row).to_contain_text("Editor")

    page.get_by_role("button", name="Actions for grace").press("Enter")
    expect(page.get_by_role("menu").last).to_be_focused()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    asked = page.get_by_role("dialog", name="Change the role of grace")
    asked.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="Viewer").click()
    asked.get_by_role("button", name="Change").click()
    expect(row).to_contain_text("Viewer")

    act(page, "grace", "Set a password")
    asked = page.get_by_role("dialog", name="Set a password for grace")
    asked.get_by_label("Password").fill(NEW_PASSWORD)
    asked.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("grace has a new password.")).to_be_visible()
    assert not logs_in(server, "grace", PASSWORD)
    assert logs_in(server, "grace", NEW_PASSWORD)

    act(page, "grace", "Disable")
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")
    assert not logs_in(server, "grace", NEW_PASSWORD)
    act(page, "grace", "Enable")
    expect(row).to_contain_text("Active")
    act(page, "admin", "Disable")
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("alert").last).to_contain_text("Somebody must remain")
    assert logs_in(server, "admin", PASSWORD)


def test_a_viewer_is_offered_nothing_that_would_be_refused(
    server: LiveServer, page: Page, api: httpx.Client
) -> None:
    body = {"username": "viewer", "password": PASSWORD, "role": "viewer"}
    api.post("/api/v1/users", json=body).raise_for_status()
    made = api.post("/api/v1/workflows", json={"name": "Seen"}).json()["id"]
    run = api.post(
        f"/api/v1/workflows/{made}/runs",
        json={"version": "draft"},
        headers={"Prefer": "wait=20"},
    ).json()["id"]
    let_in(page, server, "viewer")
    page.goto(server.url)
    page.get_by_role("button", name="Actions for Seen").click()
    expect(page.get_by_text("Export as JSON")).to_be_visible()
    changing = page.get_by_role("button", name="New workflow").or_(page.get_by_text("Delete…"))
    expect(changing).to_have_count(0)
    expect(page.get_by_role("link", name="Users")).to_have_count(0)
    assert page.goto(f"{server.url}/users").status == 403  # type: ignore[union-attr]

    for path in (f"/workflows/{made}", f"/runs/{run}"):
        page.goto(f"{server.url}{path}")
        expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
        for name in ("Publish", "Run", "Run again", "Cancel"):
            expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        expect(page.get_by_label("Workflow name")).to_have_count(0)
        expect(page.get_by_test_id("palette-template")).to_have_count(0)
    page.goto(f"{server.url}/workflows/{made}")
    expect(page.get_by_text("View only")).to_be_visible()


def test_everybody_changes_their_own_password(
    server: LiveServer, page: Page, api: httpx.Client
) -> None:
    body = {"username": "own", "password": PASSWORD, "role": "viewer"}
    api.post("/api/v1/users", json=body).raise_for_status()
    let_in(page, server, "own")
    page.goto(f"{server.url}/runs")
    page.get_by_role("button", name="Account: own").click()
    page.get_by_role("menuitem", name="Change password").click()
    asked = page.get_by_role("dialog", name="Change your password")
    expect(asked.get_by_label("Current password")).to_be_focused()
    page.keyboard.type("not the password")
    asked.get_by_label("New password").fill("short")
    page.keyboard.press("Enter")
    expect(asked.locator("#new_password-error")).to_be_visible()
    asked.get_by_label("New password").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    expect(asked.locator("#current_password-error")).to_contain_text("not your password")
    asked.get_by_label("Current password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(asked).to_be_hidden()
    assert logs_in(server, "own", NEW_PASSWORD)
    assert not logs_in(server, "own", PASSWORD)
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
