"""Workflows as files: JSON and YAML documents, read and written, and Python programs, written."""

import re
from collections.abc import Hashable
from enum import StrEnum
from typing import Annotated, Any, TypeVar, cast

import msgspec
import yaml
from msgspec import Meta, Struct, field
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from backend.body_errors import body_errors
from backend.errors import BadRequest, FieldError, Invalid, TooLarge
from backend.requests import check_nesting
from backend.workflows.schemas import Category, Description, Name, Tag, Tags
from graphs.definition import Definition
from graphs.errors import DefinitionError
from graphs.export import ExportError, export_python

FORMAT = 1
"""The number under the key `heddle` of a document; it rises when old readers must refuse."""

YAML_LIMIT = 2_000_000
"""Bytes. YAML is read about fifty times slower than JSON."""


class Format(StrEnum):
    JSON = "json"
    YAML = "yaml"
    PYTHON = "python"
    """A program; it cannot be read back."""


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.YAML: "application/yaml",
    Format.PYTHON: "text/x-python",
}
SUFFIXES = {Format.JSON: "json", Format.YAML: "yaml", Format.PYTHON: "py"}


class Document(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A workflow as a file. It holds nothing of the place that it comes from: no ids, no owner."""

    heddle: Annotated[int, Meta(ge=1)] = FORMAT
    name: Name
    description: Description = ""
    category: Category = ""
    tags: Tags = field(default_factory=list[Tag])
    definition: Definition


T = TypeVar("T", bound=Struct)


def write(document: Document, format: Format) -> bytes:
    """The document as text, indented for people and for version control.

    Raises Invalid for a workflow that cannot be a Python program, naming every node in the way.
    """
    if format is Format.PYTHON:
        return _program(document).encode()
    if format is Format.JSON:
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    text: str = yaml.dump(
        msgspec.to_builtins(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return text.encode()


def _program(document: Document) -> str:
    try:
        return export_python(
            document.definition, name=document.name, description=document.description
        )
    except DefinitionError as error:
        raise Invalid.definition(error) from None
    except ExportError as error:
        raise Invalid(
            "The workflow cannot be exported as a Python program.",
            code=error.code,
            errors=[
                FieldError(
                    f"/definition{problem.pointer}", problem.code, problem.detail, problem.node_id
                )
                for problem in error.problems
            ],
        ) from None


def read(raw: bytes, format: Format, default_name: str = "Imported workflow") -> Document:
    """A document from its text; a bare definition gets the default name.

    Raises BadRequest when it is not JSON or YAML at all, Invalid when it is of another shape and
    TooLarge when YAML exceeds YAML_LIMIT.
    """
    encoded = raw if format is Format.JSON else _json_from_yaml(raw)
    check_nesting(encoded)
    try:
        content = msgspec.json.decode(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The document is no JSON: {error}", code="malformed_json") from None
    if isinstance(content, dict):
        keys = cast("dict[str, Any]", content)
        _check_format(keys.get("heddle"))
        if "nodes" in keys and "definition" not in keys:
            return Document(name=default_name, definition=_shaped(keys, Definition))
    return _shaped(content, Document)


def _check_format(number: Any) -> None:
    if isinstance(number, int) and number > FORMAT:
        raise Invalid.field(
            "/heddle",
            "format_unknown",
            f"The document has format {number}; this server reads up to {FORMAT}.",
        )


def _shaped(value: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        errors = body_errors(value, kind) or [FieldError("", "invalid", str(error))]
        raise Invalid("; ".join(found.detail for found in errors), errors=errors) from None


def _json_from_yaml(raw: bytes) -> bytes:
    if len(raw) > YAML_LIMIT:
        raise TooLarge(f"A YAML document may have {YAML_LIMIT:,} bytes; send JSON instead.")
    try:
        return msgspec.json.encode(yaml.load(raw, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadRequest(f"The document is not valid YAML: {error.problem}{where}.") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        raise BadRequest("The document is not valid YAML.") from None


class _Loader(yaml.SafeLoader):
    """YAML reduced to JSON: no aliases, no dates, `yes` and `on` are strings, keys too."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        parser = cast("Any", self)
        if parser.check_event(yaml.AliasEvent):
            # Nested aliases multiply: a few lines can stand for gigabytes.
            mark = parser.peek_event().start_mark
            raise ComposerError(None, None, "aliases are not supported", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise ConstructorError(None, None, "a key occurs twice", node.start_mark)
        return {key if isinstance(key, str) else str(key): mapping[key] for key in mapping}


_JSON_ONLY = {
    "tag:yaml.org,2002:bool": (re.compile(r"^(?:true|false)$"), "tf"),
    "tag:yaml.org,2002:null": (re.compile(r"^(?:null|~|)$"), ["n", "~", ""]),
    "tag:yaml.org,2002:int": (re.compile(r"^-?(?:0|[1-9][0-9]*)$"), "-0123456789"),
    "tag:yaml.org,2002:float": (
        re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"),
        "-0123456789",
    ),
}
_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _JSON_ONLY.items():
    cast("Any", _Loader).add_implicit_resolver(_tag, _pattern, list(_first))


_ODD_BREAKS = re.compile("[\r\x85\u2028\u2029]")
"""PyYAML takes these for line breaks and would fold them, unless they are escaped."""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and quotes what any reader may take for a number."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    if _ODD_BREAKS.search(value):
        style = '"'
    elif "\n" in value:
        style = "|"
    else:
        number = _JSON_ONLY["tag:yaml.org,2002:float"][0].match(value)
        style = "'" if number else None
    scalar: yaml.ScalarNode = cast("Any", dumper).represent_scalar(
        "tag:yaml.org,2002:str", value, style=style
    )
    return scalar


_Dumper.add_representer(str, _text)
