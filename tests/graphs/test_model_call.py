"""Asking a model through a server that refuses, breaks off, stands still and recovers."""

import pytest

from graphs import model_call
from graphs.chat_model import ModelSettings, Question
from graphs.errors import NodeError
from graphs.events import Usage, now
from graphs.model_errors import retry_after_ms
from tests.fake_openai import Act, Ending, FakeOpenAI, Refuse, fake_openai, say
from tests.graphs.conftest import FakeContext


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_call, "BACKOFF_MS", (1, 1))


async def ask(server: FakeOpenAI, ctx: FakeContext, **options: object) -> model_call.Answer:
    settings = ModelSettings(
        model="openai:m", base_url=server.url, allow_hosts=("127.0.0.1",), **options
    )
    return await model_call.ask(settings, Question("Hi"), ctx)


async def refused(server: FakeOpenAI, ctx: FakeContext, **options: object) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await ask(server, ctx, **options)
    return caught.value


async def test_streams_and_counts(ctx: FakeContext) -> None:
    async with fake_openai(say("Hel", "lo")) as server:
        answer = await ask(server, ctx)
    assert answer == model_call.Answer("Hello", Usage(11, 4))
    assert ctx.tokens == ["Hel", "lo"]
    assert ctx.completed == [("openai:m", Usage(11, 4))]
    assert ctx.logs == []


async def test_a_provider_that_tells_no_usage_is_named(ctx: FakeContext) -> None:
    async with fake_openai(say("Hello", usage=None)) as server:
        answer = await ask(server, ctx)
    assert answer.usage == Usage()
    assert ctx.completed == [("openai:m", Usage())]
    assert "did not tell its usage" in ctx.logs[0][1]


@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_what_may_pass_is_asked_again(ctx: FakeContext, status: int) -> None:
    script: list[Act] = [Refuse(status=status), Refuse(status=status), say("at last")]
    async with fake_openai(script) as server:
        answer = await ask(server, ctx)
    assert answer.text == "at last"
    assert len(server.requests) == 3
    assert ctx.started == ["openai:m"]
    assert [level for level, _ in ctx.logs] == ["warning", "warning"]
    assert f"answered {status}" in ctx.logs[0][1]


async def test_it_is_not_asked_for_ever(ctx: FakeContext) -> None:
    async with fake_openai(Refuse(status=503)) as server:
        error = await refused(server, ctx)
    assert (error.code, error.retryable) == ("http_503", True)
    assert len(server.requests) == model_call.TRIES
    assert ctx.completed == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_does_not_pass_is_asked_once(ctx: FakeContext, status: int) -> None:
    async with fake_openai(Refuse(status=status)) as server:
        error = await refused(server, ctx)
    assert (error.code, error.retryable) == (f"http_{status}", False)
    assert "computer says no" in error.message
    assert len(server.requests) == 1


async def test_waits_as_long_as_the_server_asks(
    ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []

    async def pause(ms: int) -> None:
        waited.append(ms)

    monkeypatch.setattr(model_call, "pause", pause)
    script: list[Act] = [
        Refuse(status=429, headers={"Retry-After": "7"}),
        Refuse(status=429, headers={"retry-after-ms": "250"}),
        say("ok"),
    ]
    async with fake_openai(script) as server:
        await ask(server, ctx)
    assert waited == [7000, 250]
    assert "asked again in 7000 ms" in ctx.logs[0][1]


async def test_a_long_wait_is_left_to_the_node(ctx: FakeContext) -> None:
    async with fake_openai(Refuse(status=429, headers={"Retry-After": "3600"})) as server:
        error = await refused(server, ctx)
    assert (error.code, error.retryable, error.retry_after_ms) == ("http_429", True, 3_600_000)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending.ERROR, "model_interrupted"),
        (Ending.DISCONNECT, "model_interrupted"),
        (Ending.GARBAGE, "model_interrupted"),
    ],
)
async def test_an_answer_that_breaks_off_is_not_begun_anew(
    ctx: FakeContext, ending: Ending, code: str
) -> None:
    async with fake_openai(say("Hel", "lo", ending=ending)) as server:
        error = await refused(server, ctx)
    assert (error.code, error.retryable) == (code, True)
    assert "in the middle" in error.message
    assert ctx.tokens == ["Hel", "lo"]
    assert len(server.requests) == 1
    assert ctx.completed == [("openai:m", Usage())]


async def test_a_connection_lost_before_the_answer_is_made_again(ctx: FakeContext) -> None:
    async with fake_openai([say(ending=Ending.DISCONNECT), say("ok")]) as server:
        assert (await ask(server, ctx)).text == "ok"
    assert len(server.requests) == 2


async def test_an_answer_that_stands_still_is_given_up(
    ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_call, "IDLE_S", 0.2)
    async with fake_openai(say("Hel", ending=Ending.HANG)) as server:
        error = await refused(server, ctx)
    assert (error.code, error.retryable) == ("node_timeout", True)
    assert "stood still for 0.2 s" in error.message


async def test_a_model_may_think_longer_than_it_may_pause(
    ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_call, "IDLE_S", 0.2)
    async with fake_openai(say("ok", before_s=0.6)) as server:
        assert (await ask(server, ctx)).text == "ok"


async def test_a_call_has_a_time_limit(ctx: FakeContext) -> None:
    async with fake_openai(say(ending=Ending.HANG)) as server:
        error = await refused(server, ctx, timeout_ms=1500)
    assert error.code == "node_timeout"
    assert "time limit of 1500 ms" in error.message


async def test_an_endless_answer_is_refused(
    ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_call, "MAX_ANSWER_CHARACTERS", 5)
    async with fake_openai(say("Hel", "lo!")) as server:
        error = await refused(server, ctx)
    assert (error.code, error.retryable) == ("response_too_large", False)


@pytest.mark.parametrize(
    ("headers", "ms"),
    [
        ({}, None),
        ({"Retry-After": "2"}, 2000),
        ({"retry-after": "0.5"}, 500),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "9", "retry-after-ms": "1500"}, 1500),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_reads_when_to_ask_again(headers: dict[str, str], ms: int | None) -> None:
    assert retry_after_ms(headers) == ms


def test_reads_a_moment_to_come() -> None:
    moment = now().replace(year=now().year + 1).strftime("%a, %d %b %Y %H:%M:%S GMT")
    read = retry_after_ms({"Retry-After": moment})
    assert read is not None
    assert read > 86_400_000
