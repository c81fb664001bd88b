"""Chat models by name, streamed: LangChain's for OpenAI, Anthropic, Ollama and compatible servers,
and the built-in `mock`.

Keys come from the node's params only, never from the environment: whoever draws a workflow must
not be able to spend the operator's key or to send it to a server of their choice.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from importlib import import_module
from typing import Any

import httpx
from msgspec import Struct

from graphs import mock_model, outbound
from graphs.errors import NodeError

MOCK = "mock"
NEVER_S = 86_400
"""What clients are given for a time limit; whoever asks keeps the real one."""

CONNECT_S = 10
PROVIDERS = ("openai", "anthropic", "ollama")

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"
OLLAMA_URL = "http://127.0.0.1:11434"

_FAMILIES = {
    "gpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "claude": "anthropic",
}


class Piece(Struct, frozen=True):
    """A part of an answer as it comes in; the numbers of tokens come with any of them."""

    text: str = ""
    input_tokens: int = 0
    output_tokens: int = 0


class Correction(Struct, frozen=True):
    """An earlier answer, and what was wrong with it."""

    answer: str
    objection: str


class Question(Struct, frozen=True):
    """What a model is asked. `corrections`: the conversation since the prompt.

    `mocked`: what the built-in mock model answers, if not the usual.
    """

    prompt: str
    system: str = ""
    corrections: tuple[Correction, ...] = ()
    mocked: str | None = None


class ModelSettings(Struct, frozen=True, kw_only=True):
    """Which model, where, and how it answers. `timeout_ms` is for one call."""

    model: str
    base_url: str = ""
    api_key: str = ""
    temperature: float | None = None
    timeout_ms: int = 300_000
    allow_hosts: tuple[str, ...] = ()


class ChatModel(Struct, frozen=True):
    """A model that can be asked. `headers` are those of the last answer its server gave, if any."""

    ask: "Ask"
    headers: dict[str, str]


Ask = Callable[[Question], AsyncGenerator[Piece, None]]


@asynccontextmanager
async def chat_model(settings: ModelSettings) -> AsyncGenerator[ChatModel, None]:
    """A connection to the model. Raises NodeError when there is no such model."""
    headers: dict[str, str] = {}
    if settings.model == MOCK:
        yield ChatModel(_ask_mock, headers)
        return
    provider, name = _provider(settings)

    async def note(response: httpx.Response) -> None:
        headers.clear()
        headers.update(response.headers)

    transport = outbound.GuardedTransport(settings.allow_hosts)
    options: dict[str, Any] = {
        "transport": transport,
        "trust_env": False,
        "timeout": httpx.Timeout(NEVER_S, connect=CONNECT_S),
        "event_hooks": {"response": [note]},
    }
    http = httpx.AsyncClient(**options)
    try:
        # importing a provider's package takes a second or more: others must not wait for it
        model = await asyncio.to_thread(_load, provider, name, settings, http, options)
        yield ChatModel(_asker(model), headers)
    finally:
        await http.aclose()


async def _ask_mock(question: Question) -> AsyncGenerator[Piece, None]:
    async for text in mock_model.answer(question.prompt, question.mocked):
        yield Piece(text, output_tokens=1)
    yield Piece(input_tokens=len(question.prompt.split()) + len(question.system.split()))


def _asker(model: Any) -> Ask:
    async def ask(question: Question) -> AsyncGenerator[Piece, None]:
        messages = [("system", question.system)] if question.system else []
        messages.append(("human", question.prompt))
        for correction in question.corrections:
            messages += [("ai", correction.answer), ("human", correction.objection)]
        async with aclosing(model.astream(messages)) as chunks:
            async for chunk in chunks:
                usage: dict[str, int] = chunk.usage_metadata or {}
                yield Piece(
                    str(chunk.text), usage.get("input_tokens", 0), usage.get("output_tokens", 0)
                )

    return ask


def _provider(settings: ModelSettings) -> tuple[str, str]:
    provider, separator, name = settings.model.partition(":")
    if not separator or provider not in PROVIDERS:
        name = settings.model
        families = (family for start, family in _FAMILIES.items() if name.startswith(start))
        provider = "openai" if settings.base_url else next(families, "")
    if not provider or not name:
        raise NodeError(
            f"there is no model {settings.model!r}; write mock, openai:…, anthropic:… or ollama:…, "
            "or give the address of an OpenAI-compatible server",
            code="model_unknown",
            retryable=False,
        )
    if provider == "anthropic" and settings.base_url:
        raise NodeError(
            "models of Anthropic have no other address; leave the address empty",
            code="model_unknown",
            retryable=False,
        )
    if provider != "ollama" and not settings.api_key and not settings.base_url:
        raise NodeError(
            f"{settings.model} needs an API key; write it as a secret: {{{{ secrets.NAME }}}}",
            code="api_key_missing",
            retryable=False,
        )
    return provider, name


def _load(
    provider: str,
    name: str,
    settings: ModelSettings,
    http: httpx.AsyncClient,
    http_options: dict[str, Any],
) -> Any:
    langchain: Any = import_module("langchain.chat_models")
    options: dict[str, Any] = {}
    if settings.temperature is not None:
        options["temperature"] = settings.temperature
    match provider:
        case "openai":
            options |= {
                "base_url": settings.base_url or OPENAI_URL,
                "api_key": settings.api_key or "none",
                "openai_proxy": None,
                "http_async_client": http,
                "max_retries": 0,
                "timeout": NEVER_S,
                "stream_usage": True,
            }
        case "anthropic":
            options |= {
                "base_url": ANTHROPIC_URL,
                "api_key": settings.api_key,
                "max_retries": 0,
                "timeout": NEVER_S,
            }
        case _:
            options |= {
                "base_url": settings.base_url or OLLAMA_URL,
                "client_kwargs": {
                    "headers": {"authorization": f"Bearer {settings.api_key or '-'}"}
                },
                "async_client_kwargs": http_options,
            }
    return langchain.init_chat_model(name, model_provider=provider, **options)
