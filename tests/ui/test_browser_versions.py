"""Publishing and the drawer of versions: what is refused, compared, activated, brought back."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser


def drawing(text: str, *more: dict[str, Any]) -> dict[str, Any]:
    greet = {"id": "greet", "type": "template", "name": "Greet", "params": {"text": text}}
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {**greet, "position": {"x": 300, "y": 0}},
            *more,
        ],
        "edges": [{"id": "e1", "source": "start", "target": "greet"}],
    }


def save(api: httpx.Client, path: str, definition: dict[str, Any]) -> None:
    etag = api.get(path).headers["ETag"]
    answer = api.put(f"{path}/draft", json={"definition": definition}, headers={"If-Match": etag})
    answer.raise_for_status()


@pytest.fixture
def path(api: httpx.Client) -> str:
    """The API's path of a workflow with two versions; the second is active and is the draft."""
    body = {"name": "Versioned", "definition": drawing("one")}
    path = f"/api/v1/workflows/{api.post('/api/v1/workflows', json=body).json()['id']}"
    api.post(f"{path}/versions", json={"label": "first"}).raise_for_status()
    save(api, path, drawing("two"))
    api.post(f"{path}/versions", json={}).raise_for_status()
    return path


def show(page: Page, server: LiveServer, path: str) -> Locator:
    page.goto(f"{server.url}{path.removeprefix('/api/v1')}")
    canvas = page.get_by_test_id("canvas")
    expect(canvas).to_have_attribute("data-ready", "true")
    return canvas


def choose(page: Page, version: int, entry: str) -> None:
    page.get_by_role("button", name=f"Actions for version {version}").click()
    page.get_by_role("listitem").filter(has_text=entry).last.click()


def test_problems_are_listed_and_lead_to_their_nodes(
    server: LiveServer, signed_in: Page, api: httpx.Client, path: str
) -> None:
    page = signed_in
    save(api, path, drawing("{{ nobody.knows }}", {"id": "lost", "type": "http_request"}))
    show(page, server, path)
    page.get_by_role("button", name="Publish").click()
    refused = page.get_by_role("dialog", name="Not ready to publish")
    expect(refused).to_contain_text("problems must be solved first")
    expect(refused).to_contain_text("there is nothing called 'nobody'")
    expect(refused.get_by_role("button").filter(has_text="HTTP request").first).to_be_visible()
    expect(refused).not_to_contain_text("lost")
    refused.get_by_role("button").filter(has_text="nobody").click()
    expect(refused).to_have_count(0)
    expect(page.get_by_test_id("inspector").get_by_label("Name of the step")).to_have_value("Greet")
    assert len(api.get(f"{path}/versions").json()["items"]) == 2


def test_a_draft_becomes_the_active_version(
    server: LiveServer, signed_in: Page, api: httpx.Client, path: str
) -> None:
    page = signed_in
    save(api, path, drawing("three"))
    show(page, server, path)
    expect(page.get_by_text("v2 active")).to_be_visible()
    for outcome in ("Version 3 is published.", "Nothing has changed since version 3."):
        page.get_by_role("button", name="Publish").click()
        asked = page.get_by_role("dialog", name="Publish")
        expect(asked.get_by_label("What has changed?")).to_be_focused()
        page.keyboard.type("Counts to three")
        asked.get_by_role("button", name="Publish").click()
        expect(page.get_by_text(outcome)).to_be_visible()
        expect(asked).to_have_count(0)
    expect(page.get_by_text("v3 active")).to_be_visible()
    stored = api.get(f"{path}/versions/3").json()
    assert (stored["description"], stored["active"]) == ("Counts to three", True)


def test_publishing_says_what_has_changed(
    server: LiveServer, signed_in: Page, api: httpx.Client, path: str
) -> None:
    page = signed_in
    save(api, path, drawing("three", {"id": "more", "type": "merge", "name": "Both ways"}))
    save(api, path, drawing("three"))
    show(page, server, path)
    page.get_by_role("button", name="Publish").click()
    asked = page.get_by_role("dialog", name="Publish")
    expect(asked).to_contain_text("Changed since version 2")
    changes = asked.get_by_role("region", name="Changes")
    expect(changes.locator(".diff")).to_contain_text(["Greet"])
    expect(changes.locator("dt")).to_have_text(["Text"])
    expect(changes.locator(".before")).to_contain_text("two")
    expect(changes.locator(".after")).to_contain_text("three")


def rename(page: Page, name: str) -> None:
    """Give the step `greet` another name, and leave the cursor there."""
    page.locator("[data-node-id=greet] header").click()
    page.get_by_label("Name of the step").fill(name)


def test_what_was_typed_a_moment_ago_is_what_is_published(
    server: LiveServer, signed_in: Page, api: httpx.Client, path: str
) -> None:
    page = signed_in
    show(page, server, path)
    rename(page, "Typed last")
    page.get_by_role("button", name="Publish").click()
    asked = page.get_by_role("dialog", name="Publish")
    expect(asked.get_by_role("region", name="Changes")).to_contain_text("Typed last")
    asked.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 3 is published.")).to_be_visible()
    nodes = api.get(f"{path}/versions/3").json()["definition"]["nodes"]
    assert nodes[1]["name"] == "Typed last"


