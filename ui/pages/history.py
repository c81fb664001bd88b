"""The drawer with a workflow's latest runs."""

from nicegui import ui

from backend.actor import Actor
from backend.pagination import PageRequest
from backend.runs import service as runs
from backend.workflows.schemas import WorkflowView
from ui.controls import drawer, link_button, raw, text
from ui.runs_view import runs_strip, runs_table

SHOWN = 25


async def open_history(workflow: WorkflowView, actor: Actor) -> None:
    """Open it; each run leads to its page."""
    page = await runs.list_runs(
        actor,
        runs.RunFilter(workflow_id=workflow.id),
        PageRequest(limit=SHOWN, cursor=None, sort="-created_at"),
    )
    with drawer("Runs"):
        with ui.element("div").classes("drawer-body"):
            if not page.items:
                text("p", "This workflow has not run yet.").classes("muted")
            else:
                if len(page.items) > 2:
                    raw(runs_strip(page.items))
                raw(runs_table(page.items, one_workflow=True)).classes("list-scroll narrow")
        if page.items:
            with ui.element("div").classes("dialog-foot"):
                link_button(
                    "All runs of this workflow" if page.total == 1 else f"All {page.total:,} runs",
                    f"/runs?workflow_id={workflow.id}",
                )
