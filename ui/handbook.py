"""The user guide: Markdown files and what the code says about itself, as searchable pages."""

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import markdown2
from markupsafe import Markup, escape
from msgspec import Struct

from ui.reference import (
    ErrorCode,
    error_codes,
    error_sections,
    function_tables,
    node_sections,
)

HERE = Path(__file__).parent / "help"

CONTENTS = (
    ("getting-started", "Getting started", "rocket_launch"),
    ("editor", "The editor", "edit"),
    ("expressions", "Expressions", "data_object"),
    ("nodes", "Node types", "widgets"),
    ("tables", "Tables and files", "table_chart"),
    ("approvals", "Approvals", "how_to_reg"),
    ("python", "The Python node", "code"),
    ("models", "Models and agents", "auto_awesome"),
    ("api", "The API", "api"),
    ("errors", "Errors", "error_outline"),
    ("operations", "Operations", "settings"),
)
"""Slug, title and icon of every page, in reading order."""

NODES_LEAD = """
# Node types

What every node type does, made from its code. Settings take [expressions](/help/expressions)
unless it says *taken literally*. A node's output is known as `steps.<node id>` after it.
"""

ERRORS_LEAD = """
# Errors

What a `code` in an answer, in a run or in the problems panel means, and what helps. Codes never
change their meaning.
"""

SNIPPET_LENGTH = 180

_EXTRAS = {"tables": None, "fenced-code-blocks": None, "header-ids": None}
_HEADING = re.compile(r"<h([23]) id=\"([^\"]+)\">(.*?)</h\1>", re.DOTALL)
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
"""On lines of their own: elsewhere they are shown as written."""
_TAG = re.compile(r"<[^>]+>")
_PRE = re.compile(r"<div class=\"codehilite\">\s*(<pre>.*?</pre>)\s*</div>|(<pre>.*?</pre>)", re.S)
_COPY = (
    '<div class="code codehilite">'
    '<button type="button" class="code-copy" data-copy aria-label="Copy">'
    '<i class="material-icons" aria-hidden="true">content_copy</i></button>{}</div>'
)


class Heading(Struct, frozen=True):
    level: int
    anchor: str
    text: str


class Page(Struct, frozen=True):
    """A page of the guide; `body` is HTML that may be shown as it is."""

    slug: str
    title: str
    icon: str
    body: Markup

    @property
    def headings(self) -> list[Heading]:
        """The second and third level, for the table of contents."""
        return [
            Heading(int(level), anchor, plain(text))
            for level, anchor, text in _HEADING.findall(self.body)
        ]


class Hit(Struct, frozen=True):
    """A place in the guide that a search has found."""

    url: str
    page: str
    heading: str
    snippet: Markup


@cache
def pages() -> dict[str, Page]:
    """All pages by slug, in reading order."""
    return {slug: Page(slug, title, icon, _finish(_body(slug))) for slug, title, icon in CONTENTS}


@cache
def errors() -> dict[str, ErrorCode]:
    """Every explained error by its code."""
    return error_codes(_source("errors"), render)


def render(text: str) -> str:
    """Markdown as HTML in which raw HTML is shown, not obeyed, and comments are left out."""
    told = _COMMENT.sub("", text)
    return str(markdown2.markdown(told, extras=_EXTRAS, safe_mode="escape"))


def search(query: str, limit: int = 20) -> list[Hit]:
    """The sections that hold every word of the query, the best first."""
    words = [word for word in re.split(r"[^\w.]+", query.lower()) if word]
    found: list[tuple[int, Hit]] = []
    for page in pages().values():
        for anchor, heading, text in _sections(page) if words else ():
            title, body = heading.lower(), text.lower()
            if all(word in title or word in body for word in words):
                score = sum(20 * (word in title) + min(body.count(word), 5) for word in words)
                url = f"/help/{page.slug}#{anchor}" if anchor else f"/help/{page.slug}"
                found.append((score, Hit(url, page.title, heading, _snippet(text, words))))
    found.sort(key=lambda pair: -pair[0])
    return [hit for _, hit in found[:limit]]


def plain(fragment: str) -> str:
    """The text of an HTML fragment, without the names of its icons."""
    without_icons = re.sub(r"<i class=\"material-icons[^>]*>.*?</i>", "", fragment)
    return html.unescape(_TAG.sub("", without_icons)).strip()


def _body(slug: str) -> str:
    if slug == "nodes":
        return render(NODES_LEAD) + node_sections(render)
    if slug == "errors":
        return render(ERRORS_LEAD) + error_sections(errors().values())
    text = render(_source(slug))
    return text + function_tables() if slug == "expressions" else text


def _source(slug: str) -> str:
    return (HERE / f"{slug}.md").read_text("utf-8")


def _finish(text: str) -> Markup:
    """Code blocks get a button to copy them, wide tables a place to scroll in."""
    text = _PRE.sub(lambda found: _COPY.format(found[1] or found[2]), text)
    # what scrolls must be reached by keyboard
    text = text.replace("<pre>", '<pre tabindex="0">')
    text = text.replace("<table>", '<div class="table-scroll" tabindex="0"><table>')
    return Markup(text.replace("</table>", "</table></div>"))


def _sections(page: Page) -> Iterator[tuple[str, str, str]]:
    """Anchor, heading and text of each part of a page; the first is what precedes any heading."""
    parts = _HEADING.split(page.body)
    yield "", page.title, plain(parts[0])
    for at in range(1, len(parts), 4):
        yield parts[at + 1], plain(parts[at + 2]), plain(parts[at + 3])


def _snippet(text: str, words: list[str]) -> Markup:
    text = " ".join(text.split())
    places = [at for word in words if (at := text.lower().find(word)) >= 0]
    begin = max(0, min(places, default=0) - 50)
    end = begin + SNIPPET_LENGTH
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    parts = re.split(f"({pattern})", text[begin:end], flags=re.IGNORECASE)
    shown = "".join(
        f"<mark>{escape(part)}</mark>" if at % 2 else escape(part) for at, part in enumerate(parts)
    )
    return Markup(f"{'…' * (begin > 0)}{shown}{'…' * (end < len(text))}")
