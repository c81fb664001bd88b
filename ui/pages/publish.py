"""The dialog that makes the draft a version, or says what keeps it from becoming one."""

from collections.abc import Sequence
from typing import Protocol

from nicegui import ui

from backend.actor import Actor
from backend.runs import service as runs
from backend.runs.schemas import WaitingRun
from backend.workflows import service as workflows
from backend.workflows.schemas import PublishVersion, WorkflowView
from graphs.errors import Problem
from ui.canvas.canvas import WorkflowCanvas
from ui.controls import button, dialog, icon_html, raw, text
from ui.formats import amount
from ui.session import Session

WAITING_SHOWN = 5


class Host(Protocol):
    """The page that shows the workflow."""

    session: Session
    workflow: WorkflowView
    canvas: WorkflowCanvas

    def version_changed(self, active: int | None) -> None: ...


async def open_publish(host: Host, actor: Actor, revision: int) -> None:
    """Validate what is stored, then ask for a description. Only that revision is published."""
    result = await workflows.validate(actor, host.workflow.id)
    if result.problems:
        _show_problems(host, result.problems)
    else:
        check = await runs.publish_check(actor, host.workflow.id)
        _ask(host, check.waiting_runs, revision)


def _ask(host: Host, waiting: Sequence[WaitingRun], revision: int) -> None:
    async def publish(actor: Actor) -> None:
        request = PublishVersion(
            description=(description.value or "").strip(),
            label=(label.value or "").strip() or None,
            activate=bool(activate.value),
        )
        published = await workflows.publish(
            actor, host.workflow.id, request, workflows.IfMatch(frozenset({revision}))
        )
        version = published.version
        asked.close()
        if version.active:
            host.version_changed(version.number)
        if published.created:
            ui.notify(f"Version {version.number} is published.", type="positive")
        else:
            ui.notify(f"Nothing has changed since version {version.number}.", type="info")

    with dialog("Publish") as asked:
        with ui.element("div").classes("dialog-body"):
            text("p", "Freezes the drawing as a version that never changes.").classes("muted")
            description = ui.textarea("What has changed?")
            description.props("outlined dense autogrow autofocus maxlength=10000")
            description.mark("version-description")
            label = ui.input("Label").props(
                'outlined dense maxlength=100 hint="A name of your own, such as 2.1.0"'
            )
            activate = ui.switch(
                "Make it the active version, the one that programs run", value=True
            )
            if waiting:
                _tell_waiting(waiting)
        with ui.element("div").classes("dialog-foot"):
            button("Cancel", asked.close)
            button("Publish", host.session.action(publish), kind="primary").mark("do-publish")


def _tell_waiting(waiting: Sequence[WaitingRun]) -> None:
    """Which paused runs there are: they stay on their versions, whatever is published."""
    broken = [run for run in waiting if run.broken]
    told = f"{amount(len(waiting), 'paused run')} will go on with the version they began with."
    if broken:
        count = amount(len(broken), "of them", "of them")
        told += f" The new drawing lacks what {count} already did or stand at:"
    with ui.element("div").classes("banner info").mark("waiting-runs"):
        text("p", told)
        with ui.element("ul"):
            for run in broken[:WAITING_SHOWN]:
                with ui.element("li"):
                    link = ui.element("a").props(f"href=/runs/{run.run_id} target=_blank")
                    with link:
                        text("span", f"Run {run.run_id[-6:]}")
                    changes = ", ".join(
                        f"{node.node_id} ({node.reason.replace('_', ' ')})" for node in run.broken
                    )
                    text("span", f": {changes}")
        if len(broken) > WAITING_SHOWN:
            text("p", f"and {len(broken) - WAITING_SHOWN} more")


def _show_problems(host: Host, problems: Sequence[Problem]) -> None:
    def go(node_id: str) -> None:
        asked.close()
        host.canvas.focus_node(node_id)

    with dialog("Not ready to publish") as asked:
        with ui.element("div").classes("dialog-body"):
            text("p", f"{amount(len(problems), 'problem')} must be solved first.").classes("muted")
            with ui.element("ul").classes("problem-list"):
                for problem in problems:
                    with ui.element("li"):
                        row = ui.element("button").props("type=button")
                        node_id = problem.node_id
                        if node_id is None:
                            row.props("disabled")
                        else:
                            row.on("click", lambda _, node_id=node_id: go(node_id))
                        with row:
                            raw(icon_html("error_outline"), "span")
                            text("span", problem.detail).classes("grow")
                            if node_id:
                                text("code", node_id)
        with ui.element("div").classes("dialog-foot"):
            button("Close", asked.close, kind="primary")
