"""`prompt` with the mock model and with a streaming, OpenAI-compatible server on this machine."""

import json
from typing import Any

import pytest

from graphs import model_call
from graphs.events import Usage
from graphs.node_type import Services
from tests.graphs.conftest import (
    FakeContext,
    Received,
    Reply,
    execute,
    failure,
    json_reply,
    serving,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_call, "BACKOFF_MS", (1, 1))


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 18}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


async def test_the_mock_streams_the_same_answer_every_time(ctx: FakeContext) -> None:
    ctx.inputs = {"city": "Oslo"}
    params = {"model": "mock", "prompt": "What about {{ input.city }}?"}
    first = (await execute("prompt", params, ctx)).value
    tokens = list(ctx.tokens)
    second = (await execute("prompt", params, ctx)).value
    assert first == second
    assert "Oslo" in first["text"]
    assert first["model"] == "mock"
    assert len(tokens) > 3
    assert "".join(tokens) == first["text"]
    assert first["usage"]["output_tokens"] == len(tokens)
    assert ctx.started == ["mock", "mock"]
    assert ctx.completed[0] == ("mock", Usage(3, len(tokens)))


async def test_the_mock_makes_data_that_fits(ctx: FakeContext) -> None:
    params = {"prompt": "Who?", "output_schema": PERSON}
    value = (await execute("prompt", params, ctx)).value
    assert json.loads(value["text"]) == value["data"]
    assert isinstance(value["data"]["name"], str)
    assert value["data"]["age"] >= 18


def completion(*texts: str) -> Reply:
    """An answer of an OpenAI-compatible server, one piece of text an event, then the usage."""
    base: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
    }
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": None} for text in texts]
    events: list[dict[str, Any]] = [{**base, "choices": [choice]} for choice in choices]
    events.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
    events.append({**base, "choices": [], "usage": usage})
    chunks = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    return Reply(200, {"content-type": "text/event-stream"}, [*chunks, b"data: [DONE]\n\n"])


async def test_asks_a_compatible_server_and_streams(ctx: FakeContext) -> None:
    async with serving(lambda _: completion("Hel", "lo ", "Ada")) as server:
        params = {
            "model": "openai:tiny",
            "base_url": f"{server.url}/v1",
            "api_key": "{{ secrets.KEY }}",
            "system": "Be kind.",
            "prompt": "Greet Ada",
            "temperature": 0.5,
        }
        value = (await execute("prompt", params, ctx)).value
    usage = {"input_tokens": 11, "output_tokens": 4}
    assert value == {"text": "Hello Ada", "model": "openai:tiny", "usage": usage}
    assert ctx.tokens == ["Hel", "lo ", "Ada"]
    assert ctx.completed == [("openai:tiny", Usage(11, 4))]
    request = server.received[0]
    assert request.target == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer s3cret"
    sent = json.loads(request.body)
    assert sent["model"] == "tiny"
    assert sent["temperature"] == 0.5
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert sent["messages"][0]["content"] == "Be kind."


