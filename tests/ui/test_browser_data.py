"""What runs made is seen in a browser: tables, charts, large values, questions, nested steps."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.live_server import LiveServer

pytestmark = pytest.mark.browser

ROWS = 100_000
ORDERS = f"SELECT i AS n, 'city ' || (i % 7) AS city, i * 2 AS total FROM range({ROWS}) t(i)"
Run = Callable[..., str]


@pytest.fixture
def run(api: httpx.Client) -> Run:
    """Makes a workflow of a chain of nodes and starts its draft; returns the run's id."""

    def ran(*chain: dict[str, Any], edges: list[dict[str, Any]] | None = None) -> str:
        workflow = make(api, "Data", *chain, edges=edges)
        path = f"/api/v1/workflows/{workflow}/runs"
        answer = api.post(path, json={"version": "draft"}, headers={"Prefer": "wait=20"})
        return answer.raise_for_status().json()["id"]

    return ran


def make(
    api: httpx.Client,
    name: str,
    *chain: dict[str, Any],
    edges: list[dict[str, Any]] | None = None,
) -> str:
    nodes = [{"id": "start", "type": "start"}, *chain]
    for index, node in enumerate(nodes):
        node.setdefault("position", {"x": 320 * index, "y": 0})
    ids = [node["id"] for node in nodes]
    plain = [
        {"id": f"e{index}", "source": source, "target": target}
        for index, (source, target) in enumerate(pairwise(ids))
    ]
    definition = {"nodes": nodes, "edges": plain if edges is None else edges}
    made = api.post("/api/v1/workflows", json={"name": name, "definition": definition})
    return made.raise_for_status().json()["id"]


def show(page: Page, server: LiveServer, run: str, node: str | None = None) -> Locator:
    """Open a run's page, select a node, and give the inspector."""
    page.goto(f"{server.url}/runs/{run}")
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    if node is not None:
        page.locator(f"[data-node-id={node}] .wf-title").first.click()
    return page.get_by_test_id("inspector")


def test_a_large_table_is_paged_sorted_searched_and_downloaded(
    server: LiveServer, signed_in: Page, run: Run
) -> None:
    page = signed_in
    made = run({"id": "orders", "type": "sql", "params": {"query": ORDERS}})
    inspector = show(page, server, made, "orders")
    expect(page.locator("[data-node-id=orders] .wf-foot")).to_contain_text(
        "100,000 rows \u00d7 3 cols"
    )

    table = inspector.get_by_test_id("data-view")
    expect(table).to_contain_text("100,000 rows \u00d7 3 columns")
    expect(table.get_by_role("columnheader", name="city")).to_contain_text("text")
    place = table.get_by_test_id("rows-place")
    cells = table.locator("tbody tr[aria-rowindex]").first.locator("td")
    expect(place).to_have_text("Rows 1\u2013100 of 100,000")
    table.get_by_role("button", name="Rows after").click()
    expect(place).to_have_text("Rows 101\u2013200 of 100,000")
    expect(cells).to_have_text(["101", "100", "city 2", "200"])
    table.get_by_role("button", name="Rows before").click()
    expect(cells).to_have_text(["1", "0", "city 0", "0"])

    head = table.get_by_role("columnheader", name="total")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(cells).to_have_text(["1", "99999", "city 4", "199998"])

    table.get_by_role("button", name="Search").click()
    table.get_by_role("searchbox").fill("9999")
    expect(place).to_contain_text("of ")
    expect(place).not_to_contain_text("100,000")
    expect(cells.nth(1)).to_contain_text("9999")

    table.get_by_role("button", name="Download Output").click()
    for name, start in (("CSV", b"n,city,total"), ("Parquet", b"PAR1"), ("JSON", b"[")):
        address = table.get_by_role("menuitem", name=name).get_attribute("href")
        answer = page.request.get(f"{server.url}{address}", timeout=60_000)
        assert answer.ok, name
        assert answer.body().removeprefix(b"\xef\xbb\xbf").startswith(start), name


