"""The list of runs: filters, what is running now, how long each took, page by page."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import ValueChangeEventArguments
from starlette.requests import Request

from backend.actor import Actor
from backend.errors import AppError, Unauthorized
from backend.pagination import Page, PageRequest
from backend.runs import service as runs
from backend.runs.schemas import RunView, Trigger
from backend.runs.status import RunStatus
from backend.workflows import service as workflows
from ui.controls import button, raw, text
from ui.formats import trigger_word
from ui.runs_view import runs_strip, runs_table, summary
from ui.session import Session, SignedIn
from ui.theme import frame

PAGE_SIZE = 50
STRIP_SIZE = 100
REFRESH_S = 2.0
IDLE_ROUNDS = 5
"""Without a running run, the list is read again every so many refreshes only."""

FILTERS = ("search", "workflow_id", "status", "trigger", "from", "to")


@ui.page("/runs")
async def runs_page(session: SignedIn, request: Request) -> None:
    """All runs of the tenant; the filters are in the address, so that it can be shared."""
    listing = RunList(session, {name: request.query_params.get(name, "") for name in FILTERS})
    with frame(request, session.actor, title="Runs", here="/runs"):
        text("h1", "Runs")
        listing.summary = text("span", "").classes("muted")
    with ui.element("div").props("id=main tabindex=-1").classes("page-body"):
        await listing.build()


class RunList:
    """What is shown of the runs, and the filters that say so."""

    summary: TextElement

    def __init__(self, session: Session, values: dict[str, str]) -> None:
        self.session = session
        self.values = values
        self.cursors: list[str | None] = [None]
        self.next_cursor: str | None = None
        self.shown: list[RunView] = []
        self.round = 0
        self.reading = 0

    async def build(self) -> None:
        """The filters, the strip, the table and the pager."""
        names = await self._workflow_names(self.session.actor)
        with ui.element("div").classes("filter-bar"):
            search = self._input("search", "Search by workflow or run id", "debounce=250 clearable")
            search.classes("filter-search").mark("run-search")
            with search.add_slot("prepend"):
                ui.icon("search")
            self._select("workflow_id", "Workflow", {"": "All workflows", **names})
            statuses = {status.value: status.value.capitalize() for status in RunStatus}
            self._select("status", "Status", {"": "Any status", **statuses})
            triggers = {trigger.value: trigger_word(trigger) for trigger in Trigger}
            self._select("trigger", "Trigger", {"": "Any trigger", **triggers})
            self._input("from", "From", "type=date").classes("filter-date")
            self._input("to", "To", "type=date").classes("filter-date")
        self.strip = raw("")
        self.table = raw("").classes("list-scroll")
        self.empty = ui.element("div").classes("empty")
        with ui.element("div").classes("pager"):
            self.newer = button("Newer", self.session.action(self._newer), icon="chevron_left")
            self.older = button("Older", self.session.action(self._older), icon="chevron_right")
        await self._show(self.session.actor)
        ui.timer(REFRESH_S, self._tick)

    def _input(self, name: str, label: str, props: str) -> ui.input:
        made = ui.input(value=self.values[name])
        made.props(f'outlined dense {props} aria-label="{label}"')
        made.props["prefix" if "date" in props else "placeholder"] = label
        return made.on_value_change(self.session.event_action(self._set(name)))

    def _select(self, name: str, label: str, options: dict[str, str]) -> None:
        value = self.values[name] if self.values[name] in options else ""
        self.values[name] = value
        made = ui.select(options, value=value, on_change=self.session.event_action(self._set(name)))
        made.props(f'outlined dense options-dense aria-label="{label}"').classes("filter-select")

    def _set(self, name: str):
        async def changed(actor: Actor, event: ValueChangeEventArguments[str | None]) -> None:
            value = (event.value or "").strip()
            if value == self.values[name]:
                return
            self.values[name] = value
            self.cursors = [None]
            query = urlencode({key: kept for key, kept in self.values.items() if kept})
            ui.navigate.history.replace(f"/runs?{query}" if query else "/runs")
            await self._show(actor)

        return changed

    def _filter(self) -> runs.RunFilter:
        begin, end = _day(self.values["from"]), _day(self.values["to"])
        return runs.RunFilter(
            search=self.values["search"] or None,
            workflow_id=self.values["workflow_id"] or None,
            status=RunStatus(self.values["status"]) if self.values["status"] else None,
            trigger=Trigger(self.values["trigger"]) if self.values["trigger"] else None,
            created_after=begin,
            created_before=end and end + timedelta(days=1),
        )

    async def _show(self, actor: Actor) -> None:
        self.reading += 1
        mine = self.reading
        request = PageRequest(limit=PAGE_SIZE, cursor=self.cursors[-1], sort="-created_at")
        page = await runs.list_runs(actor, self._filter(), request)
        latest = page.items
        if self.cursors == [None] and page.next_cursor:
            wide = PageRequest(limit=STRIP_SIZE, cursor=None, sort="-created_at")
            latest = (await runs.list_runs(actor, self._filter(), wide)).items
        counts = await self._counts(actor, page)
        if mine != self.reading:
            return  # the filters have changed meanwhile
        self.shown, self.next_cursor = page.items, page.next_cursor
        if self.cursors == [None]:
            self.strip.set_content(runs_strip(latest) if len(latest) > 2 else "")
        self.table.set_content(runs_table(page.items) if page.items else "")
        self.table.set_visibility(bool(page.items))
        self._show_empty(not page.items)
        self.summary.text = summary(page.total, counts)
        self.newer.set_visibility(len(self.cursors) > 1)
        self.older.set_visibility(page.next_cursor is not None)

    async def _counts(self, actor: Actor, page: Page[RunView]) -> Mapping[RunStatus, int]:
        """How many of all that the filters let through stand how; empty where it is not known."""
        if len(page.items) == page.total:
            return Counter(run.status for run in page.items)
        if any(value for name, value in self.values.items() if name != "workflow_id"):
            return {}
        return (await runs.stats(actor, self.values["workflow_id"] or None)).by_status

    def _show_empty(self, nothing: bool) -> None:
        self.empty.set_visibility(nothing)
        self.empty.clear()
        if not nothing:
            return
        with self.empty:
            if any(self.values.values()):
                text("h2", "No run matches these filters")
                button("Clear the filters", lambda: ui.navigate.to("/runs"))
            else:
                text("h2", "Nothing has run yet")
                text("p", "Open a workflow and press Run. Every run stays here with its data.")
                button("All workflows", lambda: ui.navigate.to("/"), kind="primary")

    async def _newer(self, actor: Actor) -> None:
        self.cursors.pop()
        await self._show(actor)

    async def _older(self, actor: Actor) -> None:
        self.cursors.append(self.next_cursor)
        await self._show(actor)

    async def _tick(self) -> None:
        """Keep the first page true; older pages do not move."""
        self.round += 1
        active = any(not run.status.ended for run in self.shown)
        if len(self.cursors) > 1 or not (active or self.round % IDLE_ROUNDS == 0):
            return
        try:
            await self._show(await self.session.now())
        except Unauthorized:
            self.session.leave()
        except AppError:
            return  # the next action of the reader says it

    async def _workflow_names(self, actor: Actor) -> dict[str, str]:
        page = await workflows.list_workflows(
            actor, workflows.WorkflowFilter(), PageRequest(limit=200, cursor=None, sort="name")
        )
        return {item.id: item.name for item in page.items}


def _day(raw_date: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(raw_date), datetime.min.time(), UTC)
    except ValueError:
        return None
