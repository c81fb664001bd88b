"""The files of the workspace: upload by dropping, preview, download, delete."""

from urllib.parse import quote, urlencode

from markupsafe import Markup
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from starlette.requests import Request

from backend.actor import Actor, Role
from backend.errors import AppError
from backend.pagination import PageRequest
from backend.workspaces import service as workspaces
from backend.workspaces.schemas import EntryKind, FilePreview, FileView, WorkspaceView
from ui.controls import (
    button,
    confirm,
    drawer,
    icon_button,
    icon_html,
    link_button,
    menu_item,
    raw,
    text,
)
from ui.formats import ago, amount, size
from ui.session import Session, SignedIn
from ui.theme import asset, frame

PAGE = 200
CHOOSE = "() => document.querySelector('[data-upload] input')?.click()"
PREVIEWED = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx")


@ui.page("/files")
async def files_page(session: SignedIn, request: Request, directory: str = "") -> None:
    """What a directory of the workspace holds."""
    listing = FileList(session, directory)
    ui.add_body_html(f'<script type="module" src="{asset("files.js")}"></script>')
    with frame(request, session.actor, title="Files", here="/files"):
        text("h1", "Files")
        listing.summary = text("span", "").classes("muted")
        if session.actor.may(Role.EDITOR):
            with ui.element("div").classes("head-actions"):
                button("Upload", icon="upload", kind="primary").on("click", js_handler=CHOOSE)
    with ui.element("div").props("id=main tabindex=-1").classes("page-body files"):
        listing.container = ui.element("div")
        await listing.refresh(session.actor)


