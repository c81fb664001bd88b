"""No page has an accessibility fault that axe-core calls serious or critical, in any view."""

from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.live_server import LiveServer
from tests.ui.conftest import let_in

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
FAULTS = """
async (scope) => {
  const options = {
    // its requests for style sheets would show the page's loading bar, a fault of nobody's
    preload: false,
    resultTypes: ['violations'],
    rules: { 'label-content-name-mismatch': { enabled: true } },
  }
  const { violations } = await axe.run(scope ? document.querySelector(scope) : document, options)
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`))
}
"""
VIEWS = [(width, scheme) for width in (1440, 390) for scheme in ("light", "dark")]


def node(name: str, kind: str, column: int, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "position": {"x": column * 320, "y": 0}, **more}


def line(*nodes: dict[str, Any]) -> dict[str, Any]:
    ids = [each["id"] for each in nodes]
    pairs = pairwise(ids)
    edges = [{"id": f"e{a}", "source": a, "target": b} for a, b in pairs]
    return {"nodes": list(nodes), "edges": edges}


DRAWINGS = {
    "tree": line(
        node("start", "start", 0),
        node("made", "set_fields", 1, params={"fields": {"deep": {"list": [1, {"x": "y"}]}}}),
        node("end", "end", 2),
    ),
    "failed": line(
        node("start", "start", 0),
        node("stop", "fail", 1, params={"message": "The supplier file has no rows " * 4}),
    ),
    "asking": line(
        node("start", "start", 0), node("ask", "approval", 1, params={"message": "Go on?"})
    ),
    "changed": {
        **line(node("start", "start", 0), node("late", "template", 1, params={"text": "two"})),
        "inputs": {
            "type": "object",
            "properties": {
                "limit": {"type": "number", "title": "Limit", "description": "Rows at most"},
                "kind": {"enum": ["a", "b"]},
                "day": {"type": "string", "format": "date"},
            },
            "required": ["limit"],
        },
    },
    "python": line(node("start", "start", 0), node("code", "python", 1, disabled=True)),
}


@pytest.fixture(scope="module")
def places(api: httpx.Client) -> dict[str, str]:
    """Every page by name, with a workflow and runs to show."""
    found = {
        "lists": "/",
        "runs": "/runs",
        "approvals": "/approvals",
        "files": "/files",
        "users": "/users",
        "settings": "/settings",
        "prices": "/settings/prices",
        "answered": "/approvals?show=answered",
        "help": "/help",
        "nodes": "/help/nodes",
        "search": "/help?q=expression",
        "error": "/help/errors/not_found",
        "missing": "/workflows/none",
    }
    for name, definition in DRAWINGS.items():
        made = api.post("/api/v1/workflows", json={"name": name, "definition": definition})
        workflow = made.raise_for_status().json()["id"]
        if name in ("tree", "python", "changed"):
            found[f"editor {name}"] = f"/workflows/{workflow}"
        if name in ("python", "changed"):
            continue
        body = {"version": "draft", "inputs": {}}
        run = api.post(f"/api/v1/workflows/{workflow}/runs", json=body)
        found[f"run {name}"] = f"/runs/{run.raise_for_status().json()['id']}"
    return found


