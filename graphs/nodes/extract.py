"""The node type `extract`."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from graphs import mock_reading, model_data
from graphs.chat_model import MOCK, Question
from graphs.errors import NodeError
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

SYSTEM = (
    "You read data out of texts. Take what the text says and nothing else; "
    "leave out what it does not say, unless the schema requires it."
)


class ExtractParams(Params, frozen=True, kw_only=True):
    model: Model = MOCK
    text: Annotated[
        str,
        Meta(
            title="Text",
            description="What the data is read out of.",
            min_length=1,
            examples=["{{ steps.fetch.body }}"],
            extra_json_schema={"x-widget": "textarea"},
        ),
    ]
    schema: Annotated[
        dict[str, Any],
        Meta(
            title="Schema",
            description="A JSON Schema that the data must satisfy. Describe each property in it.",
            examples=[
                {
                    "type": "object",
                    "properties": {
                        "customer": {"type": "string"},
                        "amount": {"type": "number", "description": "In euros"},
                    },
                    "required": ["customer", "amount"],
                }
            ],
            extra_json_schema={"x-widget": "json", "x-expression": False, "x-json-schema": True},
        ),
    ]
    instructions: Annotated[
        str,
        Meta(
            title="Instructions",
            description="What else the model should know.",
            extra_json_schema={"x-widget": "textarea"},
        ),
    ] = ""
    max_repairs: Annotated[
        int,
        Meta(
            title="Corrections",
            description="How often the model is told what was wrong and asked again.",
            ge=0,
            le=5,
        ),
    ] = 2
    temperature: Temperature = None
    base_url: Address = ""
    api_key: ApiKey = ""
    timeout_ms: TimeLimit = DEFAULT_TIMEOUT_MS


class Extract(NodeType[ExtractParams]):
    """Reads data out of a text with a chat model: exactly what the schema asks for.

    Its output is `{"data", "attempts", "model", "usage"}`. An answer that does not satisfy the
    schema is sent back to the model with what is wrong; when the corrections are used up, the node
    fails and names the places.
    """

    name = "extract"
    title = "Extract data"
    category = Category.AI
    icon = "document_scanner"
    keywords = ("llm", "ai", "model", "parse", "structured")
    params_type = ExtractParams

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: ExtractParams, ctx: NodeContext) -> Output:
        return await _extracted(params, ctx, params.model)

    async def mock(self, params: ExtractParams, ctx: NodeContext) -> Output:
        return await _extracted(params, ctx, MOCK)


async def _extracted(params: ExtractParams, ctx: NodeContext, model: str) -> Output:
    instructions = (SYSTEM, params.instructions, model_data.instruction(params.schema))
    mocked = None
    if model == MOCK:
        made = mock_reading.extracted(params.schema, params.text)
        mocked = msgspec.json.encode(made).decode()
    question = Question(params.text, "\n\n".join(filter(None, instructions)), mocked=mocked)
    try:
        data = await model_data.ask_for_data(
            settings_of(params, ctx, model=model),
            question,
            ctx,
            reading=lambda text: model_data.read(text, params.schema),
            max_repairs=params.max_repairs,
        )
    except model_data.AnswerInvalid as error:
        attempts = params.max_repairs + 1
        times = "" if attempts == 1 else f" after {attempts} attempts"
        raise NodeError(f"no data{times}: {error.message}", code="extract_invalid") from error
    return Output(
        {
            "data": data.value,
            "attempts": data.attempts,
            "model": model,
            "usage": {
                "input_tokens": data.usage.input_tokens,
                "output_tokens": data.usage.output_tokens,
            },
        }
    )