async def test_a_name_with_a_colon_is_no_provider(
    ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-operators-own")
    async with serving(lambda _: completion("ok")) as server:
        params = {"model": "llama3:8b", "base_url": server.url, "prompt": "Hi"}
        await execute("prompt", params, ctx)
    assert json.loads(server.received[0].body)["model"] == "llama3:8b"
    assert "the-operators-own" not in str(server.received[0].headers)


def ollama(request: Received) -> Reply:
    words = [{"message": {"role": "assistant", "content": word}, "done": False} for word in "ab"]
    last = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    usage = {"prompt_eval_count": 5, "eval_count": 2}
    lines = [{"model": "m", "created_at": "2026-01-01T00:00:00Z", **word} for word in words]
    lines.append({"model": "m", "created_at": "2026-01-01T00:00:00Z", **last, **usage})
    chunks = [json.dumps(line).encode() + b"\n" for line in lines]
    return Reply(200, {"content-type": "application/x-ndjson"}, chunks)


async def test_asks_ollama(ctx: FakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "the-operators-own")
    async with serving(ollama) as server:
        params = {"model": "ollama:tiny", "base_url": server.url, "prompt": "Hi"}
        value = (await execute("prompt", params, ctx)).value
    assert value["text"] == "ab"
    assert value["usage"] == {"input_tokens": 5, "output_tokens": 2}
    assert server.received[0].target == "/api/chat"
    assert "the-operators-own" not in str(server.received[0].headers)


@pytest.mark.parametrize(
    "answer", ['{"name": "Ada", "age": 36}', '```json\n{"name": "Ada", "age": 36}\n```']
)
async def test_reads_data(ctx: FakeContext, answer: str) -> None:
    async with serving(lambda _: completion(answer)) as server:
        params = {
            "model": "m",
            "base_url": server.url,
            "prompt": "Who?",
            "output_schema": PERSON,
        }
        value = (await execute("prompt", params, ctx)).value
    assert value["data"] == {"name": "Ada", "age": 36}
    assert value["text"] == answer
    assert '"minimum":18' in json.loads(server.received[0].body)["messages"][0]["content"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("Certainly!", "no JSON"),
        ('{"name": "Ada", "age": 7}', "/age: 7 is less than the minimum of 18"),
        ('{"name": "Ada"}', "/age: is required"),
    ],
)
async def test_data_that_does_not_fit_is_worth_another_attempt(
    ctx: FakeContext, answer: str, words: str
) -> None:
    async with serving(lambda _: completion(answer)) as server:
        params = {
            "model": "m",
            "base_url": server.url,
            "prompt": "Who?",
            "output_schema": PERSON,
        }
        error = await failure("prompt", params, ctx)
    assert error.code == "answer_invalid"
    assert words in error.message
    assert error.retryable
    assert ctx.completed == [("m", Usage(11, 4))]


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (429, True), (500, True)])
async def test_what_the_server_refuses(ctx: FakeContext, status: int, retryable: bool) -> None:
    answer = json_reply({"error": {"message": "computer says no"}}, status)
    async with serving(lambda _: answer) as server:
        params = {"model": "m", "base_url": server.url, "prompt": "Hi"}
        error = await failure("prompt", params, ctx)
    assert error.code == f"http_{status}"
    assert error.retryable is retryable
    assert "computer says no" in error.message


@pytest.mark.parametrize("model", ["openai:m", "ollama:m"])
async def test_private_servers_are_refused(ctx: FakeContext, model: str) -> None:
    ctx.services = Services()
    async with serving(lambda _: completion("x")) as server:
        params = {"model": model, "base_url": server.url, "prompt": "Hi"}
        error = await failure("prompt", params, ctx)
    assert error.code == "host_refused"
    assert not error.retryable
    assert server.received == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"model": "openai:gpt-5"}, "api_key_missing"),
        ({"model": "gpt-5"}, "api_key_missing"),
        ({"model": "claude-x"}, "api_key_missing"),
        ({"model": "anthropic:claude-x"}, "api_key_missing"),
        ({"model": "nonsense"}, "model_unknown"),
        ({"model": "openai:"}, "model_unknown"),
        ({"model": "anthropic:x", "base_url": "http://127.0.0.1"}, "model_unknown"),
    ],
)
async def test_models_that_cannot_be_asked(
    ctx: FakeContext, monkeypatch: pytest.MonkeyPatch, params: dict[str, str], code: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-operators-own")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "the-operators-own")
    error = await failure("prompt", {**params, "prompt": "Hi"}, ctx)
    assert error.code == code
    assert not error.retryable


async def test_nobody_answers(ctx: FakeContext) -> None:
    async with serving(lambda _: completion("x")) as server:
        url = server.url
    params = {"model": "m", "base_url": url, "prompt": "Hi"}
    error = await failure("prompt", params, ctx)
    assert error.code == "model_failed"
    assert error.retryable
