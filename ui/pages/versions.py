"""The drawer with a workflow's versions: list, compare, activate, restore, export."""

from typing import Literal, Protocol

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from backend.accounts import service as accounts
from backend.actor import Actor
from backend.pagination import PageRequest
from backend.workflows import service as workflows
from backend.workflows.schemas import VersionView, WorkflowView
from graphs.definition import Definition
from ui.canvas.canvas import WorkflowCanvas
from ui.controls import button, confirm, drawer, icon_button, menu_item, raw, text
from ui.differences import comparison_html
from ui.formats import at
from ui.program import download_program
from ui.session import Session
from ui.step_names import titles

DRAFT: Literal["draft"] = "draft"
SHOWN = 100


class Host(Protocol):
    """The page that shows the workflow."""

    session: Session
    workflow: WorkflowView
    canvas: WorkflowCanvas
    writable: bool

    def version_changed(self, active: int | None) -> None: ...


async def open_versions(host: Host, actor: Actor) -> None:
    """Open the drawer with the list."""
    with drawer("Versions", wide=True):
        panel = ui.element("div").classes("drawer-body")
    await VersionDrawer(host, panel).show_list(actor)


class VersionDrawer:
    """The list of versions, and in its place the comparison of two of them."""

    def __init__(self, host: Host, panel: ui.element) -> None:
        self.host = host
        self.panel = panel
        self.versions: list[VersionView] = []
        self.authors: dict[str, str] = {}

    async def show_list(self, actor: Actor) -> None:
        """All versions, the newest first."""
        page = await workflows.list_versions(
            actor, self.host.workflow.id, PageRequest(limit=SHOWN, cursor=None, sort="-number")
        )
        self.versions = list(page.items)
        self.authors = await accounts.names_of(
            actor, {version.created_by for version in self.versions}
        )
        self.panel.clear()
        with self.panel:
            if not self.versions:
                text("p", "Nothing has been published yet.")
                text(
                    "p",
                    "Publish freezes the drawing as version 1. You can then change the draft "
                    "without changing what programs run.",
                ).classes("muted")
                return
            button(
                "Compare",
                self.host.session.action(self._compare_latest),
                icon="difference",
            ).mark("compare")
            with ui.element("ol").classes("version-list"):
                for version in self.versions:
                    self._entry(version)

    async def _compare_latest(self, actor: Actor) -> None:
        """What the draft changes, or else what the newest version has changed."""
        newest = self.versions[0].number
        found = await workflows.compare_versions(actor, self.host.workflow.id, newest, DRAFT)
        if found.identical and len(self.versions) > 1:
            await self.compare(actor, self.versions[1].number, newest)
        else:
            await self.compare(actor, newest, DRAFT)

    def _entry(self, version: VersionView) -> None:
        with ui.element("li"):
            with ui.element("div").classes("grow"):
                with ui.element("div").classes("version-name"):
                    text("b", f"Version {version.number}")
                    if version.label:
                        label = text("span", version.label).classes("tag ellipsis")
                        label.props["title"] = version.label
                    if version.active:
                        text("span", "Active").classes("tag active")
                if version.description:
                    text("p", version.description).classes("version-text")
                with ui.element("p").classes("muted small"):
                    raw(at(version.created_at), "span")
                    if author := self.authors.get(version.created_by):
                        text("span", f" by {author}")
            self._menu(version)

    def _menu(self, version: VersionView) -> None:
        action, number = self.host.session.action, version.number
        with (
            icon_button("more_vert", f"Actions for version {number}", tooltip=False),
            ui.menu().props("auto-close"),
        ):
            menu_item(
                "Compare with the draft",
                "difference",
                action(lambda actor: self.compare(actor, number, DRAFT)),
            )
            base = f"/api/v1/workflows/{self.host.workflow.id}/export?version={number}&format="
            menu_item("Export as JSON", "download", lambda: ui.download(f"{base}json"))
            menu_item("Export as YAML", "download", lambda: ui.download(f"{base}yaml"))
            menu_item(
                "Export as Python",
                "code",
                action(lambda actor: download_program(actor, self.host.workflow.id, number)),
            )
            if not self.host.writable:
                return
            ui.separator()
            if not version.active:
                menu_item(
                    "Make it the active one",
                    "check_circle",
                    action(lambda actor: self._activate(actor, number)),
                )
            menu_item(
                "Bring back into the draft…",
                "settings_backup_restore",
                lambda: confirm(
                    f"Replace the draft by version {number}?",
                    "What is in the draft now is lost, unless you publish it first.",
                    "Replace",
                    action(lambda actor: self._restore(actor, number)),
                ),
            )

    async def compare(self, actor: Actor, before: int | str, after: int | str) -> None:
        """Show what turned one into the other."""
        found = await workflows.compare_versions(
            actor, self.host.workflow.id, _selector(before), _selector(after)
        )
        known = titles(
            await drawn(actor, self.host.workflow.id, after),
            await drawn(actor, self.host.workflow.id, before),
        )
        options: dict[int | str, str] = {
            DRAFT: "Draft",
            **{version.number: f"Version {version.number}" for version in self.versions},
        }
        action = self.host.session.action

        async def choose_before(actor: Actor, event: ValueChangeEventArguments[int | str]) -> None:
            await self.compare(actor, event.value, after)

        async def choose_after(actor: Actor, event: ValueChangeEventArguments[int | str]) -> None:
            await self.compare(actor, before, event.value)

        self.panel.clear()
        with self.panel:
            with ui.element("div").classes("compare-head"):
                icon_button("arrow_back", "Back to the list", action(self.show_list))
                for label, value, chosen in (
                    ("From", before, choose_before),
                    ("To", after, choose_after),
                ):
                    select = ui.select(options, value=value, label=label)
                    select.on_value_change(self.host.session.event_action(chosen))
                    select.props("outlined dense options-dense").classes("grow")
            raw(comparison_html(found, known)).classes("comparison")

    async def _activate(self, actor: Actor, number: int) -> None:
        await workflows.activate(actor, self.host.workflow.id, number)
        self.host.version_changed(number)
        await self.show_list(actor)

    async def _restore(self, actor: Actor, number: int) -> None:
        await workflows.restore_version(actor, self.host.workflow.id, number)
        self.host.canvas.reload()
        ui.notify(f"Version {number} is in the draft.", type="positive")


def _selector(value: int | str) -> workflows.Selector:
    return value if isinstance(value, int) else "draft"


async def drawn(actor: Actor, workflow_id: str, selector: int | str) -> Definition:
    """A version's drawing, or the draft's."""
    if isinstance(selector, int):
        return (await workflows.get_version(actor, workflow_id, selector)).definition
    return (await workflows.get(actor, workflow_id)).definition
