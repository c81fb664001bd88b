"""The settings that every node type has which asks a model."""

from typing import Annotated, Protocol

from msgspec import Meta

from graphs.chat_model import ModelSettings
from graphs.node_type import NodeContext

DEFAULT_TIMEOUT_MS = 300_000
MAX_TIMEOUT_MS = 3_600_000

Model = Annotated[
    str,
    Meta(
        title="Model",
        description="mock needs no key. Others: openai:…, anthropic:…, ollama:…",
        min_length=1,
        examples=[
            "mock",
            "openai:gpt-5-mini",
            "anthropic:claude-sonnet-4-5",
            "ollama:llama3.2",
        ],
        extra_json_schema={"x-widget": "model"},
    ),
]
Temperature = Annotated[
    Annotated[float, Meta(ge=0, le=2)] | None,
    Meta(
        title="Temperature",
        description="0: always the likeliest word; higher: more varied.",
    ),
]
Address = Annotated[
    str,
    Meta(
        title="Address",
        description="Of an OpenAI-compatible server or of Ollama; else empty.",
        extra_json_schema={"x-placeholder": "https://llm.example.com/v1"},
    ),
]
ApiKey = Annotated[
    str,
    Meta(
        title="API key",
        description="Best written as {{ secrets.NAME }}.",
        extra_json_schema={"x-secret": True, "x-placeholder": "{{ secrets.OPENAI_API_KEY }}"},
    ),
]
TimeLimit = Annotated[
    int,
    Meta(
        title="Time limit",
        description="How long until one call of the model is given up.",
        ge=1,
        le=MAX_TIMEOUT_MS,
        extra_json_schema={"x-widget": "duration"},
    ),
]


class AsksModel(Protocol):
    """The params of a node type that asks a model."""

    @property
    def model(self) -> str: ...
    @property
    def temperature(self) -> float | None: ...
    @property
    def base_url(self) -> str: ...
    @property
    def api_key(self) -> str: ...
    @property
    def timeout_ms(self) -> int: ...


def settings_of(params: AsksModel, ctx: NodeContext, *, model: str | None = None) -> ModelSettings:
    """Which model the params name, or `model` in its place, and how it is reached."""
    return ModelSettings(
        model=model or params.model,
        base_url=params.base_url,
        api_key=params.api_key,
        temperature=params.temperature,
        timeout_ms=params.timeout_ms,
        allow_hosts=ctx.services.allow_hosts,
    )