class FileList:
    """The table, the place to drop files on, and the drawer with a preview."""

    summary: TextElement
    container: ui.element

    def __init__(self, session: Session, directory: str) -> None:
        self.session = session
        self.directory = directory
        self.shown = PAGE

    async def refresh(self, actor: Actor) -> None:
        """Read and show the directory anew."""
        workspace = (await workspaces.list_workspaces(actor)).items[0]
        found: list[FileView] = []
        cursor: str | None = None
        total = 0
        while len(found) < self.shown:
            request = PageRequest(limit=PAGE, cursor=cursor)
            page = await workspaces.list_files(actor, workspace.id, request, self.directory)
            found += page.items
            cursor, total = page.next_cursor, page.total
            if cursor is None:
                break
        used = f"{size(workspace.used_bytes)} of {size(workspace.quota_bytes)} used"
        self.summary.text = f"{amount(total, 'entry', 'entries')} · {used}"
        self.container.clear()
        with self.container:
            self._path()
            self._drop_zone(workspace, actor, empty=not found)
            if found:
                self._table(workspace, found, actor)
            if cursor is not None:
                button("Show more", self.session.action(self._more), kind="ghost")

    async def _more(self, actor: Actor) -> None:
        self.shown += PAGE
        await self.refresh(actor)

    def _path(self) -> None:
        if not self.directory:
            return
        parts = self.directory.split("/")
        with ui.element("nav").props('aria-label="Folders"').classes("crumbs"):
            ui.link("Files", "/files")
            for at, part in enumerate(parts, 1):
                text("span", "/").props("aria-hidden=true")
                if at < len(parts):
                    ui.link(part, _address("/".join(parts[:at])))
                else:
                    text("b", part)

    def _drop_zone(self, workspace: WorkspaceView, actor: Actor, *, empty: bool) -> None:
        if not actor.may(Role.EDITOR):
            if empty:
                with ui.element("div").classes("empty"):
                    text("h2", "There are no files yet")
                    text("p", "Editors upload them, and runs write them with the node Write file.")
            return
        folder = f"{quote(self.directory)}/" if self.directory else ""
        target = f"/api/v1/workspaces/{workspace.id}/files/{folder}"
        zone = ui.element("div").classes("drop-zone").classes("large" if empty else "")
        zone.props["data-upload"] = target
        zone.on("uploaded", self.session.action(self.refresh))
        with zone:
            raw(icon_html("upload_file"), "span").classes("drop-icon")
            with ui.element("div"):
                if empty:
                    text("h2", "There are no files yet")
                text("p", "Drop files here, or choose them. A file has at most 2 GiB.")
                about = "Nodes of the type Read file find them by their name."
                text("p", about).classes("muted")
            raw('<input type="file" multiple hidden aria-label="Files to upload">', "span")
            button("Choose files").on("click", js_handler=CHOOSE)
            raw('<ul class="uploads" aria-live="polite"></ul>')

    def _table(self, workspace: WorkspaceView, files: list[FileView], actor: Actor) -> None:
        with (
            ui.element("div").classes("list-scroll"),
            ui.element("table").classes("list files-list"),
        ):
            with ui.element("thead"), ui.element("tr"):
                text("th", "Name")
                text("th", "Size").classes("number")
                text("th", "Changed").classes("wide-only")
                with ui.element("th"):
                    text("span", "Actions").classes("sr")
            with ui.element("tbody"):
                for file in files:
                    self._row(workspace, file, actor)

    def _row(self, workspace: WorkspaceView, file: FileView, actor: Actor) -> None:
        with ui.element("tr"):
            with ui.element("td").classes("name"), ui.element("div"):
                folder = file.kind is EntryKind.DIRECTORY
                raw(icon_html("folder" if folder else "description"), "span").classes("muted")
                if folder:
                    ui.link(file.name, _address(file.path)).classes("ellipsis")
                else:
                    text("b", file.name).classes("ellipsis").props["title"] = file.name
            text("td", "" if file.size_bytes is None else size(file.size_bytes)).classes("number")
            with ui.element("td").classes("wide-only"):
                raw(ago(file.modified_at), "span").classes("muted")
            with ui.element("td").classes("actions"):
                if not folder:
                    self._menu(workspace, file, actor)

    def _menu(self, workspace: WorkspaceView, file: FileView, actor: Actor) -> None:
        address = f"/api/v1/workspaces/{workspace.id}/files/{quote(file.path)}"

        async def delete(actor: Actor) -> None:
            await workspaces.delete(actor, workspace.id, file.path)
            await self.refresh(actor)

        with (
            icon_button("more_vert", f"Actions for {file.name}", tooltip=False),
            ui.menu().props("auto-close"),
        ):
            if file.name.lower().endswith(PREVIEWED):
                menu_item(
                    "Preview",
                    "table_view",
                    self.session.action(lambda actor: self._preview(actor, workspace, file)),
                )
            menu_item("Download", "download", lambda: ui.download.from_url(address))
            if actor.may(Role.EDITOR):
                menu_item(
                    "Delete…",
                    "delete",
                    lambda: confirm(
                        f"Delete {file.name}?",
                        "It cannot be brought back. Runs that need it will fail.",
                        "Delete",
                        self.session.action(delete),
                    ),
                    danger=True,
                )

    async def _preview(self, actor: Actor, workspace: WorkspaceView, file: FileView) -> None:
        shown: FilePreview | None = None
        why = ""
        try:
            shown = await workspaces.preview(actor, workspace.id, file.path)
        except AppError as error:
            why = error.detail
        with drawer(file.name, wide=True), ui.element("div").classes("dialog-body"):
            if shown is None:
                text("p", why)
                return
            text("p", f"The first {amount(len(shown.rows), 'row')}{_taken_for(shown)}").classes(
                "muted"
            )
            for notice in shown.notices:
                text("p", str(notice)).classes("muted")
            raw(_table_html(shown)).classes("list-scroll")
            address = f"/api/v1/workspaces/{workspace.id}/files/{quote(file.path)}"
            link_button("Download", address, icon="download")


def _address(directory: str) -> str:
    return f"/files?{urlencode({'directory': directory})}"


def _taken_for(shown: FilePreview) -> str:
    """What the file was taken for, as far as that was guessed."""
    dialect = shown.dialect
    parts = [dialect.encoding, dialect.separator and f"separator {dialect.separator}"]
    if dialect.header is not None:
        parts.append("with a row of names" if dialect.header else "without a row of names")
    said = ", ".join(part for part in parts if part)
    return f" · {said}" if said else ""


def _table_html(shown: FilePreview) -> Markup:
    head = Markup("").join(
        Markup('<th title="{}">{}</th>').format(column.type, column.name)
        for column in shown.columns
    )
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<td>{}</td>").format("" if (cell := row.get(column.name)) is None else cell)
                for column in shown.columns
            )
        )
        for row in shown.rows
    )
    return Markup('<table class="list"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(
        head, body
    )
