"""The settings of the tenant, for administrators: its name, the Python node, the room for data."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from nicegui import ui
from starlette.requests import Request

from backend.actor import Actor, Role
from backend.artifacts import service as artifacts
from backend.errors import Invalid
from backend.tenants import service as tenants
from backend.tenants.schemas import MAX_QUOTA_BYTES, TenantView, UpdateTenant
from ui.controls import button, dialog, icon_html, link_button, raw, text
from ui.formats import size
from ui.session import Session, SignedIn
from ui.theme import frame

GIB = 1024**3

RISKS = (
    "Whoever may edit a workflow runs code on this server, as the server's user.",
    "The code has no network, no environment variables and no credentials, and it is stopped when "
    "it takes too much time, memory or output.",
    "It is no wall against somebody who means harm: the code shares the kernel and the processor "
    "with everything else here.",
)


@ui.page("/settings")
async def settings_page(session: SignedIn, request: Request) -> None:
    """The settings. Raises Forbidden for everybody but administrators."""
    session.actor.require(Role.ADMIN)
    with frame(request, session.actor, title="Settings", here="/settings"):
        text("h1", "Settings")
    with ui.element("div").props("id=main tabindex=-1").classes("page-body settings"):
        page = SettingsPage(session, ui.element("div").classes("settings-sections"))
        await page.refresh(session.actor)


class SettingsPage:
    """The sections, each with what is saved by itself."""

    def __init__(self, session: Session, container: ui.element) -> None:
        self.session = session
        self.container = container

    async def refresh(self, actor: Actor) -> None:
        """Read and show everything anew."""
        tenant = await tenants.current(actor)
        self.container.clear()
        with self.container:
            self._name(tenant)
            self._python(tenant)
            self._room(tenant, await artifacts.used_bytes(actor.tenant_id))
            self._elsewhere()

    def _name(self, tenant: TenantView) -> None:
        with _section("Organisation", "Shown to everybody who signs in here."):
            name = ui.input("Name", value=tenant.name).props("outlined dense maxlength=100")

            def change() -> UpdateTenant:
                if not (name.value or "").strip():
                    raise Invalid("The name cannot be empty.")
                return UpdateTenant(name=name.value or "")

            button("Save name", self._saving(change, "The name is saved."))

    def _python(self, tenant: TenantView) -> None:
        with _section(
            "Python node",
            "Lets editors write a few lines of Python as a step of a workflow. What it protects "
            "against, and what it does not, stands under Help.",
        ):
            blocked = tenant.python_enabled and tenant.python_unavailable_reason is not None
            with ui.element("div").classes("settings-state"):
                state = "Enabled" if tenant.python_enabled else "Off"
                text("span", state).classes("tag active" if state == "Enabled" else "tag")
                if tenant.python_enabled:
                    off = UpdateTenant(python_enabled=False)
                    button("Switch off", self._saving(lambda: off, "The Python node is off."))
                else:
                    button("Enable…", self._ask_to_enable)
                link_button("What it protects against", "/help/python", kind="ghost")
            if blocked:
                with ui.element("div").classes("banner warn"):
                    raw(icon_html("warning"), "span")
                    text("span", tenant.python_unavailable_reason or "")

    def _room(self, tenant: TenantView, used: int) -> None:
        with _section(
            "Room for data",
            "How much the outputs of runs and the files may take together. A step that would "
            "exceed it fails and says so.",
        ):
            share = min(100, round(100 * used / tenant.artifact_quota_bytes))
            kind = "failed" if share >= 90 else "running"
            said = f"{size(used)} of {size(tenant.artifact_quota_bytes)} used"
            bar = Markup(
                '<span class="share-bar {}" aria-hidden="true"><i style="width:{}%"></i></span>'
            )
            raw(bar.format(kind, share)).classes("usage")
            text("span", said).classes("muted small")
            quota = ui.number(
                "Limit in GB",
                value=round(tenant.artifact_quota_bytes / GIB, 3),
                min=0.001,
                max=MAX_QUOTA_BYTES / GIB,
            ).props("outlined dense")

            def change() -> UpdateTenant:
                wanted = round((quota.value or 0) * GIB)
                if not 1024**2 <= wanted <= MAX_QUOTA_BYTES:
                    raise Invalid("The limit is from 0.001 to 1,048,576 GB.")
                return UpdateTenant(artifact_quota_bytes=wanted)

            button("Save limit", self._saving(change, "The limit is saved."))

    def _elsewhere(self) -> None:
        with (
            _section("Elsewhere", "What else administrators keep."),
            ui.element("div").classes("settings-links"),
        ):
            link_button("Users", "/users", icon="group")
            link_button("Model prices", "/settings/prices", icon="payments")

    def _ask_to_enable(self) -> None:
        with dialog("Enable the Python node?") as asked:
            with ui.element("div").classes("dialog-body"):
                with ui.element("ul").classes("settings-risks"):
                    for risk in RISKS:
                        text("li", risk)
                understood = ui.checkbox("I trust everybody who may edit workflows here.")
            with ui.element("div").classes("dialog-foot"):
                button("Cancel", asked.close).props("autofocus")

                async def enable(actor: Actor) -> None:
                    await tenants.update(actor, UpdateTenant(python_enabled=True))
                    asked.close()
                    ui.notify("The Python node is enabled.", type="positive")
                    await self.refresh(actor)

                go = button("Enable", self.session.action(enable), kind="danger")
                go.bind_enabled_from(understood, "value")

    def _saving(self, change: Callable[[], UpdateTenant], done: str) -> Callable[[], Any]:
        async def save(actor: Actor) -> None:
            await tenants.update(actor, change())
            ui.notify(done, type="positive")
            await self.refresh(actor)

        return self.session.action(save)


def _section(title: str, about: str) -> ui.element:
    with ui.element("section").classes("settings-section"):
        with ui.element("div").classes("settings-about"):
            text("h2", title)
            text("p", about).classes("muted")
        return ui.element("div").classes("settings-form")
