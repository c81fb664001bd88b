"""The list of workflows: cards with a drawing each, search, tags, and what one may do with them."""

from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import ValueChangeEventArguments
from starlette.requests import Request

from backend.actor import Actor, Role
from backend.pagination import PageRequest
from backend.runs import service as runs
from backend.runs.schemas import RunView, StartRun, Trigger
from backend.workflows import service as workflows
from backend.workflows.schemas import WorkflowItem
from ui.controls import button, confirm, icon_button, menu_item, raw, snackbar, status_html, text
from ui.drawing import thumbnail
from ui.formats import ago, amount
from ui.importing import import_button
from ui.pages.new_workflow import new_workflow
from ui.pages.run_inputs import ask_and_run
from ui.program import download_program
from ui.session import Session, SignedIn
from ui.theme import frame

PAGE_SIZE = 60
TAGS_SHOWN = 6

SORTS = {
    "-updated_at": "Last changed",
    "-created_at": "Newest",
    "name": "Name",
}


@ui.page("/")
async def workflows_page(session: SignedIn, request: Request) -> None:
    """The start page."""
    listing = WorkflowList(session)
    listing.search = request.query_params.get("search", "")[:200]
    listing.tag = request.query_params.get("tag", "")[:50]
    with frame(request, session.actor, title="Workflows", here="/"):
        text("h1", "Workflows")
        listing.build_filters()
        if session.actor.may(Role.EDITOR):
            with ui.element("div").classes("head-actions"):
                import_button().classes("hide-label")
                create = button("New workflow", icon="add", kind="primary")
                create.on_click(lambda: new_workflow(session)).mark("new-workflow")
    with ui.element("div").props("id=main tabindex=-1").classes("page-body"):
        listing.container = ui.element("div")
        await listing.refresh()
    if session.actor.may(Role.EDITOR):
        ui.run_javascript("heddleDropImport()")