def test_a_chart_is_drawn_when_it_is_looked_at_and_saved_as_a_picture(
    server: LiveServer, signed_in: Page, run: Run, tmp_path: Path
) -> None:
    page = signed_in
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    made = run(
        {"id": "orders", "type": "sql", "params": {"query": ORDERS}},
        {"id": "plot", "type": "chart", "params": {"x": "city", "y": "total", "title": "Cities"}},
        {"id": "end", "type": "end", "params": {"output": {"orders": "{{ steps.orders }}"}}},
    )
    inspector = show(page, server, made, "orders")
    expect(inspector.get_by_test_id("data-view")).to_be_visible()
    assert not [url for url in asked if url.endswith("/plot.js")]

    page.locator("[data-node-id=plot] .wf-title").click()
    chart = inspector.get_by_test_id("chart-view")
    expect(chart.locator("svg")).to_contain_text("city 3")
    expect(chart.get_by_role("img", name="Bar chart: Cities")).to_be_visible()
    assert [url for url in asked if url.endswith("/plot.js")]
    assert all(url.startswith((server.url, "data:", "blob:")) for url in asked)

    chart.locator("svg [aria-roledescription=bar]").first.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("city")
    for name, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        chart.get_by_role("button", name="Save as a picture").click()
        with page.expect_download() as saved:
            chart.get_by_role("menuitem", name=name).click()
        assert saved.value.suggested_filename == f"cities.{name.lower()}"
        target = tmp_path / name
        saved.value.save_as(target)
        assert target.read_bytes().startswith(start)

    chart.get_by_role("radio", name="Data").click()
    expect(chart.get_by_role("columnheader", name="city")).to_be_visible()
    page.get_by_role("tab", name="Outputs").click()
    drawer = page.get_by_test_id("run-drawer")
    expect(drawer.get_by_test_id("rows-place")).to_have_text("Rows 1\u2013100 of 100,000")


def test_a_large_value_is_loaded_when_it_is_asked_for(
    server: LiveServer, signed_in: Page, run: Run
) -> None:
    text = "abcdefghij" * 10_000
    made = run({"id": "big", "type": "set_fields", "params": {"fields": {"text": text, "n": 7}}})
    inspector = show(signed_in, server, made, "big")
    kept = inspector.get_by_test_id("artifact-view")
    expect(kept).to_contain_text("98 KB of JSON")
    kept.get_by_role("button", name="Load").click()
    expect(kept).to_have_attribute("data-loaded", "true")
    expect(kept.get_by_test_id("data-view")).to_contain_text("n:")
    kept.get_by_role("radio", name="Text").click()
    expect(kept.locator("pre")).to_contain_text(text[:2000])


def test_a_question_is_answered_on_the_page_of_its_run(
    server: LiveServer, signed_in: Page, run: Run
) -> None:
    schema = {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": "integer", "title": "Amount", "multipleOf": 2}},
    }
    form = {"message": "How many?", "kind": "form", "form_schema": schema}
    made = run(
        {"id": "send", "type": "approval", "params": {"message": "Send the report?"}},
        {"id": "count", "type": "approval", "params": form},
        {"id": "told", "type": "template", "params": {"text": "{{ steps.count.answer.amount }}"}},
        edges=[
            {"id": "a", "source": "start", "target": "send"},
            {"id": "b", "source": "send", "source_port": "yes", "target": "count"},
            {"id": "c", "source": "count", "target": "told"},
        ],
    )
    page = signed_in
    inspector = show(page, server, made, "send")
    question = inspector.get_by_test_id("approval")
    expect(question).to_contain_text("Send the report?")
    question.get_by_label("Comment").fill("Looks right")
    question.get_by_role("button", name="Yes").click()
    expect(question).to_contain_text("Answered by admin")
    expect(question).to_contain_text("Looks right")
    node = page.locator("[data-node-id=send]")
    expect(node).to_have_attribute("data-status", "completed")

    expect(page.locator("[data-node-id=count]")).to_have_attribute("data-status", "waiting")
    page.get_by_test_id("answer").click()
    expect(question).to_contain_text("How many?")
    amount = question.locator("[data-field='/amount']")
    amount.locator("input, textarea").first.fill("3")
    question.get_by_role("button", name="Send the answer").click()
    expect(amount).to_contain_text("2")
    amount.locator("input, textarea").first.fill("4")
    question.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-run-status", "completed")
    expect(page.locator("[data-node-id=told] .wf-foot")).to_contain_text("4")


