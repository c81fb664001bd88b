"""The look: colour tokens for light and dark, the document's head, and the frame around every page.

The tokens are CSS variables that the canvas uses too. Which theme holds is decided before the
first paint by `assets/boot.js`, from the cookie `heddle_theme` (`light`, `dark`, absent = auto).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import nicegui
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nicegui import ui
from starlette.requests import Request

from backend.accounts.schemas import MIN_PASSWORD_LENGTH
from backend.actor import Actor, Role

HERE = Path(__file__).parent
ASSETS = HERE / "assets"

TOKENS: dict[str, dict[str, str]] = {
    "light": {
        "bg": "#f4f6f9",
        "card": "#ffffff",
        "raised": "#eef1f6",
        "border": "#dde2ea",
        "control": "#7d8797",
        "text": "#161a22",
        "muted": "#5a6474",
        "accent": "#2a63f0",
        "on-accent": "#ffffff",
        "link": "#1f55d6",
        "accent-soft": "#e6edff",
        "ok": "#157347",
        "ok-soft": "#e3f5ea",
        "error": "#c2272d",
        "error-soft": "#fdeaea",
        "warn": "#8a5800",
        "warn-soft": "#fdf2dc",
        "running": "#1f55d6",
        "running-soft": "#e6edff",
        "edge": "#818b9d",
        "flow": "#0e7a92",
        "data": "#1c7f6e",
        "tables": "#4d7310",
        "ai": "#7446c9",
        "integration": "#2f6fc2",
        "shadow": "rgb(20 28 45 / 10%)",
    },
    "dark": {
        "bg": "#111318",
        "card": "#1b1e25",
        "raised": "#262a33",
        "border": "#30353f",
        "control": "#6f7989",
        "text": "#eceff4",
        "muted": "#a3acba",
        "accent": "#2a63f0",
        "on-accent": "#ffffff",
        "link": "#86abff",
        "accent-soft": "#1d2a4a",
        "ok": "#46cf8f",
        "ok-soft": "#15302a",
        "error": "#ff8480",
        "error-soft": "#3a2024",
        "warn": "#f2b84b",
        "warn-soft": "#362b17",
        "running": "#86abff",
        "running-soft": "#1d2a4a",
        "edge": "#687282",
        "flow": "#4fc3dd",
        "data": "#4ccbb4",
        "tables": "#a8cf63",
        "ai": "#b897ff",
        "integration": "#7fb2ff",
        "shadow": "rgb(0 0 0 / 45%)",
    },
}
"""Colours by role. Every text colour reaches AA on `bg`, `card` and `raised` (tested)."""

THEME_COOKIE = "heddle_theme"

NAVIGATION = (
    ("/", "account_tree", "Workflows", Role.VIEWER),
    ("/runs", "history", "Runs", Role.VIEWER),
    ("/files", "folder_open", "Files", Role.VIEWER),
    ("/approvals", "how_to_reg", "Approvals", Role.VIEWER),
    ("/users", "group", "Users", Role.ADMIN),
    ("/settings", "settings", "Settings", Role.ADMIN),
    ("/help", "help_outline", "Help", None),
)
"""Path, icon, label and the least role that sees the entry (None: visitors too)."""

RARE = ("/users", "/settings")
"""What a phone's bar has no room for: there it is in the account's menu."""

templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def tokens_css() -> str:
    """The tokens as CSS: light by default, dark where the root says so."""
    blocks = []
    for theme, tokens in TOKENS.items():
        selector = ":root" if theme == "light" else ':root[data-theme="dark"]'
        lines = "".join(f"--wf-{name}:{value};" for name, value in tokens.items())
        blocks.append(f"{selector}{{color-scheme:{theme};{lines}}}")
    return "".join(blocks)


@cache
def asset(name: str) -> str:
    """The address of a file in `assets/`, which changes with its content."""
    digest = sha256((ASSETS / name).read_bytes()).hexdigest()[:12]
    return f"/ui-assets/{name}?v={digest}"


@cache
def logo() -> Markup:
    """The mark: three heddle wires whose eyes a thread joins, as inline SVG."""
    return Markup((ASSETS / "logo.svg").read_text("utf-8").strip())


@cache
def head_html() -> Markup:
    """What every document's head needs: theme before the first paint, tokens, fonts, styles."""
    fonts = f"/_nicegui/{nicegui.__version__}/static/fonts.css"
    boot = (ASSETS / "boot.js").read_text("utf-8")
    return Markup(
        f"<script>{boot}</script><style>{tokens_css()}</style>"
        f'<link rel="stylesheet" href="{fonts}">'
        f'<link rel="stylesheet" href="{asset("theme.css")}">'
        f'<link rel="icon" type="image/svg+xml" href="{asset("favicon.svg")}">'
        f'<script type="module" src="{asset("frame.js")}"></script>'
    )


def rail_html(actor: Actor | None, here: str) -> Markup:
    """The navigation rail as HTML; it is in the document before any script runs."""
    entries = [
        {"path": path, "icon": icon, "label": label, "current": _is_here(path, here)}
        for path, icon, label, role in NAVIGATION
        if role is None or (actor is not None and actor.may(role))
    ]
    text = templates.get_template("rail.html").render(
        entries=entries, rare=RARE, actor=actor, logo=logo(), minimum=MIN_PASSWORD_LENGTH
    )
    return Markup(text)


def document(template: str, *, title: str, actor: Actor | None, here: str, **values: Any) -> str:
    """A complete page that needs no socket: sign-in, help and errors."""
    return templates.get_template(template).render(
        title=title,
        head=head_html(),
        rail=rail_html(actor, here),
        logo=logo(),
        actor=actor,
        **values,
    )


@contextmanager
def frame(request: Request, actor: Actor, *, title: str, here: str) -> Iterator[ui.element]:
    """The rail and the page's head; what is built inside is the head's right side."""
    ui.page_title(f"{title} · Heddle")
    ui.add_body_html(str(rail_html(actor, here)))
    ui.dark_mode({"dark": True, "light": False}.get(request.cookies.get(THEME_COOKIE, "")))
    with ui.element("header").classes("page-head") as head:
        yield head


def _is_here(path: str, here: str) -> bool:
    if path == "/":
        return here == "/" or here.startswith("/workflows")
    return here == path or here.startswith(f"{path}/")
