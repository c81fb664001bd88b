"""Each control of a run, driven on the canvas against a real server."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.live_server import LiveServer
from tests.ui.conftest import let_in

pytestmark = pytest.mark.browser

Show = Callable[[str], None]
SLOW_MS = 12_000
"""How long a machine under load may take for what it does at once otherwise."""


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


def node(name: str, kind: str, place: int, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "type": kind,
        "name": name.capitalize(),
        "position": {"x": 260 * place, "y": 0},
        **more,
    }


def wait(name: str, place: int, duration_ms: int) -> dict[str, Any]:
    return node(name, "wait", place, params={"duration_ms": duration_ms})


def text(name: str, place: int, content: str) -> dict[str, Any]:
    return node(name, "template", place, params={"text": content})


def chatter(name: str, place: int) -> dict[str, Any]:
    """A model that takes a while to say what it is asked, word by word."""
    return node(name, "prompt", place, params={"model": "mock", "prompt": "so on " * 80})


def chain(api: httpx.Client, *nodes: dict[str, Any], **more: Any) -> str:
    """A workflow in which each node follows the one before, after a start."""
    drawn = [node("start", "start", 0), *nodes]
    edges = [
        {"id": f"e{at}", "source": before["id"], "target": after["id"]}
        for at, (before, after) in enumerate(pairwise(drawn))
    ]
    definition = {"nodes": drawn, "edges": edges, **more}
    made = api.post("/api/v1/workflows", json={"name": "Steered", "definition": definition})
    return made.raise_for_status().json()["id"]


def card(page: Page, name: str) -> Locator:
    return page.locator(f'[data-node-id="{name}"]')


def has_status(page: Page, **statuses: str) -> None:
    for name, status in statuses.items():
        expect(card(page, name)).to_have_attribute("data-status", status)


def run_stands(page: Page, status: str, words: str | None = None) -> None:
    shown = page.get_by_test_id("run-status")
    expect(shown).to_have_attribute("data-status", status)
    if words is not None:
        expect(shown).to_contain_text(words)


def run(page: Page) -> None:
    page.get_by_test_id("run").click()


def choose(page: Page, name: str, command: str) -> None:
    """An entry of the node's menu; the whole drawing is shown, so that no panel lies over it."""
    page.get_by_test_id("fit").click()
    card(page, name).locator("header").click(button="right")
    page.get_by_test_id(f"menu-{command}").click()


def newest(api: httpx.Client, workflow: str) -> dict[str, Any]:
    found = api.get(f"/api/v1/runs?workflow_id={workflow}&limit=1").raise_for_status().json()
    return found["items"][0]


def clear(page: Page) -> None:
    """Take the run from the canvas, so that the next one cannot be mistaken for it."""
    page.get_by_role("button", name="Clear the run from the canvas").click()
    expect(page.get_by_test_id("run-status")).to_have_count(0)


def steps(api: httpx.Client, run_id: str) -> dict[str, dict[str, Any]]:
    found = api.get(f"/api/v1/runs/{run_id}/steps").raise_for_status().json()["items"]
    return {step["node_id"]: step for step in found}


def test_a_run_is_paused_and_goes_on(signed_in: Page, show: Show, api: httpx.Client) -> None:
    page = signed_in
    workflow = chain(api, wait("hold", 1, 1500), text("say", 2, "done"))
    show(workflow)
    run(page)
    has_status(page, hold="running")
    page.get_by_test_id("pause").click()
    run_stands(page, "paused", "Paused by admin")
    has_status(page, say="idle")
    page.get_by_test_id("resume").click()
    run_stands(page, "completed")
    has_status(page, hold="completed", say="completed")

    clear(page)
    run(page)
    run_stands(page, "running")
    page.keyboard.press("F8")
    run_stands(page, "paused")
    page.keyboard.press("F8")
    run_stands(page, "completed")


