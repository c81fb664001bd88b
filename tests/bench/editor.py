"""The editor in Chromium: how soon nodes are visible, what they hold, dragging, and typing."""

import asyncio
import math
import shutil
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, NamedTuple

from playwright.async_api import Browser, Page, async_playwright

from tests.bench import drawings
from tests.bench.area import Area
from tests.bench.load import HOST, percentile
from tests.bench.server import PASSWORD, Server, ServerError, running_server

SMALL, LARGE, HUGE = 100, 500, 1000
LOADS = 3
VISIBLE_WITHIN_MS = 20_000
SETTLE_MS = 1_000
STILL_MS = 400
STILL_WITHIN_MS = 20_000
DRAG_S = 3.0
DRAG_RADIUS_PX = 90
MOVES_EVERY_MS = 8
PHRASE = "in {{ upper(input.city) }} and then "
PHRASES = 3
KEY_EVERY_MS = 70
VIEWPORT = {"width": 1440, "height": 900}
MB = 1_000_000

WHEN_VISIBLE = """
(() => {
  const look = () => {
    const node = document.querySelector('[data-testid="canvas"][data-ready] [data-node-id]')
    const shown = node?.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    if (shown && node.getBoundingClientRect().width > 0) {
      requestAnimationFrame(() => setTimeout(() => { window.benchVisibleMs = performance.now() }))
    } else {
      requestAnimationFrame(look)
    }
  }
  requestAnimationFrame(look)
})()
"""
FREE_NODE = """
() => {
  const canvas = document.querySelector('[data-testid="canvas"]').getBoundingClientRect()
  const distance = (a) => Math.hypot(
    a.x + a.width / 2 - canvas.x - canvas.width / 2,
    a.y + a.height / 2 - canvas.y - canvas.height / 2)
  const taken = (node, box) => {
    const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return node.contains(hit) && hit.closest('.nodrag, .vue-flow__handle') === null
  }
  const nodes = [...document.querySelectorAll('[data-node-id]')]
    .filter((node) => node.dataset.nodeId !== 'n0')
    .map((node) => [node, node.getBoundingClientRect()])
    .filter(([node, box]) => taken(node, box))
    .sort((a, b) => distance(a[1]) - distance(b[1]))
  if (nodes.length === 0) return null
  const [node, box] = nodes[0]
  return { id: node.dataset.nodeId, x: box.x + box.width / 2, y: box.y + box.height / 2 }
}
"""
# however long a busy machine takes to draw what has come into view
STILL = """
(still) => new Promise((done) => {
  const pane = document.querySelector('.vue-flow__transformationpane')
  let last = '', since = performance.now()
  const look = (now) => {
    const drawn = document.querySelectorAll('[data-node-id], [data-edge-id]').length
    const view = `${pane.style.transform} ${drawn}`
    if (view !== last) [last, since] = [view, now]
    if (now - since >= still) done(true)
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
})
"""
UNDER_WAY = """
([id, x, y]) => {
  const node = document.querySelector(`[data-node-id="${id}"]`)
  if (node?.closest('.vue-flow__node').classList.contains('dragging')) return null
  const hit = document.elementFromPoint(x, y)
  return `${hit?.tagName} ${hit?.getAttribute('class')}`
}
"""
ALL_SELECTED = """
() => new Promise((done) => {
  const surface = document.querySelector('.wf-surface')
  surface.focus()
  const began = performance.now()
  const how = { key: 'a', code: 'KeyA', ctrlKey: true, bubbles: true }
  surface.dispatchEvent(new KeyboardEvent('keydown', how))
  requestAnimationFrame(() => setTimeout(() => done([
    performance.now() - began,
    [...document.querySelectorAll('.wf-card')].every((card) =>
      card.classList.contains('is-selected')),
  ])))
})
"""
PLACE = """
(id) => {
  const box = document.querySelector(`[data-node-id="${id}"]`).getBoundingClientRect()
  return [box.x + box.width / 2, box.y + box.height / 2]
}
"""
COUNT_FRAMES = """
() => {
  const frames = window.benchFrames = []
  const frame = (at) => {
    frames.push(at)
    if (window.benchFrames === frames) requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
}
"""
TIME_KEYS = """
() => {
  window.benchKeys = []
  document.addEventListener('keydown', (event) => {
    requestAnimationFrame(() => {
      const painted = new MessageChannel()
      painted.port1.onmessage = () => window.benchKeys.push(performance.now() - event.timeStamp)
      painted.port2.postMessage(null)
    })
  }, true)
}
"""


