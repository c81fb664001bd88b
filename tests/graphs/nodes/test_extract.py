"""`extract`: data that satisfies a schema, corrections included."""

from typing import Any

import pytest

from graphs.events import Usage
from tests.fake_openai import Act, Refuse, fake_openai, say, say_json
from tests.graphs.conftest import FakeContext, execute, failure

INVOICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "amount": {"type": "number", "minimum": 0},
        "email": {"type": "string", "format": "email"},
        "state": {"enum": ["open", "paid"]},
        "lines": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["number", "amount"],
    "additionalProperties": False,
}
TEXT = "Invoice number: R-17, amount 1,204.50 EUR, already paid. Questions to ada@example.com."
GOOD = {"number": "R-17", "amount": 1204.5}


async def test_the_mock_finds_what_the_text_says(ctx: FakeContext) -> None:
    ctx.inputs = {"text": TEXT}
    params = {"text": "{{ input.text }}", "schema": INVOICE}
    value = (await execute("extract", params, ctx)).value
    assert value["data"] | {"lines": None} == {
        "number": "R-17",
        "amount": 1204.5,
        "email": "ada@example.com",
        "state": "paid",
        "lines": None,
    }
    assert (value["attempts"], value["model"]) == (1, "mock")
    assert value == (await execute("extract", params, ctx)).value
    assert "".join(ctx.tokens).startswith("{")


async def test_a_right_answer_is_taken(ctx: FakeContext) -> None:
    async with fake_openai(say_json(GOOD)) as server:
        params = {
            "model": "openai:m",
            "base_url": server.url,
            "text": TEXT,
            "schema": INVOICE,
            "instructions": "Amounts in euros.",
        }
        value = (await execute("extract", params, ctx)).value
    usage = {"input_tokens": 11, "output_tokens": 4}
    assert value == {"data": GOOD, "attempts": 1, "model": "openai:m", "usage": usage}
    system, prompt = server.asked()
    assert "Amounts in euros." in system
    assert '"minimum":0' in system
    assert prompt == TEXT


@pytest.mark.parametrize(
    "wrapped", ["Sure!\n```json\n{}\n```\nBye", "```\n{}\n```", "Here it is: {} - enjoy"]
)
async def test_words_around_the_data_do_not_matter(ctx: FakeContext, wrapped: str) -> None:
    answer = wrapped.replace("{}", '{"number": "R-17", "amount": 1204.5}')
    async with fake_openai(say(answer)) as server:
        params = {"model": "m", "base_url": server.url, "text": TEXT, "schema": INVOICE}
        assert (await execute("extract", params, ctx)).value["data"] == GOOD


async def test_the_model_is_told_what_was_wrong(ctx: FakeContext) -> None:
    script: list[Act] = [
        say("no idea"),
        say_json({"number": 17, "amount": -1}),
        say_json(GOOD),
    ]
    async with fake_openai(script) as server:
        params = {"model": "m", "base_url": server.url, "text": TEXT, "schema": INVOICE}
        value = (await execute("extract", params, ctx)).value
    assert (value["data"], value["attempts"]) == (GOOD, 3)
    assert value["usage"] == {"input_tokens": 33, "output_tokens": 12}
    assert ctx.completed == [("m", Usage(11, 4))] * 3
    roles = [message["role"] for message in server.requests[2]["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    _, _, first, told, second, then = server.asked()
    assert first == "no idea"
    assert "is no JSON" in told
    assert second == '{"number": 17, "amount": -1}'
    assert "/number" in then
    assert "/amount: -1 is less than the minimum of 0" in then
    assert [level for level, _ in ctx.logs] == ["warning", "warning"]


@pytest.mark.parametrize("repairs", [0, 1, 5])
async def test_what_never_fits_fails_and_names_the_places(ctx: FakeContext, repairs: int) -> None:
    async with fake_openai(say_json({"number": "R-17"})) as server:
        params = {
            "model": "m",
            "base_url": server.url,
            "text": TEXT,
            "schema": INVOICE,
            "max_repairs": repairs,
        }
        error = await failure("extract", params, ctx)
    assert error.code == "extract_invalid"
    assert error.retryable
    assert "/amount: is required" in error.message
    assert (f"after {repairs + 1} attempts" in error.message) is (repairs > 0)
    assert len(server.requests) == repairs + 1


async def test_other_failures_are_not_corrected(ctx: FakeContext) -> None:
    async with fake_openai(Refuse(status=401)) as server:
        params = {"model": "m", "base_url": server.url, "text": TEXT, "schema": INVOICE}
        assert (await failure("extract", params, ctx)).code == "http_401"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("change", "code"), [({"max_repairs": 6}, "params_invalid"), ({"text": ""}, "params_invalid")]
)
async def test_settings_have_limits(ctx: FakeContext, change: dict[str, Any], code: str) -> None:
    params = {"text": TEXT, "schema": INVOICE, **change}
    assert (await failure("extract", params, ctx)).code == code
