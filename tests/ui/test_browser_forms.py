"""What people enter in the editor's forms, in a real browser: rows of tables, and settings."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser

Show = Callable[[str], None]
SLOW_MS = 12_000
SALES = """
    SELECT * FROM (VALUES ('North', 630.5::DOUBLE, 12345678901234567890::HUGEINT),
                          ('South', 12.25, 2)) t(region, amount, number)
"""


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Everything may take its time; the modules after this one expect as before."""
    expect.set_options(timeout=SLOW_MS)
    yield
    expect.set_options(timeout=5000)


@pytest.fixture
def show(server: LiveServer, signed_in: Page) -> Show:
    """Opens a workflow in the editor."""
    signed_in.set_default_timeout(SLOW_MS)

    def opened(workflow: str) -> None:
        signed_in.goto(f"{server.url}/workflows/{workflow}")
        expect(signed_in.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")

    return opened


def node(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "name": name.capitalize(), **more}


def make(api: httpx.Client, name: str, *chain: dict[str, Any], **more: Any) -> str:
    nodes = [{"id": "start", "type": "start"}, *chain]
    for place, each in enumerate(nodes):
        each.setdefault("position", {"x": 260 * place, "y": 0})
    ports = {"approval": {"source_port": "yes"}, "if": {"source_port": "true"}}
    edges = [
        {"id": f"e{at}", "source": one["id"], "target": two["id"], **ports.get(one["type"], {})}
        for at, (one, two) in enumerate(pairwise(nodes))
    ]
    definition = {"nodes": nodes, "edges": edges, **more}
    made = api.post("/api/v1/workflows", json={"name": name, "definition": definition})
    return made.raise_for_status().json()["id"]


def card(page: Page, name: str) -> Locator:
    return page.locator(f"[data-node-id={name}]")


def select(page: Page, name: str) -> Locator:
    """Select a step; gives its panel."""
    page.get_by_test_id("fit").click()
    card(page, name).locator("header").click()
    return page.get_by_test_id("inspector")


def choose(page: Page, name: str, command: str) -> None:
    page.get_by_test_id("fit").click()
    card(page, name).locator("header").click(button="right")
    page.get_by_test_id(f"menu-{command}").click()


def saved(page: Page) -> None:
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-save", "saved")


def params(api: httpx.Client, workflow: str, name: str) -> dict[str, Any]:
    nodes = api.get(f"/api/v1/workflows/{workflow}").json()["definition"]["nodes"]
    return next(each for each in nodes if each["id"] == name).get("params", {})


def run(api: httpx.Client, workflow: str, **more: Any) -> dict[str, Any]:
    url = f"/api/v1/workflows/{workflow}/runs"
    body = {"version": "draft", **more}
    return api.post(url, json=body, headers={"Prefer": "wait=20"}).raise_for_status().json()


def file(api: httpx.Client, name: str) -> str:
    workspace = api.get("/api/v1/workspaces").json()["items"][0]["id"]
    return api.get(f"/api/v1/workspaces/{workspace}/files/{name}").raise_for_status().text


# ---- tables are edited as rows ------------------------------------------------------------------


def reporting(api: httpx.Client, name: str) -> str:
    return make(
        api,
        name,
        node("sales", "sql", params={"query": SALES}),
        node("plot", "chart", params={"x": "region", "y": "amount"}),
        node("ask", "approval", params={"message": "Ship?", "details": "{{ steps.sales }}"}),
        node("file", "write_file", params={"name": f"{name}.csv", "content": "{{ steps.sales }}"}),
    )


def agreed(api: httpx.Client, run_id: str) -> dict[str, Any]:
    """What the person who answers was shown; the run is at its end afterwards."""
    (question,) = api.get(f"/api/v1/runs/{run_id}/approvals").json()["items"]
    shown = api.get(f"/api/v1/approvals/{question['id']}").json()
    url = f"/api/v1/approvals/{question['id']}/respond"
    api.post(url, json={"answer": True}).raise_for_status()
    for _ in range(500):
        found = api.get(f"/api/v1/runs/{run_id}").json()
        if found["status"] in ("completed", "failed", "cancelled"):
            assert found["status"] == "completed", found
            return shown
    raise AssertionError("the run does not end")


def newest(api: httpx.Client, workflow: str) -> dict[str, Any]:
    found = api.get(f"/api/v1/runs?workflow_id={workflow}&limit=1").raise_for_status().json()
    return found["items"][0]


def test_the_rows_of_a_fork_are_edited_for_the_file_the_chart_and_the_inbox(
    server: LiveServer, signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page, workflow = signed_in, reporting(api, "forked")
    first = run(api, workflow)
    show(workflow)
    choose(page, "sales", "fork")
    dialog = page.get_by_test_id("fork-dialog")
    cell = dialog.get_by_label("amount, row 1")
    expect(cell).to_have_value("630.5")
    expect(dialog.get_by_label("number, row 1")).to_have_value("12345678901234567890")
    cell.fill("much")
    dialog.get_by_test_id("fork-start").click()
    expect(dialog).to_contain_text("'much' is not a number")
    cell.fill("9999")
    dialog.get_by_label("number, row 1").fill("12345678901234567891")
    dialog.get_by_role("button", name="Take row 2 away").click()
    dialog.get_by_test_id("table-add-row").click()
    dialog.get_by_label("region, row 2").fill("West")
    dialog.get_by_test_id("fork-start").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("run-status")).to_have_attribute("data-status", "paused")

    forked = newest(api, workflow)
    assert forked["id"] != first["id"]
    steps = api.get(f"/api/v1/runs/{forked['id']}/steps").json()["items"]
    chart = next(step for step in steps if step["node_id"] == "plot")["output"]
    assert "9999" in str(chart)
    assert "630.5" not in str(chart)
    question = api.get(f"/api/v1/runs/{forked['id']}/approvals").json()["items"][0]
    inbox = page.context.new_page()
    inbox.goto(f"{server.url}/approvals/{question['id']}")
    expect(inbox.get_by_text("9999").first).to_be_visible()
    expect(inbox.get_by_text("630.5")).to_have_count(0)
    inbox.close()
    assert "9999" in str(agreed(api, forked["id"]))
    written = file(api, "forked.csv")
    assert written.split() == [
        "region,amount,number",
        "North,9999.0,12345678901234567891",
        "West,,",
    ]
    agreed(api, first["id"])
    assert "630.5" in file(api, "forked.csv")


def test_the_rows_of_pinned_data_are_edited_for_the_file_and_the_inbox(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page, workflow = signed_in, reporting(api, "pinned")
    agreed(api, run(api, workflow)["id"])
    show(workflow)
    choose(page, "sales", "edit-pin")
    dialog = page.get_by_test_id("pin-dialog")
    dialog.get_by_label("amount, row 1").fill("9999")
    dialog.get_by_label("amount, row 1").press("ArrowDown")
    expect(dialog.get_by_label("amount, row 2")).to_be_focused()
    page.get_by_test_id("pin-save").click()
    expect(page.get_by_test_id("pin-sales")).to_be_visible()
    saved(page)
    again = run(api, workflow)
    assert "9999" in str(agreed(api, again["id"]))
    assert "North,9999.0," in file(api, "pinned.csv")
    assert "630.5" not in file(api, "pinned.csv")


def test_a_large_table_is_refused_with_what_to_do_instead(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    query = "SELECT range AS n FROM range(1001)"
    workflow = make(api, "Large", node("sales", "sql", params={"query": query}))
    run(api, workflow)
    show(workflow)
    choose(page, "sales", "edit-pin")
    expect(page.get_by_test_id("table-too-large")).to_contain_text("1,001 rows")
    expect(page.get_by_test_id("table-too-large")).to_contain_text("Change the step that makes it")