class Load(NamedTuple):
    """One cold load of the editor."""

    seconds: float
    megabytes: float


async def measure(area: Area) -> None:
    """Fills the rows of its area, like every module's `measure`."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise ServerError("Chromium is missing: apt-get install chromium")
    async with (
        running_server(area.place("data")) as server,
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        ) as browser,
    ):
        await _loads(area, browser, server, SMALL)
        workflow_id = await _loads(area, browser, server, LARGE)
        async with _editor(browser, server, workflow_id) as page:
            await _drag(area, page)
            await _type(area, page)
        workflow_id = await _loads(area, browser, server, HUGE)
        async with _editor(browser, server, workflow_id) as page:
            await _select(area, page)
            await _heap(area, page)


async def _loads(area: Area, browser: Browser, server: Server, size: int) -> str:
    """Open a drawing of so many nodes a few times. Returns its workflow's id."""
    workflow_id = await server.publish(f"grid of {size}", drawings.grid(size))
    loads = [await _load(browser, server, workflow_id) for _ in range(area.times(LOADS))]
    seconds = [load.seconds for load in loads]
    spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
    area.found(f"open.{size}", statistics.median(seconds), spread)
    area.found(f"bytes.{size}", statistics.median(load.megabytes for load in loads))
    return workflow_id


@asynccontextmanager
async def _editor(
    browser: Browser, server: Server, workflow_id: str, received: list[int] | None = None
) -> AsyncIterator[Page]:
    """The editor in a context of its own, so with an empty cache, once its nodes are visible.

    The sizes of what comes over the network are appended to `received`.
    """
    address = f"http://{HOST}:{server.port}"
    context = await browser.new_context(viewport=VIEWPORT)  # pyright: ignore[reportArgumentType]
    try:
        account = {"username": "admin", "password": PASSWORD}
        answer = await context.request.post(f"{address}/api/v1/auth/login", data=account)
        if not answer.ok:
            raise ServerError(f"could not sign in: {answer.status}")
        page = await context.new_page()
        if received is not None:
            await _listen(page, received)
        await page.add_init_script(WHEN_VISIBLE)
        await page.goto(f"{address}/workflows/{workflow_id}", wait_until="commit")
        await page.wait_for_function("window.benchVisibleMs", timeout=VISIBLE_WITHIN_MS)
        await page.wait_for_timeout(SETTLE_MS)
        yield page
    finally:
        await context.close()


async def _listen(page: Page, received: list[int]) -> None:
    network = await page.context.new_cdp_session(page)

    def finished(event: dict[str, Any]) -> None:
        received.append(int(event["encodedDataLength"]))

    def frame(event: dict[str, Any]) -> None:
        received.append(len(event["response"]["payloadData"]))

    network.on("Network.loadingFinished", finished)
    network.on("Network.webSocketFrameReceived", frame)
    await network.send("Network.enable")


async def _load(browser: Browser, server: Server, workflow_id: str) -> Load:
    received: list[int] = []
    async with _editor(browser, server, workflow_id, received) as page:
        visible_ms = await page.evaluate("window.benchVisibleMs")
    return Load(visible_ms / 1000, sum(received) / MB)


async def _drag(area: Area, page: Page) -> None:
    """Drag as the editor opens; beside it, with the whole drawing in view."""
    gaps = await _dragged(page)
    await page.get_by_test_id("fit").click()
    all_in_view = await _dragged(page)
    await page.reload()
    await page.wait_for_function("window.benchVisibleMs", timeout=VISIBLE_WITHIN_MS)
    about = f"worst frame {max(gaps):.0f} ms; with all in view {_fps(all_in_view):.0f} fps"
    area.found("drag", _fps(gaps), about)