@pytest.fixture(params=VIEWS, ids=lambda view: f"{view[0]}-{view[1]}", scope="module")
def view(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A page of this width and colour scheme in which nothing moves."""
    width, scheme = request.param
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def faults(page: Page, scope: str = "") -> list[str]:
    """What axe finds wrong on the page, or in one part of it."""
    page.evaluate(AXE)
    return page.evaluate(FAULTS, scope)


def test_the_doors_are_accessible(view: Page, server: LiveServer) -> None:
    view.goto(f"{server.url}/login")
    assert faults(view) == []


def test_every_page_is_accessible(view: Page, server: LiveServer, places: dict[str, str]) -> None:
    let_in(view, server)
    found: dict[str, list[str]] = {}
    for name, path in places.items():
        view.goto(server.url + path)
        if name == "approvals":
            expect(view.get_by_text("Go on?").first).to_be_visible()
            if view.viewport_size is not None and view.viewport_size["width"] > 900:
                expect(view.get_by_role("button", name="Yes")).to_be_visible()
        view.wait_for_function("document.getAnimations().length === 0")
        if path.startswith(("/workflows/", "/runs/")) and name != "missing":
            expect(view.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
        if told := faults(view):
            found[name] = told
    assert found == {}


def test_the_editor_stays_accessible_while_it_is_used(
    view: Page, server: LiveServer, places: dict[str, str]
) -> None:
    let_in(view, server)
    view.goto(server.url + places["editor tree"])
    expect(view.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    view.get_by_test_id("node-made").click(force=True)
    assert faults(view) == []
    view.locator(".wf-surface").focus()
    view.keyboard.press("?")
    assert faults(view) == []
    view.keyboard.press("Escape")
    view.keyboard.press("Control+k")
    assert faults(view) == []
    view.keyboard.type("run")
    expect(view.get_by_test_id("command-do:run")).to_be_visible()
    assert faults(view) == []
    view.keyboard.press("Escape")
    view.keyboard.press("Control+f")
    view.keyboard.type("a")
    assert faults(view) == []
    view.keyboard.press("Escape")
    view.get_by_test_id("node-made").click(button="right", force=True)
    expect(view.get_by_test_id("context-menu")).to_be_visible()
    assert faults(view) == []


def save(api: httpx.Client, path: str, definition: dict[str, Any]) -> None:
    etag = api.get(f"/api/v1{path}").headers["ETag"]
    answer = api.put(
        f"/api/v1{path}/draft", json={"definition": definition}, headers={"If-Match": etag}
    )
    answer.raise_for_status()


@pytest.fixture(scope="module")
def changed(api: httpx.Client, places: dict[str, str]) -> str:
    """The path of an editor whose draft differs from its version in every way there is."""
    path = places["editor changed"]
    api.post(f"/api/v1{path}/versions", json={"label": "first"}).raise_for_status()
    drawing = DRAWINGS["changed"]
    start, late = drawing["nodes"]
    save(
        api,
        path,
        {
            **drawing,
            "nodes": [start, {**late, "params": {"text": "three"}}, node("new", "merge", 2)],
            "edges": [*drawing["edges"], {"id": "e", "source": "late", "target": "new"}],
            "variables": {"rate": 1},
        },
    )
    return path


@pytest.fixture(scope="module")
def table(api: httpx.Client) -> str:
    """The name of a file with rows."""
    workspace = api.get("/api/v1/workspaces").json()["items"][0]["id"]
    target = f"/api/v1/workspaces/{workspace}/files/Sales.csv"
    api.put(target, content=b"region,n\neast,1\n").raise_for_status()
    return "Sales.csv"


def test_dialogs_of_the_editor_are_accessible(view: Page, server: LiveServer, changed: str) -> None:
    let_in(view, server)
    view.goto(f"{server.url}{changed}?run=1")
    expect(view.get_by_test_id("run-dialog")).to_be_visible()
    assert faults(view, "[data-testid=run-dialog]") == []
    view.keyboard.press("Escape")
    for name, ready in (("Publish", ".comparison"), ("Versions", ".version-list")):
        view.get_by_role("button", name=name).click()
        expect(view.locator(f".q-dialog {ready}")).to_be_visible()
        assert faults(view, ".q-dialog") == []
        if name == "Versions":
            view.locator(".q-dialog").get_by_role("button", name="Compare").click()
            expect(view.locator(".q-dialog .comparison")).to_be_visible()
            assert faults(view, ".q-dialog") == []
        view.keyboard.press("Escape")
        expect(view.locator(".q-dialog")).to_have_count(0)


def test_dialogs_of_runs_and_files_are_accessible(
    view: Page, server: LiveServer, places: dict[str, str], table: str
) -> None:
    let_in(view, server)
    view.goto(f"{server.url}/files")
    view.get_by_role("button", name=f"Actions for {table}").click()
    view.get_by_role("listitem").filter(has_text="Preview").last.click()
    expect(view.get_by_role("dialog", name=table).get_by_role("cell", name="east")).to_be_visible()
    assert faults(view, ".q-dialog") == []

    view.goto(server.url + places["run tree"])
    view.get_by_role("tab", name="Timeline").click()
    expect(view.get_by_test_id("timeline-fork-made")).to_be_visible()
    assert faults(view, "[data-testid=run-drawer]") == []
    view.get_by_test_id("timeline-fork-made").click()
    expect(view.get_by_test_id("fork-dialog")).to_be_visible()
    assert faults(view, "[data-testid=fork-dialog]") == []


def test_a_conflict_is_accessible(
    view: Page, server: LiveServer, api: httpx.Client, places: dict[str, str]
) -> None:
    let_in(view, server)
    path = places["editor tree"]
    drawing = DRAWINGS["tree"]
    save(api, path, drawing)
    view.goto(server.url + path)
    expect(view.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    start, made, end = drawing["nodes"]
    save(api, path, {**drawing, "nodes": [start, {**made, "name": "Theirs"}, end]})
    view.locator("[data-node-id=made]").click(force=True)
    view.keyboard.press("Delete")
    dialog = view.get_by_test_id("conflict-dialog")
    expect(dialog).to_contain_text("changed on both sides", timeout=15_000)
    assert faults(view, "[data-testid=conflict-dialog]") == []
    dialog.get_by_test_id("conflict-theirs").click()