class WorkflowList:
    """What is shown of the tenant's workflows, and the filters that say so."""

    container: ui.element

    def __init__(self, session: Session) -> None:
        self.session = session
        self.search = ""
        self.tag = ""
        self.sort = "-updated_at"
        self.items: list[WorkflowItem] = []
        self.last_runs: dict[str, RunView] = {}
        self.next_cursor: str | None = None
        self.total = 0
        self.reading = 0
        self.tags: set[str] = set()

    def build_filters(self) -> None:
        """Search, tag and order, in the page's head."""
        changed = self.session.event_action
        with ui.element("div").classes("filters"):
            search = ui.input(placeholder="Search workflows", value=self.search)
            search.props('outlined dense clearable debounce=250 aria-label="Search workflows"')
            search.classes("filter-search").mark("search")
            search.on_value_change(changed(self._searched))
            with search.add_slot("prepend"):
                ui.icon("search")
            self.tag_select = ui.select({"": "All tags"}, value="")
            self.tag_select.props('outlined dense options-dense aria-label="Tag"')
            self.tag_select.classes("filter-tag").on_value_change(changed(self._tagged))
            order = ui.select(SORTS, value=self.sort).classes("filter-sort")
            order.props('outlined dense options-dense aria-label="Order"')
            order.on_value_change(changed(self._sorted))

    async def refresh(self, actor: Actor | None = None) -> None:
        """Read and show the first page anew."""
        if await self._read(actor or self.session.actor, None):
            self._show()

    async def _read(self, actor: Actor, cursor: str | None) -> bool:
        """Whether what was read is still wanted: the filters may have changed meanwhile."""
        self.reading += 1
        mine = self.reading
        page = await workflows.list_workflows(
            actor,
            workflows.WorkflowFilter(search=self.search or None, tag=self.tag or None),
            PageRequest(limit=PAGE_SIZE, cursor=cursor, sort=self.sort),
        )
        last = await runs.latest_by_workflow(actor, [item.id for item in page.items])
        if mine != self.reading:
            return False
        self.last_runs = {**(self.last_runs if cursor else {}), **last}
        self.items = [*(self.items if cursor else []), *page.items]
        self.next_cursor, self.total = page.next_cursor, page.total
        tags = {tag for item in page.items for tag in item.tags} | self.tags
        if tags != self.tags or self.tag:
            self.tags = tags | ({self.tag} if self.tag else set())
            self.tag_select.set_options(
                {"": "All tags", **{tag: tag for tag in sorted(self.tags, key=str.casefold)}},
                value=self.tag,
            )
        return True

    async def _searched(self, actor: Actor, event: ValueChangeEventArguments[str | None]) -> None:
        self.search = (event.value or "").strip()
        await self._filtered(actor)

    async def _tagged(self, actor: Actor, event: ValueChangeEventArguments[str | None]) -> None:
        if (event.value or "") != self.tag:
            self.tag = event.value or ""
            await self._filtered(actor)

    async def _sorted(self, actor: Actor, event: ValueChangeEventArguments[str]) -> None:
        self.sort = event.value
        await self.refresh(actor)

    async def _filtered(self, actor: Actor) -> None:
        query = urlencode({k: v for k, v in (("search", self.search), ("tag", self.tag)) if v})
        ui.navigate.history.replace(f"/?{query}" if query else "/")
        await self.refresh(actor)

    async def _more(self, actor: Actor) -> None:
        if await self._read(actor, self.next_cursor):
            self._show()

    def _show(self) -> None:
        self.container.clear()
        with self.container:
            if not self.items:
                self._show_nothing()
                return
            with ui.element("ul").classes("cards").props('aria-label="Workflows"'):
                for item in self.items:
                    self._show_card(item)
            if self.next_cursor:
                with ui.element("div").classes("more"):
                    button(
                        f"Show more ({self.total - len(self.items)} left)",
                        self.session.action(self._more),
                    )

    def _show_nothing(self) -> None:
        with ui.element("div").classes("empty"):
            raw(_EMPTY)
            if self.search or self.tag:
                text("h2", "Nothing matches")
                text("p", "No workflow has these words and tags.")
                button("Clear the filters", lambda: ui.navigate.to("/"))
                return
            text("h2", "No workflows yet")
            if not self.session.actor.may(Role.EDITOR):
                text("p", "When somebody draws one, it appears here.")
                return
            text(
                "p",
                "Draw one from scratch, begin with a template, or drop an exported JSON or YAML "
                "file anywhere on this page.",
            )
            with ui.element("div").classes("empty-actions"):
                button(
                    "New workflow", lambda: new_workflow(self.session), icon="add", kind="primary"
                )
                import_button()

    def _show_card(self, item: WorkflowItem) -> None:
        with ui.element("li").classes("card") as card:
            card.props["data-workflow-id"] = item.id
            raw(thumbnail(item.preview, item.name)).classes("card-drawing")
            with ui.element("div").classes("card-body"):
                with ui.element("div").classes("card-title"):
                    with ui.element("a").classes("card-link") as link:
                        link.props["href"] = f"/workflows/{item.id}"
                        text("h2", item.name).props["title"] = item.name
                    menu = icon_button("more_vert", f"Actions for {item.name}", tooltip=False)
                    menu.on_click(lambda: self._open_menu(menu, card, item))
                if item.description:
                    text("p", item.description).classes("card-description")
                if item.tags:
                    with ui.element("div").classes("tags"):
                        for tag in item.tags[:TAGS_SHOWN]:
                            text("span", tag).classes("tag ellipsis").props["title"] = tag
                        if rest := item.tags[TAGS_SHOWN:]:
                            more = text("span", f"+{len(rest)}").classes("tag")
                            more.props["title"] = ", ".join(rest)
            with ui.element("div").classes("card-foot"):
                if last := self.last_runs.get(item.id):
                    raw(status_html(last.status), "span")
                    raw(ago(last.created_at), "span").classes("muted small")
                else:
                    text("span", "Never run").classes("muted small")
                version = f"v{item.active_version}" if item.active_version else "Draft"
                detail = f"{amount(item.node_count, 'node')} · {version}"
                text("span", detail).classes("muted small card-version")

    def _open_menu(self, anchor: ui.button, card: ui.element, item: WorkflowItem) -> None:
        """The menu is made when it is wanted: a page of cards would hold hundreds of entries."""
        action = self.session.action
        with anchor, ui.menu(value=True).props("auto-close") as menu:
            menu.on("hide", menu.delete)
            menu_item("Open", "open_in_full", lambda: ui.navigate.to(f"/workflows/{item.id}"))
            if self.session.actor.may(Role.EDITOR):
                menu_item("Run", "play_arrow", action(lambda actor: self._run(actor, item)))
                menu_item(
                    "Duplicate", "content_copy", action(lambda actor: self._duplicate(actor, item))
                )
            ui.separator()
            for kind in ("json", "yaml"):
                url = f"/api/v1/workflows/{item.id}/export?format={kind}"
                menu_item(f"Export as {kind.upper()}", "download", lambda url=url: ui.download(url))
            menu_item(
                "Export as Python", "code", action(lambda actor: download_program(actor, item.id))
            )
            if self.session.actor.may(Role.EDITOR):
                ui.separator()
                menu_item(
                    "Delete…",
                    "delete_outline",
                    lambda: confirm(
                        f"Delete “{item.name}”?",
                        "It disappears from this list and cannot be run any more. Its past runs "
                        "stay. You can take this back.",
                        "Delete",
                        self.session.action(lambda actor: self._delete(actor, item)),
                    ),
                    danger=True,
                )

    async def _run(self, actor: Actor, item: WorkflowItem) -> None:
        active = (await workflows.get(actor, item.id)).active_version
        version = "draft" if active is None else active
        schema = await workflows.input_schema(actor, item.id, version)
        if not schema.get("properties"):
            run = await runs.start(actor, item.id, StartRun(version=version), Trigger.MANUAL)
            ui.navigate.to(f"/runs/{run.id}")
        elif active is None:
            ui.navigate.to(f"/workflows/{item.id}?run=1")
        else:
            ask_and_run(self.session, item, active, schema)

    async def _duplicate(self, actor: Actor, item: WorkflowItem) -> None:
        copy = await workflows.duplicate(actor, item.id)
        ui.notify(f"Created “{copy.name}”.", type="positive")
        await self.refresh(actor)

    async def _delete(self, actor: Actor, item: WorkflowItem) -> None:
        await workflows.delete(actor, item.id)
        await self.refresh(actor)

        async def undo(actor: Actor) -> None:
            await workflows.restore(actor, item.id)
            await self.refresh(actor)

        snackbar(f"“{item.name}” has been deleted.", "Undo", self.session.action(undo))


_EMPTY = (
    '<svg viewBox="0 0 200 90" width="200" height="90" fill="none" stroke="currentColor" '
    'stroke-width="2" aria-hidden="true"><rect x="8" y="25" width="56" height="40" rx="9"/>'
    '<rect x="136" y="6" width="56" height="32" rx="8" stroke-dasharray="5 5"/>'
    '<rect x="136" y="52" width="56" height="32" rx="8" stroke-dasharray="5 5"/>'
    '<path d="M64 45C100 45 100 22 136 22M64 45C100 45 100 68 136 68"/></svg>'
)