def test_a_run_stops_at_breakpoints_and_goes_step_by_step(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = chain(api, text("one", 1, "1"), text("two", 2, "2"), text("three", 3, "3"))
    show(workflow)
    choose(page, "one", "breakpoint")
    card(page, "two").locator("header").click()
    page.keyboard.press("Shift+F9")
    expect(page.get_by_test_id("breakpoint-before-one")).to_be_visible()
    expect(page.get_by_test_id("breakpoint-after-two")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("breakpoint-after-two")).to_be_visible()

    run(page)
    run_stands(page, "paused", "Stopped before “One”")
    expect(card(page, "one")).to_have_attribute("data-stop", "before")
    page.get_by_test_id("step").click()
    run_stands(page, "paused", "Stopped before “Two”")
    has_status(page, one="completed", two="idle")
    page.get_by_test_id("resume").click()
    run_stands(page, "paused", "Stopped after “Two”")
    page.get_by_test_id("breakpoint-after-two").click()
    choose(page, "three", "breakpoint")
    page.get_by_test_id("resume").click()
    run_stands(page, "paused", "Stopped before “Three”")
    page.keyboard.press("F10")
    run_stands(page, "completed")
    has_status(page, three="completed")


def test_a_run_is_cancelled_after_its_running_steps(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    talkers = [chatter(f"talk_{place}", place) for place in range(1, 21)]
    workflow = chain(api, *talkers)
    show(workflow)
    run(page)
    run_stands(page, "running")
    page.get_by_test_id("cancel-menu").click()
    page.get_by_test_id("cancel-reason").fill("seen enough")
    page.get_by_test_id("cancel-graceful").click()
    run_stands(page, "cancelled")
    has_status(page, talk_20="idle")
    expect(page.locator(".wf-card[data-status=cancelled]")).to_have_count(0)
    assert newest(api, workflow)["cancel_reason"] == "seen enough"


def test_a_run_is_cancelled_at_once_and_retried(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = chain(api, text("first", 1, "1"), wait("hold", 2, 2000), text("say", 3, "done"))
    show(workflow)
    run(page)
    has_status(page, hold="running")
    page.get_by_test_id("cancel").click()
    run_stands(page, "cancelled")
    has_status(page, first="completed", hold="cancelled")
    before = newest(api, workflow)["id"]
    first = steps(api, before)["first"]

    page.get_by_test_id("retry").click()
    run_stands(page, "completed")
    has_status(page, first="completed", hold="completed", say="completed")
    assert newest(api, workflow)["id"] == before
    assert steps(api, before)["first"] == first


def test_one_step_is_cancelled_alone(signed_in: Page, show: Show, api: httpx.Client) -> None:
    page = signed_in
    endless = {**wait("hold", 1, 25_000), "on_error": "continue"}
    workflow = chain(api, endless, text("say", 2, "went on"))
    show(workflow)
    run(page)
    has_status(page, hold="running")
    card(page, "hold").locator("header").hover()
    page.get_by_test_id("tool-cancel-step").click()
    run_stands(page, "completed")
    has_status(page, say="completed")

    clear(page)
    run(page)
    has_status(page, hold="running")
    card(page, "hold").locator("header").click()
    page.keyboard.press("Shift+X")
    run_stands(page, "completed")


def test_parts_are_run_with_the_last_runs_data(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = chain(
        api, text("one", 1, "1"), text("two", 2, "{{ steps.one }} 2"), text("three", 3, "3")
    )
    show(workflow)
    choose(page, "two", "run-node")
    refusal = page.get_by_test_id("run-controls").get_by_role("alert")
    expect(refusal).to_contain_text("run up to this step")
    refusal.get_by_test_id("run-until-instead").click()
    run_stands(page, "completed")
    expect(page.get_by_test_id("run-mark")).to_contain_text("Up to “Two”")
    has_status(page, one="completed", two="completed", three="idle")
    origin = newest(api, workflow)["id"]

    card(page, "two").locator("header").hover()
    page.get_by_test_id("tool-run-node").click()
    expect(page.get_by_test_id("run-mark")).to_contain_text("Only “Two”")
    run_stands(page, "completed")
    has_status(page, two="completed", three="idle")
    part = newest(api, workflow)["id"]
    assert part != origin
    done = steps(api, part)
    assert done["one"]["reused_from"] == origin
    assert done["two"].get("reused_from") is None

    card(page, "two").locator("header").click()
    page.keyboard.press("Shift+Alt+Enter")
    expect(page.get_by_test_id("run-mark")).to_contain_text("From “Two”")
    run_stands(page, "completed")
    has_status(page, two="completed", three="completed")


def test_pinned_data_stands_in_for_a_step(signed_in: Page, show: Show, api: httpx.Client) -> None:
    page = signed_in
    workflow = chain(api, text("one", 1, "real"), text("two", 2, "got {{ steps.one }}"))
    show(workflow)
    choose(page, "one", "edit-pin")
    page.get_by_test_id("pin-output").fill('{"text": "pinned"')
    expect(page.get_by_test_id("pin-save")).to_be_disabled()
    page.get_by_test_id("pin-output").fill('"pinned"')
    page.get_by_test_id("pin-save").click()
    expect(page.get_by_test_id("pin-one")).to_be_visible()
    run(page)
    run_stands(page, "completed")
    done = steps(api, newest(api, workflow)["id"])
    assert done["one"]["pinned"] is True
    assert "got pinned" in str(done["two"]["output"])

    card(page, "one").locator("header").click()
    page.get_by_test_id("pinned-remove").click()
    expect(page.get_by_test_id("pin-one")).to_have_count(0)
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("pin-one")).to_be_visible()
    page.get_by_test_id("inspector-pin").click()
    expect(page.get_by_test_id("pin-one")).to_have_count(0)
    clear(page)
    run(page)
    run_stands(page, "completed")
    expect(card(page, "one")).not_to_contain_text("Pinned")
    page.get_by_test_id("inspector-pin").click()
    expect(page.get_by_test_id("pin-one")).to_be_visible()
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-save", "saved")
    drawn = api.get(f"/api/v1/workflows/{workflow}").json()["definition"]["nodes"]
    assert "real" in str(next(one for one in drawn if one["id"] == "one")["pinned"])


def test_a_run_is_forked_with_an_edited_value(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = chain(
        api, node("one", "set_fields", 1, params={"fields": {"n": 1}}),
        text("two", 2, "n is {{ steps.one.n }}"),
    )  # fmt: skip
    show(workflow)
    run(page)
    run_stands(page, "completed")
    parent = newest(api, workflow)["id"]
    choose(page, "one", "fork")
    page.get_by_test_id("fork-output").fill('{"n": 42}')
    page.get_by_test_id("fork-start").click()
    expect(page.get_by_test_id("run-mark")).to_contain_text("Fork")
    run_stands(page, "completed")
    fork = newest(api, workflow)
    assert fork["parent_run_id"] == parent
    assert "n is 42" in str(steps(api, fork["id"])["two"]["output"])
    assert "n is 1" in str(steps(api, parent)["two"]["output"])


def test_a_run_is_forked_from_the_timeline_of_its_page(
    server: LiveServer, signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = chain(api, text("one", 1, "1"), text("two", 2, "{{ steps.one }} 2"))
    show(workflow)
    run(page)
    run_stands(page, "completed")
    parent = newest(api, workflow)["id"]
    page.goto(f"{server.url}/runs/{parent}")
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    page.get_by_role("tab", name="Timeline").click()
    page.get_by_test_id("timeline-fork-one").click()
    page.get_by_test_id("fork-start").click()
    page.wait_for_url(re.compile(rf"/runs/(?!{parent})"))
    run_stands(page, "completed")
    has_status(page, one="completed", two="completed")


def test_a_run_is_repeated_with_other_inputs(
    server: LiveServer, signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    inputs = {"type": "object", "properties": {"city": {"type": "string", "title": "City"}}}
    workflow = chain(api, text("say", 1, "Hello {{ input.city }}"), inputs=inputs)
    show(workflow)
    run(page)
    dialog = page.get_by_test_id("run-dialog")
    dialog.get_by_label("City").fill("Oslo")
    dialog.get_by_role("button", name="Run", exact=True).click()
    run_stands(page, "completed")
    page.get_by_test_id("rerun-edited").click()
    expect(dialog.get_by_label("City")).to_have_value("Oslo")
    dialog.get_by_label("City").fill("Bergen")
    with page.expect_response("**/rerun") as answered:
        dialog.get_by_role("button", name="Run", exact=True).click()
    assert answered.value.status == 202
    expect(dialog).to_be_hidden()
    run_stands(page, "completed")
    again = newest(api, workflow)
    assert again["inputs"] == {"city": "Bergen"}
    assert again["trigger"] == "replay"

    page.goto(f"{server.url}/runs/{again['id']}")
    page.get_by_test_id("rerun-edited").click()
    dialog.get_by_label("City").fill("Voss")
    dialog.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(rf"/runs/(?!{again['id']})"))
    run_stands(page, "completed")
    assert newest(api, workflow)["inputs"] == {"city": "Voss"}


def test_a_mock_run_touches_nothing_outside(signed_in: Page, show: Show, api: httpx.Client) -> None:
    page = signed_in
    nowhere = {"url": "http://192.0.2.1/", "method": "GET"}
    workflow = chain(api, node("ask", "http_request", 1, params=nowhere), wait("hold", 2, 600_000))
    show(workflow)
    page.get_by_role("button", name="Ways to run").click()
    page.get_by_text("Mock run: nothing happens outside").click()
    expect(page.get_by_test_id("run-mark")).to_contain_text("Mock")
    run_stands(page, "completed")
    has_status(page, ask="completed", hold="completed")
    assert newest(api, workflow)["mode"] == "mock"


def test_a_debug_run_stops_before_each_step(signed_in: Page, show: Show, api: httpx.Client) -> None:
    page = signed_in
    workflow = chain(api, text("one", 1, "1"), text("two", 2, "2"))
    show(workflow)
    page.get_by_role("button", name="Ways to run").click()
    page.get_by_text("Run with options…").click()
    dialog = page.get_by_test_id("run-dialog")
    dialog.get_by_role("radio", name="Debug").check(force=True)
    dialog.get_by_label("Steps at once").fill("2")
    dialog.get_by_label("Time limit of the run").fill("10 min")
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_test_id("run-mark")).to_contain_text("Debug")
    for name in ("Start", "One", "Two"):
        run_stands(page, "paused", f"Stopped before “{name}”")
        page.get_by_test_id("step").click()
    run_stands(page, "completed")
    made = newest(api, workflow)
    assert made["mode"] == "debug"
    assert made["config"] == {"timeout_ms": 600_000, "max_concurrency": 2}


def test_runs_of_a_workflow_queue_or_are_refused_as_it_is_set(
    signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = chain(api, wait("hold", 1, 25_000))
    show(workflow)
    settings = page.get_by_test_id("run-settings")
    settings.locator("summary").click()
    settings.get_by_test_id("concurrency-limit").fill("1")
    settings.get_by_test_id("concurrency-limit").press("Enter")
    settings.get_by_role("radio", name="It waits").wait_for()
    expect(page.get_by_test_id("live")).to_have_text("Run settings saved")
    page.get_by_test_id("add-note").click()
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-save", "saved")

    other = api.post(f"/api/v1/workflows/{workflow}/runs", json={"version": "draft"}).json()["id"]
    run(page)
    run_stands(page, "queued", "waiting for room")
    page.get_by_test_id("cancel").click()
    run_stands(page, "cancelled")

    page.locator(".vue-flow__pane").click(position={"x": 20, "y": 300})
    settings.get_by_role("radio", name="It is refused").check()
    expect(page.get_by_test_id("live")).to_have_text("Run settings saved")
    run(page)
    refusal = page.get_by_test_id("run-controls").get_by_role("alert")
    expect(refusal).to_contain_text("Wait for the other run")
    api.post(f"/api/v1/runs/{other}/cancel").raise_for_status()
    kept = api.get(f"/api/v1/workflows/{workflow}").json()["run_settings"]
    assert kept == {"concurrency_limit": 1, "concurrency_policy": "reject"}


def test_a_run_is_steered_on_its_page(
    server: LiveServer, signed_in: Page, show: Show, api: httpx.Client
) -> None:
    page = signed_in
    workflow = chain(api, text("one", 1, "1"), text("two", 2, "2"))
    body = {"version": "draft", "breakpoints": ["two"]}
    started = api.post(f"/api/v1/workflows/{workflow}/runs", json=body).json()["id"]
    page.goto(f"{server.url}/runs/{started}")
    run_stands(page, "paused", "Stopped before “Two”")
    page.get_by_test_id("step").click()
    run_stands(page, "completed")
    page.get_by_test_id("run-again").click()
    page.wait_for_url(re.compile(rf"/runs/(?!{started})"))
    run_stands(page, "completed")

    held = chain(api, wait("hold", 1, 600_000))
    waiting = api.post(f"/api/v1/workflows/{held}/runs", json={"version": "draft"}).json()["id"]
    page.goto(f"{server.url}/runs/{waiting}")
    run_stands(page, "paused", "Waiting until")
    has_status(page, hold="waiting")
    page.locator(".wfi-controls").get_by_test_id("cancel").click()
    run_stands(page, "cancelled")


def test_a_viewer_sees_how_a_run_stands_and_steers_nothing(
    server: LiveServer, page: Page, api: httpx.Client
) -> None:
    account = {"username": "onlooker", "password": server.password, "role": "viewer"}
    api.post("/api/v1/users", json=account).raise_for_status()
    held = chain(api, text("one", 1, "1"))
    body = {"version": "draft", "breakpoints": ["one"]}
    started = api.post(f"/api/v1/workflows/{held}/runs", json=body).json()["id"]
    let_in(page, server, "onlooker")
    page.goto(f"{server.url}/runs/{started}")
    run_stands(page, "paused", "Stopped before “One”")
    controls = page.get_by_test_id("run-controls")
    expect(controls.get_by_role("button")).to_have_count(0)
    card(page, "one").locator("header").click(button="right")
    expect(page.get_by_test_id("menu-inspect")).to_be_visible()
    expect(page.get_by_test_id("menu-breakpoint")).to_have_count(0)
    api.post(f"/api/v1/runs/{started}/cancel").raise_for_status()
    run_stands(page, "cancelled")
