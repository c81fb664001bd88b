"""Approvals in a real browser: the badge, the inbox, the answer, and who was faster."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import PASSWORD
from tests.live_server import LiveServer
from tests.ui.conftest import let_in

pytestmark = pytest.mark.browser

FORM = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "title": "Amount", "minimum": 1},
        "reason": {"type": "string", "title": "Reason", "enum": ["late", "damaged"]},
        "contact": {
            "type": "object",
            "title": "Contact",
            "properties": {"name": {"type": "string", "title": "Name"}},
            "required": ["name"],
        },
        "tags": {"type": "array", "title": "Tags", "items": {"type": "string"}},
    },
    "required": ["amount", "reason", "contact"],
}


def ask(api: httpx.Client, name: str, **params: Any) -> dict[str, Any]:
    """A run that asks, once it waits; `params` are those of its approval."""
    definition = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "rows", "type": "set_fields", "params": {"fields": {"total": 136}}},
            {"id": "ask", "type": "approval", "params": {"message": "Go on?", **params}},
        ],
        "edges": [
            {"id": "e1", "source": "start", "target": "rows"},
            {"id": "e2", "source": "rows", "target": "ask"},
        ],
    }
    made = api.post("/api/v1/workflows", json={"name": name, "definition": definition}).json()
    run = api.post(
        f"/api/v1/workflows/{made['id']}/runs",
        json={"version": "draft"},
        headers={"Prefer": "wait=20"},
    ).json()
    assert run["status"] == "paused", run
    return api.get(f"/api/v1/runs/{run['id']}/approvals").json()["items"][0]


def ended(api: httpx.Client, question: dict[str, Any]) -> dict[str, Any]:
    for _ in range(500):
        run = api.get(f"/api/v1/runs/{question['run_id']}").json()
        if run["status"] in ("completed", "failed", "cancelled"):
            return run
    raise AssertionError(f"the run is {run['status']}")


def test_a_question_is_noticed_and_answered(
    server: LiveServer, signed_in: Page, api: httpx.Client
) -> None:
    page = signed_in
    page.goto(f"{server.url}/approvals")
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    page.goto(f"{server.url}/runs")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    badge = page.locator("[data-open-approvals]")
    expect(badge).to_be_hidden()
    question = ask(api, "Weekly report", title="Send the report", message="Send it to the board?")
    expect(badge).to_have_attribute("data-letter", "1")
    page.get_by_role("link", name="Approvals, 1 open for you").click()
    expect(page.get_by_role("heading", name="Send the report")).to_be_visible()
    expect(page.get_by_text("Send it to the board?")).to_be_visible()
    expect(page.get_by_role("heading", name="What reached")).to_be_visible()
    expect(page.locator(".context-step summary").first).to_contain_text("Start")
    expect(page.get_by_text("136").first).to_be_visible()
    page.get_by_label("Comment").fill("Checked against the ledger.")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".outcome")).to_contain_text("admin answered: Yes")
    expect(page.locator(".outcome")).to_contain_text("Checked against the ledger.")
    expect(badge).to_be_hidden()
    run = ended(api, question)
    assert run["status"] == "completed"
    assert run["outputs"]["ask"]["comment"] == "Checked against the ledger."
    page.get_by_role("button", name="Answered").click()
    expect(page.locator(".inbox-list")).to_contain_text("Yes · admin")


def test_a_form_tells_what_is_wrong_where_it_is(
    server: LiveServer, signed_in: Page, api: httpx.Client
) -> None:
    page = signed_in
    question = ask(api, "Refunds", title="Refund", kind="form", form_schema=FORM)
    page.goto(f"{server.url}/approvals/{question['id']}")
    answer = page.get_by_role("region", name="Answer")
    answer.get_by_label("Amount").fill("much")
    answer.get_by_role("button", name="Answer").click()
    expect(answer.get_by_text("Enter a number")).to_be_visible()
    answer.get_by_label("Amount").fill("0")
    answer.get_by_role("button", name="Answer").click()
    expect(answer.get_by_text("0 is less than the minimum of 1")).to_be_visible()
    expect(answer.get_by_text("Fill this in.")).to_have_count(2)
    answer.get_by_label("Amount").fill("12.5")
    answer.get_by_text("damaged").click()
    answer.get_by_label("Name").fill("Kari")
    tags = answer.get_by_label("Tags")
    for tag in ("vip", "parcel"):
        tags.fill(tag)
        tags.press("Enter")
    answer.get_by_label("Comment").press("Control+Enter")
    expect(page.locator(".outcome")).to_contain_text("Kari")
    assert ended(api, question)["outputs"]["ask"]["answer"] == {
        "amount": 12.5,
        "reason": "damaged",
        "contact": {"name": "Kari"},
        "tags": ["vip", "parcel"],
    }


def test_whoever_comes_second_is_told_who_was_faster(
    server: LiveServer, signed_in: Page, api: httpx.Client
) -> None:
    page = signed_in
    body = {"username": "bob", "password": PASSWORD, "role": "editor"}
    api.post("/api/v1/users", json=body).raise_for_status()
    options = ["north", "south", "east", "west", "centre"]
    question = ask(api, "Regions", message="Which region?", kind="choice", options=options)
    page.goto(f"{server.url}/approvals/{question['id']}")
    expect(page.get_by_role("heading", name="Which region?")).to_be_visible()
    page.get_by_text("south").click()
    credentials = {"username": "bob", "password": PASSWORD}
    token = httpx.post(f"{server.url}/api/v1/auth/login", json=credentials)
    httpx.post(
        f"{server.url}/api/v1/approvals/{question['id']}/respond",
        json={"answer": "west"},
        headers={"Authorization": f"Bearer {token.json()['access_token']}"},
    ).raise_for_status()
    expect(page.get_by_role("alert").first).to_contain_text("bob was faster")
    expect(page.locator(".outcome")).to_contain_text("bob answered: west")
    expect(page.get_by_role("button", name="Answer", exact=True)).to_have_count(0)


def test_others_may_look_and_phones_have_room(
    server: LiveServer, page: Page, api: httpx.Client
) -> None:
    body = {"username": "looks", "password": PASSWORD, "role": "viewer"}
    api.post("/api/v1/users", json=body).raise_for_status()
    question = ask(api, "Contracts", message="Which contract?", assignee="admin")
    let_in(page, server, "looks")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/approvals")
    expect(page.locator("[data-open-approvals]")).to_be_hidden()
    row = page.get_by_role("link", name="Which contract?")
    expect(row).to_contain_text("for admin")
    row.click()
    expect(page.get_by_text("This question is for admin.")).to_be_visible()
    expect(page.get_by_role("button", name="Yes")).to_have_count(0)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    page.get_by_role("link", name="All questions").click()
    expect(row).to_be_visible()
    api.post(f"/api/v1/approvals/{question['id']}/respond", json={"answer": True})
    expect(row).to_have_count(0)
