"""The dialog for what describes a workflow beside its drawing: name, description, tags."""

from typing import Protocol

from nicegui import ui

from backend.actor import Actor
from backend.workflows import service as workflows
from backend.workflows.schemas import UpdateWorkflow, WorkflowView
from ui.controls import button, dialog
from ui.session import Session


class Host(Protocol):
    """The page that shows the workflow."""

    session: Session
    workflow: WorkflowView

    def renamed(self, workflow: WorkflowView) -> None: ...


async def details_dialog(host: Host, actor: Actor) -> None:
    """Open it with what is stored now."""
    current = await workflows.get(actor, host.workflow.id)

    async def save(actor: Actor) -> None:
        changes = UpdateWorkflow(
            name=(name.value or "").strip() or current.name,
            description=(description.value or "").strip(),
            category=(category.value or "").strip(),
            tags=[tag.strip()[:50] for tag in tags.value or [] if tag.strip()],
        )
        host.renamed(await workflows.update(actor, current.id, changes))
        asked.close()

    with dialog("Details") as asked:
        with ui.element("div").classes("dialog-body"):
            name = ui.input("Name", value=current.name).props("outlined dense maxlength=200")
            description = ui.textarea("Description", value=current.description)
            description.props("outlined dense autogrow maxlength=10000")
            category = ui.input("Category", value=current.category)
            category.props("outlined dense maxlength=100")
            tags = ui.select(
                sorted(current.tags),
                value=current.tags,
                multiple=True,
                new_value_mode="add-unique",
                label="Tags",
            ).props('outlined dense use-chips hide-dropdown-icon hint="Enter adds a tag"')
        with ui.element("div").classes("dialog-foot"):
            button("Cancel", asked.close)
            button("Save", host.session.action(save), kind="primary")
