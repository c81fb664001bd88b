"""Importing workflows through the browser: the ways in, and files that cannot be read."""

import httpx
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser

DRAWING = {"nodes": [{"id": "start", "type": "start"}]}


@pytest.fixture(scope="module")
def exported(api: httpx.Client) -> dict[str, FilePayload]:
    """A workflow's file of each kind, as the export gives it."""
    made = api.post("/api/v1/workflows", json={"name": "Carried", "definition": DRAWING})
    path = f"/api/v1/workflows/{made.raise_for_status().json()['id']}/export"
    return {
        kind: {
            "name": f"carried.{kind}",
            "mimeType": "text/plain",
            "buffer": api.get(path, params={"format": kind}).raise_for_status().content,
        }
        for kind in ("json", "yaml")
    }


def workflows(api: httpx.Client) -> int:
    return api.get("/api/v1/workflows?limit=100").json()["total"]


def test_an_export_comes_in_again_by_button(
    server: LiveServer, signed_in: Page, exported: dict[str, FilePayload]
) -> None:
    page = signed_in
    for kind, where in (("json", "list"), ("yaml", "dialog")):
        page.goto(f"{server.url}/")
        button = page.get_by_role("button", name="Import", exact=True)
        if where == "dialog":
            page.get_by_role("button", name="New workflow").first.click()
            button = page.get_by_role("dialog").get_by_role("button", name="Import")
        with page.expect_file_chooser() as chooser:
            button.focus()
            page.keyboard.press("Enter")
        chooser.value.set_files([exported[kind]])
        page.wait_for_url("**/workflows/*")
        expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
        expect(page.locator("[data-node-id=start]")).to_be_visible()


def test_the_editor_imports_from_its_menu_and_by_name(
    server: LiveServer, signed_in: Page, exported: dict[str, FilePayload]
) -> None:
    page = signed_in
    page.goto(f"{server.url}/")
    page.locator(".card-link").first.click()
    for way in ("menu", "commands"):
        expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
        before = page.url
        with page.expect_file_chooser() as chooser:
            if way == "menu":
                page.get_by_role("button", name="More actions").click()
                page.get_by_role("listitem").filter(has_text="Import").click()
            else:
                page.keyboard.press("Control+k")
                page.get_by_test_id("commands-search").fill("import")
                page.keyboard.press("Enter")
        chooser.value.set_files([exported["json"]])
        page.wait_for_url(lambda url, left=before: url != left)


def test_a_file_that_cannot_be_read_is_named_and_the_others_come_in(
    server: LiveServer, signed_in: Page, api: httpx.Client, exported: dict[str, FilePayload]
) -> None:
    page = signed_in
    page.goto(f"{server.url}/")
    before = workflows(api)
    bad: FilePayload = {"name": "broken.json", "mimeType": "text/plain", "buffer": b"{nonsense"}
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import", exact=True).click()
    chooser.value.set_files([bad, exported["json"]])
    expect(page.get_by_text("broken.json:")).to_be_visible()
    expect(page.get_by_text("Imported “Carried")).to_be_visible()
    assert workflows(api) == before + 1
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/workflows/*")


def test_other_files_are_refused(server: LiveServer, signed_in: Page, api: httpx.Client) -> None:
    page = signed_in
    page.goto(f"{server.url}/")
    before = workflows(api)
    other: FilePayload = {"name": "sales.csv", "mimeType": "text/csv", "buffer": b"a,b"}
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import", exact=True).click()
    chooser.value.set_files([other])
    expect(page.get_by_text("Only JSON and YAML files can be imported.")).to_be_visible()
    assert workflows(api) == before
