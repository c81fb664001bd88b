"""The controls that the pages share: buttons, menus, dialogs, confirmations and status marks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from markupsafe import Markup
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

STATUS_ICONS = {
    "queued": "schedule",
    "running": "sync",
    "paused": "pause_circle",
    "cancelling": "cancel",
    "completed": "check_circle",
    "failed": "error",
    "cancelled": "block",
}
"""A status is never told by its colour alone."""

Handler = Callable[..., Any]


def button(
    text: str, on_click: Handler | None = None, *, icon: str | None = None, kind: str = ""
) -> ui.button:
    """A button; `kind` is `primary`, `danger`, `ghost` or nothing."""
    made = ui.button(text, on_click=on_click, icon=icon, color=None)
    if icon:
        made.props["title"] = text  # narrow screens show the icon alone
    return made.props("unelevated no-caps").classes(f"btn btn-{kind}" if kind else "btn")


def icon_button(
    icon: str, label: str, on_click: Handler | None = None, *, tooltip: bool = True
) -> ui.button:
    """A button that is only an icon; its label is spoken, and shown unless it covers a menu."""
    made = ui.button(icon=icon, on_click=on_click, color=None)
    made.props("flat no-caps").classes("btn btn-ghost btn-icon")
    made.props["aria-label"] = label
    if tooltip:
        with made:
            ui.tooltip(label).props("delay=400")
    return made


def link_button(text: str, target: str, *, icon: str | None = None, kind: str = "") -> ui.element:
    """A link that looks like a button."""
    made = ui.element("a").classes(f"btn btn-{kind}" if kind else "btn")
    made.props["href"] = target
    if icon:
        made.props["aria-label"] = made.props["title"] = text  # narrow screens show the icon alone
    with made:
        if icon:
            ui.html(icon_html(icon), sanitize=False, tag="span")
        ui.label(text)
    return made


def menu_item(
    text: str, icon: str, on_click: Handler | None = None, *, danger: bool = False
) -> ui.menu_item:
    """An entry of a menu with an icon before it."""
    made = ui.menu_item("", on_click=on_click)
    if danger:
        made.classes("danger")
    with made:
        ui.icon(icon)
        ui.label(text)
    return made


@contextmanager
def dialog(title: str, *, large: bool = False) -> Iterator[ui.dialog]:
    """A dialog that is open, labelled by its title, and forgotten once it is closed."""
    with ui.context.client.content, ui.dialog(value=True) as made:
        made.on("hide", lambda: made.delete())
        made.props["aria-label"] = title  # the element with the role is Quasar's
        with ui.card().classes("dialog large" if large else "dialog"):
            with ui.element("div").classes("dialog-head"):
                text("h2", title).classes("grow")
                icon_button("close", "Close", made.close)
            yield made


@contextmanager
def drawer(title: str, *, wide: bool = False) -> Iterator[ui.dialog]:
    """A panel at the right edge, over the page; Escape closes it."""
    with (
        ui.context.client.content,
        ui.dialog(value=True).props("position=right full-height") as made,
    ):
        made.on("hide", lambda: made.delete())
        made.props["aria-label"] = title
        with ui.card().classes("drawer wide" if wide else "drawer"):
            with ui.element("div").classes("dialog-head"):
                text("h2", title).classes("grow")
                icon_button("close", "Close", made.close)
            yield made


def confirm(title: str, detail: str, do: str, on_confirm: Handler) -> None:
    """Ask before something that cannot simply be taken back."""
    with dialog(title) as asked:
        with ui.element("div").classes("dialog-body"):
            text("p", detail)
        with ui.element("div").classes("dialog-foot"):
            button("Keep", asked.close).props("autofocus")

            async def go() -> None:
                asked.close()
                await on_confirm()

            button(do, go, kind="danger")


def text(tag: str, content: str) -> TextElement:
    """A plain HTML element with a text in it."""
    return TextElement(tag=tag, text=content)


def snackbar(message: str, do: str, on_click: Handler, seconds: float = 8) -> None:
    """A note at the bottom that offers to take something back for a while."""
    with (
        ui.context.client.content,
        ui.element("div").classes("snackbar").props('role="status"') as bar,
    ):
        text("span", message)

        async def go() -> None:
            bar.delete()
            await on_click()

        button(do, go, kind="ghost")
        ui.timer(seconds, lambda: None if bar.is_deleted else bar.delete(), once=True)


def icon_html(name: str) -> Markup:
    """A Material icon that screen readers pass over."""
    return Markup('<i class="material-icons" aria-hidden="true">{}</i>').format(name)


def status_html(status: str, *, pill: bool = False) -> Markup:
    """A status as icon and word."""
    return Markup('<span class="status {}{}">{}{}</span>').format(
        status,
        " pill" if pill else "",
        icon_html(STATUS_ICONS.get(status, "help_outline")),
        status.capitalize(),
    )


def raw(content: Markup | str, tag: str = "div") -> ui.html:
    """HTML that the server has made and escaped itself."""
    return ui.html(content, sanitize=False, tag=tag)
