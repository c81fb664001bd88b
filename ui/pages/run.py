"""One run, past or present, on the drawing it was started with."""

from nicegui import ui
from starlette.requests import Request

from backend.actor import Actor, Role
from backend.errors import AppError, Unauthorized
from backend.runs import service as runs
from backend.runs.schemas import RerunRun, RunView
from ui.canvas.canvas import WorkflowCanvas
from ui.controls import button, confirm, icon_button, link_button, menu_item, raw, status_html, text
from ui.formats import amount, at, duration, money, trigger_word
from ui.runs_view import elapsed
from ui.session import Session, SignedIn
from ui.theme import frame, templates

REFRESH_S = 1.0


@ui.page("/runs/{run_id}")
async def run_page(session: SignedIn, request: Request, run_id: str) -> None:
    """The run's head, and the canvas that replays or follows it."""
    run = await runs.get(session.actor, run_id)
    shown = RunHead(session, run)
    with frame(request, session.actor, title=f"Run of {run.workflow_name}", here="/runs"):
        shown.build()
    with ui.element("div").props("id=main tabindex=-1").classes("stage"):
        shown.canvas = WorkflowCanvas(
            workflow_id=run.workflow_id,
            mode="run",
            run_id=run.id,
            read_only=True,
            may_steer=session.actor.may(Role.EDITOR),
            on_run=lambda _: shown.refresh(),
        ).classes("canvas-fill")
    shown.timer = ui.timer(REFRESH_S, shown.refresh, active=not run.status.ended)


class RunHead:
    """The line above the canvas: what the run is, how it stands, and what can be done with it."""

    canvas: WorkflowCanvas
    timer: ui.timer

    def __init__(self, session: Session, run: RunView) -> None:
        self.session = session
        self.run = run

    def build(self) -> None:
        """Everything in the page's head."""
        action = self.session.action
        icon_button("arrow_back", "All runs").props("href=/runs")
        with ui.element("div").classes("run-title"):
            title = text("h1", self.run.workflow_name).classes("ellipsis")
            title.props["title"] = self.run.workflow_name
            self.facts = raw("").classes("run-facts")
            self.facts.props('tabindex=0 role=group aria-label="About this run"')
        with ui.element("div").classes("head-actions"):
            if self.session.actor.may(Role.EDITOR):
                self.cancel = button("Cancel", action(self._cancel), icon="stop", kind="danger")
                self.again = button("Run again", action(self._again), icon="replay")
            link_button(
                "Open workflow",
                f"/workflows/{self.run.workflow_id}",
                icon="account_tree",
                kind="primary",
            ).classes("hide-label")
            if self.session.actor.may(Role.EDITOR):
                with (
                    icon_button("more_vert", "More actions", tooltip=False),
                    ui.menu().props("auto-close"),
                ):
                    self.delete = menu_item(
                        "Delete…", "delete_outline", self._ask_to_delete, danger=True
                    )
        self._show()

    async def refresh(self) -> None:
        """Read the run again; a run that has ended is not asked for until it is retried."""
        try:
            self.run = await runs.get(await self.session.now(), self.run.id)
        except Unauthorized:
            self.timer.deactivate()
            self.session.leave()
            return
        except AppError:
            self.timer.deactivate()
            return
        self._show()
        self.timer.active = not self.run.status.ended  # a retry lets an ended run go on

    def _show(self) -> None:
        run, ended = self.run, self.run.status.ended
        self.facts.set_content(
            templates.get_template("run_facts.html").render(
                run=run,
                amount=amount,
                trigger=trigger_word(run.trigger),
                status=status_html(run.status, pill=True),
                at=at(run.started_at or run.created_at),
                duration=duration(elapsed(run)),
                cost=money(run.usage.cost_usd),
                tokens=run.usage.input_tokens + run.usage.output_tokens,
            )
        )
        if self.session.actor.may(Role.EDITOR):
            self.cancel.set_visibility(not ended)
            self.again.set_visibility(ended)
            self.delete.set_enabled(ended)

    async def _cancel(self, actor: Actor) -> None:
        self.run = await runs.cancel(actor, self.run.id, "Cancelled on its page")
        self._show()

    async def _again(self, actor: Actor) -> None:
        made = await runs.rerun(actor, self.run.id, RerunRun())
        ui.navigate.to(f"/runs/{made.id}")

    def _ask_to_delete(self) -> None:
        confirm(
            "Delete this run?",
            "Its inputs, its outputs and everything its nodes did are deleted for good.",
            "Delete",
            self.session.action(self._delete),
        )

    async def _delete(self, actor: Actor) -> None:
        await runs.delete(actor, self.run.id)
        ui.navigate.to("/runs")
