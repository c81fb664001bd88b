"""What a page does when its session ends or its server goes away."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import PASSWORD
from tests.live_server import LiveServer
from tests.ui.conftest import let_in

pytestmark = pytest.mark.browser

NEW_PASSWORD = "a quite different phrase"


def test_an_action_after_the_session_has_ended_leads_to_sign_in_and_back(
    server: LiveServer, page: Page, api: httpx.Client
) -> None:
    body = {"username": "edith", "password": PASSWORD, "role": "editor"}
    user = api.post("/api/v1/users", json=body).raise_for_status().json()["id"]
    let_in(page, server, "edith")
    page.goto(f"{server.url}/?search=nothing")
    change = {"password": NEW_PASSWORD}
    api.patch(f"/api/v1/users/{user}", json=change).raise_for_status()
    page.get_by_role("button", name="New workflow").first.click()
    page.wait_for_url("**/login?next=**")
    page.get_by_label("User name").fill("edith")
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/?search=nothing")


def test_signing_out_closes_the_other_tabs_too(server: LiveServer, signed_in: Page) -> None:
    other = signed_in.context.new_page()
    other.goto(f"{server.url}/runs")
    signed_in.bring_to_front()
    signed_in.goto(server.url)
    signed_in.get_by_role("button", name="Account: admin").click()
    signed_in.get_by_role("menuitem", name="Sign out").click()
    signed_in.wait_for_url(f"{server.url}/login")
    other.wait_for_url(f"{server.url}/login?next=%2Fruns")


def test_a_page_tells_that_its_server_is_away_and_goes_on_when_it_is_back(
    server: LiveServer, signed_in: Page
) -> None:
    page = signed_in
    page.goto(server.url)
    expect(page.get_by_role("button", name="New workflow").first).to_be_visible()
    server.kill()
    expect(page.get_by_text("Connection lost")).to_be_visible()
    server.start()
    expect(page.get_by_text("Connection lost")).to_be_hidden()
    page.get_by_role("button", name="New workflow").first.click()
    expect(page.get_by_role("dialog", name="New workflow")).to_be_visible()


def test_a_page_that_never_reached_its_server_again_tells_so(
    server: LiveServer, signed_in: Page
) -> None:
    page = signed_in
    page.add_init_script(
        "window.WebSocket = class extends WebSocket {"
        " constructor() { super(location.origin.replace('http', 'ws') + '/nowhere'); } };"
    )
    page.route("**/_nicegui_ws/**", lambda route: route.abort())
    page.goto(server.url)
    expect(page.get_by_text("Connection lost")).to_be_visible()
