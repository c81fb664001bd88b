"""Finding and doing on the canvas: commands by name, search, areas, menus, parts to run."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.live_server import LiveServer
from tests.ui.conftest import let_in

pytestmark = pytest.mark.browser


def node(node_id: str, kind: str, x: float, y: float = 0, **more: Any) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "position": {"x": x, "y": y}, **more}


def edge(source: str, target: str, port: str = "out") -> dict[str, Any]:
    return {"id": f"{source}-{target}", "source": source, "source_port": port, "target": target}


INSIDE = node("ask", "template", 60, 100, name="Ask", params={"text": "Dear customer"})
DRAWING: dict[str, Any] = {
    "nodes": [
        node("start", "start", 0, name="Begin"),
        node("greet", "set_fields", 320, name="Greet", params={"fields": {"to": "customers"}}),
        node("each", "for_each", 640, name="Every name", params={"items": "{{ [1, 2] }}"})
        | {"body": {"nodes": [INSIDE], "edges": []}},
        node("last", "set_fields", 1500, name="Last", params={"fields": {"done": True}}),
    ],
    "edges": [edge("start", "greet"), edge("greet", "each"), edge("each", "last")],
    "notes": [
        {"id": "n1", "text": "Customers first", "position": {"x": -100, "y": 320}},
    ],
}


A_QUARTER_ALONG = """
(path) => {
  const at = path.getPointAtLength(path.getTotalLength() / 4)
  const { x, y } = at.matrixTransform(path.getScreenCTM())
  return [x, y]
}
"""


@pytest.fixture
def workflow(api: httpx.Client) -> str:
    """A workflow of four steps in a line, one of them with a body, and a note."""
    made = api.post("/api/v1/workflows", json={"name": "Commanded", "definition": DRAWING})
    return made.raise_for_status().json()["id"]


@pytest.fixture
def editor(server: LiveServer, signed_in: Page, workflow: str) -> Page:
    """The workflow's editor, in which the view jumps rather than glides."""
    signed_in.emulate_media(reduced_motion="reduce")
    return show(signed_in, f"{server.url}/workflows/{workflow}")


def show(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    return page


def step(page: Page, name: str) -> Locator:
    return page.locator(f"[data-node-id={name}]")


def offers(page: Page) -> Locator:
    return page.get_by_test_id("commands").get_by_role("option")


def choose(page: Page, words: str) -> None:
    """Carry a command out by name."""
    page.keyboard.press("Control+k")
    page.get_by_test_id("commands-search").fill(words)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("commands")).to_have_count(0)


def area(page: Page) -> str:
    return page.evaluate(
        "() => ['tools', 'palette', 'inspector', 'drawer', 'surface']"
        ".find((name) => document.activeElement.closest(`.wf-${name}`)) ?? 'none'"
    )


def apart(boxes: Sequence[Locator]) -> bool:
    """Whether none of these covers another."""
    found = [box.bounding_box() for box in boxes]
    for at, a in enumerate(found):
        for b in found[at + 1 :]:
            assert a is not None
            assert b is not None
            beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
            if not beside and a["y"] + a["height"] > b["y"] and b["y"] + b["height"] > a["y"]:
                return False
    return True


def test_commands_are_found_by_a_few_letters_and_remembered(editor: Page) -> None:
    step(editor, "greet").click()
    field = editor.get_by_test_id("inspector").get_by_label("Name of the step")
    field.focus()
    editor.keyboard.press("Control+k")
    search = editor.get_by_test_id("commands-search")
    expect(search).to_be_focused()
    expect(search).to_have_attribute("aria-activedescendant", "wf-command-0")
    editor.keyboard.press("Escape")
    expect(field).to_be_focused()

    editor.keyboard.press("Control+k")
    search.fill("delay")
    expect(offers(editor).first).to_contain_text("Add Wait")
    editor.keyboard.press("Enter")
    expect(editor.locator("[data-node-type=wait]")).to_be_visible()
    expect(editor.locator("[data-edge-id]")).to_have_count(4)
    expect(editor.get_by_role("tab", name="Settings")).to_have_attribute("aria-selected", "true")

    choose(editor, "undo")
    expect(editor.locator("[data-node-type=wait]")).to_have_count(0)
    editor.keyboard.press("Control+k")
    used = editor.get_by_role("group", name="Used last").get_by_role("option")
    expect(used.first).to_contain_text("Add Wait")
    editor.keyboard.press("Control+k")
    expect(editor.get_by_test_id("commands")).to_have_count(0)


