"""The dialog that makes the draft a version, or says what keeps it from becoming one."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from nicegui import ui

from backend.actor import Actor
from backend.pagination import PageRequest
from backend.runs import service as runs
from backend.runs.schemas import WaitingRun
from backend.workflows import service as workflows
from backend.workflows.schemas import PublishVersion, WorkflowView
from graphs.definition import Definition, walk
from graphs.errors import Problem
from ui.canvas.canvas import WorkflowCanvas
from ui.controls import button, dialog, icon_html, raw, text
from ui.differences import comparison_html
from ui.formats import amount
from ui.pages.versions import drawn
from ui.session import Session
from ui.step_names import titles, with_titles

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
    draft = await drawn(actor, host.workflow.id, "draft")
    if result.problems:
        _show_problems(host, result.problems, titles(draft))
        return
    check = await runs.publish_check(actor, host.workflow.id)
    changes = await _changes(host.workflow.id, actor, draft)
    broken = [run.run_id for run in check.waiting_runs if run.broken][:WAITING_SHOWN]
    known = titles(draft, *[await runs.definition(actor, run_id) for run_id in broken])
    _ask(host, check.waiting_runs, known, revision, changes)


class Changes(Struct, frozen=True):
    """What the draft makes of the newest version: a headline, and the HTML of it."""

    told: str
    html: str


async def _changes(workflow_id: str, actor: Actor, draft: Definition) -> Changes:
    newest = await workflows.list_versions(
        actor, workflow_id, PageRequest(limit=1, cursor=None, sort="-number")
    )
    if not newest.items:
        count = amount(sum(1 for _ in walk(draft)), "step")
        return Changes(f"This becomes version 1, with {count}.", "")
    number = newest.items[0].number
    known = titles(draft, await drawn(actor, workflow_id, number))
    found = await workflows.compare_versions(actor, workflow_id, number, "draft")
    if found.identical:
        return Changes(f"The drawing is the same as version {number}.", "")
    return Changes(f"Changed since version {number}:", comparison_html(found, known))


def _ask(
    host: Host,
    waiting: Sequence[WaitingRun],
    known: Mapping[str, str],
    revision: int,
    changes: Changes,
) -> None:
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
            text("p", changes.told).mark("publish-changes")
            if changes.html:
                raw(changes.html).classes("comparison bounded").props(
                    'tabindex=0 role=region aria-label="Changes"'
                )
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
                _tell_waiting(waiting, known)
        with ui.element("div").classes("dialog-foot"):
            button("Cancel", asked.close)
            button("Publish", host.session.action(publish), kind="primary").mark("do-publish")


def _tell_waiting(waiting: Sequence[WaitingRun], known: Mapping[str, str]) -> None:
    """Which paused runs there are: they stay on their versions, whatever is published."""
    broken = [run for run in waiting if run.broken]
    they = "it" if len(waiting) == 1 else "they"
    told = f"{amount(len(waiting), 'paused run')} will go on with the version {they} began with."
    if broken:
        told += " The new drawing lacks what these already did or wait at:"
    with ui.element("div").classes("banner info").mark("waiting-runs"):
        text("p", told)
        with ui.element("ul"):
            for run in broken[:WAITING_SHOWN]:
                with ui.element("li"):
                    link = ui.element("a").props(f"href=/runs/{run.run_id} target=_blank")
                    with link:
                        text("span", f"Run {run.run_id[-6:]}")
                    changes = ", ".join(
                        f"{known.get(node.node_id, node.node_id)} ({node.reason.replace('_', ' ')})"
                        for node in run.broken
                    )
                    text("span", f": {changes}")
        if len(broken) > WAITING_SHOWN:
            text("p", f"and {len(broken) - WAITING_SHOWN} more")


def _show_problems(host: Host, problems: Sequence[Problem], known: Mapping[str, str]) -> None:
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
                            with ui.element("span").classes("grow"):
                                if node_id:
                                    text("b", known.get(node_id, node_id))
                                text("span", with_titles(problem.detail, known))
        with ui.element("div").classes("dialog-foot"):
            button("Close", asked.close, kind="primary")
