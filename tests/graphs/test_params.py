"""Params: what is an expression in them, and how they become the struct that a node gets."""

from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from graphs.errors import NodeError
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from graphs.params import Markers, compile_params, convert_params, markers, schema_of

LITERAL = {"x-expression": False}


class Row(Struct, frozen=True):
    value: str = ""
    name: Annotated[str, Meta(extra_json_schema=LITERAL)] = ""


class SampleParams(Params, frozen=True):
    count: Annotated[int, Meta(title="How many", ge=0)] = 0
    text: Annotated[str, Meta(min_length=1)] = "-"
    pattern: Annotated[str, Meta(extra_json_schema=LITERAL)] = ""
    key: Annotated[dict[str, str], Meta(extra_json_schema={"x-secret": True})] = {}  # noqa: RUF012
    rows: list[Row] = []  # noqa: RUF012


class Sample(NodeType[SampleParams]):
    """Has a field of every kind."""

    name, title, category, icon = "sample", "Sample", Category.DATA, "star"
    params_type = SampleParams

    async def run(self, params: SampleParams, ctx: NodeContext) -> Output:
        return Output(None)


SAMPLE = Sample()


def resolved(raw: dict[str, Any]) -> dict[str, Any]:
    return compile_params(SAMPLE, raw).resolve({"input": {"n": 2, "x": "y"}})


def test_literal_fields_keep_their_braces() -> None:
    raw = {
        "pattern": "${ not one",
        "rows": [{"value": "{{ input.n }}", "name": "{{ input.n }}"}],
        "text": "{{ input.x }}",
    }
    assert resolved(raw) == {
        "pattern": "${ not one",
        "rows": [{"value": 2, "name": "{{ input.n }}"}],
        "text": "y",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("text",), Markers()),
        (("pattern",), Markers(literal=True)),
        (("rows", 0, "name"), Markers(literal=True)),
        (("rows", 7, "value"), Markers()),
        (("key",), Markers(secret=True)),
        (("key", "anything"), Markers(secret=True)),
        (("nothing", "below", 3), Markers()),
    ],
)
def test_markers(path: tuple[str | int, ...], expected: Markers) -> None:
    assert markers(SAMPLE, path) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (True, "true"), ([1, None], "[1,null]"), ({"a": 1.5}, '{"a":1.5}')],
)
def test_text_fields_take_any_value_as_text(value: Any, text: str) -> None:
    assert convert_params(SAMPLE, {"text": value}) == SampleParams(text=text)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"count": "many"}, "'How many': expected a whole number, got a text"),
        ({"count": -1}, "'How many': expected a whole number >= 0"),
        ({"text": None}, "'text': expected a text of length >= 1"),
        ({"rows": [{"value": 1}]}, "'rows': expected a text, got a whole number"),
        ({"new": 1}, "object contains unknown field 'new'"),
    ],
)
def test_what_does_not_fit_names_its_field(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(NodeError) as caught:
        convert_params(SAMPLE, raw)
    assert words in caught.value.message
    assert caught.value.code == "params_invalid"
    assert not caught.value.retryable


def test_the_schema_is_made_once() -> None:
    assert schema_of(SAMPLE) is schema_of(SAMPLE)