def test_what_cannot_be_done_says_why(editor: Page) -> None:
    editor.keyboard.press("Control+k")
    search = editor.get_by_test_id("commands-search")
    for words, reason in (
        ("redo", "Nothing was undone."),
        ("run up to here", "Select one step first."),
        ("align left", "Select two steps or more."),
        ("cancel the run", "No run is under way."),
    ):
        search.fill(words)
        first = offers(editor).first
        expect(first).to_contain_text(reason)
        expect(first).to_have_attribute("aria-disabled", "true")
    editor.keyboard.press("Enter")
    expect(search).to_be_focused()
    search.fill("zzzz qqqq")
    expect(editor.get_by_test_id("commands")).to_contain_text("Nothing is called “zzzz qqqq”.")


def test_commands_lead_to_steps_pages_and_other_workflows(
    server: LiveServer, editor: Page, api: httpx.Client
) -> None:
    other = api.post("/api/v1/workflows", json={"name": "Neighbour", "definition": DRAWING})
    choose(editor, "go ask")
    expect(step(editor, "ask")).to_be_focused()
    expect(editor.get_by_test_id("inspector").get_by_label("Name of the step")).to_have_value("Ask")
    choose(editor, "versions")
    expect(editor.get_by_role("dialog", name="Versions")).to_be_visible()
    editor.keyboard.press("Escape")
    expect(editor.get_by_role("dialog", name="Versions")).to_be_hidden()
    expect(editor.locator(".q-dialog")).to_have_count(0)
    choose(editor, "theme dark")
    expect(editor.locator("html")).to_have_attribute("data-theme", "dark")
    editor.keyboard.press("Control+k")
    editor.get_by_test_id("commands-search").fill("neighbour")
    offers(editor).filter(has_text="Neighbour").first.click()
    editor.wait_for_url(f"{server.url}/workflows/{other.json()['id']}")
    expect(editor.get_by_test_id("canvas")).to_have_attribute("data-ready", "true")
    choose(editor, "files")
    editor.wait_for_url(f"{server.url}/files")


def test_a_reader_is_offered_what_changes_nothing(
    server: LiveServer, page: Page, api: httpx.Client, workflow: str
) -> None:
    account = {"username": "looker", "password": server.password, "role": "viewer"}
    api.post("/api/v1/users", json=account).raise_for_status()
    show(let_in(page, server, "looker"), f"{server.url}/workflows/{workflow}")
    page.keyboard.press("Control+k")
    page.get_by_test_id("commands-search").fill("tidy")
    expect(offers(page).first).to_contain_text("You may only look at this drawing.")
    page.get_by_test_id("commands-search").fill("add wait")
    expect(offers(page).filter(has_text="Add Wait")).to_have_count(0)
    page.get_by_test_id("commands-search").fill("go last")
    page.keyboard.press("Enter")
    expect(step(page, "last")).to_be_focused()


def test_the_drawing_is_searched(editor: Page) -> None:
    editor.locator(".wf-surface").focus()
    for _ in range(12):
        editor.keyboard.press("-")
    editor.keyboard.press("Control+f")
    field = editor.get_by_test_id("find")
    expect(field).to_be_focused()
    editor.keyboard.type("custom")
    count = editor.get_by_test_id("find-count")
    expect(count).to_have_text("1 of 3")
    expect(editor.get_by_test_id("note-n1")).to_be_in_viewport()
    editor.keyboard.press("Enter")
    expect(count).to_have_text("2 of 3")
    expect(editor.get_by_test_id("find-hit")).to_contain_text("Greet")
    editor.keyboard.press("Enter")
    expect(count).to_have_text("3 of 3")
    expect(editor.get_by_test_id("find-hit")).to_contain_text("Dear customer")
    expect(editor.locator(".wf-is-hit")).to_have_count(3)
    expect(editor.locator(".wf-is-current [data-node-id=ask]")).to_be_visible()
    expect(editor.get_by_test_id("zoom-100")).to_have_text("70%")
    editor.keyboard.press("Enter")
    editor.keyboard.press("Shift+Enter")
    expect(count).to_have_text("3 of 3")
    expect(field).to_be_focused()
    editor.keyboard.press("Escape")
    expect(editor.get_by_test_id("find-bar")).to_have_count(0)
    expect(step(editor, "ask")).to_be_focused()
    expect(editor.locator(".wf-is-hit")).to_have_count(0)
    editor.keyboard.press("Control+f")
    editor.keyboard.type("nowhere at all")
    expect(count).to_have_text("Nothing found")


