"""The page Files in a real browser: uploaded by choosing and dropping, previewed, deleted."""

import pytest
from playwright.sync_api import Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser

DROP = """
(target) => {
  const carried = new DataTransfer();
  carried.items.add(new File(["x,y\\n1,2\\n"], "dropped.csv", { type: "text/csv" }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const options = { dataTransfer: carried, bubbles: true, cancelable: true };
    target.dispatchEvent(new DragEvent(kind, options));
  }
}
"""


def test_files_are_uploaded_looked_at_and_deleted(server: LiveServer, signed_in: Page) -> None:
    page = signed_in
    page.goto(f"{server.url}/")
    page.get_by_role("link", name="Files").click()
    expect(page.get_by_role("heading", name="There are no files yet")).to_be_visible()
    rows = b"region,n\neast,1\nwest,2\n"
    sales = {"name": "Sales 2026.csv", "mimeType": "text/csv", "buffer": rows}
    hello = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files([sales, hello])
    row = page.get_by_role("row").filter(has_text="Sales 2026.csv")
    expect(row).to_contain_text("23 B")
    expect(page.get_by_text("2 entries")).to_be_visible()
    page.locator(".drop-zone").evaluate(DROP)
    expect(page.get_by_role("row").filter(has_text="dropped.csv")).to_be_visible()

    page.get_by_role("button", name="Actions for Sales 2026.csv").click()
    page.get_by_role("listitem").filter(has_text="Preview").last.click()
    shown = page.get_by_role("dialog", name="Sales 2026.csv")
    expect(shown.get_by_role("cell", name="west")).to_be_visible()
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()

    page.get_by_role("button", name="Actions for Sales 2026.csv").click()
    with page.expect_download() as download:
        page.get_by_role("listitem").filter(has_text="Download").last.click()
    assert download.value.suggested_filename == "Sales 2026.csv"

    page.get_by_role("button", name="Actions for Sales 2026.csv").click()
    page.get_by_role("listitem").filter(has_text="Delete").last.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_be_hidden()
    expect(page.get_by_text("2 entries")).to_be_visible()


def test_a_refused_upload_says_why(server: LiveServer, signed_in: Page) -> None:
    page = signed_in
    page.goto(f"{server.url}/files")
    expect(page.locator(".drop-zone")).to_be_visible()
    bad = {"name": "bad\\name.csv", "mimeType": "text/csv", "buffer": b"x"}
    page.locator("[data-upload] input").set_input_files([bad])
    expect(page.get_by_text("Write / between folders")).to_be_visible()
