"""The node type `prompt`."""

import time
from contextlib import aclosing
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from graphs import outbound
from graphs.chat_model import MOCK, Ask, ModelSettings, Question, chat_model
from graphs.errors import NodeError
from graphs.events import Usage
from graphs.json_schema import violations
from graphs.node_type import Category, NodeContext, NodeType, Output, Params
from graphs.problems import pointer

MAX_ANSWER_CHARACTERS = 1_000_000
RETRYABLE = frozenset({408, 409, 425, 429})


class PromptParams(Params, frozen=True, kw_only=True):
    model: Annotated[
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
    ] = MOCK
    system: Annotated[
        str,
        Meta(
            title="System prompt",
            description="Who the model is and how it shall answer.",
            extra_json_schema={"x-widget": "textarea"},
        ),
    ] = ""
    prompt: Annotated[
        str,
        Meta(
            title="Prompt",
            description="What the model is asked.",
            min_length=1,
            examples=["Summarize in one sentence: {{ steps.fetch.body }}"],
            extra_json_schema={"x-widget": "textarea"},
        ),
    ]
    temperature: Annotated[
        Annotated[float, Meta(ge=0, le=2)] | None,
        Meta(
            title="Temperature",
            description="0: always the likeliest word; higher: more varied.",
        ),
    ] = None
    output_schema: Annotated[
        dict[str, Any] | None,
        Meta(
            title="Output schema",
            description="A JSON Schema: the answer must be data that satisfies it.",
            extra_json_schema={
                "x-widget": "json",
                "x-expression": False,
                "x-json-schema": True,
            },
        ),
    ] = None
    base_url: Annotated[
        str,
        Meta(
            title="Address",
            description="Of an OpenAI-compatible server or of Ollama; else empty.",
            extra_json_schema={"x-placeholder": "https://llm.example.com/v1"},
        ),
    ] = ""
    api_key: Annotated[
        str,
        Meta(
            title="API key",
            description="Best written as {{ secrets.NAME }}.",
            extra_json_schema={"x-secret": True, "x-placeholder": "{{ secrets.OPENAI_API_KEY }}"},
        ),
    ] = ""


class Prompt(NodeType[PromptParams]):
    """Asks a chat model and streams its answer. Its output is `{"text", "model", "usage"}`.

    With an output schema the answer is read as JSON and put out as `data` too; an answer that
    does not satisfy the schema fails the attempt. The model `mock` answers without any key.
    """

    name = "prompt"
    title = "Prompt"
    category = Category.AI
    icon = "auto_awesome"
    params_type = PromptParams

    async def run(self, params: PromptParams, ctx: NodeContext) -> Output:
        settings = ModelSettings(
            model=params.model,
            base_url=params.base_url,
            api_key=params.api_key,
            temperature=params.temperature,
            allow_hosts=ctx.services.allow_hosts,
        )
        question = Question(params.prompt, _system(params), params.output_schema)
        began = time.perf_counter()
        ctx.llm_started(params.model)
        try:
            async with chat_model(settings) as ask:
                text, usage = await _listen(ask, question, ctx)
        except NodeError:
            raise
        except Exception as error:
            raise _readable(error) from error
        ctx.llm_completed(params.model, usage, round((time.perf_counter() - began) * 1000))
        output: dict[str, Any] = {
            "text": text,
            "model": params.model,
            "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
        }
        if params.output_schema is not None:
            output["data"] = _data(text, params.output_schema)
        return Output(output)


def _system(params: PromptParams) -> str:
    if params.output_schema is None:
        return params.system
    schema = msgspec.json.encode(params.output_schema).decode()
    ask = f"Answer with JSON only, without any other words. It must satisfy this schema: {schema}"
    return f"{params.system}\n\n{ask}".strip()


async def _listen(ask: Ask, question: Question, ctx: NodeContext) -> tuple[str, Usage]:
    parts: list[str] = []
    size = input_tokens = output_tokens = 0
    async with aclosing(ask(question)) as answer:
        async for piece in answer:
            input_tokens += piece.input_tokens
            output_tokens += piece.output_tokens
            if piece.text:
                parts.append(piece.text)
                ctx.token(piece.text)
                size += len(piece.text)
            if size > MAX_ANSWER_CHARACTERS:
                raise NodeError(
                    f"the answer is longer than {MAX_ANSWER_CHARACTERS:,} characters",
                    code="response_too_large",
                    retryable=False,
                )
    return "".join(parts), Usage(input_tokens, output_tokens)


def _readable(error: Exception) -> NodeError:
    refused = outbound.refusal(error)
    if refused is not None:
        return refused
    status: Any = getattr(error, "status_code", None)
    message = str(error).strip()[:500] or type(error).__name__
    if not isinstance(status, int):
        return NodeError(f"the model could not be asked: {message}", code="model_failed")
    return NodeError(
        f"the model's server answered {status}: {message}",
        code=f"http_{status}",
        retryable=status >= 500 or status in RETRYABLE,
    )


def _data(text: str, schema: dict[str, Any]) -> Any:
    plain = text.strip()
    if plain.startswith("```"):
        plain = plain.partition("\n")[2].rpartition("```")[0]
    try:
        data = msgspec.json.decode(plain)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise NodeError(
            f"the model answered something that is no JSON: {text[:200]}", code="answer_invalid"
        ) from None
    wrong = violations(schema, data)
    if wrong:
        places = "; ".join(
            f"{pointer('', found.path) or 'the answer'}: {found.message}" for found in wrong[:5]
        )
        raise NodeError(f"the model's answer does not fit: {places}", code="answer_invalid")
    return data
