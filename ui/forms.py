"""A form made from a JSON Schema: one input per property, its value, and its errors in place.

Texts, numbers, yes and no, choices, dates, lists of texts and objects within objects have inputs of
their own; whatever else a schema asks for is written as JSON.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, cast

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement
from nicegui.elements.mixins.value_element import ValueElement

from backend.errors import FieldError
from ui.controls import text

ABSENT: Any = object()
"""What a field gives that was left empty."""

RADIOS_AT_MOST = 5
MAX_DEPTH = 6
LONG_TEXT = 200
_DATES = {"date": "date", "time": "time", "date-time": "datetime-local"}
_KINDS = {"email": "email", "uri": "url", "idn-email": "email"}

Schema = Mapping[str, Any]


class Field(Protocol):
    """One input, or a group of them."""

    def read(self) -> Any:
        """The value, or ABSENT. Raises ValueError with a message when it cannot be read."""
        ...

    def tell(self, message: str | None) -> None:
        """Show an error at the field, or none."""
        ...

    def below(self, key: str) -> "Field | None":
        """The field of a member."""
        ...


class SchemaForm:
    """The inputs of an object schema, made where it is created."""

    def __init__(self, schema: Schema, value: Any = None) -> None:
        self._root = _group(schema, schema, value if isinstance(value, dict) else {}, 0)

    def read(self) -> dict[str, Any] | None:
        """The data; None when some field cannot be read, which then says so."""
        unreadable: list[str] = []
        value = self._root.collect(unreadable)
        return None if unreadable else value

    def tell(self, errors: Iterable[FieldError], base: str) -> list[str]:
        """Show errors at their fields; returns the messages that belong to none."""
        self._root.clear()
        strays: list[str] = []
        for error in errors:
            path = error.pointer.removeprefix(base).strip("/")
            field: Field | None = self._root
            for part in path.split("/") if path else []:
                deeper = field.below(part.replace("~1", "/").replace("~0", "~"))
                if deeper is None:
                    break
                field = deeper
            if field is self._root:
                strays.append(f"{path}: {error.detail}" if path else error.detail)
            else:
                field.tell(_sentence(error.detail))
        return strays


class _Input:
    """A field with one control. `parse` makes its value from what the control holds."""

    def __init__(self, control: ValueElement[Any], parse: Callable[[Any], Any]) -> None:
        self._control = control
        self._parse = parse
        self._note = None if isinstance(control, ValidationElement) else text("span", "")
        if self._note is not None:
            self._note.classes("field-error").set_visibility(False)
        control.on_value_change(lambda: self.tell(None))

    def read(self) -> Any:
        return self._parse(self._control.value)

    def tell(self, message: str | None) -> None:
        if isinstance(self._control, ValidationElement):
            self._control.error = message
        elif self._note is not None:
            self._note.text = message or ""
            self._note.set_visibility(bool(message))

    def below(self, key: str) -> Field | None:
        return None


class _Group:
    """The fields of an object; an optional one whose fields are all empty is absent."""

    def __init__(self, fields: Mapping[str, Field], *, required: bool) -> None:
        self._fields = fields
        self._required = required
        self._note = text("span", "").classes("field-error")
        self._note.set_visibility(False)

    def collect(self, unreadable: list[str]) -> dict[str, Any]:
        """The members that are there; names of those that cannot be read are noted."""
        value: dict[str, Any] = {}
        for name, field in self._fields.items():
            if isinstance(field, _Group):
                member: Any = field.collect(unreadable)
                if not member and not field.required:
                    continue
            else:
                try:
                    member = field.read()
                except ValueError as error:
                    field.tell(str(error))
                    unreadable.append(name)
                    continue
            if member is not ABSENT:
                value[name] = member
        return value

    @property
    def required(self) -> bool:
        return self._required

    def clear(self) -> None:
        """Take every error away."""
        self.tell(None)
        for field in self._fields.values():
            if isinstance(field, _Group):
                field.clear()
            else:
                field.tell(None)

    def read(self) -> Any:
        return self.collect([])

    def tell(self, message: str | None) -> None:
        self._note.text = message or ""
        self._note.set_visibility(bool(message))

    def below(self, key: str) -> Field | None:
        return self._fields.get(key)


def _group(
    schema: Schema, root: Schema, value: Mapping[str, Any], depth: int, *, required: bool = True
) -> _Group:
    properties = cast("Mapping[str, Any]", schema.get("properties") or {})
    wanted = set(cast("list[str]", schema.get("required") or []))
    fields = {
        name: _field(name, _resolved(part, root), root, value.get(name), name in wanted, depth)
        for name, part in properties.items()
    }
    return _Group(fields, required=required)


def _field(
    name: str, schema: Schema, root: Schema, value: Any, required: bool, depth: int
) -> Field:
    value = schema.get("default") if value is None else value
    label = f"{schema.get('title') or humanised(name)}{' *' if required else ''}"
    kind = _kind(schema)
    if "enum" in schema or "const" in schema:
        return _choice(label, schema, value, required)
    if kind == "object" and schema.get("properties") and depth < MAX_DEPTH:
        with ui.element("fieldset").classes("form-group"):
            text("legend", label)
            _describe(schema)
            inner = value if isinstance(value, dict) else {}
            return _group(schema, root, inner, depth + 1, required=required)
    if kind == "boolean":
        box = ui.checkbox(label, value=bool(value)).classes("form-check")
        field = _Input(box, lambda held: bool(held))
        _describe(schema)
        return field
    if kind == "string":
        return _text(label, schema, value)
    if kind in ("number", "integer"):
        return _number(label, schema, value, whole=kind == "integer")
    if kind == "array":
        listed = _list(label, schema, root, value)
        if listed is not None:
            return listed
    return _json(label, schema, value)


def _text(label: str, schema: Schema, value: Any) -> Field:
    form = str(schema.get("format", ""))
    shown = "" if value is None else str(value)
    long = form in ("textarea", "multiline") or int(schema.get("maxLength", 0)) > LONG_TEXT
    if long:
        area = ui.textarea(label, value=shown).props("outlined dense autogrow")
        return _described(area, schema, lambda held: held or ABSENT)
    if form in _DATES:
        zone = " (UTC)" if form == "date-time" else ""
        date = ui.input(f"{label}{zone}", value=shown.removesuffix("Z"))
        date.props(f"outlined dense stack-label type={_DATES[form]}").classes("form-date")
        suffix = "Z" if form in ("date-time", "time") else ""
        return _described(date, schema, lambda held: _moment(held, suffix))
    line = ui.input(label, value=shown, placeholder=_example(schema))
    line.props(f"outlined dense type={_KINDS.get(form, 'text')}")
    return _described(line, schema, lambda held: held or ABSENT)


def _moment(held: str | None, suffix: str) -> Any:
    if not held:
        return ABSENT
    # browsers leave the seconds out when there are none
    whole = f"{held}:00" if suffix and held.rpartition("T")[2].count(":") == 1 else held
    return f"{whole}{suffix}"


def _number(label: str, schema: Schema, value: Any, *, whole: bool) -> Field:
    shown = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    line = ui.input(label, value=shown, placeholder=_example(schema))
    line.props(f"outlined dense inputmode={'numeric' if whole else 'decimal'}")
    line.classes("form-number")

    def parse(held: str | None) -> Any:
        written = (held or "").strip().replace(" ", "")
        if not written:
            return ABSENT
        try:
            number = float(written)
        except ValueError:
            raise ValueError("Enter a number, such as 12 or 0.5.") from None
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError("Enter a number, such as 12 or 0.5.")
        if whole and not number.is_integer():
            raise ValueError("Enter a whole number.")
        return int(written) if written.lstrip("+-").isdigit() else number

    return _described(line, schema, parse)


def _choice(label: str, schema: Schema, value: Any, required: bool) -> Field:
    values: list[Any] = list(schema.get("enum", [schema.get("const")]))
    labels = choice_labels(schema)
    options = dict(enumerate(labels))
    at = values.index(value) if value in values else None
    if len(values) <= RADIOS_AT_MOST and required:
        with ui.element("div").classes("form-radios").props(f'role=group aria-label="{label}"'):
            text("span", label).classes("form-label")
            control: ValueElement[Any] = ui.radio(options, value=at)
            field = _Input(control, lambda held: ABSENT if held is None else values[held])
            _describe(schema)
        return field
    select = ui.select(options, label=label, value=at, clearable=not required)
    select.props("outlined dense options-dense")
    return _described(select, schema, lambda held: ABSENT if held is None else values[held])


def _list(label: str, schema: Schema, root: Schema, value: Any) -> Field | None:
    items = _resolved(schema.get("items") or {}, root)
    held: list[Any] = list(cast("list[Any]", value)) if isinstance(value, list) else []
    if "enum" in items:
        values: list[Any] = list(items["enum"])
        chosen = [values.index(entry) for entry in held if entry in values]
        options = dict(enumerate(choice_labels(items)))
        select = ui.select(options, label=label, value=chosen, multiple=True)
        select.props("outlined dense options-dense use-chips")
        return _described(select, schema, lambda now: [values[at] for at in now or []] or ABSENT)
    if _kind(items) != "string":
        return None
    chips = ui.input_chips(label, value=[str(entry) for entry in held], new_value_mode="add")
    chips.props('outlined dense hint="Press Enter after each"')
    return _Input(chips, lambda now: list(now or []) or ABSENT)


def _json(label: str, schema: Schema, value: Any) -> Field:
    shown = "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
    area = ui.textarea(f"{label} (JSON)", value=shown).props("outlined dense autogrow")

    def parse(held: str | None) -> Any:
        if not (held or "").strip():
            return ABSENT
        try:
            return json.loads(held or "")
        except ValueError as error:
            raise ValueError(f"This is not JSON: {error}") from None

    return _described(area.classes("mono"), schema, parse)


def _described(control: Any, schema: Schema, parse: Callable[[Any], Any]) -> Field:
    if schema.get("description"):
        control.props["hint"] = _without_backticks(str(schema["description"]))
    return _Input(control, parse)


def _describe(schema: Schema) -> None:
    if schema.get("description"):
        text("p", _without_backticks(str(schema["description"]))).classes("form-hint")


def _without_backticks(description: str) -> str:
    """A hint is plain text: what Markdown sets as code stands between quotes in it."""
    return re.sub(r"`([^`]+)`", r"“\1”", description)


def _kind(schema: Schema) -> str:
    kind: Any = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in cast("list[Any]", kind) if name != "null"), None)
    if kind is None:
        kind = "object" if "properties" in schema else "string" if "format" in schema else ""
    return str(kind)


def _resolved(part: Any, root: Schema) -> Schema:
    """The schema with its reference followed, and without the `null` of a union of two."""
    for _ in range(MAX_DEPTH):
        if not isinstance(part, Mapping):
            return {}
        schema = cast("Schema", part)
        beside = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf")}
        if "$ref" in schema:
            target: Any = root
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                target = target.get(step) if isinstance(target, Mapping) else None
            part = {**cast("Schema", target or {}), **beside}
            continue
        real = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
        if len(real) != 1:
            return schema
        part = {**real[0], **beside}
    return {}


def choice_labels(schema: Schema) -> list[str]:
    """What people read for the members of an `enum`."""
    values: list[Any] = list(schema.get("enum", [schema.get("const")]))
    labels: Any = schema.get("x-labels")
    if isinstance(labels, list) and len(cast("list[Any]", labels)) == len(values):
        return [str(label) for label in cast("list[Any]", labels)]
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


def humanised(name: str) -> str:
    """`due_date` → `Due date`."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _example(schema: Schema) -> str:
    examples: Any = schema.get("examples")
    return str(cast("list[Any]", examples)[0]) if isinstance(examples, list) and examples else ""


def _sentence(detail: str) -> str:
    if detail == "is required":
        return "Fill this in."
    return detail[:1].upper() + detail[1:]
