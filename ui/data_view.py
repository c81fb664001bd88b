"""Data as compact HTML: an object as its fields, rows as a table, everything else as text."""

import json
from collections.abc import Mapping
from typing import Any, cast

from markupsafe import Markup

from graphs.tables.picture import is_chart
from ui.formats import amount

ROWS_SHOWN = 20
COLUMNS_SHOWN = 12
FIELDS_SHOWN = 40
LENGTH_SHOWN = 2000
CELL_LENGTH = 200
MAX_DEPTH = 3

ARTIFACT = "$artifact"
_NOTHING = Markup('<span class="muted">nothing</span>')


def data_html(value: Any, depth: int = 0, picture: str | None = None) -> Markup:
    """A JSON value for people; what is too long for a glance is cut, and says so.

    `picture`: the address at which the value can be had as a picture, should it be a chart.
    """
    if value is None or value in ("", [], {}):
        return _NOTHING
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        if is_chart(found):
            return _chart(found, picture)
        if ARTIFACT in found:
            return _artifact(found)
        return _fields(found, depth) if depth < MAX_DEPTH else _code(found)
    if isinstance(value, list):
        rows = cast("list[Any]", value)
        if all(isinstance(row, dict) for row in rows) and depth < MAX_DEPTH:
            return _table(cast("list[dict[str, Any]]", rows), len(rows))
        if all(not isinstance(item, dict | list) for item in rows):
            return _line(", ".join(_scalar(item) for item in rows))
        return _code(rows)
    return _line(_scalar(value))


def _fields(value: Mapping[str, Any], depth: int) -> Markup:
    rows = Markup("").join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(name, data_html(part, depth + 1))
        for name, part in list(value.items())[:FIELDS_SHOWN]
    )
    more = len(value) - FIELDS_SHOWN
    note = _note(f"and {amount(more, 'field')} more") if more > 0 else ""
    return Markup('<dl class="data">{}</dl>{}').format(rows, note)


def _table(rows: list[dict[str, Any]], total: int) -> Markup:
    names = list(dict.fromkeys(name for row in rows[:ROWS_SHOWN] for name in row))
    shown = names[:COLUMNS_SHOWN]
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in shown)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup("<td>{}</td>").format(_cell(row.get(name))) for name in shown)
        )
        for row in rows[:ROWS_SHOWN]
    )
    notes = [f"{amount(total, 'row')}, the first {ROWS_SHOWN}"] if total > ROWS_SHOWN else []
    if len(names) > COLUMNS_SHOWN:
        notes.append(f"{amount(len(names), 'column')}, the first {COLUMNS_SHOWN}")
    table = Markup(
        '<div class="data-scroll" tabindex="0"><table class="data-table">'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    )
    return table.format(head, body) + (_note(" · ".join(notes)) if notes else "")


def _artifact(found: Mapping[str, Any]) -> Markup:
    """A table or file that travels by reference: what it is, and its first rows."""
    count = found.get("row_count")
    name = str(found.get("name") or "") or str(found.get("kind", "file"))
    size = f" · {amount(count, 'row')}" if isinstance(count, int) else ""
    head = Markup('<span class="data-artifact"><b>{}</b>{}</span>').format(name, size)
    preview: Any = found.get("preview")
    if isinstance(preview, list) and preview:
        rows = cast("list[Any]", preview)
        if all(isinstance(row, dict) for row in rows):
            return head + _table(cast("list[dict[str, Any]]", rows), len(rows))
    return head


def _chart(found: Mapping[str, Any], picture: str | None) -> Markup:
    title = str(found.get("title") or "Chart")
    if picture is None:
        return Markup('<span class="data-artifact"><b>{}</b> · chart</span>').format(title)
    description = str(found["spec"].get("description") or title)
    image = Markup('<img class="data-chart on-{}" src="{}" alt="{}" loading="lazy">')
    # only the one that is shown is asked for
    return image.format("light", picture, description) + image.format(
        "dark", f"{picture}&theme=dark", description
    )


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else _compact(value)
    return text if len(text) <= CELL_LENGTH else f"{text[:CELL_LENGTH]}…"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else _compact(value)


def _line(text: str) -> Markup:
    cut = text if len(text) <= LENGTH_SHOWN else f"{text[:LENGTH_SHOWN]}…"
    return Markup('<span class="pre-line">{}</span>').format(cut)


def _code(value: Any) -> Markup:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    cut = text if len(text) <= LENGTH_SHOWN else f"{text[:LENGTH_SHOWN]}\n…"
    return Markup('<pre class="data-code">{}</pre>').format(cut)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _note(text: str) -> Markup:
    return Markup('<p class="muted small">{}</p>').format(text)