@pytest.mark.parametrize("open_drawer", [False, True], ids=["folded", "open"])
def test_f6_goes_round_and_back(editor: Page, open_drawer: bool) -> None:
    step(editor, "greet").click()
    if open_drawer:
        editor.get_by_role("button", name="Open the run details").click()
    editor.locator(".wf-surface").focus()
    expected = ["inspector", "drawer", "palette", "tools", "surface"]
    seen: list[str] = []
    for _ in expected:
        editor.keyboard.press("F6")
        seen.append(area(editor))
    assert seen == expected
    seen = []
    for _ in expected:
        editor.keyboard.press("Shift+F6")
        seen.append(area(editor))
    assert seen == [*reversed(expected[:-1]), "surface"]


def test_f6_passes_what_is_folded_away_and_escape_leads_back(editor: Page) -> None:
    step(editor, "greet").click()
    editor.get_by_test_id("inspector-toggle").click()
    editor.locator(".wf-surface").focus()
    editor.keyboard.press("F6")
    assert area(editor) == "drawer"
    editor.get_by_test_id("inspector-toggle").click()
    for field in (
        editor.get_by_test_id("inspector").get_by_label("Name of the step"),
        editor.get_by_role("tab", name="Log"),
        editor.get_by_test_id("palette-search"),
        editor.get_by_test_id("tidy"),
    ):
        field.focus()
        editor.keyboard.press("Escape")
        assert area(editor) == "surface"


def test_a_marquee_has_a_menu_of_its_own(editor: Page, api: httpx.Client, workflow: str) -> None:
    editor.locator(".wf-surface").focus()
    editor.keyboard.press("1")
    editor.keyboard.press("v")
    first, last = (step(editor, name).bounding_box() for name in ("start", "greet"))
    assert first is not None
    assert last is not None
    editor.mouse.move(first["x"] - 15, first["y"] - 15)
    editor.mouse.down()
    editor.mouse.move(last["x"] + last["width"] + 4, last["y"] + last["height"] + 9, steps=6)
    editor.mouse.up()
    rect = editor.locator(".vue-flow__nodesselection-rect")
    rect.click(button="right")
    menu = editor.get_by_test_id("context-menu")
    expect(menu).to_contain_text("2 selected")
    expect(menu.get_by_role("menuitem", name="Run up to “Greet”")).to_contain_text(
        "Will run 2 steps: Begin, Greet."
    )
    editor.get_by_test_id("menu-align-left").click()
    expect(menu).to_have_count(0)
    expect(editor.get_by_test_id("canvas")).to_have_attribute("data-save", "saved")
    drawn = api.get(f"/api/v1/workflows/{workflow}").json()["definition"]["nodes"]
    assert drawn[0]["position"]["x"] == drawn[1]["position"]["x"]
    editor.keyboard.press("Control+z")
    rect.click(button="right")
    editor.get_by_test_id("menu-duplicate").click()
    expect(step(editor, "greet_2")).to_be_visible()


def test_it_is_said_and_marked_what_a_part_would_run(
    editor: Page, api: httpx.Client, workflow: str
) -> None:
    choose(editor, "go every name")
    editor.get_by_test_id("tool-run-until").hover()
    told = editor.get_by_test_id("part-preview")
    expect(told).to_have_text("play_circleWill run 3 steps: Begin, Greet, Every name.")
    for name in ("start", "greet", "each", "ask"):
        expect(editor.locator(f".wf-is-planned [data-node-id={name}]")).to_have_count(1)
    expect(editor.locator(".wf-is-planned [data-node-id=last]")).to_have_count(0)
    editor.get_by_test_id("tool-run-until").click()
    expect(told).to_be_empty()
    expect(editor.get_by_test_id("run-status")).to_have_attribute("data-status", "completed")
    run = api.get(f"/api/v1/runs?workflow_id={workflow}").json()["items"][0]
    assert run["progress"]["total"] == 3

    choose(editor, "go greet")
    step(editor, "greet").click(button="right")
    expect(editor.get_by_test_id("menu-run-node")).to_contain_text(
        "Will run 1 step: Greet; takes the last data of Begin."
    )
    expect(editor.get_by_test_id("menu-run-from")).to_contain_text("Will run 3 steps")
    expect(editor.locator(".wf-is-planned")).to_have_count(0)
    editor.get_by_test_id("menu-run-from").hover()
    expect(editor.locator(".wf-is-planned [data-node-id=last]")).to_have_count(1)


