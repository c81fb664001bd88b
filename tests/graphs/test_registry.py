"""The registry: every node type is complete, so that palette, forms and docs can be derived."""

import json
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from graphs import registry as module
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from graphs.registry import registry

PROMISED = {
    "start", "end", "set_fields", "template", "if", "switch", "merge", "wait", "http_request",
    "for_each", "fail", "prompt", "extract", "classify", "graph",
}  # fmt: skip


class Foreign(NodeType[Params]):
    """Comes from another package."""

    name, title, category, icon = "foreign", "Foreign", Category.DATA, "extension"

    async def run(self, params: Params, ctx: NodeContext) -> Output:
        return Output(None)


def test_every_promised_type_is_there() -> None:
    assert set(registry()) >= PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_type_is_complete(name: str) -> None:
    kind = registry()[name]
    assert kind.name == name
    assert kind.title
    assert kind.icon.replace("_", "").isalnum()
    assert kind.__doc__
    assert len(kind.__doc__) > 40
    schema = kind.params_schema()
    Draft202012Validator.check_schema(schema)
    json.dumps(schema)
    for field in msgspec.structs.fields(kind.params_type):
        described = schema["properties"][field.encode_name]
        assert described["title"], field.name
        assert described["description"], field.name


def test_types_are_ordered_by_section() -> None:
    sections = list(Category)
    order = [sections.index(kind.category) for kind in registry().values()]
    assert order == sorted(order)


def installed(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    point = EntryPoint("foreign", target, module.ENTRY_POINT_GROUP)

    def entry_points(**query: Any) -> list[EntryPoint]:
        return [point] if query == {"group": "heddle.nodes"} else []

    monkeypatch.setattr(module, "entry_points", entry_points)
    registry.cache_clear()


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    yield
    registry.cache_clear()


def test_other_packages_may_add_types(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "tests.graphs.test_registry:Foreign")
    assert registry()["foreign"].title == "Foreign"


def test_a_name_cannot_be_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "graphs.nodes.start:Start")
    with pytest.raises(ValueError, match="two node types are called 'start'"):
        registry()


def test_an_entry_point_must_be_a_node_type(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "graphs.definition:Definition")
    with pytest.raises(TypeError, match="no NodeType"):
        registry()
