"""The editor of one workflow: its head, and below it the canvas, which owns the drawing."""

from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments
from starlette.requests import Request

from backend.actor import Actor, Role
from backend.errors import Conflict
from backend.workflows import service as workflows
from backend.workflows.schemas import UpdateWorkflow, WorkflowView
from ui.canvas.canvas import WorkflowCanvas
from ui.controls import button, confirm, icon_button, menu_item, text
from ui.importing import import_item
from ui.pages.details import details_dialog
from ui.pages.history import open_history
from ui.pages.publish import open_publish
from ui.pages.versions import open_versions
from ui.program import download_program
from ui.session import Session, SignedIn
from ui.theme import frame


@ui.page("/workflows/{workflow_id}")
async def editor_page(session: SignedIn, request: Request, workflow_id: str) -> None:
    """Draw, publish and run."""
    workflow = await workflows.get(session.actor, workflow_id)
    editor = Editor(session, workflow, run_at_once=request.query_params.get("run") == "1")
    with frame(request, session.actor, title=workflow.name, here="/workflows"):
        editor.build_head()
    with ui.element("div").props("id=main tabindex=-1").classes("stage"):
        editor.build_canvas()


class Editor:
    """What the head needs to know of the workflow and of the canvas."""

    canvas: WorkflowCanvas

    def __init__(self, session: Session, workflow: WorkflowView, *, run_at_once: bool) -> None:
        self.session = session
        self.workflow = workflow
        self.writable = session.actor.may(Role.EDITOR)
        self.run_at_once = run_at_once

    def build_head(self) -> None:
        """Name and state at the left, what can be done at the right."""
        action = self.session.action
        icon_button("arrow_back", "All workflows").props("href=/")
        with ui.element("div").classes("editor-title"):
            if self.writable:
                self.name = ui.input(value=self.workflow.name).classes("name-input")
                self.name.props('borderless dense maxlength=200 aria-label="Workflow name"')
                self.name.on("blur", action(self._rename)).mark("workflow-name")
                self.name.on("keydown.enter", js_handler="(event) => event.target.blur()")
            else:
                text("h1", self.workflow.name).classes("ellipsis")
                text("span", "View only").classes("tag version-tag")
        with ui.element("div").classes("head-actions"):
            self._show_version()
            button("Versions", action(self._versions), icon="layers", kind="ghost").classes(
                "hide-label"
            )
            button("Runs", action(self._history), icon="history", kind="ghost").classes(
                "hide-label"
            )
            self._build_menu()
            if self.writable:
                publish = button("Publish", action(self._publish), icon="publish")
                publish.classes("hide-label").mark("publish")
                self._build_run()

    def build_canvas(self) -> None:
        """The element that fills the rest of the window."""
        self.canvas = WorkflowCanvas(
            workflow_id=self.workflow.id,
            mode="edit",
            read_only=not self.writable,
            on_state=self._state_changed,
            on_page=self.session.event_action(self._asked),
        ).classes("canvas-fill")

    def _build_menu(self) -> None:
        with icon_button("more_vert", "More actions", tooltip=False), ui.menu().props("auto-close"):
            if self.writable:
                menu_item(
                    "Details…",
                    "edit_note",
                    self.session.action(lambda actor: details_dialog(self, actor)),
                )
            if self.writable:
                import_item()
            menu_item("Export as JSON", "download", lambda: self._export("json"))
            menu_item("Export as YAML", "download", lambda: self._export("yaml"))
            menu_item(
                "Export as Python",
                "code",
                self.session.action(lambda actor: download_program(actor, self.workflow.id)),
            )
            menu_item("Help", "help_outline", lambda: ui.navigate.to("/help/editor", new_tab=True))
            if self.writable:
                menu_item("Duplicate", "content_copy", self.session.action(self._duplicate))
                ui.separator()
                menu_item("Delete…", "delete_outline", self._ask_to_delete, danger=True)

    async def _asked(self, actor: Actor, event: GenericEventArguments) -> None:
        """What the palette of commands offers of the head."""
        match event.args.get("command"):
            case "versions":
                await self._versions(actor)
            case "runs":
                await self._history(actor)
            case "publish":
                await self._publish(actor)
            case "details":
                await details_dialog(self, actor)
            case "duplicate":
                await self._duplicate(actor)
            case "export-json":
                self._export("json")
            case "export-yaml":
                self._export("yaml")
            case "export-python":
                await download_program(actor, self.workflow.id)
            case _:
                pass

    def _export(self, kind: str) -> None:
        ui.download(f"/api/v1/workflows/{self.workflow.id}/export?format={kind}")

    def _build_run(self) -> None:
        with ui.element("div").classes("split-button"):
            run = button("Run", lambda: self.canvas.start_run(), icon="play_arrow")
            run.classes("btn-primary").props("data-testid=run").mark("run")
            with (
                icon_button("arrow_drop_down", "Ways to run", tooltip=False).classes("btn-primary"),
                ui.menu().props("auto-close anchor='bottom right' self='top right'"),
            ):
                menu_item("Run", "play_arrow", lambda: self.canvas.start_run())
                menu_item(
                    "Mock run: nothing happens outside",
                    "science",
                    lambda: self.canvas.start_run("mock"),
                )
                menu_item(
                    "Debug: stop before each step",
                    "bug_report",
                    lambda: self.canvas.start_run("debug"),
                )
                ui.separator()
                menu_item(
                    "Run with options…", "tune", lambda: self.canvas.start_run("full", ask=True)
                )

    def _show_version(self) -> None:
        self.version = text("span", "").classes("tag version-tag")
        self.version_changed(self.workflow.active_version)

    def version_changed(self, active: int | None) -> None:
        """Show which version programs run."""
        self.version.text = f"v{active} active" if active else "Not published"

    def renamed(self, workflow: WorkflowView) -> None:
        """Show the workflow's new name everywhere."""
        self.workflow = workflow
        self.name.value = workflow.name
        ui.page_title(f"{workflow.name} · Heddle")

    def _state_changed(self, event: GenericEventArguments) -> None:
        given: dict[str, Any] = event.args
        if self.run_at_once and given.get("save") == "saved":
            self.run_at_once = False
            self.canvas.start_run()

    async def _rename(self, actor: Actor) -> None:
        name = (self.name.value or "").strip()
        if name in ("", self.workflow.name):
            self.name.value = self.workflow.name
            return
        self.renamed(await workflows.update(actor, self.workflow.id, UpdateWorkflow(name=name)))

    async def _publish(self, actor: Actor) -> None:
        saved = await self.canvas.save()
        if saved.revision is None:
            why = saved.detail or "the drawing is not there yet."
            raise Conflict(f"Nothing was published: {why}")
        await open_publish(self, actor, saved.revision)

    async def _versions(self, actor: Actor) -> None:
        await open_versions(self, actor)

    async def _history(self, actor: Actor) -> None:
        await open_history(self.workflow, actor)

    async def _duplicate(self, actor: Actor) -> None:
        copy = await workflows.duplicate(actor, self.workflow.id)
        ui.navigate.to(f"/workflows/{copy.id}")

    def _ask_to_delete(self) -> None:
        confirm(
            f"Delete “{self.workflow.name}”?",
            "It disappears from the list and cannot be run any more. Its past runs stay.",
            "Delete",
            self.session.action(self._delete),
        )

    async def _delete(self, actor: Actor) -> None:
        await workflows.delete(actor, self.workflow.id)
        ui.navigate.to("/")