def test_connections_are_cut_open_at_any_zoom(editor: Page) -> None:
    editor.locator(".wf-surface").focus()
    for presses in (0, 4, 30):
        for _ in range(presses):
            editor.keyboard.press("-")
        line = editor.locator("[data-edge-id=start-greet] .wf-wire-hit")
        box = line.bounding_box()
        assert box is not None
        editor.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        plus = editor.get_by_test_id("edge-insert-start-greet")
        size = plus.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= 24 - 0.01
        editor.mouse.move(0, 0)
        expect(plus).to_have_count(0)


def test_the_palette_adds_to_what_is_selected(editor: Page) -> None:
    editor.locator(".wf-surface").focus()
    editor.keyboard.press("1")
    line = editor.locator("[data-edge-id=each-last] .wf-wire-hit")
    editor.mouse.click(*line.evaluate(A_QUARTER_ALONG))
    editor.get_by_test_id("palette-wait").click()
    expect(editor.locator("[data-edge-id=each-last]")).to_have_count(0)
    expect(editor.locator("[data-edge-id]")).to_have_count(4)
    editor.keyboard.press("Control+z")
    expect(editor.locator("[data-edge-id]")).to_have_count(3)
    editor.locator(".wf-surface").focus()
    editor.keyboard.press("1")
    step(editor, "last").click()
    editor.get_by_role("tab", name="Output", exact=True).click()
    editor.get_by_test_id("palette-wait").click()
    expect(editor.locator("[data-edge-id]")).to_have_count(4)
    expect(editor.get_by_role("tab", name="Settings")).to_have_attribute("aria-selected", "true")
    editor.locator(".wf-surface").focus()
    editor.keyboard.press("Escape")
    for _ in range(3):
        editor.get_by_test_id("palette-template").click()
        editor.locator(".wf-surface").focus()
        editor.keyboard.press("Escape")
    expect(editor.locator("[data-edge-id]")).to_have_count(4)
    assert apart(editor.locator(".wf-card").all())


def test_the_quick_add_begins_with_what_suits(editor: Page) -> None:
    choose(editor, "add read file")
    expect(editor.locator("[data-node-type=read_file]")).to_be_visible()
    editor.locator(".wf-surface").focus()
    editor.keyboard.press("Tab")
    options = editor.get_by_test_id("quick-add").get_by_role("option")
    suits = {
        "Chart",
        "Filter rows",
        "Group by",
        "Join tables",
        "SQL query",
        "Select columns",
        "Sort rows",
        "Write file",
    }
    titles = options.locator(".wf-choice-text > span:first-child")
    first = set(titles.all_inner_texts()[: len(suits)])
    assert first == suits
    for words, title in (
        ("llm", "Prompt"),
        ("mod", "Prompt"),
        ("loop", "For each"),
        ("aggregate", "Group by"),
        ("upload", "Read file"),
    ):
        editor.get_by_test_id("choice-search").fill(words)
        assert title in titles.all_inner_texts()[:2], words
    editor.get_by_test_id("choice-search").fill("start")
    refused = options.filter(has_text="begins a path")
    expect(refused).to_have_attribute("aria-disabled", "true")


def test_what_was_refused_is_forgotten_with_the_next_deed(editor: Page) -> None:
    editor.locator(".wf-surface").focus()
    editor.keyboard.press("c")
    expect(editor.get_by_test_id("toast")).to_contain_text("Select one step first")
    editor.keyboard.press("Shift+S")
    expect(editor.get_by_test_id("toast")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_what_floats_at_the_top_covers_nothing(editor: Page, width: int) -> None:
    editor.set_viewport_size({"width": width, "height": 800})
    editor.locator(".wf-surface").focus()
    editor.keyboard.press("Control+a")
    editor.keyboard.press("Control+f")
    parts = ["align-bar", "problems", "save-state", "find-bar"]
    boxes = [editor.get_by_test_id(part) for part in parts]
    assert apart([*boxes, editor.get_by_role("toolbar", name="Edit")])
    if width != 390:
        for command in ("align-bottom", "align-column"):
            editor.get_by_test_id(command).click()


def test_the_drawer_of_one_workflow_stays_shut_in_the_next(
    server: LiveServer, editor: Page, api: httpx.Client
) -> None:
    editor.get_by_role("button", name="Open the run details").click()
    editor.reload()
    expect(editor.get_by_role("button", name="Close the run details")).to_be_visible()
    other = api.post("/api/v1/workflows", json={"name": "Next", "definition": DRAWING}).json()
    show(editor, f"{server.url}/workflows/{other['id']}")
    expect(editor.get_by_role("button", name="Open the run details")).to_be_visible()
