"""The dialog that asks for the inputs of a published version and starts it."""

from typing import Any

from nicegui import ui

from backend.actor import Actor
from backend.errors import Invalid
from backend.runs import service as runs
from backend.runs.schemas import StartRun, Trigger
from backend.workflows.schemas import WorkflowItem
from ui.controls import button, dialog, text
from ui.forms import SchemaForm
from ui.session import Session


def ask_and_run(session: Session, item: WorkflowItem, version: int, schema: dict[str, Any]) -> None:
    """Ask for what that version wants, and start that very version."""

    async def start(actor: Actor) -> None:
        form.tell([], "/inputs")
        complaints.text = ""
        inputs = form.read()
        if inputs is None:
            complaints.text = "Correct what is marked."
            return
        try:
            request = StartRun(version=version, inputs=inputs)
            run = await runs.start(actor, item.id, request, Trigger.MANUAL)
        except Invalid as error:
            strays = form.tell(error.errors, "/inputs")
            complaints.text = " ".join(strays) or "Correct what is marked."
            return
        asked.close()
        ui.navigate.to(f"/runs/{run.id}")

    with dialog(f"Run “{item.name}”") as asked:
        with ui.element("div").classes("dialog-body"):
            text("p", f"Version {version}, the active one.").classes("muted")
            with ui.element("div").classes("form"):
                form = SchemaForm(schema)
            complaints = text("p", "").classes("negative").props("role=alert")
        with ui.element("div").classes("dialog-foot"):
            button("Cancel", asked.close)
            button("Run", session.action(start), kind="primary").mark("start-run")
