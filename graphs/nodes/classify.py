"""The node type `classify`."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from graphs import mock_reading, model_data
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
from graphs.node_type import Category, NodeContext, NodeType, Output, Params, Port, PortsFrom

OTHER = "other"
MAX_REPAIRS = 2


class Label(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    label: Annotated[
        str,
        Meta(
            title="Label",
            description="Also the name of its port.",
            min_length=1,
            max_length=60,
            extra_json_schema={"x-expression": False},
        ),
    ]
    description: Annotated[
        str,
        Meta(title="Description", description="What belongs to it; the model reads this."),
    ] = ""


class ClassifyParams(Params, frozen=True, kw_only=True):
    model: Model = MOCK
    text: Annotated[
        str,
        Meta(
            title="Text",
            description="What is put under one of the labels.",
            min_length=1,
            examples=["{{ input.message }}"],
            extra_json_schema={"x-widget": "textarea"},
        ),
    ]
    labels: Annotated[
        list[Label],
        Meta(
            title="Labels",
            description="Each has a port; what fits none goes to other.",
            min_length=1,
            max_length=100,
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
    multiple: Annotated[
        bool,
        Meta(title="Several labels", description="Whether a text may get more than one label."),
    ] = False
    temperature: Temperature = None
    base_url: Address = ""
    api_key: ApiKey = ""
    timeout_ms: TimeLimit = DEFAULT_TIMEOUT_MS


class Classify(NodeType[ClassifyParams]):
    """Puts a text under one of your labels with a chat model and goes on at that label's port.

    Its output is `{"label", "labels", "reason", "text", "model", "usage"}`. What fits no label
    goes to `other`. With several labels allowed, each that fits has its port live.
    """

    name = "classify"
    title = "Classify"
    category = Category.AI
    icon = "label"
    keywords = ("llm", "ai", "model", "label", "sort", "category")
    params_type = ClassifyParams
    outputs = (Port(OTHER, "Other"),)
    outputs_from = PortsFrom("labels", "label")

    def takes_arriving(self, params: Mapping[str, Any]) -> bool:
        return False

    async def run(self, params: ClassifyParams, ctx: NodeContext) -> Output:
        return await _classified(params, ctx, params.model)

    async def mock(self, params: ClassifyParams, ctx: NodeContext) -> Output:
        return await _classified(params, ctx, MOCK)


async def _classified(params: ClassifyParams, ctx: NodeContext, model: str) -> Output:
    names = list(dict.fromkeys([*(each.label for each in params.labels), OTHER]))
    schema = _schema(names, multiple=params.multiple)
    instructions = (_task(params), params.instructions, model_data.instruction(schema))
    question = Question(
        params.text,
        "\n\n".join(filter(None, instructions)),
        mocked=_mocked(params) if model == MOCK else None,
    )

    def reading(text: str) -> Any:
        answer = _spelled(model_data.read(text, {}), names)
        model_data.check(schema, answer)
        return answer

    data = await model_data.ask_for_data(
        settings_of(params, ctx, model=model),
        question,
        ctx,
        reading=reading,
        max_repairs=MAX_REPAIRS,
    )
    chosen: list[str] = data.value["labels"] if params.multiple else [data.value["label"]]
    if len(chosen) > 1:
        chosen = [label for label in chosen if label != OTHER]
    output = {
        "label": chosen[0],
        "labels": chosen,
        "reason": data.value.get("reason", ""),
        "text": params.text,
        "model": model,
        "usage": {
            "input_tokens": data.usage.input_tokens,
            "output_tokens": data.usage.output_tokens,
        },
    }
    return Output(output, tuple(chosen))


def _schema(names: list[str], *, multiple: bool) -> dict[str, Any]:
    one: dict[str, Any] = {"enum": names}
    many: dict[str, Any] = {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}
    name, kind = ("labels", many) if multiple else ("label", one)
    return {
        "type": "object",
        "properties": {"reason": {"type": "string", "maxLength": 1000}, name: kind},
        "required": [name],
    }


def _task(params: ClassifyParams) -> str:
    which = "every label that fits" if params.multiple else "the one label that fits best"
    lines = [f"Say which label the text belongs to: {which}; {OTHER!r} when none does."]
    lines.append("Give the reason in one short sentence. The labels:")
    for each in params.labels:
        lines.append(f"- {each.label}: {each.description}".rstrip(": "))
    return "\n".join(lines)


def _spelled(answer: Any, names: list[str]) -> Any:
    """The answer with its labels in the spelling of the settings: models use their own case."""
    known = {name.strip().casefold(): name for name in reversed(names)}

    def spelled(value: Any) -> Any:
        return known.get(value.strip().casefold(), value) if isinstance(value, str) else value

    if not isinstance(answer, dict):
        return answer
    fields = cast("dict[str, Any]", answer)
    labels: Any = fields.get("labels")
    if isinstance(labels, list):
        return {**fields, "labels": [spelled(label) for label in cast("list[Any]", labels)]}
    return {**fields, "label": spelled(fields["label"])} if "label" in fields else fields


def _mocked(params: ClassifyParams) -> str:
    order = mock_reading.classified(
        params.text, [(each.label, each.description) for each in params.labels]
    )
    reason = "The mock model compares words."
    answer = {"labels": order[:1]} if params.multiple else {"label": order[0]}
    return msgspec.json.encode({"reason": reason, **answer}).decode()
