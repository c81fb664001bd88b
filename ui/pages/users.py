"""The users of the tenant, for administrators: add, change role, disable, set a password."""

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from starlette.requests import Request

from backend.accounts import service as accounts
from backend.accounts.schemas import MIN_PASSWORD_LENGTH, CreateUser, UpdateUser, UserView
from backend.actor import Actor, Role
from backend.errors import Invalid
from backend.pagination import PageRequest
from ui.controls import button, confirm, dialog, icon_button, menu_item, raw, text
from ui.formats import amount, at
from ui.session import Session, SignedIn
from ui.theme import frame

ROLES = {
    Role.ADMIN.value: "Administrator: everything, and the users",
    Role.EDITOR.value: "Editor: draws, publishes and runs",
    Role.VIEWER.value: "Viewer: looks at everything, changes nothing",
}


@ui.page("/users")
async def users_page(session: SignedIn, request: Request) -> None:
    """The list of users. Raises Forbidden for everybody but administrators."""
    session.actor.require(Role.ADMIN)
    listing = UserList(session)
    with frame(request, session.actor, title="Users", here="/users"):
        text("h1", "Users")
        listing.summary = text("span", "").classes("muted")
        with ui.element("div").classes("head-actions"):
            button("Add user", listing.ask_to_add, icon="person_add", kind="primary")
    with ui.element("div").props("id=main tabindex=-1").classes("page-body"):
        listing.container = ui.element("div").classes("list-scroll")
        await listing.refresh(session.actor)


class UserList:
    """The table, and the dialogs that change it."""

    summary: TextElement
    container: ui.element

    def __init__(self, session: Session) -> None:
        self.session = session

    async def refresh(self, actor: Actor) -> None:
        """Read and show all users anew."""
        page = await accounts.list_users(actor, PageRequest(limit=200, sort="username"))
        self.summary.text = amount(page.total, "user")
        self.container.clear()
        with self.container, ui.element("table").classes("list users"):
            with ui.element("thead"), ui.element("tr"):
                for title in ("Name", "Role", "State"):
                    text("th", title)
                text("th", "Added").classes("wide-only")
                with ui.element("th"):
                    text("span", "Actions").classes("sr")
            with ui.element("tbody"):
                for user in page.items:
                    self._row(user)

    def _row(self, user: UserView) -> None:
        with ui.element("tr"):
            with ui.element("td").classes("name"), ui.element("div"):
                text("b", user.username).classes("ellipsis").props["title"] = user.username
                if user.id == self.session.actor.user_id:
                    text("span", "You").classes("tag you")
            text("td", user.role.capitalize())
            with ui.element("td"):
                state = "Disabled" if user.disabled else "Active"
                text("span", state).classes("tag" if user.disabled else "tag active")
            with ui.element("td").classes("wide-only"):
                raw(at(user.created_at), "span").classes("muted")
            with ui.element("td").classes("actions"):
                self._menu(user)

    def _menu(self, user: UserView) -> None:
        with (
            icon_button("more_vert", f"Actions for {user.username}", tooltip=False),
            ui.menu().props("auto-close"),
        ):
            menu_item("Set a password…", "key", lambda: self._ask_for_password(user))
            menu_item("Change the role…", "badge", lambda: self._ask_for_role(user))
            if user.disabled:
                menu_item(
                    "Enable", "check_circle", self._changing(user, UpdateUser(disabled=False))
                )
            else:
                menu_item(
                    "Disable…",
                    "block",
                    lambda: confirm(
                        f"Disable {user.username}?",
                        "The user is signed out everywhere and cannot sign in until enabled again.",
                        "Disable",
                        self._changing(user, UpdateUser(disabled=True)),
                    ),
                    danger=True,
                )

    def _changing(self, user: UserView, change: UpdateUser):
        async def go(actor: Actor) -> None:
            await accounts.update_user(actor, user.id, change)
            await self.refresh(actor)

        return self.session.action(go)

    def ask_to_add(self) -> None:
        """The dialog for a new user."""

        async def add(actor: Actor) -> None:
            request = CreateUser(
                username=(name.value or "").strip(),
                password=_password(password.value),
                role=Role(role.value),
            )
            await accounts.create_user(actor, request)
            asked.close()
            await self.refresh(actor)

        with dialog("Add a user") as asked:
            with ui.element("div").classes("dialog-body"):
                name = ui.input("User name").props("outlined dense autofocus maxlength=64")
                password = _password_field()
                role = ui.select(ROLES, value=Role.EDITOR.value, label="Role")
                role.props("outlined dense")
            with ui.element("div").classes("dialog-foot"):
                button("Cancel", asked.close)
                button("Add user", self.session.action(add), kind="primary")

    def _ask_for_password(self, user: UserView) -> None:
        async def save(actor: Actor) -> None:
            change = UpdateUser(password=_password(password.value))
            await accounts.update_user(actor, user.id, change)
            asked.close()
            ui.notify(f"{user.username} has a new password.", type="positive")

        with dialog(f"Set a password for {user.username}") as asked:
            with ui.element("div").classes("dialog-body"):
                password = _password_field()
                text("p", "It ends all of the user's sessions.").classes("muted")
            with ui.element("div").classes("dialog-foot"):
                button("Cancel", asked.close)
                button("Set the password", self.session.action(save), kind="primary")

    def _ask_for_role(self, user: UserView) -> None:
        async def save(actor: Actor) -> None:
            await accounts.update_user(actor, user.id, UpdateUser(role=Role(role.value)))
            asked.close()
            await self.refresh(actor)

        with dialog(f"Change the role of {user.username}") as asked:
            with ui.element("div").classes("dialog-body"):
                role = ui.select(ROLES, value=user.role.value, label="Role")
                role.props("outlined dense")
            with ui.element("div").classes("dialog-foot"):
                button("Cancel", asked.close)
                button("Change", self.session.action(save), kind="primary")


def _password_field() -> ui.input:
    made = ui.input("Password", password=True, password_toggle_button=True)
    hint = f"At least {MIN_PASSWORD_LENGTH} characters"
    return made.props(f'outlined dense autocomplete=new-password hint="{hint}"')


def _password(value: str | None) -> str:
    """The password. Raises Invalid for one that is too short."""
    if len(value or "") < MIN_PASSWORD_LENGTH:
        raise Invalid(f"A password has at least {MIN_PASSWORD_LENGTH} characters.")
    return value or ""