def test_somebody_who_was_quicker_is_told_of(
    server: LiveServer, signed_in: Page, api: httpx.Client, run: Run
) -> None:
    params = {
        "message": "Which?",
        "kind": "choice",
        "options": [{"value": "now", "label": "Right now"}, "later"],
    }
    made = run({"id": "ask", "type": "approval", "params": params}, edges=start_to("ask"))
    inspector = show(signed_in, server, made, "ask")
    question = inspector.get_by_test_id("approval")
    question.get_by_label("Right now").check()
    [open_one] = api.get(f"/api/v1/runs/{made}/approvals").json()["items"]
    path = f"/api/v1/approvals/{open_one['id']}/respond"

    def late(route: Route) -> None:
        api.post(path, json={"answer": "later"}).raise_for_status()
        route.continue_()

    signed_in.route(f"**{path}", late)
    with signed_in.expect_response(f"**{path}") as refused:
        question.get_by_role("button", name="Send the answer").click()
    assert refused.value.status == 409
    expect(question).to_contain_text("later")
    expect(question).to_contain_text("Answered by admin")


def start_to(target: str) -> list[dict[str, Any]]:
    return [{"id": "e", "source": "start", "target": target}]


def test_a_question_from_a_sub_workflow_is_found_and_answered(
    server: LiveServer, signed_in: Page, api: httpx.Client, run: Run
) -> None:
    asks = {"id": "ask", "type": "approval", "name": "Deep", "params": {"message": "Go deeper?"}}
    inner = make(api, "Asks", asks, edges=start_to("ask"))
    api.post(f"/api/v1/workflows/{inner}/versions", json={}).raise_for_status()
    made = run({"id": "call", "type": "workflow", "params": {"workflow_id": inner}})
    page = signed_in
    inspector = show(page, server, made)
    page.get_by_test_id("answer").click()
    expect(inspector.get_by_test_id("inner-steps")).to_contain_text("Deep")
    question = inspector.get_by_test_id("approval")
    expect(question).to_contain_text("Go deeper?")
    question.get_by_role("button", name="Yes").click()
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-run-status", "completed")
    expect(page.get_by_test_id("answer")).to_have_count(0)
    expect(question).to_contain_text("Yes")


def test_the_steps_inside_a_loop_and_a_sub_workflow_are_looked_into(
    server: LiveServer, signed_in: Page, api: httpx.Client, run: Run
) -> None:
    greet = {"id": "greet", "type": "template", "name": "Greet"}
    inner = make(api, "Inner", {**greet, "params": {"text": "Hello {{ input.name }}"}})
    api.post(f"/api/v1/workflows/{inner}/versions", json={}).raise_for_status()
    call = {
        "id": "call",
        "type": "workflow",
        "name": "Call",
        "params": {"workflow_id": inner, "inputs": {"name": "{{ item }}"}},
        "position": {"x": 40, "y": 80},
    }
    loop = {
        "id": "loop",
        "type": "for_each",
        "name": "Each",
        "params": {"items": ["Ada", "Bob", "Cleo"]},
        "size": {"width": 420, "height": 240},
        "body": {"nodes": [call], "edges": []},
    }
    made = run(loop)
    page = signed_in
    inspector = show(page, server, made, "loop")
    inspector.get_by_role("tab", name="Steps").click()
    steps = inspector.get_by_test_id("inner-steps")
    steps.get_by_label("Iteration", exact=True).select_option("1")
    steps.get_by_role("button", name="Call").click()
    steps.get_by_role("button", name="Greet").click()
    expect(steps.get_by_test_id("data-view")).to_contain_text("Hello Bob")
    steps.get_by_role("navigation").get_by_role("button", name="Call").click()
    expect(steps.get_by_role("button", name="Greet")).to_contain_text("Completed")
    steps.get_by_role("navigation").get_by_role("button", name="Each").click()
    expect(steps.get_by_label("Iteration", exact=True)).to_have_value("1")

    page.locator("[data-node-id=call] .wf-title").click()
    inspector.get_by_role("tab", name="Steps").click()
    expect(steps.get_by_role("link", name="Open the workflow")).to_have_attribute(
        "href", f"/workflows/{inner}"
    )


def test_the_rounds_of_an_agent_graph_are_told_in_their_order(
    server: LiveServer, signed_in: Page, run: Run
) -> None:
    params = {"name": "plan_and_execute", "input": {"goal": "Count the cities"}}
    made = run({"id": "agent", "type": "graph", "params": params})
    inspector = show(signed_in, server, made, "agent")
    inspector.get_by_role("tab", name="Steps").click()
    steps = inspector.get_by_test_id("inner-steps")
    expect(steps.locator("[data-step-key]").first).to_contain_text("plan")
    expect(steps.locator("[data-step-key]").last).to_contain_text("answer")
    expect(steps.locator("[data-step-key]").last).to_contain_text("tok")
    steps.locator("[data-step-key]").last.click()
    expect(steps.get_by_test_id("data-view")).to_contain_text("mock answer")
