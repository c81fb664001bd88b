"""Downloads a workflow as a Python program, or says which nodes keep it from being one."""

from nicegui import ui

from backend.actor import Actor
from backend.workflows import service as workflows


async def download_program(actor: Actor, workflow_id: str, version: int | None = None) -> None:
    """Send the program of the draft, or of a version, to the browser. Raises Invalid."""
    name, program = await workflows.export_program(actor, workflow_id, version or "draft")
    ui.download.content(program, name, "text/x-python")
