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
    made = api.post("/api/v1/workflows", json={"name": name})
    workflow = made.raise_for_status().json()["id"]
    # a draft may be unfinished
    url, body = f"/api/v1/workflows/{workflow}/draft", {"definition": definition}
    api.put(url, json=body, headers={"If-Match": "*"}).raise_for_status()
    return workflow


def card(page: Page, name: str) -> Locator:
    return page.locator(f"[data-node-id={name}]")


def select(page: Page, name: str) -> Locator:
    """Select a step; gives its panel."""
    page.get_by_test_id("fit").click()
    card(page, name).locator("header").click()
    return page.get_by_test_id("inspector")


def field(panel: Locator, label: str) -> Locator:
    """The input of that label, required or not, without the buttons beside it."""
    return panel.locator("input, textarea, select").and_(panel.get_by_label(label)).first


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


# ---- conditions, times, files, what is offered --------------------------------------------------


def asked_for(*names: str) -> dict[str, Any]:
    properties = {name: {"type": "number", "title": name.capitalize()} for name in names}
    return {"type": "object", "properties": properties}


def test_a_condition_is_put_together_and_stays_an_ordinary_expression(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = make(
        api,
        "Decide",
        node("choose", "if"),
        node("yes", "template", params={"text": "big"}),
        inputs=asked_for("amount", "limit"),
    )
    show(workflow)
    panel = select(page, "choose")
    builder = panel.get_by_test_id("condition-builder")
    left = field(builder, "What is looked at, condition 1")
    left.click()
    left.press_sequentially("amou")
    page.get_by_role("option", name="input.amount").first.click()
    expect(left).to_have_value("input.amount")
    field(builder, "Comparison, condition 1").select_option("greater")
    field(builder, "Value, condition 1").fill("100")
    builder.get_by_role("button", name="Add condition").click()
    field(builder, "What is looked at, condition 2").fill("input.limit")
    field(builder, "Comparison, condition 2").select_option("is_empty")
    builder.get_by_label("At least one holds").check()
    saved(page)
    written = params(api, workflow, "choose")["condition"]
    assert written == '{{ input.amount > 100 or default(input.limit, "") in ["", [], {}] }}'

    panel.get_by_role("button", name="Use an expression for Condition").click()
    source = field(panel, "Condition")
    expect(source).to_have_value(written)
    panel.get_by_role("button", name="Use an expression for Condition").click()
    expect(field(builder, "Value, condition 1")).to_have_value("100")
    saved(page)
    assert params(api, workflow, "choose")["condition"] == written
    for amount, limit, port in ((5, None, True), (5, 1, False), (101, 1, True)):
        inputs = {"amount": amount, **({} if limit is None else {"limit": limit})}
        steps = api.get(f"/api/v1/runs/{run(api, workflow, inputs=inputs)['id']}/steps").json()
        done = {step["node_id"]: step["status"] for step in steps["items"]}
        assert (done["yes"] == "completed") is port

    more = "{{ input.amount > 1 if input.limit else false }}"
    panel.get_by_role("button", name="Use an expression for Condition").click()
    source.fill(more)
    saved(page)
    page.reload()
    panel = select(page, "choose")
    expect(field(panel, "Condition")).to_have_value(more)
    expect(panel.get_by_role("button", name="Use an expression for Condition")).to_be_disabled()


def test_times_are_written_as_people_write_them(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = make(
        api,
        "Times",
        node("ask", "approval", params={"message": "Go?", "deadline_ms": 172_800_000}),
        node("pause", "wait", params={"duration_ms": 500}),
        node("fetch", "http_request", params={"url": "http://127.0.0.1/"}),
    )
    show(workflow)
    panel = select(page, "ask")
    expect(field(panel, "Deadline")).to_have_value("2 days")
    field(panel, "Remind after").fill("1 h 30 min")
    panel = select(page, "pause")
    expect(field(panel, "Duration")).to_have_value("500 ms")
    field(panel, "Duration").fill("soon")
    expect(panel).to_contain_text("Write a time, such as 2 days")
    field(panel, "Duration").fill("2 days")
    expect(panel).to_contain_text("At most 1 day.")
    field(panel, "Duration").fill("90 s")
    field(panel, "Duration").blur()
    expect(field(panel, "Duration")).to_have_value("1 min 30 s")
    panel = select(page, "fetch")
    panel.get_by_label("Time limit", exact=True).fill("1 min")
    panel.get_by_text("If it fails").click()
    field(panel, "Attempts").fill("4")
    expect(panel).to_contain_text("Waits 500 ms, 1 s, 2 s between the attempts.")
    field(panel, "First wait").fill("2 s")
    expect(panel).to_contain_text("Waits 2 s, 4 s, 8 s between the attempts.")
    saved(page)
    assert params(api, workflow, "ask")["remind_after_ms"] == 5_400_000
    assert params(api, workflow, "pause")["duration_ms"] == 90_000
    assert params(api, workflow, "fetch")["timeout_ms"] == 60_000


def test_a_file_is_uploaded_where_it_is_named(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = make(api, "Upload", node("read", "read_file"))
    show(workflow)
    panel = select(page, "read")
    up = panel.get_by_test_id("file-upload")
    button = up.get_by_role("button", name="Upload a file for File")
    with page.expect_file_chooser() as asked:
        button.press("Enter")
    asked.value.set_files({"name": "up.csv", "mimeType": "text/csv", "buffer": b"town,n\nOslo,7\n"})
    expect(field(panel, "File")).to_have_value("up.csv")
    expect(panel.get_by_test_id("file-preview")).to_contain_text("Oslo")
    up.locator("input[type=file]").set_input_files(
        {"name": "up.csv", "mimeType": "text/csv", "buffer": b"town,n\nBergen,8\n"}
    )
    up.get_by_role("button", name="Keep both").click()
    expect(field(panel, "File")).to_have_value("up (2).csv")
    expect(panel.get_by_test_id("file-preview")).to_contain_text("Bergen")
    assert file(api, "up.csv") == "town,n\nOslo,7\n"

    full = '{"code": "quota_exceeded", "detail": "There is room for 0 more bytes."}'
    page.route("**/files/huge.csv", lambda route: route.fulfill(status=422, body=full, headers={}))
    up.locator("input[type=file]").set_input_files(
        {"name": "huge.csv", "mimeType": "text/csv", "buffer": b"x"}
    )
    expect(up).to_contain_text("huge.csv was not uploaded: There is room for 0 more bytes.")
    drop = page.evaluate_handle(
        "() => { const d = new DataTransfer();"
        " d.items.add(new File(['a,b\\n1,2\\n'], 'dropped.csv')); return d }"
    )
    field(panel, "File").dispatch_event("drop", {"dataTransfer": drop})
    expect(field(panel, "File")).to_have_value("dropped.csv")
    saved(page)
    assert params(api, workflow, "read")["name"] == "dropped.csv"


def test_tables_are_offered_by_their_columns_and_told_as_tables(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = make(
        api,
        "Offers",
        node("sales", "sql", params={"query": SALES}),
        node("say", "template", params={"text": "{{ steps.sales }}"}),
        node("sort", "sort_rows", params={"by": [{"column": ""}], "table": "{{ steps.sales }}"}),
    )
    run(api, workflow, only={"until": "say"})
    show(workflow)
    panel = select(page, "say")
    expect(panel.get_by_test_id("expression-preview")).to_contain_text(
        "table, 2 rows \u00d7 3 columns"
    )
    text = field(panel, "Text")
    text.fill("{{ steps.sales.")
    offers = page.get_by_role("listbox", name="Available data")
    expect(offers).to_contain_text("steps.sales.preview[0].amount")
    expect(offers).to_contain_text("steps.sales.row_count")
    expect(offers).not_to_contain_text("$artifact")
    expect(offers).not_to_contain_text("media_type")
    beside, box = offers.bounding_box(), text.bounding_box()
    assert beside
    assert box
    assert beside["x"] + beside["width"] <= box["x"]
    page.mouse.wheel(0, 40)
    expect(offers).to_have_count(0)
    for written, near, right in (
        ("{{ steps.sales.amuont }}", "preview[0].amount", "{{ steps.sales.preview[0].amount }}"),
        ("{{ prev.row_cuont }}", "row_count", "{{ prev.row_count }}"),
    ):
        text.fill(written)
        text.press("Escape")
        fix = panel.get_by_role("button", name=f"Did you mean {near}?")
        fix.focus()
        fix.press("Enter")
        expect(text).to_have_value(right)

    panel = select(page, "sort")
    expect(panel.locator("[data-field='/by/0/column']")).to_contain_text("Choose a column.")
    column = field(panel, "Column")
    column.focus()
    expect(page.get_by_role("option", name="amount")).to_be_visible()
    field(panel, "Keep only").click()
    expect(page.get_by_role("option", name="amount")).to_have_count(0)


def test_fields_that_do_not_apply_are_out_of_sight(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    condition = {"column": "amount", "value": "1", "to": "5"}
    workflow = make(
        api,
        "Apply",
        node("filter", "filter_rows", params={"conditions": [condition]}),
        node("ask", "approval", params={"message": "Go?"}),
        node("read", "read_file", params={"name": "a.csv"}),
    )
    show(workflow)
    panel = select(page, "filter")
    expect(field(panel, "Upper limit")).to_have_count(0)
    field(panel, "Operator").select_option(label="Between")
    expect(field(panel, "Upper limit")).to_have_value("5")
    field(panel, "Operator").select_option(label="Is empty")
    expect(field(panel, "Value")).to_have_count(0)
    panel = select(page, "ask")
    expect(panel.locator("[data-field='/options']")).to_have_count(0)
    expect(panel.locator("[data-field='/form_schema']")).to_have_count(0)
    field(panel, "Kind of answer").select_option(label="Choice")
    expect(panel.locator("[data-field='/options']")).to_be_visible()
    panel = select(page, "read")
    format = field(panel, "Format")
    expect(format.get_by_role("option")).to_contain_text(["CSV", "JSON", "JSON Lines", "Excel"])
    format.select_option(label="JSON")
    expect(field(panel, "Separator")).to_have_count(0)


def test_the_open_run_dialog_outlives_a_reload(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    inputs = {
        "type": "object",
        "properties": {
            "amount": {"type": "number", "title": "Amount"},
            "source": {"type": "string", "title": "Source", "x-widget": "file"},
        },
    }
    workflow = make(
        api, "Reload", node("say", "template", params={"text": "{{ input.amount }}"}), inputs=inputs
    )
    show(workflow)
    page.keyboard.press("Control+Enter")
    dialog = page.get_by_test_id("run-dialog")
    dialog.get_by_label("Amount").fill("12345678901234567890")
    page.reload()
    expect(dialog.get_by_label("Amount")).to_have_value("12345678901234567890")
    dialog.locator("input[type=file]").set_input_files(
        {"name": "mine.csv", "mimeType": "text/csv", "buffer": b"town,n\nAlta,7\n"}
    )
    expect(dialog.get_by_label("Source", exact=True)).to_have_value("mine.csv")
    expect(dialog.get_by_test_id("file-preview")).to_contain_text("town")
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_test_id("run-status")).to_have_attribute("data-status", "completed")
    assert newest(api, workflow)["inputs"]["source"] == "mine.csv"
    page.reload()
    expect(page.get_by_test_id("run-status")).to_have_attribute("data-status", "completed")
    expect(dialog).not_to_be_visible()


def test_data_of_steps_that_were_changed_is_marked(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = make(
        api,
        "Stale",
        node("one", "template", params={"text": "a"}),
        node("two", "template", params={"text": "b"}),
        node("three", "template", params={"text": "c"}),
    )
    run(api, workflow)
    show(workflow)
    expect(page.get_by_test_id("run-status")).to_have_attribute("data-status", "completed")
    panel = select(page, "two")
    field(panel, "Text").fill("changed")
    expect(page.get_by_test_id("outdated-two")).to_have_text("updateChanged")
    expect(page.get_by_test_id("outdated-three")).to_have_text("updateOutdated")
    expect(page.get_by_test_id("outdated-one")).to_have_count(0)
    panel.get_by_role("tab", name="Output").click()
    expect(panel.get_by_test_id("outdated")).to_contain_text("was changed since this run")
    panel.get_by_role("button", name="Run up to here").click()
    expect(page.get_by_test_id("outdated-two")).to_have_count(0)
    expect(card(page, "two")).to_contain_text("changed")
