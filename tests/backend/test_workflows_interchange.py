"""Documents survive a round trip through JSON and YAML, and bad ones are refused with a reason."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import AppError, BadRequest, Invalid, TooLarge
from backend.workflows.interchange import YAML_LIMIT, Document, Format, read, write
from graphs.definition import Definition, Node

TRICKY = ["yes", "on", "null", "~", "1e5", "0x1f", "012", "1_000", "2024-01-01", "", " a", "a: b"]
TRICKY += ["a\nb  \n", "\ttab", "Ü 🙂", "- x", "#", "<<", "{{ prev }}", "12:30", "=", "\u2028"]

texts = st.sampled_from(TRICKY) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("format", [Format.JSON, Format.YAML])
@given(params=st.dictionaries(texts, values, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again(format: Format, params: dict[str, Any]) -> None:
    definition = Definition(nodes=[Node(id="a", type="set_fields", params=params)])
    document = Document(name="N", tags=["on", "1"], definition=definition)
    assert read(write(document, format), format) == document


def test_texts_of_several_lines_are_written_as_such() -> None:
    node = Node(id="a", type="template", params={"text": "Dear all,\n\nhello"})
    text = write(Document(name="N", definition=Definition(nodes=[node])), Format.YAML).decode()
    assert "text: |-\n        Dear all,\n\n        hello\n" in text


def test_yaml_is_read_as_json_would_be() -> None:
    raw = b"""
name: N
definition:
  nodes:
    - {id: a, type: set_fields, params: {fields: {on: yes, 1: no, d: 2024-01-01, n: 1e3, z: 010}}}
"""
    (node,) = read(raw, Format.YAML).definition.nodes
    assert node.params["fields"] == {
        "on": "yes",
        "1": "no",
        "d": "2024-01-01",
        "n": 1000.0,
        "z": "010",
    }


def test_a_bare_definition_gets_a_name() -> None:
    document = read(b'{"nodes": [{"id": "start", "type": "start"}]}', Format.JSON, "Mine")
    assert (document.name, document.definition.nodes[0].id) == ("Mine", "start")


@pytest.mark.parametrize(
    ("raw", "error", "says"),
    [
        (b"a: &x [1]\nb: *x", BadRequest, "aliases"),
        (b"a: 1\na: 2", BadRequest, "twice"),
        (b"!!python/object/apply:os.system [ls]", BadRequest, "python"),
        (b"[" * 100_000, BadRequest, "YAML"),
        (b"\xff\xfe\x00", BadRequest, "YAML"),
        (b"a: " + b"9" * 5000, BadRequest, "YAML"),
        (b"a: !!timestamp 2024-99-99", BadRequest, "YAML"),
        (b"? [a]\n: 1", BadRequest, "unhashable"),
        (b"{" * 300 + b"}" * 300, BadRequest, ""),
        (b"x" * (YAML_LIMIT + 1), TooLarge, "JSON"),
        (b"", Invalid, "object"),
        (b"heddle: 9\nname: N\ndefinition: {}", Invalid, "format 9"),
    ],
)
def test_yaml_that_is_no_document_is_refused(raw: bytes, error: type[AppError], says: str) -> None:
    with pytest.raises(error) as refusal:
        read(raw, Format.YAML)
    assert says in refusal.value.detail


def test_json_nested_too_deeply_is_refused() -> None:
    with pytest.raises(BadRequest):
        read(b"[" * 1000 + b"]" * 1000, Format.JSON)


def test_everything_wrong_with_a_document_is_told() -> None:
    raw = b'{"nam": "N", "definition": {"nodes": [{"type": "x"}, {"id": 1, "type": "x"}]}}'
    with pytest.raises(Invalid) as refusal:
        read(raw, Format.JSON)
    assert {(error.pointer, error.code) for error in refusal.value.errors} == {
        ("/nam", "unknown_field"),
        ("/name", "missing"),
        ("/definition/nodes/0/id", "missing"),
        ("/definition/nodes/1/id", "invalid"),
    }
