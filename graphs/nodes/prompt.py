"""The node type `prompt`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from graphs import mock_model, model_call, model_data
from graphs.chat_model import MOCK, Question
from graphs.model_params import (
    DEFAULT_TIMEOUT_MS,
    Address,
    ApiKey,
    Model,
    Temperature,
    TimeLimit,
    settings_of,
)
from graphs.node_type import Category, NodeContext, NodeType, Output, Params


class PromptParams(Params, frozen=True, kw_only=True):
    model: Model = MOCK
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
    temperature: Temperature = None
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
    base_url: Address = ""
    api_key: ApiKey = ""
    timeout_ms: TimeLimit = DEFAULT_TIMEOUT_MS


class Prompt(NodeType[PromptParams]):
    """Asks a chat model and streams its answer. Its output is `{"text", "model", "usage"}`.

    With an output schema the answer is read as JSON and put out as `data` too; an answer that
    does not satisfy the schema fails the attempt. The model `mock` answers without any key.
    """

    name = "prompt"
    title = "Prompt"
    category = Category.AI
    icon = "auto_awesome"
    keywords = ("llm", "ai", "model", "chat", "gpt", "ask", "openai")
    params_type = PromptParams

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: PromptParams, ctx: NodeContext) -> Output:
        return await _asked(params, ctx, params.model)

    async def mock(self, params: PromptParams, ctx: NodeContext) -> Output:
        return await _asked(params, ctx, MOCK)


async def _asked(params: PromptParams, ctx: NodeContext, model: str) -> Output:
    schema = params.output_schema
    system, mocked = params.system, None
    if schema is not None:
        system = f"{system}\n\n{model_data.instruction(schema)}".strip()
        mocked = mock_model.example_json(schema, params.prompt) if model == MOCK else None
    question = Question(params.prompt, system, mocked=mocked)
    answer = await model_call.ask(settings_of(params, ctx, model=model), question, ctx)
    usage = answer.usage
    output: dict[str, Any] = {
        "text": answer.text,
        "model": model,
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
    }
    if schema is not None:
        output["data"] = model_data.read(answer.text, schema)
    return Output(output)