async def _select(area: Area, page: Page) -> None:
    """Ctrl+A until it is painted."""
    await _still(page)
    milliseconds, selected = await page.evaluate(ALL_SELECTED)
    if not selected:
        raise ServerError("not all nodes were selected")
    await page.keyboard.press("Escape")
    area.found("select", milliseconds)


async def _heap(area: Area, page: Page) -> None:
    """What JavaScript holds with all in view, garbage collected; beside it, as the editor opens."""
    opened = await _held_mb(page)
    await page.get_by_test_id("fit").click()
    await _still(page)
    area.found(f"heap.{HUGE}", await _held_mb(page), f"as it opens {opened:.0f}")


async def _held_mb(page: Page) -> float:
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.enable")
    await session.send("HeapProfiler.collectGarbage")
    used: int = (await session.send("Runtime.getHeapUsage"))["usedSize"]
    await session.detach()
    return used / MB


async def _still(page: Page) -> None:
    """Wait until the view neither moves nor fills any more."""
    async with asyncio.timeout(STILL_WITHIN_MS / 1000):
        await page.evaluate(STILL, STILL_MS)


async def _free_node(page: Page) -> dict[str, Any]:
    """The node nearest to the middle that nothing covers: its id, and its centre on the page."""
    await _still(page)
    node = await page.evaluate(FREE_NODE)
    if node is None:
        raise ServerError("no node can be taken hold of: something covers them all")
    return node


def _fps(gaps: list[float]) -> float:
    return len(gaps) * 1000 / sum(gaps)


async def _dragged(page: Page) -> list[float]:
    """Move a node about in circles. Returns the ms between the frames meanwhile."""
    node = await _free_node(page)
    await page.mouse.move(node["x"], node["y"])
    await page.mouse.down()
    await page.mouse.move(node["x"] + DRAG_RADIUS_PX, node["y"], steps=5)
    instead = await page.evaluate(UNDER_WAY, [node["id"], node["x"], node["y"]])
    if instead is not None:
        raise ServerError(f"{node['id']} was not taken hold of; at its place is {instead}")
    await page.evaluate(COUNT_FRAMES)
    began = time.perf_counter()
    while (elapsed := time.perf_counter() - began) < DRAG_S:
        angle = elapsed * math.tau
        await page.mouse.move(
            node["x"] + DRAG_RADIUS_PX * math.cos(angle),
            node["y"] + DRAG_RADIUS_PX * math.sin(angle),
        )
        await page.wait_for_timeout(MOVES_EVERY_MS)
    frames: list[float] = await page.evaluate("window.benchFrames")
    x, y = await page.evaluate(PLACE, node["id"])
    await page.mouse.up()
    if math.dist((x, y), (node["x"], node["y"])) < DRAG_RADIUS_PX / 2:
        raise ServerError("the node was not dragged")
    return [after - before for before, after in pairwise(frames)]


async def _type(area: Area, page: Page) -> None:
    node = await _free_node(page)
    await page.mouse.click(node["x"], node["y"])
    field = page.locator('[data-field="/text"] textarea').first
    await field.click()
    await page.evaluate(TIME_KEYS)
    typed = PHRASE * area.times(PHRASES)
    await page.keyboard.type(typed, delay=KEY_EVERY_MS)
    await page.wait_for_timeout(SETTLE_MS)
    delays: list[float] = await page.evaluate("window.benchKeys")
    text = await field.input_value()
    if "and then" not in text or "upper(input.city)" not in text or len(delays) < len(typed):
        raise ServerError(f"not all keystrokes reached the field: {text}")
    about = f"p50 {percentile(delays, 0.5):.0f}, most {max(delays):.0f}"
    area.found("key", percentile(delays, 0.95), about)
