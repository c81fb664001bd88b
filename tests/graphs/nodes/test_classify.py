"""`classify`: a port per label."""

from typing import Any

import pytest

from graphs.registry import registry
from tests.fake_openai import Act, fake_openai, say, say_json
from tests.graphs.conftest import FakeContext, execute, failure

LABELS = [
    {"label": "Billing", "description": "Invoices, payments and refunds"},
    {"label": "Bug", "description": "Something is broken or crashes"},
]
PORTS = ("Billing", "Bug", "other")


def test_there_is_a_port_for_each_label() -> None:
    kind = registry()["classify"]
    assert kind.ports({"labels": LABELS}) == PORTS
    assert kind.ports({"labels": [{"label": "other"}]}) == ("other",)
    assert kind.ports({}) == ("other",)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I have paid the invoice twice and want a refund", "Billing"),
        ("The app crashed again, it is broken", "Bug"),
        ("a BUG, I think", "Bug"),
    ],
)
async def test_the_mock_compares_words(ctx: FakeContext, text: str, label: str) -> None:
    output = await execute("classify", {"text": text, "labels": LABELS}, ctx)
    assert output.ports == (label,)
    assert output.value["label"] == label
    assert output.value["text"] == text


async def test_the_mock_always_decides_alike(ctx: FakeContext) -> None:
    params = {"text": "zzz", "labels": LABELS}
    first = await execute("classify", params, ctx)
    assert first == await execute("classify", params, ctx)
    assert first.value["label"] in ("Billing", "Bug")


def params(server: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "base_url": server.url, "text": "Hm", "labels": LABELS, **more}


async def test_asks_a_model(ctx: FakeContext) -> None:
    async with fake_openai(say_json({"reason": "It crashed.", "label": "Bug"})) as server:
        output = await execute("classify", params(server, instructions="Be strict."), ctx)
    assert output.ports == ("Bug",)
    assert output.value == {
        "label": "Bug",
        "labels": ["Bug"],
        "reason": "It crashed.",
        "text": "Hm",
        "model": "m",
        "usage": {"input_tokens": 11, "output_tokens": 4},
    }
    system = server.asked()[0]
    assert "- Billing: Invoices, payments and refunds" in system
    assert "Be strict." in system


@pytest.mark.parametrize("said", ["bug", " BUG "])
async def test_case_does_not_matter(ctx: FakeContext, said: str) -> None:
    async with fake_openai(say_json({"label": said})) as server:
        assert (await execute("classify", params(server), ctx)).ports == ("Bug",)


async def test_what_fits_none_goes_to_other(ctx: FakeContext) -> None:
    async with fake_openai(say_json({"label": "other"})) as server:
        assert (await execute("classify", params(server), ctx)).ports == ("other",)


@pytest.mark.parametrize(
    ("said", "ports"),
    [
        (["bug", "Billing"], ("Bug", "Billing")),
        (["Bug", "other"], ("Bug",)),
        (["other"], ("other",)),
    ],
)
async def test_several_labels(ctx: FakeContext, said: list[str], ports: tuple[str, ...]) -> None:
    async with fake_openai(say_json({"labels": said})) as server:
        output = await execute("classify", params(server, multiple=True), ctx)
    assert output.ports == ports
    assert output.value["labels"] == list(ports)


async def test_a_label_that_is_not_there_is_corrected(ctx: FakeContext) -> None:
    script: list[Act] = [say_json({"label": "Praise"}), say("[1]"), say_json({"label": "Bug"})]
    async with fake_openai(script) as server:
        assert (await execute("classify", params(server), ctx)).ports == ("Bug",)
    assert "'Praise' is not one of" in server.asked(1)[-1]


@pytest.mark.parametrize("answer", [{"label": 3}, {"labels": [{}]}, {}, "Bug"])
async def test_a_model_that_never_names_one_fails_the_node(ctx: FakeContext, answer: Any) -> None:
    async with fake_openai(say_json(answer)) as server:
        error = await failure("classify", params(server), ctx)
    assert error.code == "answer_invalid"
    assert len(server.requests) == 3
