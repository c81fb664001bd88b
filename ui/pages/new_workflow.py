"""The dialog that makes a workflow: empty, or from one of the templates."""

from nicegui import ui

from backend.actor import Actor
from backend.workflows import service as workflows
from backend.workflows.schemas import CreateWorkflow, TemplateView, UseTemplate
from ui.controls import button, dialog, raw, text
from ui.drawing import thumbnail
from ui.formats import amount
from ui.importing import import_button
from ui.session import Session

BLANK = "blank"


async def new_workflow(session: Session) -> None:
    """Open the gallery."""
    await session.action(lambda actor: _open(session, actor))()


async def _open(session: Session, actor: Actor) -> None:
    templates = workflows.templates()
    chosen = BLANK
    tiles: dict[str, ui.element] = {}

    def choose(name: str, title: str) -> None:
        nonlocal chosen
        previous = tiles[chosen]
        suggested = "" if chosen == BLANK else titles[chosen]
        chosen = name
        for tile in (previous, tiles[name]):
            tile.props(f"aria-checked={str(tile is tiles[name]).lower()}")
        if title_input.value in ("", suggested):
            title_input.value = title
        title_input.run_method("focus")

    async def create(actor: Actor) -> None:
        name = (title_input.value or "").strip()
        if chosen == BLANK:
            if not name:
                title_input.error = "Give it a name."
                title_input.run_method("focus")
                return
            made = await workflows.create(actor, CreateWorkflow(name=name))
        else:
            made = await workflows.use_template(actor, chosen, UseTemplate(name=name or None))
        ui.navigate.to(f"/workflows/{made.id}")

    titles = {template.name: template.title for template in templates}
    with dialog("New workflow", large=True):
        with ui.element("div").classes("dialog-body gallery-body"):
            group = ui.element("div").classes("gallery")
            with group.props('role="radiogroup" aria-label="Begin with"'):
                with _tile(checked=True).on("click", lambda: choose(BLANK, "")) as tile:
                    tiles[BLANK] = tile
                    raw('<div class="blank"><i class="material-icons">add</i></div>')
                    with ui.element("span").classes("tile-text"):
                        text("b", "Blank")
                        text("span", "A start node, and the rest is yours.").classes("muted small")
                for template in templates:
                    tile = _tile(checked=False)
                    tiles[template.name] = tile
                    tile.on("click", lambda _, t=template: choose(t.name, t.title))
                    with tile:
                        _describe(template)
        form = ui.element("form").classes("dialog-foot gallery-foot").mark("create-workflow")
        with form.on("submit.prevent", session.action(create)):
            title_input = ui.input("Name").props("outlined dense autofocus maxlength=200")
            title_input.classes("grow").mark("workflow-name")
            import_button().props("type=button")
            button("Create", kind="primary").props("type=submit")


def _tile(*, checked: bool) -> ui.element:
    made = ui.element("button").classes("tile")
    return made.props(f"type=button role=radio aria-checked={str(checked).lower()}")


def _describe(template: TemplateView) -> None:
    raw(thumbnail(template.preview, template.title))
    with ui.element("span").classes("tile-text"):
        text("b", template.title)
        text("span", template.description).classes("muted small clamp")
        text("span", amount(template.node_count, "node")).classes("muted small")