def test_nothing_is_published_that_could_not_be_saved(
    server: LiveServer, signed_in: Page, api: httpx.Client, path: str
) -> None:
    page = signed_in
    show(page, server, path)
    page.route("**/draft", lambda route: route.abort())
    rename(page, "Never arrives")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Nothing was published")).to_be_visible()
    expect(page.get_by_role("dialog", name="Publish")).to_have_count(0)
    assert len(api.get(f"{path}/versions").json()["items"]) == 2


def test_what_somebody_else_saved_meanwhile_is_not_published_unseen(
    server: LiveServer, signed_in: Page, api: httpx.Client, path: str
) -> None:
    page = signed_in
    save(api, path, drawing("seen"))
    show(page, server, path)
    page.get_by_role("button", name="Publish").click()
    asked = page.get_by_role("dialog", name="Publish")
    expect(asked.locator(".after")).to_contain_text("seen")
    save(api, path, drawing("unseen"))
    asked.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert").filter(has_text="changed")).to_be_visible()
    assert len(api.get(f"{path}/versions").json()["items"]) == 2


def test_the_list_runs_the_active_version_with_its_inputs(
    server: LiveServer, signed_in: Page, api: httpx.Client
) -> None:
    page = signed_in
    asking = drawing("{{ input.city }}")
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    body = {"name": "Active asks for a city", "definition": {**asking, "inputs": city}}
    path = f"/api/v1/workflows/{api.post('/api/v1/workflows', json=body).json()['id']}"
    api.post(f"{path}/versions", json={}).raise_for_status()
    other = {"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"]}
    save(api, path, {**drawing("{{ input.year }}"), "inputs": other})

    page.goto(server.url)
    page.get_by_role("button", name="Actions for Active asks for a city").click()
    page.locator(".q-menu").get_by_text("Run", exact=True).click()
    asked = page.get_by_role("dialog", name="Run “Active asks for a city”")
    expect(asked).to_contain_text("Version 1, the active one.")
    expect(asked.get_by_label("year")).to_have_count(0)
    asked.get_by_label("city").fill("Oslo")
    asked.get_by_role("button", name="Run").click()
    page.wait_for_url("**/runs/*")
    run = api.get(f"/api/v1/runs/{page.url.rpartition('/')[2]}").json()
    assert (run["version"], run["inputs"]) == (1, {"city": "Oslo"})


def test_publishing_tells_of_runs_that_wait(
    server: LiveServer, signed_in: Page, api: httpx.Client, path: str
) -> None:
    page = signed_in
    ask = {"id": "ask", "type": "approval", "params": {"message": "Go on?"}}
    asking = drawing("three", ask)
    asking["edges"].append({"id": "e2", "source": "greet", "target": "ask"})
    save(api, path, asking)
    run = api.post(f"{path}/runs", json={"version": "draft"}, headers={"Prefer": "wait=20"})
    assert run.json()["status"] == "paused"
    save(api, path, drawing("four"))
    show(page, server, path)
    page.get_by_role("button", name="Publish").click()
    told = page.get_by_role("dialog").locator(".banner")
    expect(told).to_contain_text("1 paused run will go on with the version it began with")
    expect(told).to_contain_text("Approval (removed)")


def test_versions_are_compared_activated_exported_and_brought_back(
    server: LiveServer, signed_in: Page, api: httpx.Client, path: str
) -> None:
    page = signed_in
    show(page, server, path)
    page.get_by_role("button", name="Versions").click()
    drawer = page.get_by_role("dialog", name="Versions")
    expect(drawer.get_by_role("listitem")).to_have_count(2)
    expect(drawer.get_by_role("listitem").first).to_contain_text("by admin")

    drawer.get_by_role("button", name="Compare").click()
    comparison = drawer.locator(".comparison")
    expect(comparison.locator(".before")).to_contain_text("one")
    expect(comparison.locator(".after")).to_contain_text("two")
    drawer.get_by_role("button", name="Back to the list").click()

    choose(page, 1, "Make it the active one")
    expect(page.locator(".version-tag")).to_have_text("v1 active")
    expect(drawer.get_by_role("listitem").last).to_contain_text("Active")
    assert api.get(path).json()["active_version"] == 1

    with page.expect_download() as download:
        choose(page, 1, "Export as YAML")
    assert "text: one" in download.value.path().read_text()

    choose(page, 1, "Bring back into the draft")
    page.get_by_role("dialog", name="Replace the draft").get_by_role(
        "button", name="Replace"
    ).click()
    expect(page.get_by_text("Version 1 is in the draft.")).to_be_visible()
    assert api.get(path).json()["definition"]["nodes"][1]["params"] == {"text": "one"}
    page.keyboard.press("Escape")
    page.locator("[data-node-id=greet]").click()
    expect(page.get_by_test_id("inspector").get_by_text("one", exact=True)).to_be_visible()
