"""The runs in a real browser: the list, the drawer of one workflow, and the page of one run."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser

Start = Callable[..., str]


@pytest.fixture(scope="module")
def quick(api: httpx.Client) -> str:
    """A workflow that greets and ends."""
    return make(api, "Quick", {"id": "last", "type": "template", "params": {"text": "Hello"}})


@pytest.fixture(scope="module")
def slow(api: httpx.Client) -> str:
    """A workflow that waits until somebody cancels it, not so long that the run is put aside."""
    return make(api, "Slow", {"id": "last", "type": "wait", "params": {"duration_ms": 29_000}})


@pytest.fixture
def start(api: httpx.Client) -> Start:
    """Starts a workflow's draft; waits for its end if asked to."""

    def started(workflow: str, wait_s: int = 0) -> str:
        answer = api.post(
            f"/api/v1/workflows/{workflow}/runs",
            json={"version": "draft"},
            headers={"Prefer": f"wait={wait_s}"} if wait_s else {},
        )
        return answer.raise_for_status().json()["id"]

    return started


def make(api: httpx.Client, name: str, last: dict[str, Any]) -> str:
    definition = {
        "nodes": [{"id": "start", "type": "start"}, {**last, "position": {"x": 300, "y": 0}}],
        "edges": [{"id": "e1", "source": "start", "target": "last"}],
    }
    made = api.post("/api/v1/workflows", json={"name": name, "definition": definition})
    return made.raise_for_status().json()["id"]


def test_a_run_is_cancelled_on_its_page(
    server: LiveServer, signed_in: Page, api: httpx.Client, slow: str, start: Start
) -> None:
    page = signed_in
    run = start(slow)
    page.goto(f"{server.url}/runs/{run}")
    head = page.locator(".page-head")
    expect(head).to_contain_text("Running")
    expect(head.get_by_role("button", name="Run again")).to_be_hidden()
    head.get_by_role("button", name="Cancel").click()
    expect(head).to_contain_text("Cancelled on its page")
    expect(head.get_by_role("button", name="Run again")).to_be_visible()
    expect(head.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(page.locator("[data-node-id=last]")).to_have_attribute("data-status", "cancelled")
    assert api.get(f"/api/v1/runs/{run}").json()["status"] == "cancelled"


def test_a_run_is_looked_into_repeated_and_deleted(
    server: LiveServer, signed_in: Page, api: httpx.Client, quick: str, start: Start
) -> None:
    page = signed_in
    first = start(quick, wait_s=20)
    page.goto(f"{server.url}/runs/{first}")
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    page.locator("[data-node-id=last]").click()
    inspector = page.get_by_test_id("inspector")
    inspector.get_by_role("tab", name="Output").click()
    expect(inspector.get_by_test_id("data-view")).to_contain_text("Hello")

    page.locator(".page-head").get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: "/runs/" in url and first not in url)
    again = page.url.rsplit("/", 1)[1]
    expect(page.locator("[data-node-id=last]")).to_have_attribute("data-status", "completed")

    for answer, left in (("Keep", 200), ("Delete", 404)):
        page.get_by_role("button", name="More actions").click()
        page.get_by_text("Delete…").click()
        asked = page.get_by_role("dialog", name="Delete this run?")
        asked.get_by_role("button", name=answer).click()
        expect(asked).to_have_count(0)
        if left == 404:
            page.wait_for_url(f"{server.url}/runs")
        assert api.get(f"/api/v1/runs/{again}").status_code == left
    assert page.goto(f"{server.url}/runs/{again}").status == 404  # type: ignore[union-attr]
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_the_list_follows_what_happens_elsewhere(
    server: LiveServer, signed_in: Page, api: httpx.Client, slow: str, start: Start
) -> None:
    page = signed_in
    run = start(slow)
    page.goto(f"{server.url}/runs?workflow_id={slow}")
    row = page.locator(f'[data-run-id="{run}"]')
    expect(row).to_contain_text("Running")
    api.post(f"/api/v1/runs/{run}/cancel").raise_for_status()
    expect(row).to_contain_text("Cancelled")


def test_the_list_is_filtered_and_paged(
    server: LiveServer, signed_in: Page, quick: str, start: Start
) -> None:
    page = signed_in
    for _ in range(51):
        start(quick)
    page.goto(f"{server.url}/runs?workflow_id={quick}")
    rows = page.locator("[data-run-id]")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_role("button", name="Older")).to_be_hidden()
    expect(rows.first).to_be_visible()
    assert 1 <= rows.count() <= 3
    page.get_by_role("button", name="Newer").click()
    expect(rows).to_have_count(50)

    page.get_by_role("combobox", name="Status").click()
    page.get_by_role("option", name="Failed").click()
    expect(page.get_by_text("No run matches these filters")).to_be_visible()
    page.wait_for_url(f"**/runs?workflow_id={quick}&status=failed")
    page.get_by_role("button", name="Clear the filters").click()
    page.wait_for_url(f"{server.url}/runs")
    expect(rows.first).to_be_visible()


def test_the_drawer_shows_the_runs_of_this_workflow_alone(
    server: LiveServer, signed_in: Page, quick: str, slow: str, start: Start
) -> None:
    page = signed_in
    newest = start(quick, wait_s=20)
    page.goto(f"{server.url}/workflows/{slow}")
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    page.get_by_role("button", name="Runs", exact=True).click()
    drawer = page.get_by_role("dialog", name="Runs")
    expect(drawer.get_by_role("heading", name="Runs")).to_be_visible()
    expect(drawer.locator(f'[data-run-id="{newest}"]')).to_have_count(0)
    page.goto(f"{server.url}/workflows/{quick}")
    page.get_by_role("button", name="Runs", exact=True).click()
    drawer.locator(f'[data-run-id="{newest}"]').get_by_role("link").click()
    page.wait_for_url(f"{server.url}/runs/{newest}")


def test_a_phone_shows_the_whole_of_what_failed_and_one_duration(
    server: LiveServer, signed_in: Page, api: httpx.Client, start: Start
) -> None:
    page = signed_in
    page.set_viewport_size({"width": 390, "height": 844})
    message = "The supplier file has no rows for the month that was asked for; ask for another one."
    broken = make(api, "Broken", {"id": "last", "type": "fail", "params": {"message": message}})
    page.goto(f"{server.url}/runs/{start(broken, wait_s=20)}")
    told = page.get_by_test_id("run-error").get_by_text(message)
    expect(told).to_be_visible()
    box = told.bounding_box()
    assert box is not None
    assert box["width"] > 250
    facts = page.get_by_role("group", name="About this run")
    expect(facts.locator(".num:visible")).to_be_in_viewport()
    shown = facts.locator(".num:visible").inner_text()
    expect(page.get_by_test_id("run-controls")).to_contain_text(shown)


def test_a_paused_run_is_not_counted_as_running(
    server: LiveServer, signed_in: Page, api: httpx.Client, start: Start
) -> None:
    page = signed_in
    asks = make(api, "Asks", {"id": "last", "type": "approval", "params": {"message": "Go on?"}})
    start(asks, wait_s=20)
    page.goto(f"{server.url}/runs?workflow_id={asks}")
    expect(page.get_by_text("1 run · 1 paused")).to_be_visible()
