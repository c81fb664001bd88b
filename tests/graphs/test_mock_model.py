"""The mock model: deterministic, and its data satisfies the schema."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.json_schema import schema_violations, violations
from graphs.mock_model import answer, example


async def test_the_same_prompt_gets_the_same_answer_word_by_word() -> None:
    first = [word async for word in answer("Sum up the report", None)]
    assert first == [word async for word in answer("Sum up the report", None)]
    assert "".join(first) == "This is a mock answer to: Sum up the report"
    assert len(first) == 10
    assert first != [word async for word in answer("Another", None)]


async def test_a_long_prompt_is_not_repeated_whole() -> None:
    words = [word async for word in answer("word " * 500, None)]
    assert len(words) < 60
    assert words[-1] == "…"


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    """Schemas as an analyst would write them."""
    leaves = st.one_of(
        st.sampled_from(
            [{"type": "boolean"}, {"type": "null"}, {}, {"const": 7}, {"type": "string"}]
        ),
        st.builds(
            lambda low, room: {"type": "string", "minLength": low, "maxLength": low + room},
            st.integers(0, 20),
            st.integers(0, 20),
        ),
        st.sampled_from(["date", "date-time", "email", "uuid", "ipv4", "uri"]).map(
            lambda name: {"type": "string", "format": name}
        ),
        st.builds(
            lambda low, room: {"type": "integer", "minimum": low, "maximum": low + room},
            st.integers(-50, 50),
            st.integers(0, 50),
        ),
        st.builds(
            lambda low, room: {"type": "number", "minimum": low, "exclusiveMaximum": low + room},
            st.integers(-50, 50),
            st.integers(1, 50),
        ),
        st.builds(lambda most: {"type": "integer", "maximum": most}, st.integers(-50, 50)),
        st.builds(
            lambda low: {"type": "integer", "exclusiveMinimum": low, "multipleOf": 5},
            st.integers(-50, 50),
        ),
        st.lists(st.integers(0, 5), min_size=1, max_size=3).map(lambda values: {"enum": values}),
    )

    def grow(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        properties = st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
        return st.one_of(
            properties.map(
                lambda given: {
                    "type": "object",
                    "properties": given,
                    "required": list(given),
                    "additionalProperties": False,
                }
            ),
            st.builds(
                lambda items, low: {"type": "array", "items": items, "minItems": low},
                inner,
                st.integers(0, 3),
            ),
            st.lists(inner, min_size=1, max_size=2).map(lambda options: {"anyOf": options}),
            inner.map(
                lambda schema: {
                    "$defs": {"it": schema},
                    "properties": {"x": {"$ref": "#/$defs/it"}},
                }
            ),
        )

    return st.recursive(leaves, grow, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(schemas(), st.text(max_size=5))
def test_data_satisfies_the_schema(schema: dict[str, Any], prompt: str) -> None:
    if "$defs" in str(schema) and "$defs" not in schema:
        return  # references only reach the definitions at the root
    assert schema_violations(schema) == []
    assert violations(schema, example(schema, prompt)) == []
    assert example(schema, prompt) == example(schema, prompt)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["null", "string"]},
        {
            "allOf": [
                {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"required": ["b"]},
            ]
        },
        {"type": "array", "prefixItems": [{"const": 1}, {"const": "x"}], "items": False},
        {"type": "string", "default": "given"},
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
        {"type": "string", "pattern": "^x", "examples": ["no", "xyz"]},
    ],
)
def test_stranger_schemas(schema: dict[str, Any]) -> None:
    assert violations(schema, example(schema)) == []
